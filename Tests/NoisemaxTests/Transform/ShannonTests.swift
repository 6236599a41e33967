import Foundation
import Noisemax
import Testing

/// Shannon's entropy and the divergence from uniform: against closed forms and values with 25 digits.
@Suite struct ShannonTests {
  static let laws = ShippedLaw.all.map(\.name)

  /// Two classes under Gumbel noise: H = log(1 + e⁻ᵍ) + g·e⁻ᵍ/(1 + e⁻ᵍ), also where one is all but certain.
  @Test func twoClassesHaveTheClosedForm() {
    for gap in [0, 1e-3, 0.5, 1, 5, 30, 50, 300, 690] {
      let odds = exp(-gap)
      let entropy = log1p(odds) + gap * odds / (1 + odds)
      let value = NoisyArgmax(.gumbel).shannonEntropy(for: [0, -gap])
      #expect(isClose(value, entropy, within: 3e-12 * entropy), "gap \(gap): \(value), not \(entropy)")
      let scaled = NoisyArgmax(.gumbel, scale: 0.25).shannonEntropy(for: [3, 3 - gap / 4])
      #expect(isClose(scaled, entropy, within: 3e-12 * entropy), "gap \(gap): \(scaled), not \(entropy)")
    }
  }

  /// Near uniform, p = ½(1 ± t) with t = tanh(δ/2): D = t²/2 + t⁴/12 + t⁶/30 + …
  @Test func nearUniformTheDivergenceKeepsItsDigits() {
    for delta in [1e-7, 1e-6, 1e-4, 1e-2] {
      let t = tanh(delta / 2)
      let divergence = t * t / 2 + pow(t, 4) / 12 + pow(t, 6) / 30
      let value = NoisyArgmax(.gumbel).divergenceFromUniform(for: [delta, 0])
      // What p itself has lost, twice.
      #expect(
        isClose(value, divergence, within: (4e-16 / delta + 1e-14) * divergence),
        "δ \(delta): \(value), not \(divergence)")
    }
  }

  @Test(arguments: laws) func agreesWithIndependentValues(law: String) throws {
    for row in try Fixture.argmaxCases(of: law) where row.logits.count > 1 {
      let logP = row.logProbabilities.map { Double($0)! }
      let entropy = logP.reduce(0) { $1 > -700 ? $0 - exp($1) * $1 : $0 }
      let argmax = try NoisyArgmax(named: law)
      let value = argmax.shannonEntropy(for: row.logits)
      #expect((value - entropy).magnitude <= 3e-12 * entropy + 1e-290, "\(row): \(value), not \(entropy)")
      let divergence = argmax.divergenceFromUniform(for: row.logits)
      let open = Double(row.logits.count { $0 > -.infinity })
      #expect((divergence + entropy - log(open)).magnitude <= 1e-12 * log(open), "\(row): \(divergence)")
    }
  }

  /// Under Gumbel noise ∂H/∂μ_i = −p_i (log p_i + H)/s.
  @Test func theGradientHasTheClosedForm() {
    for scale in [0.5, 1, 3] {
      let argmax = NoisyArgmax(.gumbel, scale: scale)
      let row: [Double] = [0.5, -2, -.infinity, 1, -40]
      let (p, logP) = (argmax.probabilities(for: row), argmax.logProbabilities(for: row))
      let (entropy, gradient) = argmax.valueWithGradient(of: .shannonEntropy, for: row)
      let (_, opposite) = argmax.valueWithGradient(of: .divergenceFromUniform, for: row)
      for index in row.indices {
        let slope = p[index] == 0 ? 0 : -p[index] * (logP[index] + entropy) / scale
        #expect(
          isClose(gradient[index], slope, within: 1e-12 * slope.magnitude),
          "\(scale), \(index): \(gradient), not \(slope)")
        #expect(
          isClose(opposite[index], -slope, within: 1e-12 * slope.magnitude), "\(scale), \(index): \(opposite)"
        )
      }
    }
  }

  @Test(arguments: laws) func gradientsAreTheSlopes(law: String) throws {
    let transforms = [
      try NoisyArgmax(named: law, scale: 0.83),
      try NoisyArgmax(named: law, scale: 0.83, method: .quantileRule(points: 7)),
    ]
    for argmax in transforms {
      let row = [0.11, -0.23, 0.31, 0.02]
      let gradient = argmax.valueWithGradient(of: .shannonEntropy, for: row).gradient
      for index in row.indices {
        let slope = difference(at: row[index]) { x in
          var moved = row
          moved[index] = x
          return argmax.shannonEntropy(for: moved)
        }
        #expect((gradient[index] - slope).magnitude < 1e-8, "\(argmax), \(index): \(gradient), not \(slope)")
      }
    }
  }

  /// The rule's raw values sum to less than one: they are no distribution.
  @Test func rawValuesHaveNone() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(.gumbel, points: 4, normalized: false).shannonEntropy(for: [3, 0, 0.5])
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("shannonEntropy") && text.contains("normalized"), "\(text)")
  }

  /// Two classes with ½ ± e: 2e² + (4/3)e⁴ + …, where log 2 less the entropy has no digits left.
  @Test(arguments: [1e-3, 1e-6, 1e-9])
  func nearUniformTheDivergenceKeepsItsDigits(gap: Double) {
    let e = erf(gap / 2) / 2
    let expected = 2 * e * e + 4 / 3 * e * e * e * e
    let divergence = NoisyArgmax(.normal).divergenceFromUniform(for: [0, -gap])
    // Rounding ½ + e takes digits of e.
    let bound = 1e-12 + 4e-16 / e
    #expect((divergence / expected - 1).magnitude <= bound, "\(gap): \(divergence), not \(expected)")
  }

  @Test func classesOutOfReachAreOpen() {
    let argmax = NoisyArgmax(.uniform)
    let entropy = argmax.shannonEntropy(for: [0, -0.5, -2, -3])
    let two = argmax.shannonEntropy(for: [0, -0.5])
    #expect(isClose(entropy, two, within: 1e-14))
    let divergence = argmax.divergenceFromUniform(for: [0, -0.5, -2, -3])
    #expect(isClose(divergence, log(4) - two, within: 1e-13), "\(divergence)")
    #expect(isClose(argmax.divergenceFromUniform(for: [0, -2]), log(2), within: 1e-15))
  }

  @Test func edges() {
    let argmax = NoisyArgmax(.normal)
    for summary in [Summary.shannonEntropy, .divergenceFromUniform] {
      for row: [Double] in [[], [3], [-.infinity], [-.infinity, 2]] {
        #expect(argmax.value(of: summary, for: row) == 0, "\(summary), \(row)")
        #expect(argmax.valueWithGradient(of: summary, for: row).gradient == row.map { _ in 0 })
      }
      for row: [Double] in [[.nan, 1], [.infinity, .infinity]] {
        #expect(argmax.value(of: summary, for: row).isNaN, "\(summary), \(row)")
        #expect(argmax.valueWithGradient(of: summary, for: row).gradient.allSatisfy { $0.isNaN })
      }
    }
    #expect(argmax.shannonEntropy(for: [.infinity, 2] as [Double]) == 0)
    #expect(argmax.divergenceFromUniform(for: [.infinity, 2] as [Double]) == log(2))
    #expect(argmax.shannonEntropy(for: [Float](repeating: 1, count: 8)) == Float(log(8.0)))
  }
}
