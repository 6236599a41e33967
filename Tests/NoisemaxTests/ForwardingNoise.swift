import Noisemax

/// A law with the values of another one that says less about itself, so that it is computed in another way.
protocol ForwardingNoise: ExactNoise {
  var original: any ExactNoise { get }
}

extension ForwardingNoise {
  func cumulative(at x: Double) -> Double { original.cumulative(at: x) }
  func density(at x: Double) -> Double { original.density(at: x) }
  func quantile(at p: Double) -> Double { original.quantile(at: p) }
  func survival(at x: Double) -> Double { original.survival(at: x) }
  func upperQuantile(at q: Double) -> Double { original.upperQuantile(at: q) }
  func logCumulative(at x: Double) -> Double { original.logCumulative(at: x) }
  func logSurvival(at x: Double) -> Double { original.logSurvival(at: x) }
  var mean: Double { original.mean }
  var variance: Double { original.variance }
}
