/// The loops of sums over far classes, from piece to piece of the logit axis. On a piece a sum is a polynomial of degree 15 in
/// t ∈ −1…1, by its coefficients of Chebyshev polynomials.
package protocol PieceKernels: Sendable {
  /// Adds weight·T_k(t), k = 0…15, of points on low…high to sixteen vectors. There are whole vectors of points.
  static func addMoments(
    of weights: UnsafePointer<Double>, at x: UnsafePointer<Double>, _ count: Int, from low: Double,
    to high: Double, to vectors: UnsafeMutablePointer<Double>
  )

  /// Adds an even number of columns to sixteen sums, each times a factor. One column begins so many places behind the other.
  static func addColumns(
    of matrix: UnsafePointer<Double>, _ count: Int, stride: Int, times factors: UnsafePointer<Double>,
    to sums: UnsafeMutablePointer<Double>
  )

  /// Adds matrices times sixteen moments each to sixteen sums. Moments of the piece k go with the matrix k − first, of which an
  /// even number of columns counts.
  static func addMatrices(
    _ matrices: UnsafePointer<Double>, columns: UnsafePointer<Int>, from first: Int,
    times moments: UnsafePointer<Double>, of pieces: UnsafePointer<Int>, _ count: Int,
    to sums: UnsafeMutablePointer<Double>
  )

  /// The values of a polynomial on low…high at points, up to a whole number of vectors. The number of its terms is even.
  static func polynomial(
    _ coefficients: UnsafePointer<Double>, _ terms: Int, from low: Double, to high: Double,
    at x: UnsafePointer<Double>, _ count: Int, values: UnsafeMutablePointer<Double>
  )

  /// K(x − gap) at points, up to a whole number of vectors, where all arguments lie on the intervals on which K is known.
  ///
  /// - Returns: whether all values are finite.
  static func values(
    at x: UnsafePointer<Double>, _ count: Int, gap: Double, intervals: SampledIntervals,
    values: UnsafeMutablePointer<Double>
  ) -> Bool
}
