/// A law while a method measures it: a value that is no number stops with the function, the point and the value.
///
/// Without it such a value shows much later, as "not smooth" or as a wrong window.
struct MeasuredNoise<Base: AccurateNoise>: AccurateNoise, CustomStringConvertible {
  let base: Base

  init(_ base: Base) { self.base = base }

  var description: String { "\(base)" }

  func cumulative(at x: Double) -> Double { checked(base.cumulative(at: x), "cumulative", at: x) }
  func density(at x: Double) -> Double { checked(base.density(at: x), "density", at: x) }
  func quantile(at p: Double) -> Double { checked(base.quantile(at: p), "quantile", at: p) }
  func survival(at x: Double) -> Double { checked(base.survival(at: x), "survival", at: x) }
  func upperQuantile(at q: Double) -> Double { checked(base.upperQuantile(at: q), "upperQuantile", at: q) }

  func logCumulative(at x: Double) -> Double {
    checked(base.logCumulative(at: x), "logCumulative", at: x, logarithmOf: base.cumulative, "F")
  }

  func logSurvival(at x: Double) -> Double {
    checked(base.logSurvival(at: x), "logSurvival", at: x, logarithmOf: base.survival, "1 − F")
  }

  var mean: Double { base.mean }
  var variance: Double { base.variance }

  private func checked(_ value: Double, _ function: StaticString, at x: Double) -> Double {
    require(!value.isNaN, "\(function)(at: \(x)) of \(base) is nan")
    return value
  }

  /// A logarithm is −∞ only where the number itself is 0.
  private func checked(
    _ value: Double, _ function: StaticString, at x: Double, logarithmOf number: (Double) -> Double,
    _ name: StaticString
  ) -> Double {
    require(
      value != -.infinity || !(number(x) > 0),
      "\(function)(at: \(x)) of \(base) is \(value), though \(name) is \(number(x)) there")
    return checked(value, function, at: x)
  }
}

extension MeasuredNoise: ExactNoise where Base: ExactNoise {
  var exactMethod: ExactMethod { base.exactMethod }
}

extension MeasuredNoise: SmoothNoise where Base: SmoothNoise {
  func logReversedHazard(at x: Double) -> Double {
    checked(base.logReversedHazard(at: x), "logReversedHazard", at: x, logarithmOf: base.density, "f")
  }
}

extension MeasuredNoise: PiecewiseNoise where Base: PiecewiseNoise {
  var kinks: [Double] {
    let kinks = base.kinks
    require(!kinks.contains { $0.isNaN }, "the kinks of \(base) are \(kinks)")
    return kinks
  }

  func logDensity(at x: Double) -> Double {
    checked(base.logDensity(at: x), "logDensity", at: x, logarithmOf: base.density, "f")
  }
}
