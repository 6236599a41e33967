import Foundation
import Noisemax
import Testing

/// What rows with deep classes take, by how often the law is asked: not by timing.
@Suite struct ScaledWorkTests {
  private typealias Row = (name: String, logits: [Double], scales: [Double])

  private static func ordinary(_ count: Int) -> Row {
    (
      "ordinary", (0..<count).map { sin(Double($0 * $0)) },
      (0..<count).map { 1 + 0.5 * cos(Double($0)) }
    )
  }

  private static func rows(_ count: Int, gap: Double) -> [Row] {
    let numbers = (0..<count).map { Double($0) }
    let gaps = numbers.map { $0 == 0 ? 0 : -gap * (1 + 0.5 * sin($0 * $0)) }
    func decades(_ width: Double) -> [Double] {
      numbers.map { pow(10, 0 - width * $0 / Double(count)) }
    }
    // Three classes over and over: a minute once, with 300.
    let three = ([-0.00390625, 48.99609375, 74.13671875], [0.9609375, 0.00390625, 0.00390625])
    return [
      ("one decade", gaps, decades(1)), ("fifteen decades", gaps, decades(15)),
      ("fifteen decades, gaps of as many", zip(gaps, decades(15)).map { $0 * $1 }, decades(15)),
      ("three classes", numbers.map { three.0[Int($0) % 3] }, numbers.map { three.1[Int($0) % 3] }),
    ]
  }

  /// An inverse takes some three Jacobians and six rows of log p: from the start on errors shrink ever faster.
  @Test(arguments: [5, 10, 20])
  func theInverseTakesFewRows(count: Int) {
    let law = CountingSmooth(base: Normal())
    let argmax = NoisyArgmax(law)
    let (_, logits, scales) = Self.ordinary(count)
    let q = argmax.probabilities(for: logits, scales: scales)
    let before = law.count.value
    _ = argmax.logProbabilities(for: logits, scales: scales)
    let between = law.count.value
    _ = argmax.logits(for: q, scales: scales)
    let (row, inverse) = (between - before, law.count.value - between)
    #expect(row > 0 && inverse <= 11 * row, "\(count) classes: \(inverse), a row \(row)")
  }

  /// Classes whose peaks are near each other have what all are below in common.
  @Test func neighboursShareWork() {
    let (count, law) = (isDebugBuild ? 10 : 30, CountingSmooth(base: ReversedGumbel()))
    let argmax = NoisyArgmax(law)
    func evaluations(_ logits: [Double], _ scales: [Double]) -> Int {
      let before = law.count.value
      _ = argmax.logProbabilities(for: logits, scales: scales)
      return law.count.value - before
    }
    let (_, logits, scales) = Self.ordinary(count)
    let ordinary = evaluations(logits, scales)
    let numbers = (0..<count).map { Double($0) }
    let gaps: [Double] = numbers.map { $0 == 0 ? 0 : -3000 - 3 * $0 }
    let near: [Double] = numbers.map { pow(0.977, $0 / Double(count)) }
    let found = evaluations(gaps, near)
    #expect(ordinary > 0 && found <= 19 * ordinary, "\(count) classes: \(found), an ordinary row \(ordinary)")
  }

  /// Where every class is certain to be above or below nothing is integrated, however far it is from one class to the next.
  @Test(arguments: [2, 7])
  func gapsTakeNoPanels(largest: Int) {
    let law = CountingSmooth(base: Normal())
    let argmax = NoisyArgmax(law)
    let scales = (0..<12).map { 1 + 0.5 * cos(Double($0)) }
    func evaluations(_ gap: Double) -> Int {
      let logits = (0..<12).map { 0.1 * Double($0 % 3) - gap * Double($0 / 3) }
      let before = law.count.value
      _ = argmax.inclusionPullback(
        for: logits, largest: largest, of: logits.indices.map { Double($0 % 2) }, scales: scales)
      return law.count.value - before
    }
    let near = evaluations(1e3)
    for gap in [1e8, 1e20, 1e60] {
      let found = evaluations(gap)
      #expect(near > 0 && Double(found) <= 1.05 * Double(near), "gaps of \(gap): \(found), of 1e3: \(near)")
    }
  }

