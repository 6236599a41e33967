/// The exponential law of rate 1 on x ≥ 0, F(x) = 1 − e⁻ˣ: the noise of permute-and-flip, a mechanism of
/// differential privacy.
///
/// Values within 4 ulp, quantiles within 2 ulp.
///
/// Method: F is taken by expm1, and log F through F below the median, through 1 − F above it, so that neither end
/// cancels.
public struct Exponential: PiecewiseNoise, Hashable {
  /// The standard law: rate 1, on x ≥ 0.
  public init() {}

  public func cumulative(at x: Double) -> Double { x <= 0 ? 0 : -exponentialMinusOne(-x) }

  public func density(at x: Double) -> Double { x < 0 ? 0 : exponential(-x) }

  public func quantile(at p: Double) -> Double { p >= 0 && p <= 1 ? 0 - logarithmOfOnePlus(-p) : .nan }

  public func survival(at x: Double) -> Double { x <= 0 ? 1 : exponential(-x) }

  public func upperQuantile(at q: Double) -> Double { q >= 0 && q <= 1 ? 0 - logarithm(q) : .nan }

  public func logCumulative(at x: Double) -> Double {
    x < Self.median ? logarithm(cumulative(at: x)) : logarithmOfOnePlus(-exponential(-x))
  }

  public func logSurvival(at x: Double) -> Double { x <= 0 ? 0 : -x }

  public func logDensity(at x: Double) -> Double { x < 0 ? -.infinity : -x }

  /// 0, where the support begins.
  public var kinks: [Double] { [0] }

  /// 1.
  public var mean: Double { 1 }

  /// 1.
  public var variance: Double { 1 }

  private static let median = 0.6931471805599453
}

extension Exponential {
  /// Sums of powers of the classes' tails.
  public var exactMethod: ExactMethod { .tails(.exponential) }
}

extension NoiseDistribution where Self == Exponential {
  /// The exponential law of rate 1: its transform is the permute-and-flip mechanism.
  public static var exponential: Exponential { Exponential() }
}

extension Exponential: PreciseNoise {
  package func preciseQuantile(at p: DoubleDouble) -> DoubleDouble { -.logarithm(DoubleDouble(1) - p) }
}

extension NoiseDistribution {
  /// eˣ: inside a law, the name of the function would otherwise mean the static property above.
  @inline(__always)
  func exponential(_ x: Double) -> Double { Noisemax.exponential(x) }

  /// eˣ, for static members of a law.
  @inline(__always)
  static func exponential(_ x: Double) -> Double { Noisemax.exponential(x) }
}
