import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// The quantile rule in vector loops, and of smooth laws on its grid: the same values as by its double loop, of rows of all
/// shapes.
@Suite struct QuantileGridTests {
  /// A law that says neither what it is nor that it is smooth: its rule is computed as it is written.
  private struct AsWritten: ForwardingNoise {
    let original: any AccurateNoise
  }

  static let smoothLaws = ShippedLaw.all.filter { $0.noise is any SmoothNoise }.map(\.name)

  /// A seeded search for the worst case. `NOISEMAX_SEARCH=100` makes it long.
  @Test(arguments: ShippedLaw.all.map(\.name), [1, 2, 8, 64])
  func agreesWithTheDoubleLoop(law: String, points: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let pairs = Self.pairs(noise, points: points)
    let length = ProcessInfo.processInfo.environment["NOISEMAX_SEARCH"].flatMap { Int($0) }
    var rows = AdversarialRows(generator: SplitMix64(seed: UInt64(length ?? points)))
    for round in 0..<(length ?? (isDebugBuild ? 3 : 9)) {
      var row = rows.next(largest: length != nil ? 400 : isDebugBuild ? 30 : 100)
      // Masks, and classes that are out of reach.
      if round % 3 == 1 { row += [-.infinity, -1e9, -.infinity, -45] }
      compare(pairs, row)
    }
  }

  @Test(arguments: ShippedLaw.all.map(\.name))
  func agreesOnExtremeRows(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let ties = { (count: Int) in [Double](repeating: 0, count: count) }
    let masked = { (count: Int) in [Double](repeating: -.infinity, count: count) }
    for points in [1, isDebugBuild ? 3 : 24] {
      let pairs = Self.pairs(noise, points: points)
      for row in [
        ties(50), ties(400) + [-3, -6.25, -20], [0] + ties(200).map { _ in -2.5 }, masked(40) + ties(20),
        (0..<50).map { -15 * Double($0) }, (0..<50).map { -1e-9 * Double($0) }, [0, -1e9, -2e9] + ties(30),
        [1e12, 1e12 - 1] + masked(3) + ties(9), ties(20) + [-700, -36, -4, -0.5],
      ] { compare(pairs, row) }
    }
  }

  /// The rule as the law has it and as it is written, raw and normalized.
  private static func pairs(
    _ noise: some ExactNoise, points: Int
  ) -> [(fast: NoisyArgmax, asWritten: NoisyArgmax)] {
    [false, true].map { isNormalized in
      (
        NoisyArgmax(noise, points: points, normalized: isNormalized),
        NoisyArgmax(AsWritten(original: noise), points: points, normalized: isNormalized)
      )
    }
  }

  private func compare(_ pairs: [(fast: NoisyArgmax, asWritten: NoisyArgmax)], _ row: [Double]) {
    for (fast, asWritten) in pairs {
      let (p, logs) = (fast.probabilities(for: row), fast.logProbabilities(for: row))
      let (expected, logTruths) = (asWritten.probabilities(for: row), asWritten.logProbabilities(for: row))
      for index in row.indices {
        func note() -> Comment { "\(fast.noise), \(fast.method), \(row), class \(index)" }
        // Far out, the rounding of logarithms shows in what they are the logarithms of.
        let (log, truth) = (logs[index], logTruths[index])
        let bound = 1e-12 * max(1, truth.magnitude / 300)
        #expect(log == truth || (log - truth).magnitude <= bound, note())
        let error = (p[index] - expected[index]).magnitude
        #expect(error <= 1e-300 || error <= bound * expected[index], note())
      }
    }
  }

