/// The loops of the lattice for rows of Floats: sixteen numbers are a vector, and two classes with eight grid points each.
///
/// What grows beyond a Float's digits stays in Doubles: weights, log G, and logarithms of the values at grid points, of
/// which only differences inside a cell become Floats.
package protocol FloatKernels: Sendable {
  /// Writes the sums of the classes' shares in every grid point of the list, whose bits don't depend on the classes' order.
  ///
  /// `shares` has five rows of 16, the shares of eight grid points in tᵏ twice; `kept` gets those of every class, and
  /// `scratch` has two places for every point and for 16 more.
  static func depositFloats(
    _ cells: UnsafePointer<Int>, _ offsets: UnsafePointer<Double>, _ count: Int, slots: UnsafePointer<Int>,
    shares: UnsafePointer<Float>, kept: UnsafeMutablePointer<Float>, points: Int,
    weights: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  )

  /// Σ_m values_m · samples[places_m + point] times a factor for every point, by products of Floats.
  static func floatIntegrals(
    of values: UnsafePointer<Double>, _ nodes: Int, on grid: NodeGrid, places: UnsafePointer<Int>,
    points: UnsafePointer<Int>, _ count: Int, samples: UnsafePointer<Float>, below end: Int,
    factor: Double, results: UnsafeMutablePointer<Double>
  )

  /// Replaces gaps by probabilities, 0 below the limit, from their logarithms and themselves at the grid points of the list,
  /// behind which stand 16 more; `scratch` has five places for every cell and for one more.
  ///
  /// - Returns: Σp − 1.
  static func evaluateFloatShares(
    _ gaps: UnsafeMutablePointer<Double>, _ cells: UnsafePointer<Int>, _ count: Int, from limit: Double,
    slots: UnsafePointer<Int>, cellCount: Int, kept: UnsafePointer<Float>,
    logarithms: UnsafePointer<Double>, numbers: UnsafePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  ) -> Double
}
