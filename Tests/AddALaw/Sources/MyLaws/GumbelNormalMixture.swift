import Foundation
import Noisemax

/// Noise that is sometimes Gumbel's and sometimes normal: F = w·F_Gumbel + (1 − w)·F_normal.
///
/// Both parts are the library's standard laws; what is new is how to mix them without losing a digit in the tails, where
/// one of the two parts is smaller than the other by hundreds of orders of magnitude.
public struct GumbelNormalMixture: SmoothNoise {
  /// w, how often the noise is Gumbel's.
  public let gumbelShare: Double

  private let gumbel = Gumbel()
  private let normal = Normal()
  private let logShares: (gumbel: Double, normal: Double)

  public init(gumbelShare: Double) {
    precondition(gumbelShare > 0 && gumbelShare < 1, "a share lies between 0 and 1, not \(gumbelShare)")
    self.gumbelShare = gumbelShare
    logShares = (log(gumbelShare), log1p(-gumbelShare))
  }

  public func cumulative(at x: Double) -> Double { mixed(gumbel.cumulative(at: x), normal.cumulative(at: x)) }

  public func density(at x: Double) -> Double { mixed(gumbel.density(at: x), normal.density(at: x)) }

  public func survival(at x: Double) -> Double { mixed(gumbel.survival(at: x), normal.survival(at: x)) }

  public func logCumulative(at x: Double) -> Double {
    logMixed(gumbel.logCumulative(at: x), normal.logCumulative(at: x), shortOfOneBy: survival(at: x))
  }

  public func logSurvival(at x: Double) -> Double {
    logMixed(gumbel.logSurvival(at: x), normal.logSurvival(at: x), shortOfOneBy: cumulative(at: x))
  }

  /// r is the mean of the parts' reversed hazards, each part weighted by its share of F: with d the logarithm of the
  /// ratio of these shares, they are 1/(1 + e⁻ᵈ) and 1/(1 + eᵈ). Written as log f − log F it would cancel.
  public func logReversedHazard(at x: Double) -> Double {
    let d = logShares.gumbel + gumbel.logCumulative(at: x) - logShares.normal - normal.logCumulative(at: x)
    let rest = log1p(exp(-abs(d)))
    return logSum(
      gumbel.logReversedHazard(at: x) + min(d, 0) - rest, normal.logReversedHazard(at: x) + min(-d, 0) - rest)
  }

  public func quantile(at p: Double) -> Double {
    inverse(of: { cumulative(at: $0) - p }, between: gumbel.quantile(at: p), and: normal.quantile(at: p))
  }

  public func upperQuantile(at q: Double) -> Double {
    inverse(
      of: { q - survival(at: $0) }, between: gumbel.upperQuantile(at: q), and: normal.upperQuantile(at: q))
  }

  public var mean: Double { mixed(gumbel.mean, normal.mean) }

  public var variance: Double {
    func square(_ part: some ExactNoise) -> Double { part.variance + part.mean * part.mean }
    return mixed(square(gumbel), square(normal)) - mean * mean
  }

  private func mixed(_ ofGumbel: Double, _ ofNormal: Double) -> Double {
    gumbelShare * ofGumbel + (1 - gumbelShare) * ofNormal
  }

  /// The logarithm of a mixed probability: from the parts' logarithms, or near 1 from how little it falls short.
  private func logMixed(_ ofGumbel: Double, _ ofNormal: Double, shortOfOneBy rest: Double) -> Double {
    rest < 0.5 ? log1p(-rest) : logSum(logShares.gumbel + ofGumbel, logShares.normal + ofNormal)
  }

  /// log(eᵃ + eᵇ).
  private func logSum(_ a: Double, _ b: Double) -> Double {
    max(a, b) == -.infinity ? -.infinity : max(a, b) + log1p(exp(-abs(a - b)))
  }

  /// The zero of a rising function, by halving: a quantile of the mixture lies between those of its parts.
  private func inverse(of function: (Double) -> Double, between a: Double, and b: Double) -> Double {
    if a == b || a.isNaN { return a }
    var (lower, upper) = (min(a, b), max(a, b))
    while true {
      let middle = lower + (upper - lower) / 2
      guard lower < middle, middle < upper else { return upper }
      if function(middle) < 0 { lower = middle } else { upper = middle }
    }
  }
}
