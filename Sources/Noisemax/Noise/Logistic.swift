/// The logistic law, F(x) = 1/(1 + e⁻ˣ): heavier tails than the normal law, e⁻|ˣ| on both sides.
///
/// Values within 4 ulp, quantiles within 2 ulp.
public struct Logistic: ExactNoise, Hashable {
  /// The standard law: location 0, scale 1 (standard deviation π/√3).
  public init() {}

  public func cumulative(at x: Double) -> Double {
    let t = exponential(-x.magnitude)
    return x < 0 ? t / (1 + t) : 1 / (1 + t)
  }

  public func density(at x: Double) -> Double {
    let t = exponential(-x.magnitude)
    return t / ((1 + t) * (1 + t))
  }

  public func quantile(at p: Double) -> Double {
    guard p > 0, p < 1 else { return p == 0 ? -.infinity : p == 1 ? .infinity : .nan }
    if p > 0.5 { return -quantile(at: 1 - p) }
    // log(p/(1 − p)), then what the roundings of 1 − p and of the quotient took away.
    let complement = 1 - p
    let odds = p / complement
    let lost = p.addingProduct(-odds, complement) - odds * ((1 - complement) - p)
    return logarithm(odds) + lost / p
  }

  public func survival(at x: Double) -> Double { cumulative(at: -x) }

  public func upperQuantile(at q: Double) -> Double { -quantile(at: q) }

  public func logCumulative(at x: Double) -> Double {
    let softplus = logarithmOfOnePlus(exponential(-x.magnitude))
    return x < 0 ? x - softplus : -softplus
  }

  public func logSurvival(at x: Double) -> Double { logCumulative(at: -x) }

  /// 0.
  public var mean: Double { 0 }

  /// π²/3.
  public var variance: Double { .pi * .pi / 3 }

  /// The lattice, shared.
  public var exactMethod: ExactMethod { Self.lattice }
  private static let lattice = ExactMethod.lattice(of: Logistic())
}

extension Logistic: SmoothNoise {
  /// log S(x), since f = F·S.
  public func logReversedHazard(at x: Double) -> Double { logSurvival(at: x) }
}

extension Logistic: DifferentiableNoise {
  /// −tanh(x/2), since f = F·(1 − F).
  public func logDensityDerivative(at x: Double) -> Double {
    let t = exponentialMinusOne(-x.magnitude)
    return x < 0 ? -t / (2 + t) : t / (2 + t)
  }
}

extension NoiseDistribution where Self == Logistic {
  /// The standard logistic law.
  public static var logistic: Logistic { Logistic() }
}

extension Logistic: PreciseNoise {
  package func preciseQuantile(at p: DoubleDouble) -> DoubleDouble {
    .logarithm(p) - .logarithm(DoubleDouble(1) - p)
  }
}
