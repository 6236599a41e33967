import Foundation
import Noisemax
import Testing

/// Estimates of the gradient of E[f(μ + σ·ε)].
@Suite struct NoiseGradientTests {
  static let estimators: [ContinuousGradientEstimator] =
    [.pathwise] + ScoreBaseline.allCases.map { .scoreFunction(baseline: $0) }
  static let differentiable = NoiseRegistry.entries.filter { $0.noise is any DifferentiableNoise }

  static let square = Objective(value: { $0[0] * $0[0] }, gradient: { [2 * $0[0]] })
  static let magnitude = Objective(value: { abs($0[0]) }, gradient: { [$0[0] < 0 ? -1 : 1] })
  static func wave(_ k: Double) -> Objective {
    Objective(value: { sin(k * $0[0]) }, gradient: { [k * cos(k * $0[0])] })
  }

  /// The slopes of a fine trapezoid sum of f·density, by differences: no slope of f or of the density goes in.
  private func slopes(of f: Objective, under noise: some NoiseDistribution, _ mu: Double, _ sigma: Double)
    -> (location: Double, scale: Double)
  {
    let step = 0.002
    let weights = (-20_000...20_000).map { (Double($0) * step, step * noise.density(at: Double($0) * step)) }
    func mean(_ mu: Double, _ sigma: Double) -> Double {
      weights.reduce(0) { $0 + ($1.1 > 0 ? $1.1 * f.value([mu + sigma * $1.0]) : 0) }
    }
    let h = 0.01
    func slope(_ move: (Double) -> Double) -> Double {
      (8 * (move(h) - move(-h)) - (move(2 * h) - move(-2 * h))) / (12 * h)
    }
    return (slope { mean(mu + $0, sigma) }, slope { mean(mu, sigma + $0) })
  }

  @Test func agreeWithTheSlopesOfTheExpectation() {
    var deviations = Deviations()
    for entry in Self.differentiable {
      for (name, f) in [
        ("square", Self.square), ("magnitude", Self.magnitude), ("wave", Self.wave(2)),
      ] {
        let (mu, sigma) = (0.3, 0.6)
        let exact = slopes(of: f, under: entry.noise, mu, sigma)
        for estimator in Self.estimators {
          let estimate = entry.noise.gradient(
            of: f, location: [mu], scale: [sigma], by: estimator, draws: isDebugBuild ? 1000 : 20_000,
            seed: 17)
          deviations.add(
            estimate.location, expected: [exact.location], "μ, \(entry.name), \(name), \(estimator)")
          deviations.add(estimate.scale, expected: [exact.scale], "σ, \(entry.name), \(name), \(estimator)")
        }
      }
    }
    #expect(deviations.count == 120 && !deviations.areSuspicious, "\(deviations)")
  }

  /// E[(z₀ + 2z₁)²] in closed form, under every law and a stretched one, for places with scales of their own.
  @Test func severalPlacesAtOnce() {
    let f = Objective(
      value: { z in (z[0] + 2 * z[1]) * (z[0] + 2 * z[1]) },
      gradient: { z in [2 * (z[0] + 2 * z[1]), 4 * (z[0] + 2 * z[1])] })
    var deviations = Deviations()
    func check(_ noise: some ExactNoise, _ estimator: ContinuousGradientEstimator) {
      let (mu, sigma) = ([0.5, -1], [0.25, 0.75])
      let centre = mu[0] + 2 * mu[1] + (sigma[0] + 2 * sigma[1]) * noise.mean
      let estimate = noise.gradient(
        of: f, location: mu, scale: sigma, by: estimator, draws: isDebugBuild ? 1000 : 20_000, seed: 18)
      deviations.add(estimate.location, expected: [2 * centre, 4 * centre], "μ, \(noise), \(estimator)")
      deviations.add(
        estimate.scale,
        expected: [
          2 * centre * noise.mean + 2 * sigma[0] * noise.variance,
          4 * centre * noise.mean + 8 * sigma[1] * noise.variance,
        ], "σ, \(noise), \(estimator)")
    }
    for entry in NoiseRegistry.entries {
      for estimator in Self.estimators
      where estimator == .pathwise || entry.noise is any DifferentiableNoise {
        check(entry.noise, estimator)
      }
    }
    for estimator in Self.estimators { check(Gumbel().scaled(by: 0.5).shifted(by: -1), estimator) }
    #expect(!deviations.areSuspicious, "\(deviations)")
  }

