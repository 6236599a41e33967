/// A law that is smooth but for a few points: bounded laws, half-line laws, laws with a kink.
///
/// Stating those points is all it takes for a law of your own to have exact probabilities:
///
/// ```swift
/// struct Triangular: PiecewiseNoise {
///   var kinks: [Double] { [-1, 0, 1] }
///   // … and what AccurateNoise requires: both tails, both logarithms, the quantiles, mean and variance.
/// }
/// NoisyArgmax(Triangular()).probabilities(for: logits)
/// ```
///
/// The integral over the noise is cut wherever a class meets one of the points, and each piece is done by
/// Gauss–Legendre quadrature. What the law must keep to:
/// - between neighbouring kinks log F is analytic, and as continued stays so for about half a standard deviation
///   around (except at the lower end of the support, where F is zero);
/// - beyond the outermost kinks the tails fall at least as fast as some exponential;
/// - if the support has no lower end, the density is log-concave (as e^(−|x|) is).
public protocol PiecewiseNoise: ExactNoise {
  /// Where the density or one of its derivatives jumps, the ends of the support among them, in any order.
  var kinks: [Double] { get }

  /// log f(x): −∞ outside the support, and finite far beyond where f underflows.
  ///
  /// The default is the logarithm of the density; where that underflows, it takes f as the survival (or the
  /// cumulative) function times the slope of its logarithm, differentiated numerically, and is good to about 1e-9.
  /// Only log-probabilities below −600 see the difference.
  func logDensity(at x: Double) -> Double
}

extension PiecewiseNoise {
  public func logDensity(at x: Double) -> Double {
    let density = density(at: x)
    if density >= Double.leastNormalMagnitude || density.isNaN { return logarithm(density) }
    let step = Double.maximum(x.magnitude, 1) * 0x1p-17
    let tail = x > mean ? logSurvival(at: x) : logCumulative(at: x)
    guard tail > -.infinity else { return -.infinity }
    let slope =
      x > mean
      ? logSurvival(at: x - step) - logSurvival(at: x + step)
      : logCumulative(at: x + step) - logCumulative(at: x - step)
    return slope > 0 && slope < .infinity ? tail + logarithm(slope / (2 * step)) : -.infinity
  }

  /// Gauss–Legendre panels between the kinks.
  public var exactMethod: ExactMethod { .panels(of: self) }
}
