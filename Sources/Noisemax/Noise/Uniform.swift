/// The uniform law on 0…1: bounded noise, so that a class further than 1 behind the leader has probability zero.
///
/// Values and quantiles within 1 ulp.
public struct Uniform: PiecewiseNoise, Hashable {
  /// The standard law, on 0…1.
  public init() {}

  public func cumulative(at x: Double) -> Double { x <= 0 ? 0 : x >= 1 ? 1 : x }

  public func density(at x: Double) -> Double { x.isNaN ? x : x >= 0 && x <= 1 ? 1 : 0 }

  public func quantile(at p: Double) -> Double { p >= 0 && p <= 1 ? p : .nan }

  public func survival(at x: Double) -> Double { x <= 0 ? 1 : x >= 1 ? 0 : 1 - x }

  public func upperQuantile(at q: Double) -> Double { q >= 0 && q <= 1 ? 1 - q : .nan }

  public func logCumulative(at x: Double) -> Double { logarithm(cumulative(at: x)) }

  public func logSurvival(at x: Double) -> Double {
    x <= 0 ? 0 : x >= 1 ? -.infinity : logarithmOfOnePlus(-x)
  }

  /// ½.
  public var mean: Double { 0.5 }

  /// 1/12.
  public var variance: Double { 1 / 12 }

  /// The ends of the support, 0 and 1.
  public var kinks: [Double] { [0, 1] }

  public func logDensity(at x: Double) -> Double { x.isNaN ? x : x >= 0 && x <= 1 ? 0 : -.infinity }

  public var exactMethod: ExactMethod { .uniform }
}

extension NoiseDistribution where Self == Uniform {
  /// The uniform law on 0…1.
  public static var uniform: Uniform { Uniform() }
}

extension Uniform: PreciseNoise {
  package func preciseQuantile(at p: DoubleDouble) -> DoubleDouble { p }
}
