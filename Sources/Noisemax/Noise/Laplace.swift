/// The Laplace law, f(x) = e^(−|x|)/2: exponential tails on both sides of a kink at 0.
///
/// Values within 4 ulp, quantiles within 2 ulp.
///
/// Method: everything is taken from the nearer tail, e^(−|x|)/2, which is accurate however small it is.
public struct Laplace: PiecewiseNoise, Hashable {
  /// The standard law: location 0, scale 1 (standard deviation √2).
  public init() {}

  public func cumulative(at x: Double) -> Double {
    let tail = exponential(-x.magnitude) / 2
    return x < 0 ? tail : 1 - tail
  }

  public func density(at x: Double) -> Double { exponential(-x.magnitude) / 2 }

  public func quantile(at p: Double) -> Double {
    p <= 0.5 ? logarithm(2 * p) : -logarithm(2 * (1 - p))
  }

  public func survival(at x: Double) -> Double { cumulative(at: -x) }

  public func upperQuantile(at q: Double) -> Double { -quantile(at: q) }

  public func logCumulative(at x: Double) -> Double {
    x < 0 ? x - Self.ln2 : logarithmOfOnePlus(exponential(-x) / -2)
  }

  public func logSurvival(at x: Double) -> Double { logCumulative(at: -x) }

  public func logDensity(at x: Double) -> Double { -x.magnitude - Self.ln2 }

  /// 0.
  public var kinks: [Double] { [0] }

  /// 0.
  public var mean: Double { 0 }

  /// 2.
  public var variance: Double { 2 }

  private static let ln2 = 0.6931471805599453
}

extension Laplace: DifferentiableNoise {
  /// 1 below 0 and −1 above; 0 at the kink itself.
  public func logDensityDerivative(at x: Double) -> Double { x == 0 || x.isNaN ? x : x < 0 ? 1 : -1 }
}

extension Laplace {
  /// Sums of powers of the classes' tails.
  public var exactMethod: ExactMethod { .tails(.laplace) }
}

extension NoiseDistribution where Self == Laplace {
  /// The standard Laplace law.
  public static var laplace: Laplace { Laplace() }
}

extension Laplace: PreciseNoise {
  package func preciseQuantile(at p: DoubleDouble) -> DoubleDouble {
    let complement = DoubleDouble(1) - p
    let tail = (p.high < 0.5 ? p : complement).scaled(byPowerOfTwo: 2)
    return p.high < 0.5 ? .logarithm(tail) : -.logarithm(tail)
  }
}
