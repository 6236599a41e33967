import Foundation
import Noisemax
import Testing

/// The derivatives of a relaxed sample against differences of samples with the same noise.
@Suite struct RelaxedPullbackTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let law: String
    let temperature: Double
    var testDescription: String { "\(law), τ = \(temperature)" }
  }
  static let cases = NoiseRegistry.entries.flatMap { entry in
    [0.05, 0.5, 1, 4].map { Case(law: entry.name, temperature: $0) }
  }

  let logits: [Double] = [0.5, -0.25, -.infinity, 1, 0.75, 0.1, 0.2, 0.3, -0.4, -.infinity]
  let cotangent = [1, -2, 5, 0.5, 3, 2, 0.25, -1, 1.5, 7]

  @Test(arguments: cases) func pullbacksAreTheSlopes(_ test: Case) throws {
    let noise = try #require(NoiseRegistry.noise(named: test.law))
    let argmax = NoisyArgmax(noise, scale: 1.5)
    let open = logits.indices.filter { logits[$0] > -.infinity }
    func loss(_ logits: [Double], _ temperature: Double, logs: Bool) -> Double {
      let sample = argmax.relaxedSample(forRowsOf: logits, rowLength: 5, temperature: temperature, seed: 12)
      let value = logs ? sample.logValue : sample.value
      return open.reduce(0) { $0 + cotangent[$1] * value[$1] }
    }
    let sample = argmax.relaxedSample(
      forRowsOf: logits, rowLength: 5, temperature: test.temperature, seed: 12)
    for logs in [false, true] {
      let gradient = logs ? sample.logPullback(of: cotangent) : sample.pullback(of: cotangent)
      // Two central differences, extrapolated: the error is of the fourth order in the step.
      func slope(_ move: (Double) -> Double) -> Double {
        let step = 1e-3 * test.temperature
        let (near, far) = (move(step) - move(-step), move(2 * step) - move(-2 * step))
        return (8 * near - far) / (12 * step)
      }
      let size = gradient.reduce(1e-3) { max($0, $1.magnitude) }
      for index in logits.indices {
        guard logits[index] > -.infinity else {
          #expect(gradient[index] == 0)
          continue
        }
        let expected = slope { step in
          var moved = logits
          moved[index] += step
          return loss(moved, test.temperature, logs: logs)
        }
        #expect((gradient[index] - expected).magnitude < 1e-8 * size, "\(gradient[index]), \(expected)")
      }
      let derivative =
        logs ? sample.logTemperaturePullback(of: cotangent) : sample.temperaturePullback(of: cotangent)
      let expected = slope { loss(logits, test.temperature + $0, logs: logs) }
      #expect((derivative - expected).magnitude < 1e-8 * max(size, expected.magnitude), "\(derivative)")
    }
  }

  /// The gradients of each row sum to zero, since a constant added to a row changes nothing; and the map is symmetric.
  @Test func gradientsHaveTheirInvariants() {
    var generator = StreamGenerator(seed: 1)
    let argmax = NoisyArgmax(.normal)
    let row = Normal().random(count: 40, using: &generator)
    let (v, w) = (
      Normal().random(count: 40, using: &generator), Normal().random(count: 40, using: &generator)
    )
    func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    for temperature in [1e-3, 0.1, 1, 10] {
      let sample = argmax.relaxedSample(for: row, temperature: temperature, using: &generator)
      let (a, b) = (sample.pullback(of: v), sample.pullback(of: w))
      let size = a.reduce(0) { $0 + $1.magnitude }
      #expect(a.reduce(0, +).magnitude <= 1e-14 * size)
      #expect((product(a, w) - product(b, v)).magnitude <= 1e-12 * (product(a, w).magnitude + size))
      #expect(sample.logPullback(of: v).allSatisfy { $0.isFinite })
    }
  }

  /// A draw that is almost a one-hot: the winner's own gradient is a small number, and right to its last digits.
  @Test func nearTheCornerNothingCancels() {
    var generator = StreamGenerator(seed: 2)
    let sample = NoisyArgmax(.gumbel, scale: 1e-3).relaxedSample(
      for: [1, 0], temperature: 0.02, using: &generator)
    let rest = sample.value[1]
    #expect(rest < 1e-20)
    let gradient = sample.pullback(of: [3, 1])
    let expected = rest * 2 / 0.02
    #expect((gradient[0] - expected).magnitude < 1e-14 * expected)
    #expect((gradient[1] + expected).magnitude < 1e-14 * expected)
  }

  /// Likewise log y of the winner, −log(1 + Σ e^(z/τ)) over the others' z below it, and its slopes,
  /// ∂log y_w/∂μ_w = (1 − y_w)/τ.
  @Test(arguments: [0.25, 0.05, 0.02])
  func logarithmsNearTheCornerKeepTheirDigits(temperature: Double) {
    var generator = StreamGenerator(seed: 2)
    let sample = NoisyArgmax(.gumbel, scale: 1e-3).relaxedSample(
      for: [1, 0, -0.25], temperature: temperature, using: &generator)
    let gaps = sample.perturbedLogits
    let rest = exp(gaps[1] / temperature) + exp(gaps[2] / temperature)
    #expect(gaps[0] == 0 && rest < 0.2, "\(gaps)")
    let logarithm = sample.logValue[0]
    #expect((logarithm + log1p(rest)).magnitude <= 1e-14 * rest, "\(gaps): \(logarithm), \(rest)")
    let slope = sample.logPullback(of: [1, 0, 0])[0]
    let expected = rest / (1 + rest) / temperature
    #expect((slope - expected).magnitude <= 1e-14 * expected, "\(gaps): \(slope), not \(expected)")
  }

  @Test func coldAndHotLimitsAreFlat() {
    let argmax = NoisyArgmax(.logistic)
    for temperature in [0, Double.infinity, 0x1p-1070] {
      let sample = argmax.relaxedSample(for: [0.5, -0.25, -.infinity], temperature: temperature)
      #expect(sample.pullback(of: [1, 2, 3]).allSatisfy { $0 == 0 })
      #expect(sample.temperaturePullback(of: [1, 2, 3]) == 0)
      if temperature != 0x1p-1070 {
        #expect(sample.logPullback(of: [1, 2, 3]).allSatisfy { $0 == 0 })
        #expect(sample.logTemperaturePullback(of: [1, 2, 3]) == 0)
      }
    }
  }
}
