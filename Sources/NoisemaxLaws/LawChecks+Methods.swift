import Noisemax

/// What the exact methods ask of a law beyond its tails.
extension LawChecks {
  /// log r = log f − log F, as far as f is a normal number; finite beyond.
  func logReversedHazard(of noise: some SmoothNoise) -> String? {
    for x in points(of: noise) {
      let value = noise.logReversedHazard(at: x)
      let isRight = isLogarithm(value, of: noise.density(at: x), over: noise.logCumulative(at: x))
      if !isRight || !value.isFinite {
        return "log r(\(x)) = \(value), f = \(noise.density(at: x)), log F = \(noise.logCumulative(at: x))"
      }
    }
    return nil
  }

  /// log f, as far as f is a normal number; not NaN beyond.
  func logDensity(of noise: some PiecewiseNoise) -> String? {
    for x in points(of: noise) {
      let value = noise.logDensity(at: x)
      if !isLogarithm(value, of: noise.density(at: x), over: 0) {
        return "log f(\(x)) = \(value), f = \(noise.density(at: x))"
      }
    }
    return nil
  }

  func kinks(of noise: some PiecewiseNoise) -> String? {
    let (lowest, highest) = (noise.quantile(at: 0), noise.upperQuantile(at: 0))
    let kinks = noise.kinks
    if kinks.allSatisfy({ $0.isFinite && $0 >= lowest && $0 <= highest }) { return nil }
    return "a kink of \(kinks) is not finite, or outside the support \(lowest)…\(highest)"
  }

  /// Points from both ends of the line, and some where no probability is left.
  private func points(of noise: some ExactNoise) -> [Double] {
    let tails = probabilities(from: 1e-300)
    let ends = [noise.quantile(at: 1e-300), noise.upperQuantile(at: 1e-300)]
    return tails.flatMap { [noise.quantile(at: $0), noise.upperQuantile(at: $0)] } + ends.map { 3 * $0 }
  }

  /// Whether a value is log(f · e⁻ˢ): to the tolerance where f has all its digits, and below not NaN.
  private func isLogarithm(_ value: Double, of density: Double, over shift: Double) -> Bool {
    guard density >= .leastNormalMagnitude, shift > -.infinity else { return !value.isNaN }
    let log = logarithm(density)
    return (value - (log - shift)).magnitude <= tolerance * (1 + log.magnitude + shift.magnitude)
  }
}
