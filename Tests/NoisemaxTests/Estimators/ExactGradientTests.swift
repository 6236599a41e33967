import Noisemax
import NoisemaxLaws
import NoisemaxEstimators
import Testing

/// The gradient of an expectation by enumeration.
@Suite struct ExactGradientTests {
  /// Differences of Σ f·∏p over all combinations, the sum written out here.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func isTheSlopeOfTheExpectation(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.5)
    var generator = SplitMix64(seed: 3)
    let f = cubicObjective(size: 9, using: &generator)
    let logits = (0..<9).map { $0 == 4 ? -.infinity : Double.random(in: -0.5...0.5, using: &generator) }
    func expectation(_ logits: [Double]) -> Double {
      let p = argmax.probabilities(for: Rows(logits, length: 3)).elements
      var sum = 0.0
      for a in 0..<3 {
        for b in 3..<6 {
          for c in 6..<9 {
            let point = (0..<9).map { [a, b, c].contains($0) ? 1.0 : 0 }
            sum += p[a] * p[b] * p[c] * f.value(point)
          }
        }
      }
      return sum
    }
    let gradient = argmax.exactGradient(of: f, for: Rows(logits, length: 3)).elements
    for index in logits.indices {
      guard logits[index] > -.infinity else {
        #expect(gradient[index] == 0)
        continue
      }
      func difference(_ step: Double) -> Double {
        var (high, low) = (logits, logits)
        high[index] += step
        low[index] -= step
        return expectation(high) - expectation(low)
      }
      let slope = (8 * difference(1e-3) - difference(2e-3)) / 12e-3
      #expect((gradient[index] - slope).magnitude < 1e-8, "\(logits), \(index): \(gradient[index]), \(slope)")
    }
  }

  /// One row under Gumbel noise: p_i (f_i − Σ p f).
  @Test func softmaxInClosedForm() {
    let logits: [Double] = [1, -.infinity, 0.25, -2, 3]
    let values: [Double] = [5, 1e6, -3, 2, 0.5]
    let f = Objective(ofIndicesInRowsOf: 5) { values[$0[0] ?? 1] }
    let p = NoisyArgmax(.gumbel).probabilities(for: logits)
    let mean = zip(p, values).reduce(0) { $0 + $1.0 * $1.1 }
    let gradient = NoisyArgmax(.gumbel).exactGradient(of: f, for: logits)
    #expect(largestDifference(gradient, zip(p, values).map { $0 * ($1 - mean) }) < 1e-15)
  }

  /// f is asked only where it counts, and a row without a choice gives it no one-hot.
  @Test func edges() {
    let argmax = NoisyArgmax(.uniform)
    let f = Objective { z in
      #expect(z[2] == 0 && z[4] == 0 && z[5] == 0 && z[6] == 0 && z[7] == 0 && z[8] == 1)
      return z[0] * 3
    }
    let logits: [Double] = [0.5, 0.25, -2, 9, -.infinity, -.infinity, -.infinity, -.infinity, .infinity]
    let gradient = argmax.exactGradient(of: f, for: Rows(logits, length: 3)).elements
    #expect(gradient[0] > 0 && gradient[1] == -gradient[0] && gradient[2...].allSatisfy { $0 == 0 })
    #expect(argmax.exactGradient(of: Objective { _ in 1 }, for: []) == [])
    #expect(argmax.exactGradient(of: Objective { _ in 1 }, for: [-Double.infinity]) == [0])
    #expect(argmax.exactGradient(of: Objective { _ in 1 }, for: [0, .nan]).allSatisfy { $0.isNaN })
    let half = argmax.exactGradient(
      of: Objective { _ in 1 }, for: Rows([0, 1, .infinity, .infinity], length: 2)
    ).elements
    #expect(half.count == 4 && half.allSatisfy { $0.isNaN })
  }

  @Test func tooManyCombinationsTrap() async {
    await #expect(processExitsWith: .failure) {
      let logits = [Double](repeating: 0, count: 50)
      _ = NoisyArgmax(.gumbel).exactGradient(of: Objective { _ in 0 }, for: Rows(logits, length: 2))
    }
  }
}
