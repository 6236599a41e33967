import Foundation
import Noisemax
import Testing

/// The density of the concrete distribution.
@Suite struct RelaxedDensityTests {
  /// With two classes, log(y/(1 − y)) = (μ₀ − μ₁ + s·logistic)/τ: the logistic density, and what dy makes of it.
  @Test func twoClassesAreALogisticVariable() {
    for (scale, temperature) in [(1, 0.5), (1, 2), (0.25, 0.1), (3, 1)] as [(Double, Double)] {
      let argmax = NoisyArgmax(.gumbel, scale: scale)
      for y in [1e-9, 0.01, 0.3, 0.5, 0.9, 0.999] {
        let noise = (temperature * log(y / (1 - y)) - 1.5) / scale
        let density = Logistic().density(at: noise) * temperature / scale / (y * (1 - y))
        let value = argmax.relaxedLogDensity(
          atLog: [log(y), log1p(-y)], for: [2, 0.5], temperature: temperature)
        #expect((value - log(density)).magnitude < 1e-12, "y = \(y), τ = \(temperature)")
      }
    }
  }

  /// The formula as it is printed, in four classes, away from underflow.
  @Test func isTheFormula() {
    let (alpha, y, temperature) = ([0.5, -0.25, 1, 0], [0.1, 0.2, 0.3, 0.4], 0.7)
    let sum = zip(alpha, y).reduce(0) { $0 + exp($1.0) * pow($1.1, -temperature) }
    let product = zip(alpha, y).reduce(1) { $0 * (exp($1.0) * pow($1.1, -temperature - 1) / sum) }
    let expected = log(6 * pow(temperature, 3) * product)
    let value = NoisyArgmax(.gumbel).relaxedLogDensity(
      atLog: y.map { log($0) }, for: alpha, temperature: temperature)
    #expect((value - expected).magnitude < 1e-13)
  }

  /// In the plane of log(y₀/y₂), log(y₁/y₂) the density is smooth and falls exponentially: a sum over a grid is the
  /// integral, 1, and the mean of y₀ over it agrees with that of samples.
  @Test func integratesToOne() {
    let logits = [0.6, -0.3, 0]
    for temperature in [0.5, 1, 1.5] {
      let argmax = NoisyArgmax(.gumbel)
      let step = 0.25
      let reach = Int(40 / temperature / step)
      var (total, mean) = (0.0, 0.0)
      for i in -reach...reach {
        for j in -reach...reach {
          let logs = NoisyArgmax(.gumbel).logProbabilities(for: [Double(i) * step, Double(j) * step, 0])
          let density = argmax.relaxedLogDensity(atLog: logs, for: logits, temperature: temperature)
          let mass = exp(density + logs.reduce(0, +)) * step * step
          total += mass
          mean += mass * exp(logs[0])
        }
        if isDebugBuild && temperature < 1.5 { break }
      }
      if isDebugBuild && temperature < 1.5 { continue }
      #expect((total - 1).magnitude < 1e-8, "τ = \(temperature): \(total)")
      let count = isDebugBuild ? 4_000 : 100_000
      let sample = argmax.relaxedSample(
        forRowsOf: (0..<count).flatMap { _ in logits }, rowLength: 3, temperature: temperature, seed: 9)
      let sampled = stride(from: 0, to: 3 * count, by: 3).reduce(0) { $0 + sample.value[$1] } / Double(count)
      #expect((sampled - mean).magnitude < 2.5 / Double(count).squareRoot(), "τ = \(temperature)")
    }
  }

  /// The scale divides logits and temperature, a location and a constant on all logits do not count, masks are not there.
  @Test func invariances() {
    let logs = [0.1, 0.2, 0.7].map { log($0) }
    let value = NoisyArgmax(.gumbel).relaxedLogDensity(atLog: logs, for: [1, 2, 0.5], temperature: 0.4)
    let stretched = NoisyArgmax(Gumbel().scaled(by: 2).shifted(by: 3), scale: 2)
    #expect(
      (stretched.relaxedLogDensity(atLog: logs, for: [4, 8, 2], temperature: 1.6) - value).magnitude < 1e-13)
    #expect(
      (NoisyArgmax(.gumbel).relaxedLogDensity(atLog: logs, for: [101, 102, 100.5], temperature: 0.4) - value)
        .magnitude < 1e-13)
    let masked = NoisyArgmax(.gumbel).relaxedLogDensity(
      atLog: [logs[0], -.infinity, logs[1], logs[2]], for: [1, -.infinity, 2, 0.5], temperature: 0.4)
    #expect(masked == value)
    let single: Float = NoisyArgmax(.gumbel).relaxedLogDensity(
      atLog: logs.map(Float.init), for: [1, 2, 0.5], temperature: 0.4)
    #expect((Double(single) - value).magnitude < 1e-5)
  }

  /// Samples so cold that all but one y underflow still have a density: that is what the logarithms are for.
  @Test func coldSamplesHaveADensity() {
    let argmax = NoisyArgmax(.gumbel)
    let sample = argmax.relaxedSample(
      forRowsOf: (0..<100).flatMap { _ in [0.1, 0.2, 0.3] }, rowLength: 3, temperature: 1e-3, seed: 4)
    let densities = argmax.relaxedLogDensities(
      atLog: sample.logValue, forRowsOf: (0..<100).flatMap { _ in [0.1, 0.2, 0.3] }, rowLength: 3,
      temperature: 1e-3)
    #expect(densities.count == 100 && densities.allSatisfy { $0.isFinite })
    #expect(sample.value.contains(0))
  }

  @Test func edges() {
    let argmax = NoisyArgmax(.gumbel)
    func density(_ logs: [Double], _ logits: [Double]) -> Double {
      argmax.relaxedLogDensity(atLog: logs, for: logits, temperature: 0.5)
    }
    #expect(density([], []) == 0)
    #expect(density([0], [5]) == 0)
    #expect(density([-1], [5]) == -.infinity)
    #expect(density([-.infinity, 0], [5, .infinity]) == 0)
    #expect(density([-.infinity, -.infinity], [-.infinity, -.infinity]) == 0)
    #expect(density([-0.1, -.infinity], [1, 2]) == -.infinity)
    #expect(density([-1, -1, -1], [1, 2, -.infinity]) == -.infinity)
    #expect(density([0.1, -3], [1, 2]) == -.infinity)
    #expect(density([-1, -1], [1, .nan]).isNaN)
    #expect(density([-1, .nan], [1, 2]).isNaN)
  }

  @Test func impossibleDensitiesTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.normal).relaxedLogDensity(atLog: [-1, -1], for: [1, 2], temperature: 0.5)
    }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).relaxedLogDensity(atLog: [-1, -1], for: [1, 2], temperature: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).relaxedLogDensity(atLog: [-1], for: [1, 2], temperature: 1)
    }
  }
}
