/// Permute-and-flip in whole numbers: a random index whose probabilities are those under ``Exponential`` noise, with no rounding
/// on the way.
///
/// ```swift
/// let mechanism = PermuteAndFlip(scale: 20)                     // of counts that one person changes by 1: ε = 0.1
/// let index = mechanism.randomIndex(for: [120, 117, 80])
/// ```
///
/// P(i) = P[argmax(score + scale·ε) = i]. With scores that one person's data change by at most Δ, the index is ε-differentially private
/// at scale 2Δ/ε, and where all of them change the same way at Δ/ε.
///
/// Algorithm: the classes in random order; each is taken with probability exp(−gap/scale), until one is (McKenna and Sheldon,
/// "Permute-and-Flip", 2020; Ding et al. 2021 show that this is report-noisy-max under Exponential noise). Every chance is a
/// comparison of whole numbers (Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy", 2020).
///
/// The time of a draw depends on the scores: whoever can measure it learns something.
public struct PermuteAndFlip: Hashable, Sendable {
  /// The scale is the first over the second.
  public let numerator, denominator: UInt64

  /// The mechanism whose noise is multiplied by a fraction.
  ///
  /// - Precondition: numerator and denominator are above 0.
  public init(scale numerator: UInt64, over denominator: UInt64 = 1) {
    require(numerator > 0 && denominator > 0, "a scale is above 0, not \(numerator)/\(denominator)")
    (self.numerator, self.denominator) = (numerator, denominator)
  }

  /// An index, or nil where there is no score.
  ///
  /// - Parameters:
  ///   - scores: any whole numbers.
  ///   - generator: what the randomness comes from. For privacy it must be fit for cryptography.
  /// - Returns: the index of a score.
  public func randomIndex(for scores: [Int], using generator: inout some RandomNumberGenerator) -> Int? {
    guard let top = scores.max() else { return nil }
    var order = Array(scores.indices)
    for index in order.indices {
      order.swapAt(index, Int.random(in: index..<order.count, using: &generator))
      // The difference fits without its sign, whatever the scores.
      let gap = UInt64(bitPattern: Int64(top &- scores[order[index]]))
      if flip(gap, using: &generator) { return order[index] }
    }
    return nil
  }

  /// An index by the system's generator, or nil where there is no score.
  public func randomIndex(for scores: [Int]) -> Int? {
    var generator = SystemRandomNumberGenerator()
    return randomIndex(for: scores, using: &generator)
  }

  /// True with probability exp(−gap/scale): once for each whole unit of the exponent, and for what is left.
  private func flip(_ gap: UInt64, using generator: inout some RandomNumberGenerator) -> Bool {
    let product = gap.multipliedFullWidth(by: denominator)
    // A quotient of 2⁶⁴ is as good as any other: nobody sees e to the power of minus that.
    guard product.high < numerator else { return false }
    let (whole, rest) = numerator.dividingFullWidth(product)
    var unit: UInt64 = 0
    while unit < whole {
      guard Self.isTaken(1, 1, using: &generator) else { return false }
      unit += 1
    }
    return Self.isTaken(rest, numerator, using: &generator)
  }

  /// True with probability exp(−a/b), a ≤ b: for trials that succeed with a/b, a/2b, a/3b, …, the first failure is one of odd number.
  private static func isTaken(
    _ a: UInt64, _ b: UInt64, using generator: inout some RandomNumberGenerator
  ) -> Bool {
    var trial: UInt64 = 1
    while UInt64.random(in: 0..<b, using: &generator) < a,
      UInt64.random(in: 0..<trial, using: &generator) == 0
    { trial += 1 }
    return trial % 2 == 1
  }
}
