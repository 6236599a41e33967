/// The loops of the quantile rule under laws with kinks, where S(x) = Σ_j ties_j·log F(x − gap_j) is a polynomial on every
/// stretch between kinks: see `QuantileStretches`.
///
/// Polynomials are sums c_0·T_0 + c_1·T_1 + … of Chebyshev's in τ, which is −1 … 1 on the stretch; eight of them or sixteen.
package protocol StretchKernels: Sendable {
  /// Writes the coefficients of Σ ties·log F over some classes, 0 from `stretch.terms` on up to sixteen; without ties all have one.
  static func layStretch(
    _ stretch: QuantileStretch, slopes: UnsafePointer<Double>, ties: UnsafePointer<Double>?, _ count: Int,
    basis: UnsafePointer<Double>, to coefficients: UnsafeMutablePointer<Double>
  )

  /// Writes the polynomial at offset + q, less a number of its own, for every node q from the `last` one down to the end of the
  /// stretch, or until a value is so far below the top one.
  ///
  /// Vectors reach below the end of the stretch, where they write −∞. Eight places before the first node are theirs, and
  /// the nodes have copies of the first there.
  ///
  /// - Returns: the next node, below 0 if there is none that matters.
  static func addStretch(
    _ stretch: QuantileStretch, coefficients: UnsafePointer<Double>, offset: Double,
    nodes: UnsafePointer<Double>, last: Int, less subtrahends: UnsafePointer<Double>,
    top: UnsafePointer<Double>, margin: Double, to values: UnsafeMutablePointer<Double>
  ) -> Int

  /// For the same nodes adds weight·T_k to sixteen vectors of sums.
  ///
  /// - Returns: Σ weight·polynomial, and the next node.
  static func addMoments(
    of weights: UnsafePointer<Double>, on stretch: QuantileStretch, slopes: UnsafePointer<Double>,
    factor: Double, offset: Double, nodes: UnsafePointer<Double>, last: Int,
    to moments: UnsafeMutablePointer<Double>
  ) -> (sum: Double, next: Int)

  /// Adds Σ weight·r over the Chebyshev nodes of a stretch to a number of every class, with r = t·tail/F.
  static func addStretchReversedHazards(
    of weights: UnsafePointer<Double>, on stretch: QuantileStretch, slopes: UnsafePointer<Double>,
    tails: UnsafePointer<Double>, _ count: Int, basis: UnsafePointer<Double>,
    to sums: UnsafeMutablePointer<Double>
  )
}

/// What F is of x, of the classes that count one by one: a + t·slope.
package enum StretchForm: BitwiseCopyable, Sendable {
  /// x + slope, and t = 1.
  case uniform
  /// (1 − t) + t·slope, with t = e^(−x).
  case exponential
  /// 1 + t·slope, with t = e^(−x).
  case laplace
}

/// A stretch of x without kinks inside.
package struct QuantileStretch: BitwiseCopyable, Sendable {
  package let form: StretchForm
  /// The middle, and half of the length.
  package let middle, half: Double
  /// What x is relative to in t.
  package let origin: Double
  /// Eight or sixteen.
  package let terms: Int
  /// The classes that count one by one.
  package let start, end: Int

  package init(
    _ form: StretchForm, middle: Double, half: Double, origin: Double, terms: Int, start: Int, end: Int
  ) {
    (self.form, self.middle, self.half, self.origin) = (form, middle, half, origin)
    (self.terms, self.start, self.end) = (terms, start, end)
  }
}