  /// Derivatives, against those of raw values, which go class by class: within 1e-11 of the largest of the row.
  @Test(arguments: smoothLaws, [2, 8, 64])
  func derivativesAgreeWithTheLoopOverClasses(law: String, points: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let onGrid = NoisyArgmax(noise, method: .quantileRule(points: points))
    let raw = NoisyArgmax(noise, method: .quantileRule(points: points, normalized: false))
    var rows = AdversarialRows(generator: SplitMix64(seed: UInt64(points)))
    var generator = SplitMix64(seed: 5)
    func bell(_ count: Int, _ spread: Double) -> [Double] {
      (0..<count).map { _ in
        (0..<4).reduce(0) { sum, _ in sum + spread * Double.random(in: -1...1, using: &generator) }
      }
    }
    var all = [
      bell(40, 1), bell(150, 0.3), bell(150, 3), [Double](repeating: 0, count: 100) + bell(30, 0.1),
      [8.0] + bell(60, 0.5) + [-.infinity, -1e9], (0..<60).map { -0.4 * Double($0) },
    ]
    for _ in 0..<(isDebugBuild ? 1 : 6) { all.append(rows.next(largest: isDebugBuild ? 40 : 120)) }
    for row in isDebugBuild ? all.filter({ $0.count < 100 }) : all {
      let v = row.map { _ in Double.random(in: -1...1, using: &generator) }
      let (p, values) = (onGrid.probabilities(for: row), raw.probabilities(for: row))
      let logs = raw.logProbabilities(for: row)
      let total = zip(v, logs).reduce(0.0) { $1.1 > -.infinity ? $0 + $1.0 : $0 }
      let (sum, top) = (values.reduce(0, +), v[row.indices.max { row[$0] < row[$1] }!])
      let mean = zip(p, v).reduce(0.0) { $0 + $1.0 * ($1.1 - top) }
      for (name, gradient, truth) in [
        (
          "p", onGrid.pullback(for: row, of: v), raw.pullback(for: row, of: v.map { ($0 - top - mean) / sum })
        ),
        (
          "log p", onGrid.logProbabilitiesPullback(for: row, of: v),
          raw.logProbabilitiesPullback(for: row, of: zip(v, p).map { $0 - $1 * total })
        ),
      ] {
        let largest = truth.reduce(0) { max($0, $1.magnitude) }
        for index in row.indices {
          let error = (gradient[index] - truth[index]).magnitude
          #expect(
            error <= 1e-11 * largest,
            "\(law), \(points) points, \(name), \(row), class \(index): \(gradient[index]), not \(truth[index])"
          )
        }
      }
    }
  }

  /// Against the formula itself, in rows too long for the loop over all classes.
  @Test(arguments: smoothLaws)
  func longRowsAreTheFormula(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    var generator = SplitMix64(seed: 7)
    let count = isDebugBuild ? 1000 : 10_000
    let row = (0..<count).map { _ in
      (0..<4).reduce(-2) { sum, _ in sum + 1.5 * Double.random(in: 0...1, using: &generator) }
    }
    let points = 16
    let rule = NoisyArgmax(noise, method: .quantileRule(points: points, normalized: false))
    let logs = rule.logProbabilities(for: row)
    for index in [0, 1, 2, count - 1] {
      let terms = (1...points).map { k in
        let node = noise.quantile(at: Double(k) / Double(points + 1))
        // Sums of sums, so that thousands of roundings do not add up.
        return stride(from: 0, to: count, by: 100).reduce(0.0) { sum, start in
          sum
            + (start..<start + 100).reduce(0) {
              $1 == index ? $0 : $0 + noise.logCumulative(at: row[index] - row[$1] + node)
            }
        }
      }
      let top = try #require(terms.max())
      let truth = top + log(terms.reduce(0) { $0 + exp($1 - top) } / Double(points))
      let error = (logs[index] - truth).magnitude
      #expect(error <= 1e-12 * max(1, truth.magnitude / 300), "\(law), class \(index): \(error)")
    }
  }

  /// Half of the classes stand at 0 and half at −g. With the median 0 of logistic noise as the only point, the first ones have
  /// F(0)^(n/2 − 1)·F(g)^(n/2) and the others F(0)^(n/2 − 1)·F(−g)^(n/2), which is e^(−n·g/2) of that, as F(−g)/F(g) = e^−g.
  /// Both logarithms are in the thousands, where a unit in the last place is 4.5e-13.
  @Test func logarithmsInThousandsKeepTheirDigits() {
    let rule = NoisyArgmax(.logistic, method: .quantileRule(points: 1))
    let count = 4000
    for g in stride(from: 0.02, through: 0.03, by: 0.001) {
      let row = (0..<count).map { $0 < count / 2 ? 0 : -g }
      let logs = rule.logProbabilities(for: row)
      let (difference, truth) = (logs[count - 1] - logs[0], -g * Double(count / 2))
      #expect((difference - truth).magnitude <= 1e-12, "gap \(g): \(difference), not \(truth)")
    }
  }

  /// The values of Normal classes at gaps of 40 and a little more are about e⁻⁷²⁰ of the leader's. From there on the grid
  /// leaves classes out, wherever its blocks of points begin, and the others have their logarithms all the same.
  @Test func classesAboveTheDeepestHaveTheirLogarithms() {
    let pairs = Self.pairs(Normal(), points: 64)
    // Ties, so that so few different logits are a row for the grid.
    let rare = (0..<60).map { -39.9 - 0.05 * Double($0 % 15) }
    for cell in 0..<8 {
      let lowest = -41 - Double(cell) / 32
      compare(pairs, [0] + rare + [lowest])
    }
  }
}
