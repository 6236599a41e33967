/// The loops that work over many numbers, as one instruction set runs them.
///
/// One source is compiled for each set, as a module of its own, since what a processor can run is known only at run
/// time. All sets compute the same; they differ in the last digits, where one rounds a product and its sum at once.
///
/// Rows of gaps are padded to whole vectors of eight with −∞, other buffers with anything; counts are those of the
/// numbers that matter.
package protocol Kernels:
  LatticeKernels, TailKernels, UniformKernels, ScaledClassKernels, StretchKernels, PieceKernels
{
  static func top(of row: UnsafePointer<Double>, _ count: Int) -> RowTop

  static func top(of row: UnsafePointer<Float>, _ count: Int) -> RowTop

  /// (logit − top)/scale, −∞ in the lanes behind the row, up to a whole number of vectors.
  static func gaps(
    of row: UnsafePointer<Double>, _ count: Int, below top: Double, scale: Double,
    to gaps: UnsafeMutablePointer<Double>
  )

  static func gaps(
    of row: UnsafePointer<Float>, _ count: Int, below top: Double, scale: Double,
    to gaps: UnsafeMutablePointer<Double>
  )

  /// Writes numbers times a factor.
  static func scaled(
    _ numbers: UnsafePointer<Double>, _ count: Int, by factor: Double, to result: UnsafeMutablePointer<Double>
  )

  static func scaled(
    _ numbers: UnsafePointer<Double>, _ count: Int, by factor: Double, to result: UnsafeMutablePointer<Float>
  )

  /// Softmax of rows of a batch, from the first up to the first without a finite largest logit. The result may be the
  /// memory of the rows.
  ///
  /// - Returns: how many rows are done.
  static func softmax(
    _ rows: UnsafePointer<Double>, count: Int, rowLength: Int, scale: Double,
    to results: UnsafeMutablePointer<Double>
  ) -> Int

  static func softmax(
    _ rows: UnsafePointer<Float>, count: Int, rowLength: Int, scale: Double,
    to results: UnsafeMutablePointer<Float>
  ) -> Int

  /// p·(v − Σp·v)/scale for the cotangents v and the softmax p of rows of a batch, with v relative to the leader's, and 0
  /// where p is 0. The result may be the memory of the cotangents.
  static func pullBackSoftmax(
    _ cotangents: UnsafePointer<Double>, through probabilities: UnsafePointer<Double>, count: Int,
    rowLength: Int, scale: Double, to results: UnsafeMutablePointer<Double>
  )

  static func pullBackSoftmax(
    _ cotangents: UnsafePointer<Float>, through probabilities: UnsafePointer<Float>, count: Int,
    rowLength: Int, scale: Double, to results: UnsafeMutablePointer<Float>
  )

  /// The index of the first gap 0, `count` if there is none.
  static func firstZero(of gaps: UnsafePointer<Double>, _ count: Int) -> Int

  /// e^x · 2^shift of every number, 0 from `count` on up to a whole number of vectors.
  static func exponentials(
    of numbers: UnsafePointer<Double>, _ count: Int, shift: Double, to results: UnsafeMutablePointer<Double>
  )

  /// Divides numbers by others; 0 where these are not above a limit.
  static func divide(
    _ numbers: UnsafeMutablePointer<Double>, _ count: Int, by divisors: UnsafePointer<Double>,
    above limit: Double
  )

  static func multiply(
    _ numbers: UnsafeMutablePointer<Double>, _ count: Int, by factors: UnsafePointer<Double>
  )

  /// Subtracts a reference, times factors if there are any, from numbers; 0 where the weights are not above a limit.
  ///
  /// - Returns: the largest magnitude.
  static func subtract(
    _ reference: Double, times factors: UnsafePointer<Double>?, from numbers: UnsafeMutablePointer<Double>,
    _ count: Int, where weights: UnsafePointer<Double>, above limit: Double
  ) -> Double

  static func sum(of numbers: UnsafePointer<Double>, _ count: Int) -> Double

  static func sum(
    of numbers: UnsafePointer<Double>, _ count: Int, times factors: UnsafePointer<Double>
  ) -> Double

  /// The logarithms of positive numbers over 2^shift.
  static func logarithms(
    of numbers: UnsafePointer<Double>, _ count: Int, shift: Double,
    to logarithms: UnsafeMutablePointer<Double>
  )

  /// Σ eˣ over the numbers up to a limit, and over those above it.
  static func sumsOfExponentials(
    _ numbers: UnsafePointer<Double>, _ count: Int, split: Double
  ) -> (below: Double, above: Double)

  /// log Σ_k exp(S_k − logCumulatives_k) at grid points, from S at consecutive places of the grid: S_k stands 16 places
  /// interpolated with the node's shares, the first of them at the number of the point + `offset` + shifts_k.
  ///
  /// Shifts ascend, and the last node's term is about the largest one; nodes whose places are before the first are left
  /// out. `first` is the first point of a block of the list. Behind the list, and behind the sums, there are 16 places more.
  static func logQuantileSums(
    of sums: UnsafePointer<Double>, at points: UnsafePointer<Int>, from first: Int, to end: Int, offset: Int,
    shifts: UnsafePointer<Int>, shares: UnsafePointer<Double>, logCumulatives: UnsafePointer<Double>,
    nodes: Int, logarithms: UnsafeMutablePointer<Double>
  )

  /// The share of every node in the value at a grid point, ψ = exp(S_k − logCumulatives_k − logarithm − reference), takes the
  /// slope S′ at its place to the gain Σ ψ·S′ of the point, and ψ times the weight of the point to the 16 places.
  ///
  /// `spread` has room for eight times as many numbers as there are places, which are whole vectors. Otherwise as
  /// ``logQuantileSums``, whose logarithms these are; behind the list and the places there are 16 more.
  static func spreadQuantileShares(
    of sums: UnsafePointer<Double>, slopes: UnsafePointer<Double>, at points: UnsafePointer<Int>,
    from first: Int, to end: Int, offset: Int, shifts: UnsafePointer<Int>, shares: UnsafePointer<Double>,
    logCumulatives: UnsafePointer<Double>, nodes: Int, logarithms: UnsafePointer<Double>, reference: Double,
    weights: UnsafePointer<Double>, gains: UnsafeMutablePointer<Double>,
    spread: UnsafeMutablePointer<Double>, places: Int
  )

  /// Multiplies mantissa · 2^exponent of eight or sixteen nodes by powers of factors, of which every class has sixteen. Powers are
  /// whole, and 0 for what is left out; factors are above 2⁻²⁵⁰, or 0.
  static func multiply(
    _ mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>, nodes: Int,
    by factors: UnsafePointer<Double>, powers: UnsafePointer<Double>, _ count: Int
  )

  /// Adds Σ weight·f/F over eight or sixteen nodes to a sum for each class, with 0 where F is 0.
  static func addReversedHazards(
    _ densities: UnsafePointer<Double>, over cumulatives: UnsafePointer<Double>, _ count: Int,
    weights: UnsafePointer<Double>, nodes: Int, to sums: UnsafeMutablePointer<Double>
  )

  /// Brings mantissas from ½ on and below 1, unless they are 0.
  static func splitExponents(
    of mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>, _ count: Int
  )

  /// Replaces mantissas by terms, 0 behind the last one: mantissa · 2^exponent · e^logarithm is term · 2^(exponent returned).
  ///
  /// - Returns: the sum of the terms, which is about 1 or more, and their exponent; 0 and −∞ where all are 0.
  static func settleTerms(
    _ mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>,
    logarithms: UnsafePointer<Double>?, _ count: Int
  ) -> (sum: Double, exponent: Double)

  /// Adds the nodes of a panel to ∫ ∏ F_j^ties/F_k dx of so many classes, eight places for each, F_k = x + distance_k.
  ///
  /// `nodes` are one or two vectors in three rows of ``panelNodes``: x, the weights, and the product, which is written there.
  static func addProducts(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, distances: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, _ count: Int, sums: UnsafeMutablePointer<Double>
  )

  /// As ``addProducts``, with three vectors of sums for each class, the second and third with another factor in the integral:
  /// R = Σ ties_j/F_j, and V = Σ cotangent_j/F_j. The memory for reciprocals is 16 places for each class.
  static func addProductDerivatives(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, distances: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, cotangents: UnsafePointer<Double>, _ count: Int,
    sums: UnsafeMutablePointer<Double>, reciprocals: UnsafeMutablePointer<Double>
  )

  /// Writes 1 − ∏ F_k^ties to the third row of the nodes, with 1 − F_k = break_k − x.
  static func writeSurvivals(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, breaks: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, _ count: Int
  )

  /// The sums of vectors of eight.
  static func laneSums(
    of vectors: UnsafePointer<Double>, _ count: Int, to sums: UnsafeMutablePointer<Double>
  )
}

/// The most nodes of a panel.
package let panelNodes = 16

/// The largest logit of a row, NaN if there is a NaN, and how many are not −∞.
package struct RowTop: Sendable {
  package let largest: Double
  package let open: Int

  package init(largest: Double, open: Int) { (self.largest, self.open) = (largest, open) }
}

/// A count of numbers, rounded up to whole vectors.
package func padded(_ count: Int) -> Int { (count + 7) & ~7 }
