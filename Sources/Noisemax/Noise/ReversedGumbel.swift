/// The law of minima, F(x) = 1 − exp(−eˣ): the Gumbel law mirrored, its long tail on the left.
///
/// Values within 4 ulp, quantiles within 2 ulp (or 2⁻⁵² absolute near the zero of the quantile, p = 1 − 1/e).
public struct ReversedGumbel: ExactNoise, Hashable {
  /// The standard law: location 0, scale 1.
  public init() {}

  public func cumulative(at x: Double) -> Double { Gumbel().survival(at: -x) }

  public func density(at x: Double) -> Double { Gumbel().density(at: -x) }

  public func quantile(at p: Double) -> Double { -Gumbel().upperQuantile(at: p) }

  public func survival(at x: Double) -> Double { Gumbel().cumulative(at: -x) }

  public func upperQuantile(at q: Double) -> Double { -Gumbel().quantile(at: q) }

  public func logCumulative(at x: Double) -> Double { Gumbel().logSurvival(at: -x) }

  public func logSurvival(at x: Double) -> Double { Gumbel().logCumulative(at: -x) }

  /// Minus Euler's constant.
  public var mean: Double { -Gumbel().mean }

  /// π²/6.
  public var variance: Double { Gumbel().variance }

  /// The lattice, shared.
  public var exactMethod: ExactMethod { Self.lattice }
  private static let lattice = ExactMethod.lattice(of: ReversedGumbel())
}

extension ReversedGumbel: SmoothNoise {
  /// log(t/(eᵗ − 1)) with t = eˣ.
  public func logReversedHazard(at x: Double) -> Double {
    let t = exponential(x)
    // Above, eᵗ − 1 overflows long before its logarithm does, and soon is eᵗ to rounding.
    if t > 40 { return t == .infinity ? -t : x - t }
    if x > 0 { return x - t - logarithmOfOnePlus(-exponential(-t)) }
    return t < 0x1p-54 ? -t / 2 : -logarithm(exponentialMinusOne(t) / t)
  }
}

extension ReversedGumbel: DifferentiableNoise {
  /// 1 − eˣ.
  public func logDensityDerivative(at x: Double) -> Double { -Gumbel().logDensityDerivative(at: -x) }
}

extension NoiseDistribution where Self == ReversedGumbel {
  /// The standard law of minima.
  public static var reversedGumbel: ReversedGumbel { ReversedGumbel() }
}

extension ReversedGumbel: PreciseNoise {
  /// log(−log(1 − p)).
  package func preciseQuantile(at p: DoubleDouble) -> DoubleDouble {
    .logarithm(-DoubleDouble.logarithm(DoubleDouble(1) - p))
  }
}
