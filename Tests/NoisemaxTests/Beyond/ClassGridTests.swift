import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Sums over a grid, under smooth laws and above the kinks of others, against panels: with one more class, without noise and far below all others, a row goes
/// by panels.
@Suite struct ClassGridTests {
  private static let laws: [NoisyArgmax] = [
    NoisyArgmax(.normal), NoisyArgmax(.logistic), NoisyArgmax(.gumbel), NoisyArgmax(.reversedGumbel),
    NoisyArgmax(.laplace), NoisyArgmax(.exponential),
  ]

  /// Classes with scales up to some ratio apart.
  private struct Row {
    let logits, scales, cotangent: [Double]

    init(_ count: Int, ratio: Double, spread: Double, seed: UInt64) {
      var generator = SplitMix64(seed: seed)
      func numbers(_ range: ClosedRange<Double>) -> [Double] {
        (0..<count).map { _ in Double.random(in: range, using: &generator) }
      }
      logits = numbers(-spread...spread)
      let half = 0.5 * log(ratio)
      scales = numbers(-half...half).map { exp($0) }
      cotangent = numbers(-1...1)
    }

    init(_ logits: [Double], scales: [Double], cotangent: [Double]) {
      (self.logits, self.scales, self.cotangent) = (logits, scales, cotangent)
    }
  }

  private static let rows: [Row] = [
    Row(2, ratio: 1, spread: 1, seed: 1), Row(3, ratio: 10, spread: 2, seed: 2),
    Row(10, ratio: 1, spread: 2, seed: 3), Row(10, ratio: 10, spread: 1, seed: 4),
    Row(10, ratio: 1000, spread: 10, seed: 5), Row(40, ratio: 10, spread: 2, seed: 6),
    Row(100, ratio: 10, spread: 1, seed: 7), Row(4, ratio: 10, spread: 20, seed: 8),
    Row(2, ratio: 1e6, spread: 100, seed: 9), Row(10, ratio: 1, spread: 0, seed: 10),
    // Some classes are below all points, whatever the law.
    Row([-2000, 0, 1, -2100, -0.5], scales: [1, 1, 2, 0.1, 1.5], cotangent: [1, -0.5, 0.7, 2, -1]),
  ]

  @Test(arguments: laws.indices, rows.indices)
  func probabilities(law: Int, row: Int) {
    let (argmax, row) = (Self.laws[law], Self.rows[row])
    for k in [1, 2] where k < row.logits.count {
      let p = argmax.inclusionProbabilities(for: row.logits, largest: k, scales: row.scales)
      let truth = argmax.inclusionProbabilities(
        for: row.logits + [-1e6], largest: k, scales: row.scales + [0])
      for i in p.indices where truth[i] > 1e-290 {
        let error = (p[i] / truth[i] - 1).magnitude
        let testCase = "\(argmax), \(k) largest of \(row.logits), scales \(row.scales), class \(i)"
        #expect(error <= 3e-12, "\(testCase): \(p[i]), not \(truth[i])")
      }
    }
  }

  @Test(arguments: laws.indices, rows.indices)
  func pullbacks(law: Int, row: Int) {
    let (argmax, row) = (Self.laws[law], Self.rows[row])
    let found = argmax.pullback(for: row.logits, scales: row.scales, of: row.cotangent)
    let truth = argmax.pullback(
      for: row.logits + [-1e6], scales: row.scales + [0], of: row.cotangent + [0])
    // An entry is a sum of flows to and from others.
    let size = zip(row.cotangent, row.scales).reduce(0) { $0 + $1.0.magnitude / $1.1 }
    for i in row.logits.indices {
      let errors = (
        (found.logits[i] - truth.logits[i]).magnitude, (found.scales[i] - truth.scales[i]).magnitude
      )
      let testCase = "\(argmax), logits \(row.logits), scales \(row.scales), cotangent \(row.cotangent)"
      #expect(
        Swift.max(errors.0, errors.1) <= 1e-12 * size,
        "\(testCase), class \(i): \((found.logits[i], found.scales[i])), not \((truth.logits[i], truth.scales[i]))"
      )
    }
  }

  /// Some fifty points for one scale, and about as many again for every factor of 10.
  @Test(arguments: [(1.0, 130), (10.0, 200)])
  func fewEvaluations(ratio: Double, most: Int) throws {
    for count in [10, 100] {
      let row = Row(count, ratio: ratio, spread: 1.5, seed: 11)
      let law = CountingSmooth(base: Normal())
      let argmax = NoisyArgmax(law, scale: 1)
      // Scales that are not all the same, if only just.
      let scales = [1.0000001 * row.scales[0]] + row.scales.dropFirst()
      _ = argmax.probabilities(for: [0, 0], scales: [1, 2])
      law.count.value = 0
      _ = argmax.probabilities(for: row.logits, scales: scales)
      // One tail and the density.
      let evaluations = law.count.value / (2 * count)
      #expect(evaluations <= most && evaluations > 16, "\(count) classes, scales \(scales): \(evaluations)")
    }
  }
}
