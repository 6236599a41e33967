import Foundation
import Noisemax

/// The triangular law on −1…1, f(x) = 1 − |x|: bounded noise with a kink at 0.
///
/// It is the law of the difference of two uniform variables on 0…1.
public struct Triangular: PiecewiseNoise {
  public init() {}

  public func cumulative(at x: Double) -> Double {
    if x.isNaN { return x }
    return x <= -1 ? 0 : x >= 1 ? 1 : x < 0 ? (1 + x) * (1 + x) / 2 : 1 - (1 - x) * (1 - x) / 2
  }

  public func density(at x: Double) -> Double { x.isNaN ? x : max(0, 1 - abs(x)) }

  public func quantile(at p: Double) -> Double {
    p <= 0.5 ? (2 * p).squareRoot() - 1 : 1 - (2 * (1 - p)).squareRoot()
  }

  public func survival(at x: Double) -> Double { cumulative(at: -x) }

  public func upperQuantile(at q: Double) -> Double { -quantile(at: q) }

  public func logCumulative(at x: Double) -> Double {
    x < 0 ? log(cumulative(at: x)) : log1p(-survival(at: x))
  }

  public func logSurvival(at x: Double) -> Double { logCumulative(at: -x) }

  public var mean: Double { 0 }

  public var variance: Double { 1 / 6 }

  public var kinks: [Double] { [-1, 0, 1] }
}
