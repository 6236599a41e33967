import Noisemax

/// A law with the values of another one that says less about itself, so that it is computed in another way.
protocol ForwardingNoise: AccurateNoise {
  var original: any AccurateNoise { get }
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

/// A law that counts how often it is asked, by one thread.
struct Counting: PiecewiseNoise {
  final class Count: @unchecked Sendable {
    var value = 0
  }

  let base: any PiecewiseNoise
  let count = Count()

  private func counted(_ value: Double) -> Double {
    count.value += 1
    return value
  }

  var kinks: [Double] { base.kinks }
  var mean: Double { base.mean }
  var variance: Double { base.variance }
  func cumulative(at x: Double) -> Double { counted(base.cumulative(at: x)) }
  func density(at x: Double) -> Double { counted(base.density(at: x)) }
  func quantile(at p: Double) -> Double { counted(base.quantile(at: p)) }
  func survival(at x: Double) -> Double { counted(base.survival(at: x)) }
  func upperQuantile(at q: Double) -> Double { counted(base.upperQuantile(at: q)) }
  func logCumulative(at x: Double) -> Double { counted(base.logCumulative(at: x)) }
  func logSurvival(at x: Double) -> Double { counted(base.logSurvival(at: x)) }
  func logDensity(at x: Double) -> Double { counted(base.logDensity(at: x)) }
}

/// A smooth law that counts how often it is asked, by one thread.
struct CountingSmooth<Base: SmoothNoise>: SmoothNoise {
  let base: Base
  let count = Counting.Count()

  private func counted(_ value: Double) -> Double {
    count.value += 1
    return value
  }

  var mean: Double { base.mean }
  var variance: Double { base.variance }
  func cumulative(at x: Double) -> Double { counted(base.cumulative(at: x)) }
  func density(at x: Double) -> Double { counted(base.density(at: x)) }
  func quantile(at p: Double) -> Double { counted(base.quantile(at: p)) }
  func survival(at x: Double) -> Double { counted(base.survival(at: x)) }
  func upperQuantile(at q: Double) -> Double { counted(base.upperQuantile(at: q)) }
  func logCumulative(at x: Double) -> Double { counted(base.logCumulative(at: x)) }
  func logSurvival(at x: Double) -> Double { counted(base.logSurvival(at: x)) }
  func logReversedHazard(at x: Double) -> Double { counted(base.logReversedHazard(at: x)) }
}

/// A law without the form that its products are taken by.
struct OnTheGrid: PiecewiseNoise, ForwardingNoise {
  let base: any PiecewiseNoise

  var original: any AccurateNoise { base }
  var kinks: [Double] { base.kinks }
  func logDensity(at x: Double) -> Double { base.logDensity(at: x) }
}