  /// A jump: the score function sees it, the path does not.
  @Test func onlyTheScoreSeesAJump() {
    let jump = Objective(value: { $0[0] > 0 ? 1 : 0 }, gradient: { _ in [0] })
    var deviations = Deviations()
    for entry in Self.differentiable {
      let z = -0.4 / 0.8
      let density = entry.noise.density(at: z) / 0.8
      for baseline in ScoreBaseline.allCases {
        let (mu, sigma) = entry.noise.gradient(
          of: jump, location: [0.4], scale: [0.8], by: .scoreFunction(baseline: baseline), draws: 4000,
          seed: 5)
        deviations.add(mu, expected: [density], "μ, \(entry.name), \(baseline)")
        deviations.add(sigma, expected: [density * z], "σ, \(entry.name), \(baseline)")
      }
    }
    #expect(!deviations.areSuspicious, "\(deviations)")
    let path = Normal().gradient(
      of: jump, location: [0.4], scale: [0.8], by: .pathwise, draws: 100, seed: 5)
    #expect(path.location.value == [0] && path.scale.standardError == [0])
  }

  /// The pathwise gradient has usually the smaller variance, not always: under normal noise its variance for sin kz is
  /// about k²/2, that of the score function about 1/(2σ²).
  @Test func neitherAlwaysHasTheSmallerVariance() {
    func error(_ f: Objective, _ estimator: ContinuousGradientEstimator) -> Double {
      Normal().gradient(of: f, location: [0.3], scale: [0.6], by: estimator, draws: 4000, seed: 9)
        .location.standardError[0]
    }
    let score = ContinuousGradientEstimator.scoreFunction(baseline: .leaveOneOut)
    #expect(error(Self.square, .pathwise) < 0.7 * error(Self.square, score))
    #expect(error(Self.wave(0.5), .pathwise) < 0.5 * error(Self.wave(0.5), score))
    #expect(error(Self.wave(10), .pathwise) > 2 * error(Self.wave(10), score))
  }

  @Test(arguments: estimators) func standardErrorsAreTheSpread(estimator: ContinuousGradientEstimator) {
    for draws in [10, 100] {
      let ratio = varianceRatio(repetitions: isDebugBuild ? 300 : 4000) { seed in
        Normal().gradient(
          of: Self.wave(2), location: [0.3], scale: [0.6], by: estimator, draws: draws, seed: seed
        ).location
      }
      #expect((ratio - 1).magnitude < (isDebugBuild ? 0.35 : 0.1), "\(estimator), \(draws): \(ratio)")
    }
  }

  /// Each draw has a stream of its own, in order, whatever the estimator.
  @Test func drawsAreNumbered() {
    var seen: [[Double]] = []
    for draw in 0..<7 as Range<UInt64> {
      var generator = StreamGenerator(seed: 3, stream: draw)
      seen.append(Laplace().random(count: 2, using: &generator).map { 1 + 2 * $0 })
    }
    let points = seen
    for estimator in Self.estimators {
      @Sendable func checked(_ z: [Double]) -> [Double] {
        #expect(points.contains(z))
        return z
      }
      let f = Objective(value: { checked($0)[0] }, gradient: checked)
      let estimate = Laplace().gradient(
        of: f, location: [1, 1], scale: [2, 2], by: estimator, draws: 7, seed: 3)
      #expect(estimate.location.draws == 7 && estimate.scale.value.count == 2)
      if estimator == .pathwise {
        let mean = points.reduce(0) { $0 + $1[1] } / 7
        #expect((estimate.location.value[1] - mean).magnitude < 1e-14)
      }
    }
  }

  @Test func brokenContractsTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = Uniform().gradient(
        of: Objective { $0[0] }, location: [0], scale: [1], by: .scoreFunction(), draws: 9, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = Exponential().scaled(by: 2).gradient(
        of: Objective { $0[0] }, location: [0], scale: [1], by: .scoreFunction(), draws: 9, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = Normal().gradient(
        of: Objective { $0[0] }, location: [0], scale: [1], by: .pathwise, draws: 9, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = Normal().gradient(
        of: Objective { $0[0] }, location: [0], scale: [0], by: .scoreFunction(), draws: 9, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = Normal().gradient(
        of: Objective { $0[0] }, location: [0, 1], scale: [1], by: .scoreFunction(), draws: 9, seed: 1)
    }
    await #expect(processExitsWith: .failure) {
      _ = Normal().gradient(
        of: Objective { $0[0] }, location: [0], scale: [1], by: .scoreFunction(), draws: 1, seed: 1)
    }
  }
}
