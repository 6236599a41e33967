/// The Gumbel law (the largest of many), F(x) = exp(−e⁻ˣ): the noise under which the transform is softmax.
///
/// Values within 4 ulp, quantiles within 2 ulp (or 2⁻⁵² absolute near the zero of the quantile, p = 1/e).
///
/// Method: t = e⁻ˣ enters F as an exponent, so that a relative error of t costs t times as much in F. Below zero,
/// where t > 1, it is therefore carried to twice the precision.
public struct Gumbel: ExactNoise, Hashable {
  /// The standard law: location 0, scale 1.
  public init() {}

  public func cumulative(at x: Double) -> Double {
    if x >= 0 { return exponential(-exponential(-x)) }
    guard x > Self.underflow else { return x.isNaN ? x : 0 }
    let t = DoubleDouble.exponential(DoubleDouble(-x))
    let leading = exponential(-t.high)
    return leading - leading * t.low
  }

  public func density(at x: Double) -> Double {
    if x >= 0 { return exponential(-x) * exponential(-exponential(-x)) }
    guard x > Self.underflow else { return x.isNaN ? x : 0 }
    let t = DoubleDouble.exponential(DoubleDouble(-x))
    // In halves: t·e⁻ᵗ can be a normal number where e⁻ᵗ is not.
    let half = exponential(-t.high / 2)
    let leading = t.high * half * half
    return leading + leading * (t.low / t.high - t.low)
  }

  public func quantile(at p: Double) -> Double { -logarithm(-logarithm(p)) }

  public func survival(at x: Double) -> Double { -exponentialMinusOne(-exponential(-x)) }

  public func upperQuantile(at q: Double) -> Double { -logarithm(-logarithmOfOnePlus(-q)) }

  public func logCumulative(at x: Double) -> Double { -exponential(-x) }

  public func logSurvival(at x: Double) -> Double {
    if x < Self.median { return logarithmOfOnePlus(-cumulative(at: x)) }
    // log(1 − e⁻ᵗ) = −x + log((1 − e⁻ᵗ)/t), and the last logarithm is −t/2 + O(t²).
    let t = exponential(-x)
    return t < 0x1p-60 ? -x : logarithmOfOnePlus(-exponentialMinusOne(-t) / t - 1) - x
  }

  /// Euler's constant, 0.5772….
  public var mean: Double { 0.5772156649015329 }

  /// π²/6.
  public var variance: Double { .pi * .pi / 6 }

  /// Softmax in closed form.
  public var exactMethod: ExactMethod { .softmax }

  private static let median = 0.36651292058166435
  /// Below −log 800, e⁻ᵗ is zero and so is t·e⁻ᵗ.
  private static let underflow = -6.7
}

extension Gumbel: SmoothNoise {
  /// −x, exactly.
  public func logReversedHazard(at x: Double) -> Double { -x }
}

extension Gumbel: DifferentiableNoise {
  /// e⁻ˣ − 1, since log f = −x − e⁻ˣ.
  public func logDensityDerivative(at x: Double) -> Double { exponentialMinusOne(-x) }
}

extension NoiseDistribution where Self == Gumbel {
  /// The standard Gumbel law: its transform is softmax.
  public static var gumbel: Gumbel { Gumbel() }
}

extension Gumbel: PreciseNoise {
  package func preciseQuantile(at p: DoubleDouble) -> DoubleDouble { -.logarithm(-.logarithm(p)) }
}
