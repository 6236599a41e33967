/// The loop of classes that have scales of their own.
package protocol ScaledClassKernels: Sendable {
  /// Writes z = (x − μ)/s − location, F(z), 1 − F(z) and f(z)/s at sixteen nodes for every class, class by class.
  ///
  /// The nodes are in two parts: sixteen numbers, and sixteen that are to be added to them. Each tail is within 1e-14
  /// relative where it is above 1e-100, and within 1e-13 as far as it is a normal number.
  static func classValues(
    under law: QuantileTable.Law, scaledTail: UnsafePointer<Double>, location: Double,
    nodes: UnsafePointer<Double>, locations: UnsafePointer<Double>, scales: UnsafePointer<Double>, count: Int,
    z: UnsafeMutablePointer<Double>, cumulative: UnsafeMutablePointer<Double>,
    survival: UnsafeMutablePointer<Double>, density: UnsafeMutablePointer<Double>
  )
}
