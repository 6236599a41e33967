import Noisemax
import Testing

/// Gumbel noise in closed form, against 25-digit values and at sizes where naive code overflows.
@Suite struct SoftmaxTests {
  let argmax = NoisyArgmax(.gumbel)

  @Test func agreesWithIndependentValues() throws {
    for row in try Fixture.argmaxCases(of: "gumbel") {
      let p = argmax.probabilities(for: row.logits)
      let logs = argmax.logProbabilities(for: row.logits)
      for index in p.indices {
        let (truth, logTruth) = (
          try double(row.probabilities[index]), try double(row.logProbabilities[index])
        )
        #expect((p[index] - truth).magnitude <= 1e-13 * truth, "\(row.testDescription), class \(index)")
        #expect(
          (logs[index] - logTruth).magnitude <= 1e-14 * logTruth.magnitude + 1e-30, "\(row.testDescription)")
      }
      let (maximum, maximumTruth) = (argmax.expectedMaximum(of: row.logits), try double(row.expectedMaximum))
      #expect((maximum - maximumTruth).magnitude <= 1e-14 * (1 + row.logits.map(\.magnitude).max()!))
    }
  }

  @Test func floatRowsKeepFloatAccuracy() throws {
    for row in try Fixture.argmaxCases(of: "gumbel") {
      let p = argmax.probabilities(for: row.logits.map { Float($0) })
      for index in p.indices {
        let truth = try double(row.probabilities[index])
        #expect(
          (Double(p[index]) - truth).magnitude <= 1.3e-7 * truth + 1e-38,
          "\(row.testDescription), class \(index)")
      }
    }
  }

  @Test func logitsOfAnySizeAreFine() {
    #expect(argmax.probabilities(for: [1e30, -1e30]) == [1, 0])
    #expect(argmax.probabilities(for: [1.7e308, -1.7e308]) == [1, 0])
    #expect(argmax.probabilities(for: [-1e300, -1e300]) == [0.5, 0.5])
    #expect(argmax.logProbabilities(for: [0, -1e9, 3, -1e300])[3] == -1e300)
    // The difference of the logits overflows, the gap in units of the noise does not.
    let wide = NoisyArgmax(.gumbel, scale: 1e308).logProbabilities(for: [1.5e308, -1.5e308])
    #expect((wide[1] + 3.0485873515737420589).magnitude < 1e-15)
  }

  @Test func scaleIsThatOfTheNoise() {
    #expect(NoisyArgmax(.gumbel, scale: 2).probabilities(for: [2, 4]) == argmax.probabilities(for: [1, 2]))
    #expect(NoisyArgmax(.gumbel, scale: 2).probabilities(for: [1, 2]) != argmax.probabilities(for: [1, 2]))
  }
}
