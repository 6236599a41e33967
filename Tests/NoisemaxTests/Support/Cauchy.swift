import Foundation
import Noisemax

/// A law with perfect tails that no exact method serves: they are too heavy.
struct Cauchy: AccurateNoise, Hashable {
  func cumulative(at x: Double) -> Double { x < -1 ? atan(-1 / x) / .pi : 0.5 + atan(x) / .pi }
  func density(at x: Double) -> Double { 1 / (.pi * (1 + x * x)) }
  func quantile(at p: Double) -> Double {
    guard p >= 0, p <= 1 else { return .nan }
    return p <= 0.5 ? -1 / tan(.pi * p) : 1 / tan(.pi * (1 - p))
  }
  func survival(at x: Double) -> Double { cumulative(at: -x) }
  func upperQuantile(at q: Double) -> Double { -quantile(at: q) }
  func logCumulative(at x: Double) -> Double { x < 0 ? log(cumulative(at: x)) : log1p(-cumulative(at: -x)) }
  func logSurvival(at x: Double) -> Double { logCumulative(at: -x) }
  var mean: Double { .nan }
  var variance: Double { .infinity }
}