  /// Classes far below the others are left out above where their own noise ends: their points do not count for the others.
  @Test func classesFarBelowAreLeftOut() {
    let law = CountingSmooth(base: Normal())
    let argmax = NoisyArgmax(law)
    func evaluations(_ logits: [Double], _ scales: [Double]) -> Int {
      let before = law.count.value
      _ = argmax.probabilities(for: logits, scales: scales)
      return law.count.value - before
    }
    let numbers = (0..<100).map { Double($0) }
    let (_, near, scales) = Self.ordinary(100)
    let ordinary = evaluations(near, scales)
    let found = evaluations(numbers.map { -4 * $0 }, scales)
    #expect(ordinary > 0 && found <= ordinary, "\(found), an ordinary row \(ordinary)")
  }

  /// Classes so far below one without noise that their logarithms are no Doubles are not searched for a peak.
  @Test func hopelessClassesTakeNoSearch() {
    let law = CountingSmooth(base: Normal())
    let argmax = NoisyArgmax(law)
    let (_, logits, scales) = Self.ordinary(20)
    let start = law.count.value
    _ = argmax.logProbabilities(for: logits, scales: scales)
    let before = law.count.value
    let far = (0..<20).map { $0 == 0 ? 3e170 : 1e170 + 1e168 * Double($0) }
    let logs = argmax.logProbabilities(for: far, scales: [0] + scales[1...])
    let (ordinary, found) = (before - start, law.count.value - before)
    #expect(logs[0] == 0 && logs[1...].allSatisfy { $0 == -.infinity }, "\(logs)")
    #expect(ordinary > 0 && found <= ordinary, "\(found), an ordinary row \(ordinary)")
  }

  /// Up to 40 times the work of an ordinary row with 10 classes, 70 times with 30: each has its own peak. With kinks an ordinary
  /// row takes more: up to 20 times that.
  @Test(arguments: isDebugBuild ? [10] : [10, 30])
  func deepClassesTakeBoundedWork(count: Int) {
    func evaluations(_ law: some CountingNoise & ExactNoise, _ row: Row) -> (
      values: Int, gradients: Int
    ) {
      let argmax = NoisyArgmax(law)
      let before = law.count.value
      _ = argmax.logProbabilities(for: row.logits, scales: row.scales)
      let between = law.count.value
      _ = argmax.logProbabilitiesPullback(
        for: row.logits, scales: row.scales, of: row.logits.indices.map { cos(Double($0)) })
      return (between - before, law.count.value - between)
    }
    func expectFewEvaluations(
      _ law: some CountingNoise & ExactNoise, gap: Double, multiple: Int
    ) {
      let ordinary = evaluations(law, Self.ordinary(count))
      #expect(ordinary.values > 0 && ordinary.gradients > 0, "\(law.original)")
      for row in Self.rows(count, gap: gap) {
        let found = evaluations(law, row)
        let whole =
          "\(law.original), \(row.name), \(count) classes: \(found), an ordinary row \(ordinary)"
        #expect(found.values <= multiple * ordinary.values, "\(whole)")
        #expect(found.gradients <= multiple * ordinary.gradients, "\(whole)")
      }
    }
    let smooth = count == 10 ? 40 : 70
    expectFewEvaluations(CountingSmooth(base: Normal()), gap: 80, multiple: smooth)
    expectFewEvaluations(CountingSmooth(base: ReversedGumbel()), gap: 3000, multiple: smooth)
    expectFewEvaluations(CountingSmooth(base: Gumbel()), gap: 1500, multiple: smooth)
    expectFewEvaluations(Counting(base: Laplace()), gap: 1500, multiple: 20)
    expectFewEvaluations(Counting(base: Exponential()), gap: 1500, multiple: 20)
  }
}
