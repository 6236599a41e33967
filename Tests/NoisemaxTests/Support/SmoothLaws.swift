import Foundation
import Noisemax

// Smooth laws as users write them.

/// A mixture of normal laws: contaminated normals, and laws with two humps.
struct NormalMixture: SmoothNoise, CustomStringConvertible {
  let parts: [(share: Double, mean: Double, deviation: Double)]
  private let normal = Normal()

  init(_ parts: (share: Double, mean: Double, deviation: Double)...) { self.parts = parts }

  /// One draw in ten is so many times as wide.
  static func contaminated(_ deviation: Double) -> Self { Self((0.9, 0, 1), (0.1, 0, deviation)) }

  var description: String { "mixture of \(parts)" }

  func cumulative(at x: Double) -> Double {
    parts.reduce(0) { $0 + $1.share * normal.cumulative(at: (x - $1.mean) / $1.deviation) }
  }
  func survival(at x: Double) -> Double {
    parts.reduce(0) { $0 + $1.share * normal.survival(at: (x - $1.mean) / $1.deviation) }
  }
  func density(at x: Double) -> Double {
    parts.reduce(0) { $0 + $1.share / $1.deviation * normal.density(at: (x - $1.mean) / $1.deviation) }
  }
  func logCumulative(at x: Double) -> Double {
    let rest = survival(at: x)
    if rest < 0.5 { return log1p(-rest) }
    return logSum { log($0.share) + normal.logCumulative(at: (x - $0.mean) / $0.deviation) }
  }
  func logSurvival(at x: Double) -> Double {
    let rest = cumulative(at: x)
    if rest < 0.5 { return log1p(-rest) }
    return logSum { log($0.share) + normal.logSurvival(at: (x - $0.mean) / $0.deviation) }
  }
  func logReversedHazard(at x: Double) -> Double {
    let logDensity = logSum { part in
      let z = (x - part.mean) / part.deviation
      return log(part.share / part.deviation) - z * z / 2 - log(2 * .pi) / 2
    }
    return logDensity - logCumulative(at: x)
  }
  func quantile(at p: Double) -> Double {
    inverse(parts.map { $0.mean + $0.deviation * normal.quantile(at: p) }) { cumulative(at: $0) >= p }
  }
  func upperQuantile(at q: Double) -> Double {
    inverse(parts.map { $0.mean + $0.deviation * normal.upperQuantile(at: q) }) { survival(at: $0) <= q }
  }
  var mean: Double { parts.reduce(0) { $0 + $1.share * $1.mean } }
  var variance: Double {
    parts.reduce(0) { $0 + $1.share * ($1.deviation * $1.deviation + $1.mean * $1.mean) } - mean * mean
  }

  private func logSum(_ logarithm: ((share: Double, mean: Double, deviation: Double)) -> Double) -> Double {
    let logarithms = parts.map(logarithm)
    let top = logarithms.max() ?? -.infinity
    return top == -.infinity ? top : top + log(logarithms.reduce(0) { $0 + exp($1 - top) })
  }

  /// A quantile of the mixture lies between those of its parts.
  private func inverse(_ ends: [Double], isAbove: (Double) -> Bool) -> Double {
    guard var low = ends.min(), var high = ends.max(), low.isFinite, high.isFinite else { return ends[0] }
    while true {
      let middle = low + (high - low) / 2
      guard low < middle, middle < high else { return high }
      if isAbove(middle) { high = middle } else { low = middle }
    }
  }
}

/// The logarithm of a gamma variable with a whole shape; of shape 1 it is the law of minima.
struct LogGamma: SmoothNoise {
  let shape: Int

  private var logFactorial: Double { (1..<shape).reduce(0) { $0 + log(Double($1)) } }

  /// log of Σ_{j ≥ 0} t^j·k!/(k + j)!.
  private func logSeries(_ t: Double) -> Double {
    var (term, sum, j) = (1.0, 1.0, Double(shape + 1))
    while term > 1e-18 * sum {
      term *= t / j
      sum += term
      j += 1
    }
    return log(sum)
  }

  func cumulative(at x: Double) -> Double { exp(logCumulative(at: x)) }
  func survival(at x: Double) -> Double { exp(logSurvival(at: x)) }
  func density(at x: Double) -> Double { exp(Double(shape) * x - exp(x) - logFactorial) }
  func logCumulative(at x: Double) -> Double {
    let t = exp(x)
    if t >= Double(shape) { return log1p(-exp(logSurvival(at: x))) }
    return Double(shape) * x - t - logFactorial - log(Double(shape)) + logSeries(t)
  }
  func logSurvival(at x: Double) -> Double {
    let t = exp(x)
    if t < Double(shape) { return log1p(-exp(logCumulative(at: x))) }
    if t == .infinity { return -t }
    var (term, sum) = (1.0, 1.0)
    for j in 1..<shape {
      term *= Double(shape - j) / t
      sum += term
    }
    return -t + Double(shape - 1) * x - logFactorial + log(sum)
  }
  func logReversedHazard(at x: Double) -> Double {
    let t = exp(x)
    if t < Double(shape) { return log(Double(shape)) - logSeries(t) }
    return t == .infinity ? -t : Double(shape) * x - t - logFactorial - logCumulative(at: x)
  }
  func quantile(at p: Double) -> Double { p == 0 ? -.infinity : inverse { logCumulative(at: $0) >= log(p) } }
  func upperQuantile(at q: Double) -> Double {
    q == 0 ? .infinity : inverse { logSurvival(at: $0) <= log(q) }
  }
  var mean: Double { harmonics.map { 1 / $0 }.reduce(-0.5772156649015329, +) }
  var variance: Double { harmonics.map { 1 / ($0 * $0) }.reduce(Double.pi * Double.pi / 6, -) }
  private var harmonics: [Double] { (1..<shape).map { Double($0) } }

  private func inverse(isAbove: (Double) -> Bool) -> Double {
    var (low, high) = (-800.0, 8.0)
    while true {
      let middle = (low + high) / 2
      guard low < middle, middle < high else { return high }
      if isAbove(middle) { high = middle } else { low = middle }
    }
  }
}
