import Foundation
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
      let (maximum, maximumTruth) = (argmax.expectedMaximum(for: row.logits), try double(row.expectedMaximum))
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

  /// Rows of 16 and more are computed with as Floats, and e^gap of a deep gap is as accurate as that of a small one.
  @Test(arguments: [1, 0.7, 3e-5, 0x1p100, 0x1p-90])
  func longFloatRowsKeepFloatAccuracy(scale: Double) {
    var generator = StreamGenerator(seed: 11)
    let argmax = NoisyArgmax(.gumbel, scale: scale)
    for count in isDebugBuild ? [16, 17, 30, 33, 47, 1000] : Array(16...50) + [1000, 5000] {
      for (spread, shift) in [(1.5, 0.0), (20, 3), (80, -40), (60, 1000)] {
        var row = (0..<count).map { _ in
          Float(scale * (Double.random(in: -spread...0, using: &generator) + shift))
        }
        // Many ties, whose weights are all rounded the same way, and masked classes.
        for index in stride(from: 0, to: count, by: 3) { row[index] = row[count / 2] }
        for index in stride(from: 5, to: count, by: 7) { row[index] = -.infinity }
        let weights = row.map { exp((Double($0) - Double(row.max()!)) / scale) }
        let total = weights.reduce(0, +)
        let p = argmax.probabilities(for: row)
        for index in row.indices {
          let truth = weights[index] / total
          #expect(
            (Double(p[index]) - truth).magnitude <= 1.3e-7 * truth,
            "scale \(scale), class \(index): \(p[index]), not \(truth), in \(row)")
        }
      }
    }
  }

  /// Also where the row cannot be scaled as a whole, and where the differences of its logits overflow.
  @Test func powersOfTwoChangeNoBitOfFloatRows() {
    var generator = StreamGenerator(seed: 12)
    for count in [7, 16, 33] {
      let row = (0..<count).map { _ in Float.random(in: -30...30, using: &generator) }
      let p = argmax.probabilities(for: row)
      for exponent in [-120, -64, -1, 1, 63, 100, 122] {
        let factor = Float(sign: .plus, exponent: exponent, significand: 1)
        let scaled = NoisyArgmax(.gumbel, scale: Double(factor)).probabilities(for: row.map { $0 * factor })
        #expect(p == scaled, "2^\(exponent), \(row)")
      }
    }
    let wide = [3e38] + [Float](repeating: -3e38, count: 20)
    #expect(NoisyArgmax(.gumbel).probabilities(for: wide) == [1] + [Float](repeating: 0, count: 20))
    let p = NoisyArgmax(.gumbel, scale: 2e38).probabilities(for: wide)
    let weight = exp((Double(wide[1]) - Double(wide[0])) / 2e38)
    #expect((Double(p[20]) - weight / (1 + 20 * weight)).magnitude <= 1.3e-7 * Double(p[20]))
    // Subnormal logits, of which a tiny scale makes gaps.
    let tiny = [Float](repeating: 0, count: 20) + [-0x1p-149]
    let q = NoisyArgmax(.gumbel, scale: 0x1p-149).probabilities(for: tiny)
    #expect((Double(q[20]) - exp(-1) / (20 + exp(-1))).magnitude <= 1.3e-7 * Double(q[20]))
  }

  @Test func floatRowsAtTheEdges() {
    for count in [16, 17, 40] {
      let row = (0..<count).map { -4 * Float($0) }
      let p = argmax.probabilities(for: row)
      for index in row.indices {
        let truth = exp(Double(row[index])) / (1 / (1 - exp(-4)))
        #expect((Double(p[index]) - truth).magnitude <= 1.3e-7 * truth + 0x1p-149, "class \(index)")
      }
      // In place, bit by bit the same; one NaN anywhere is seen.
      var same = row
      var workspace = NoisyArgmax.Workspace()
      var span = same.mutableSpan
      argmax.formProbabilities(in: &span, workspace: &workspace)
      #expect(same == p)
      for index in row.indices {
        var strange = row
        strange[index] = .nan
        #expect(argmax.probabilities(for: strange).allSatisfy { $0.isNaN })
      }
      #expect(
        argmax.probabilities(for: [Float](repeating: -7, count: count)).allSatisfy { $0 == 1 / Float(count) })
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
    // p = 1/(1 + e³).
    let p = NoisyArgmax(.gumbel, scale: 1e308).probabilities(for: [1.5e308, -1.5e308])
    #expect((p[1] - 0.047425873177566781).magnitude < 1e-16, "\(p)")
  }

  @Test func scaleIsThatOfTheNoise() {
    #expect(NoisyArgmax(.gumbel, scale: 2).probabilities(for: [2, 4]) == argmax.probabilities(for: [1, 2]))
    #expect(NoisyArgmax(.gumbel, scale: 2).probabilities(for: [1, 2]) != argmax.probabilities(for: [1, 2]))
  }
}
