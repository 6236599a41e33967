/// A law whose density is continuous on the whole line and has a slope but for single points: what the score function
/// of a moved and stretched noise needs.
///
/// The gradient of E[f(μ + σ·ε)] is then E[f(μ + σ·ε)·∇log of the density], for any f that does not outgrow the tails.
/// A law whose density jumps, as the uniform and the exponential law do where their support ends, must not conform:
/// what happens at the jump would be missing from every estimate. A kink, such as Laplace's at 0, does no harm.
public protocol DifferentiableNoise: NoiseDistribution {
  /// (log f)′(x), where f is the density: to a few ulp, finite wherever its value is. At a kink, any number between
  /// the slopes on both sides; NaN at NaN.
  func logDensityDerivative(at x: Double) -> Double
}
