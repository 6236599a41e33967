import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Classes with scales of their own under laws with kinks, against integrals piece by piece, and how few evaluations they take.
@Suite struct KinkedScalesTests {
  private static let laws: [any PiecewiseNoise] = [Laplace(), Exponential(), Uniform(), Triangular()]

  private struct Row {
    let logits, scales: [Double]
    let cotangent: [Double] = [0.5, -1, 2, 0.25, 0.5, -0.75, 1, 0]
  }

  /// Random rows; ties; kinks a unit in the last place apart; a class far behind; a narrow one among wide ones.
  private static let rows: [Row] = {
    var generator = SplitMix64(seed: 41)
    func numbers(_ range: ClosedRange<Double>) -> [Double] {
      (0..<8).map { _ in Double.random(in: range, using: &generator) }
    }
    return [
      Row(logits: numbers(-1...1), scales: numbers(0.8...1.2)),
      Row(logits: numbers(-0.3...0.3), scales: numbers(0.3...3)),
      Row(logits: numbers(-0.01...0.01), scales: numbers(0.99...1.01)),
      Row(logits: [0, 0, 0, 0.25, 0.25, -0.5, 0, 0.25], scales: [1, 1, 2, 1, 0.5, 1, 1, 1]),
      Row(
        logits: [0.5, 0.5.nextUp, 0.5.nextDown, 0, 0.25, 0.5, 0.25.nextUp, 0],
        scales: [1, 1, 1, 1.5, 1.25, 1, 1.25, 1.5.nextUp]),
      Row(logits: [0, 0.1, -20, 0.2, -0.2, 0.3, -0.1, 0.15], scales: [1, 0.9, 1, 0.8, 1.1, 1, 0.95, 1.3]),
      Row(logits: [0, 0.4, 0.1, 0.2, -0.2, 0.3, -0.1, 0.15], scales: [2, 0.2, 2, 1.5, 1, 2, 1.75, 1]),
    ]
  }()

  @Test(arguments: 0..<4, 0..<7)
  func agreesWithIntegrals(law: Int, row: Int) {
    let (noise, row) = (Self.laws[law], Self.rows[row])
    func check(_ noise: some PiecewiseNoise) {
      let argmax = NoisyArgmax(noise, scale: 1)
      let truth = PieceIntegral(row.logits, scales: row.scales, under: noise, cotangent: row.cotangent)
      let p = argmax.probabilities(for: row.logits, scales: row.scales)
      let found = argmax.pullback(for: row.logits, scales: row.scales, of: row.cotangent)
      let testCase = "\(noise), logits \(row.logits), scales \(row.scales), cotangent \(row.cotangent)"
      for i in p.indices {
        // What rounding a node moves, in units of the narrowest scale.
        let error = (p[i] - truth.probabilities[i]).magnitude
        #expect(
          error <= 1e-12 * truth.probabilities[i] + 1e-19,
          "\(testCase), class \(i): \(p[i]), not \(truth.probabilities[i])")
        let bound = 1e-12 * truth.content[i] + 1e-17
        let (one, other) = (found.logits[i], truth.inLogits[i])
        #expect((one - other).magnitude <= bound, "\(testCase), class \(i): \(one), not \(other)")
        let (first, second) = (found.scales[i], truth.inScales[i])
        #expect((first - second).magnitude <= 20 * bound, "\(testCase), class \(i): \(first), not \(second)")
      }
    }
    check(noise)
  }

  /// ∂log p_i = ∂p_i/p_i, where one is integrated with shares of p and the other without.
  @Test(arguments: 0..<4, 0..<7)
  func pullbacksOfLogarithmsAreThoseOfProbabilities(law: Int, row: Int) {
    let (argmax, row) = (NoisyArgmax(Self.laws[law], scale: 1), Self.rows[row])
    let p = argmax.probabilities(for: row.logits, scales: row.scales)
    for i in [0, 3, 4] {
      let unit = p.indices.map { $0 == i ? 1.0 : 0 }
      let logarithms = argmax.logProbabilitiesPullback(for: row.logits, scales: row.scales, of: unit)
      let flows = argmax.pullback(for: row.logits, scales: row.scales, of: unit)
      let size = flows.logits.reduce(0) { $0 + $1.magnitude } / p[i]
      for j in p.indices where p[i] > 0 {
        let error = (logarithms.logits[j] - flows.logits[j] / p[i]).magnitude
        #expect(
          error <= 1e-12 * size,
          "\(argmax), logits \(row.logits), scales \(row.scales), class \(i) by \(j): \(logarithms.logits[j])"
        )
      }
    }
  }

  /// Evaluations of the law for every class: a tail and the density at every point.
  private func evaluations(_ base: any PiecewiseNoise, _ logits: [Double], _ scales: [Double]) -> Int {
    let law = Counting(base: base)
    let argmax = NoisyArgmax(law, scale: 1)
    _ = argmax.probabilities(for: [0, 0], scales: [1, 2])
    law.count.value = 0
    _ = argmax.probabilities(for: logits, scales: scales)
    return law.count.value / (2 * logits.count)
  }

  /// Above all kinks a grid serves: under Exponential noise there is nothing else, under Laplace noise there is one panel for
  /// every kink besides, or half of one, and none where many classes leave nothing below.
  @Test(arguments: [(1, 10, 208), (1, 300, 208), (0, 10, 400), (0, 1000, 208)])
  func aGridAboveAllKinks(law: Int, count: Int, most: Int) {
    var generator = SplitMix64(seed: 43)
    for half in [0.2, 1.15] {
      let logits = (0..<count).map { _ in Double.random(in: -1.5...1.5, using: &generator) }
      let scales = (0..<count).map { _ in exp(Double.random(in: -half...half, using: &generator)) }
      let found = evaluations(Self.laws[law], logits, scales)
      #expect(
        found <= most && found > 16,
        "\(Self.laws[law]), logits \(logits), scales \(scales): \(found) evaluations"
      )
    }
  }

  /// Where a class is certain to be below it is not evaluated.
  @Test func noEvaluationOfWhatIsBelow() {
    var generator = SplitMix64(seed: 47)
    let leaders = (0..<10).map { _ in Double.random(in: 0...0.5, using: &generator) }
    let logits = leaders + [Double](repeating: -2, count: 90)
    let scales = [Double](repeating: 1, count: 10) + [Double](repeating: 2.6, count: 90)
    let found = evaluations(Uniform(), logits, scales)
    // Ten panels take 160 where all classes are evaluated.
    #expect(found <= 80 && found > 16, "logits \(logits), scales \(scales): \(found) evaluations")
  }
}
