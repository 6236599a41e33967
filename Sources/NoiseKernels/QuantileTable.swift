/// A law and its nodes, as the loops of the quantile rule take them. The memory belongs to whoever made it.
package struct QuantileTable: BitwiseCopyable, @unchecked Sendable {
  /// The laws that the loops know.
  package enum Law: BitwiseCopyable, Sendable {
    case uniform, exponential, laplace, logistic, normal, gumbel, reversedGumbel
  }

  package let law: Law
  /// How many nodes q there are. All rows are padded to whole vectors with what the last node has.
  package let nodes: Int
  /// q, ascending, e^q and e^−q.
  package let values, rising, falling: UnsafePointer<Double>
  /// (x + 4)·(1 − Φ(x))·e^(x²/2) in powers of (x − 4)/(x + 4), 28 coefficients, the lowest first.
  package let scaledTail: UnsafePointer<Double>
  /// F is 0 up to one place, and 1 within 1e-19 from another one on.
  package let zero, one: Double

  package init(
    _ law: Law, nodes: Int, values: UnsafePointer<Double>, rising: UnsafePointer<Double>,
    falling: UnsafePointer<Double>, scaledTail: UnsafePointer<Double>, zero: Double, one: Double
  ) {
    (self.law, self.nodes, self.values, self.rising, self.falling) = (law, nodes, values, rising, falling)
    (self.scaledTail, self.zero, self.one) = (scaledTail, zero, one)
  }
}

/// The differences d of a gap and others, ascending, and e^d and e^−d, each padded to whole vectors with anything.
package struct QuantileDifferences: BitwiseCopyable, @unchecked Sendable {
  package let values, rising, falling: UnsafePointer<Double>
  package let count: Int

  package init(
    values: UnsafePointer<Double>, rising: UnsafePointer<Double>, falling: UnsafePointer<Double>, count: Int
  ) {
    (self.values, self.rising, self.falling, self.count) = (values, rising, falling, count)
  }
}
