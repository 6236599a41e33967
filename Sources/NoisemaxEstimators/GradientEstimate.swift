/// An estimate of a gradient ∇E[f(z)] from random draws, with its standard error.
public struct GradientEstimate: Sendable, Hashable {
  /// The estimate, of the shape of the parameters.
  public let value: [Double]

  /// The standard error of each component: the estimated standard deviation of ``value`` over other seeds.
  ///
  /// It shrinks like 1/√``draws``, and it does not see a bias. It is itself estimated from the draws: classes or noise so
  /// rare that no draw has met them are missing from it.
  public let standardError: [Double]

  /// How many draws of z it is made from.
  public let draws: Int
}

/// What a score function subtracts from f, to lower the variance and leave the mean.
///
/// Each term f·∇log p becomes (f − b)·∇log p with a b that does not depend on the term's own draw; since E[∇log p] = 0, the
/// mean stays. The best b for a component is E[f·(∇log p)²]/E[(∇log p)²]: its variance falls where b is nearer to that than 0
/// is, and rises elsewhere.
public enum ScoreBaseline: Sendable, Hashable, CaseIterable {
  /// Nothing.
  case none

  /// The mean of f over the draws before: nothing for the first.
  case runningMean

  /// The mean of f over all other draws. The estimate is then the sample covariance of f and ∇log p, and adding a
  /// constant to f changes nothing.
  ///
  /// The standard error takes into account that the terms depend on each other. At least 4 draws.
  case leaveOneOut
}
