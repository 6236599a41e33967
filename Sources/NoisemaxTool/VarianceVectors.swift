#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

import Noisemax
import NoisemaxEstimators

// The experiments on z = μ + σ·ε.

extension VarianceExperiment {
  static func square(under noise: some ExactNoise) -> VarianceExperiment {
    vector(
      "square", noise, location: 1, scale: 0.5,
      subject: "f(z) = z², smooth: the path has the smaller variance",
      Objective(value: { $0[0] * $0[0] }, gradient: { [2 * $0[0]] }))
  }

  static func wave(under noise: some ExactNoise) -> VarianceExperiment {
    vector(
      "wave", noise, location: 0.3, scale: 0.2,
      subject: "f(z) = sin 10z, small with large slopes: the path has the larger variance",
      Objective(value: { sin(10 * $0[0]) }, gradient: { [10 * cos(10 * $0[0])] }))
  }

  static func step(under noise: some ExactNoise) -> VarianceExperiment {
    @Sendable func rise(_ z: Double) -> Double { 1 / (1 + exp(-40 * z)) }
    return vector(
      "step", noise, location: 0.3, scale: 1,
      subject: "f(z) = 1/(1 + exp(-40z)), almost a step: the path has the larger variance",
      Objective(value: { rise($0[0]) }, gradient: { [40 * rise($0[0]) * (1 - rise($0[0]))] }))
  }

  private static func vector(
    _ name: String, _ noise: some ExactNoise, location: Double, scale: Double, subject: String, _ f: Objective
  ) -> VarianceExperiment {
    func slope(_ x: Double) -> Double { f.gradient?([location + scale * x])[0] ?? .nan }
    func estimator(
      _ label: String, _ color: Int, _ method: ContinuousGradientEstimator
    ) -> VarianceEstimator {
      VarianceEstimator(label: label, color: color) { draws, seed in
        let (mu, sigma) = noise.gradient(
          of: f, location: [location], scale: [scale], by: method, draws: draws, seed: seed)
        return [mu, sigma].map { .init(value: $0.value[0], standardError: $0.standardError[0]) }
      }
    }
    let scores = varianceBaselines.enumerated().map { color, baseline in
      estimator(baseline.label, color, .scoreFunction(baseline: baseline.baseline))
    }
    let hasScore = noise is any DifferentiableNoise
    return VarianceExperiment(
      name: name,
      subject: "z is \(plainNumber(location)) + \(plainNumber(scale))·noise,\n" + subject,
      parameters: ["μ", "σ"],
      exact: [expectation(under: noise, of: slope), expectation(under: noise) { $0 * slope($0) }],
      estimators: [estimator("path", 5, .pathwise)] + (hasScore ? scores : []),
      remark: hasScore ? "" : "No score function: it is biased under a law whose density jumps.")
  }
}

/// E[g(ε)], to about ten digits for a g that is smooth: from the tails on either side of the median, in each by the
/// double-exponential rule of Takahasi and Mori, whose nodes crowd towards the end of the tail.
package func expectation(under noise: some ExactNoise, of g: (Double) -> Double) -> Double {
  let step = 1.0 / 256
  var sum = 0.0
  for node in -1200...1200 {
    let t = Double(node) * step
    let fall = exp(-Double.pi * sinh(t))
    let tail = 0.5 / (1 + fall)
    let weight = step * Double.pi / 2 * cosh(t) * fall / ((1 + fall) * (1 + fall))
    // Nothing is left where the tail underflows, or comes within a rounding of the median.
    guard tail > 0, weight > 0 else { continue }
    sum += weight * (g(noise.quantile(at: tail)) + g(noise.upperQuantile(at: tail)))
  }
  return sum
}
