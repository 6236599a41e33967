import Foundation
import Noisemax

/// The triangular law on −1…1, as a user would write it.
struct Triangular: PiecewiseNoise {
  var kinks: [Double] { [-1, 0, 1] }
  func cumulative(at x: Double) -> Double {
    x <= -1 ? 0 : x >= 1 ? 1 : x < 0 ? (1 + x) * (1 + x) / 2 : 1 - (1 - x) * (1 - x) / 2
  }
  func density(at x: Double) -> Double { x.isNaN ? x : max(0, 1 - x.magnitude) }
  func quantile(at p: Double) -> Double {
    guard p >= 0, p <= 1 else { return .nan }
    return p < 0.5 ? (2 * p).squareRoot() - 1 : 1 - (2 * (1 - p)).squareRoot()
  }
  func survival(at x: Double) -> Double { cumulative(at: -x) }
  func upperQuantile(at q: Double) -> Double { -quantile(at: q) }
  func logCumulative(at x: Double) -> Double {
    x < 0 ? log(cumulative(at: x)) : x >= 1 ? 0 : log1p(-survival(at: x))
  }
  func logSurvival(at x: Double) -> Double { logCumulative(at: -x) }
  var mean: Double { 0 }
  var variance: Double { 1.0 / 6 }
}

/// The three functions of a law, and nothing else of it. Its quantiles are never asked for at 0 or 1.
struct ThreeFunctions<Base: NoiseDistribution>: NoiseDistribution {
  let base: Base

  init(of base: Base) { self.base = base }

  func cumulative(at x: Double) -> Double { base.cumulative(at: x) }
  func density(at x: Double) -> Double { base.density(at: x) }
  func quantile(at p: Double) -> Double {
    precondition(p > 0 && p < 1, "asked at \(p)")
    return base.quantile(at: p)
  }
}
