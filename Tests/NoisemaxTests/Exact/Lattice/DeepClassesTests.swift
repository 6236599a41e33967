import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Log-probabilities of classes that no table reaches, beside crowds that matter only together.
@Suite struct DeepClassesTests {
  /// Where a deep class would win, hundreds of classes are each nearly certain to lose: 1 − F is 1e-9 and less of
  /// one, and a million times more of all.
  @Test(
    arguments: [
      ("normal", -14...12, [0, -60, -26.1], [2, 1, 800]),
      ("normal", -14...12, [0, -60, -36.2], [1, 2, 800]),
      ("logistic", -45...90, [0, -900, -21.5], [2, 1, 800]),
      ("logistic", -45...90, [0, -900, -21.5, -25], [3, 2, 800, 100]),
    ] as [(String, ClosedRange<Double>, [Double], [Int])])
  func crowdsThatHardlyEverWinCount(
    law: String, window: ClosedRange<Double>, gaps: [Double], ties: [Int]
  ) throws {
    let noise = try #require(ShippedLaw.standard(named: law) as? any SmoothNoise)
    func truth(_ noise: some SmoothNoise, _ row: [Double]) -> [Double] {
      DirectIntegral(row, under: noise, window: window, step: 1 / 32).logProbabilities
    }
    let row = zip(gaps, ties).flatMap { [Double](repeating: $0, count: $1) }
    let (logs, expected) = (NoisyArgmax(noise).logProbabilities(for: row), truth(noise, row))
    let crowd = try #require(gaps.last)
    // The others alone: what the crowd costs the deep class is far above the bound.
    let alone = truth(noise, row.filter { $0 == 0 || $0 == gaps[1] })[ties[0]]
    let deep = ties[0]
    #expect(
      (alone - expected[deep]) >= 10 * 3e-12 * expected[deep].magnitude,
      "the crowd at \(crowd) does not count")
    #expect(
      (logs[deep] - expected[deep]).magnitude <= 3e-12 * expected[deep].magnitude,
      "\(gaps), \(ties) of each: \(logs[deep]), not \(expected[deep])")
  }

  /// Every class of a crowd is wrong by as much: what is nothing of one must be nothing of all.
  @Test func largeCrowdsAreExact() {
    let (law, crowd, ties, deep) = (ReversedGumbel(), -705.0, 100_000, -709.3)
    // So many others that classes are not summed one by one.
    let others = (0..<40).map { -712 - 10 * Double($0) }
    let row = [0] + [Double](repeating: crowd, count: ties) + others + [deep]
    let h = 1.0 / 128
    let logIntegrand = (0..<Int(20 / h)).map { step in
      let x = deep - 8 + h * Double(step)
      return others.reduce(
        law.logCumulative(at: x) + Double(ties) * law.logCumulative(at: x - crowd)
          + law.logCumulative(at: x - deep) + law.logReversedHazard(at: x - deep)
      ) { $0 + law.logCumulative(at: x - $1) }
    }
    let top = logIntegrand.max() ?? 0
    let expected = top + log(h * logIntegrand.reduce(0) { $0 + exp($1 - top) })
    let value = NoisyArgmax(.reversedGumbel).logProbabilities(for: row)[row.count - 1]
    #expect((value - expected).magnitude <= 3e-13 * expected.magnitude, "\(value), not \(expected)")
  }

  /// Classes of a crowd that are distinct count where they are.
  @Test(arguments: [("normal", -14...12, -60, -26.1), ("logistic", -45...90, -900, -21.5)])
  func crowdsOfDistinctClassesCount(
    law: String, window: ClosedRange<Double>, deep: Double, crowd: Double
  ) throws {
    let noise = try #require(ShippedLaw.standard(named: law) as? any SmoothNoise)
    func truth(_ noise: some SmoothNoise, _ row: [Double]) -> Double {
      DirectIntegral(row, under: noise, window: window, step: 1 / 16).logProbabilities[1]
    }
    let row = [0, deep, 0] + (0..<400).map { crowd + 0.4 * sin(Double($0)) }
    let (value, expected) = (NoisyArgmax(noise).logProbabilities(for: row)[1], truth(noise, row))
    let bound = 3e-12 * expected.magnitude
    // One place further down it would count otherwise.
    let moved = truth(noise, row.map { $0 == 0 || $0 == deep ? $0 : $0 - 0.05 })
    #expect((moved - expected).magnitude >= 10 * bound, "the crowd of \(row) does not count")
    #expect((value - expected).magnitude <= bound, "\(row): \(value), not \(expected)")
  }

  /// Gaps beyond which p is below 1e-300 beside one leader, in closed form, and beside more leaders the more so.
  static let depths = [
    ("normal", 52.4), ("logistic", 697.5), ("gumbel", 690.8), ("reversed-gumbel", 690.8),
    ("exponential", 690.1),
    ("laplace", 696), ("uniform", 1),
  ]

  @Test(arguments: depths)
  func probabilitiesBelowTheSmallestAreNumbersThatSmall(law: String, depth: Double) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for leaders in [1, 2, 30, 300] {
      for beyond in [0, 0.4, 3, 20, 1e3, 1e9, 1e300] {
        let row = [Double](repeating: 0, count: leaders) + [-depth - beyond, -depth - 2 * beyond]
        for p in argmax.probabilities(for: row).suffix(2) {
          #expect(0 <= p && p <= 1e-300, "\(law), \(leaders) leaders, \(depth) and \(beyond) behind: \(p)")
        }
      }
    }
  }

  /// Rows of so many classes that sums over them are shared: ladders, crowds, spread ones and two scales.
  static func rows(_ count: Int, deep: Double) -> [[Double]] {
    var generator = SplitMix64(seed: 21)
    func random() -> Double { Double.random(in: 0...1, using: &generator) }
    func row(_ gap: (Int) -> Double) -> [Double] { [0, -0.5] + (2..<count).map(gap) }
    return [
      row { -deep - Double($0) - 0.3 * random() }, row { -deep / 20 * Double($0) - random() },
      row { _ in -deep - 0.5 * random() }, row { _ in -deep - 300 * random() },
      row { $0 % 2 == 0 ? -deep - 5 * random() : -5 * random() },
      row { $0 % 2 == 0 ? -2 * deep : -deep * random() }, row { _ in -deep * pow(2.5, random()) },
    ]
  }

  /// Log-probabilities and their gradients against a quadrature on one fine grid.
  @Test(arguments: LatticeTests.windows)
  func manyDeepClassesAgreeWithDirectSums(law: String, window: ClosedRange<Double>) throws {
    let noise = try #require(ShippedLaw.standard(named: law) as? any SmoothNoise)
    let argmax = try LatticeTests.transform(law)
    let rows = Self.rows(isDebugBuild ? 20 : 48, deep: 750)
    for row in isDebugBuild ? Array(rows.prefix(1)) : rows {
      let truth = PairIntegrals(row, under: noise, window: window)
      let logP = argmax.logProbabilities(for: row)
      for (index, value) in logP.enumerated() {
        let expected = truth.logProbabilities[index]
        #expect(
          (value - expected).magnitude <= 3e-12 * max(1, expected.magnitude),
          "\(row), class \(index): \(value), not \(expected)")
      }
      // Cotangents of one size, and of all sizes with signs in turns.
      let deep = row.indices.filter { logP[$0] < -700 }
      for isOfOneSize in [true, false] {
        var v = row.map { _ in 0.0 }
        for i in deep {
          v[i] = isOfOneSize ? Double(i % 7) - 2.5 : (i % 2 == 0 ? 1 : -1) * pow(10, -Double(i % 13))
        }
        expect(argmax.logProbabilitiesPullback(for: row, of: v), isThatOf: v, row, truth)
      }
    }
  }

  /// An entry is summed from v_i ∂log p_i/∂μ_j. It has its digits beside the sum of their sizes, or beside those of the largest
  /// entry: an integral leaves out as much as log p has lost.
  private func expect(
    _ gradient: [Double], isThatOf v: [Double], _ row: [Double], _ truth: PairIntegrals
  ) {
    var (expected, content) = (row.map { _ in 0.0 }, row.map { _ in 0.0 })
    for i in row.indices where v[i] != 0 {
      for j in row.indices where j != i {
        let term = v[i] * truth.ratios[i][j]
        expected[j] -= term
        expected[i] += term
        content[j] += term.magnitude
        content[i] += term.magnitude
      }
    }
    let largest = content.reduce(0, max)
    #expect(largest > 0)
    for index in row.indices {
      let bound = 1e-11 * content[index] + 3e-12 * largest
      #expect(
        isClose(gradient[index], expected[index], within: bound),
        "\(row), \(v), class \(index): \(gradient[index]), not \(expected[index])")
    }
  }

  /// Classes an ulp apart, of which rounding alone could tell which one is nearest to a peak far above them.
  @Test(arguments: [40, 150])
  func neighboursCountAsTies(count: Int) {
    for law: any SmoothNoise in [LogGamma(shape: 3), ReversedGumbel(), Normal()] {
      let argmax = NoisyArgmax(law)
      for gap: Double in [-3000, -1e5] {
        let ties: [Double] = [0, -0.5] + [Double](repeating: gap, count: count - 2)
        let steps = (2..<count).map { (index: Int) -> Double in gap - Double(index % 5) * gap.ulp }
        let neighbours: [Double] = [0, -0.5] + steps
        let (logs, truth) = (argmax.logProbabilities(for: neighbours), argmax.logProbabilities(for: ties))
        for (value, expected) in zip(logs, truth) {
          #expect(
            (value - expected).magnitude <= 3e-12 * max(1, expected.magnitude),
            "\(law), \(gap): \(value), not \(expected)")
        }
      }
    }
  }

  /// Far enough below two leaders their factors are exponentials, and the rest is the same at any distance.
  @Test func laddersAreTheSameFartherAway() {
    let argmax = NoisyArgmax(LogGamma(shape: 3))
    func logs(_ gap: Double) -> [Double] {
      let ladder = (0..<148).map { (index: Int) -> Double in gap - 30 * Double(index) }
      return argmax.logProbabilities(for: [0, -0.5] + ladder).map { $0 - 6 * gap }
    }
    let (near, far) = (logs(-2048), logs(-1e7))
    for index in 2..<150 {
      #expect(
        (near[index] - far[index]).magnitude <= 3e-12 * 6e7, "\(index): \(far[index]), not \(near[index])")
    }
  }

  /// Above its peak an integrand of this law falls like exp(−eˣ), and the next class is a hundred times that far.
  @Test func steepIntegrandsHaveTheirPeak() {
    let law = LogGamma(shape: 3)
    for step: Double in [15, 40] {
      let row: [Double] = [0] + (1..<26).map { (index: Int) -> Double in -600 - step * Double(index) }
      let truth = DirectIntegral(row, under: law, window: -20...9, step: 1 / 32).logProbabilities
      let logs = NoisyArgmax(law).logProbabilities(for: row)
      for (index, expected) in truth.enumerated() {
        #expect(
          (logs[index] - expected).magnitude <= 3e-12 * max(1, expected.magnitude),
          "\(row), class \(index): \(logs[index]), not \(expected)")
      }
    }
  }

  /// Three normal classes: the last wins near a third of its gap if the two others are together as seen from there, and
  /// log p = −g²/3 but for terms as small as 1/g.
  @Test(arguments: [1e20, 1e50, 1e86, 1e150])
  func gapsThatHideEachOther(gap: Double) {
    let argmax = NoisyArgmax(.normal)
    for other in [0.5, 1, 1e3, 1e-14 * gap] {
      let row = [0, -other, -gap]
      let logP = argmax.logProbabilities(for: row)[2]
      let expected = -gap * gap / 3 + gap * other / 3
      #expect((logP - expected).magnitude <= 3e-12 * expected.magnitude, "\(row): \(logP), not \(expected)")
    }
  }

  /// Far enough below two leaders their factors are exponentials: a crowd has the same derivatives at any distance.
  /// Far behind, Normal log p_i is −½ Σ (X_j − μ_j)² at the least sum of squares that lets class i win: there all classes before
  /// it and it meet in their mean.
  @Test func farNormalClassesGoByLeastSquares() {
    func exponent(_ i: Int, _ row: [Double]) -> Double {
      var x = row[i]
      var active: [Int] = []
      // Every round leaves out the classes below the mean, so that it rises.
      for _ in row {
        active = row.indices.filter { $0 == i || row[$0] > x }
        x = active.reduce(0) { $0 + row[$1] / Double(active.count) }
      }
      return -0.5 * active.reduce(0) { $0 + (row[$1] - x) * (row[$1] - x) }
    }
    // Multiples of one gap, and a class much nearer: rounding hides what lies between.
    let multiples = [1, 1, 7, 8, 1, 3, 4, 5.0]
    var rows = [[0, -3.4342930592956056e20] + multiples.map { $0 * -3.0650000169809177e63 }]
    var generator = SplitMix64(seed: 31)
    for _ in 0..<(isDebugBuild ? 100 : 400) {
      let far = -pow(10, Double.random(in: 20...150, using: &generator))
      let near = -pow(10, Double.random(in: 10...20, using: &generator))
      let count = Int.random(in: 2...8, using: &generator)
      rows.append(
        [0, near] + (0..<count).map { _ in far * Double(Int.random(in: 1...9, using: &generator)) })
    }
    for row in rows {
      let logs = NoisyArgmax(.normal).logProbabilities(for: row)
      for i in 1..<row.count {
        let truth = exponent(i, row)
        #expect(isClose(logs[i], truth, within: -1e-12 * truth), "\(row), \(i): \(logs[i]), not \(truth)")
      }
    }
  }

  @Test func gradientsAreTheSameFartherAway() {
    for law: any SmoothNoise in [LogGamma(shape: 3), ReversedGumbel(), Logistic()] {
      let argmax = NoisyArgmax(law)
      for count in [5, 40] {
        let v = (0..<count + 2).map { (index: Int) -> Double in index < 2 ? 0 : Double(index % 4) - 1.25 }
        func gradient(_ gap: Double) -> [Double] {
          // Sixteenths are exact at both distances.
          let crowd = (0..<count).map { (index: Int) -> Double in gap - Double(index * index % 50) / 16 }
          return argmax.logProbabilitiesPullback(for: [0, -0.5] + crowd, of: v)
        }
        let near = gradient(-2048)
        let largest = near.reduce(0) { max($0, $1.magnitude) }
        for distance in [0x1p20, 0x1p30, 0x1p36] {
          let far = gradient(-distance)
          let bound = max(1e-10, 0x1p-50 * 6 * distance)
          for index in near.indices {
            #expect(
              (far[index] - near[index]).magnitude <= bound * largest,
              "\(law), \(count) classes, \(distance), class \(index): \(far[index]), not \(near[index])")
          }
        }
      }
    }
  }

  /// Not by timing: by how often the law is asked. Hundreds of classes or tens, near each other or 1e300 apart.
  @Test(arguments: [10, 100, isDebugBuild ? 100 : 1000])
  func theWorkForAClassIsBounded(count: Int) {
    func expectFewEvaluations(_ base: some SmoothNoise) {
      let law = CountingSmooth(base: base)
      let argmax = NoisyArgmax(law)
      func evaluations(_ body: () -> Void) -> Int {
        let before = law.count.value
        body()
        return (law.count.value - before) / count
      }
      var generator = SplitMix64(seed: 22)
      let spreads = [1e9, 1e140, 1e300].map { largest in
        [0, -0.5]
          + (2..<count).map { _ in -pow(10, Double.random(in: 3.3...log10(largest), using: &generator)) }
      }
      let masks = (0..<count).map { -Double($0 % 5) - ($0 % 2 == 0 ? 0 : 1e9) }
      let rows = Self.rows(count, deep: 2000) + Self.rows(count, deep: 2e4) + spreads + [masks]
      // The first such rows make what all of them go by.
      for row in rows { _ = argmax.logProbabilitiesPullback(for: row, of: row.map { _ in 1 }) }
      for row in rows {
        let logs = evaluations { _ = argmax.logProbabilities(for: row) }
        let most = Self.mostEvaluations(count)
        #expect(logs <= most.logarithms, "\(base), \(row.prefix(9)): \(logs) evaluations for a class")
        let gradients = evaluations {
          _ = argmax.logProbabilitiesPullback(for: row, of: row.indices.map { Double($0 % 3) - 1 })
        }
        #expect(
          gradients <= most.gradient,
          "\(base), \(row.prefix(9)): \(gradients) evaluations for a class, with derivatives")
      }
    }
    expectFewEvaluations(Normal())
    expectFewEvaluations(Logistic())
    expectFewEvaluations(ReversedGumbel())
  }

  /// Equal classes far behind share one integral: five hundred take no longer than one.
  @Test func equalDeepClassesAreIntegratedOnce() {
    let law = CountingSmooth(base: ReversedGumbel())
    let argmax = NoisyArgmax(law)
    func evaluations(ties: Int) -> Int {
      let row =
        [0, -0.5] + (1...20).map { -1e9 * Double($0) } + [Double](repeating: -2.5e33, count: ties)
      _ = argmax.logProbabilities(for: row)
      let before = law.count.value
      _ = argmax.logProbabilities(for: row)
      return law.count.value - before
    }
    let (one, many) = (evaluations(ties: 1), evaluations(ties: 500))
    #expect(one > 0 && many <= 2 * one, "\(many) evaluations for 500 equal classes, \(one) for one")
  }

  /// Where classes are dense, most of them lie on a polynomial through some: ten times as many take hardly more.
  @Test func denseDeepClassesShareIntegrals() {
    func expectFewEvaluations(_ base: some SmoothNoise) {
      let law = CountingSmooth(base: base)
      let argmax = NoisyArgmax(law)
      func evaluations(_ count: Int) -> Int {
        let row = [0, -0.5] + (0..<count).map { -3000 - 40 * Double($0) / Double(count) }
        _ = argmax.logProbabilities(for: row)
        let before = law.count.value
        _ = argmax.logProbabilities(for: row)
        return law.count.value - before
      }
      let (some, many) = (evaluations(100), evaluations(1000))
      #expect(some > 0 && many <= 3 * some, "\(base): \(many) evaluations for 1000 classes, \(some) for 100")
    }
    expectFewEvaluations(Normal())
    expectFewEvaluations(ReversedGumbel())
  }

  /// Where no other class is near, log p under Logistic noise is the gap plus what all farther ones share: a line, on which the
  /// logarithms of far classes must not hide the digits of nearer ones.
  @Test func logarithmsOfAllSizesKeepTheirDigits() {
    let argmax = NoisyArgmax(.logistic)
    let far = (0..<150).map { -1000 * pow(10, 9 * Double($0) / 149) }
    let (alone, together) = (
      argmax.logProbabilities(for: [0] + far[..<20]), argmax.logProbabilities(for: [0] + far)
    )
    // Farther classes win nothing, and are hardly ever above.
    for index in 1...20 {
      #expect(
        (together[index] - alone[index]).magnitude <= 3e-12 * alone[index].magnitude,
        "class \(index): \(together[index]), not \(alone[index])")
    }
  }

  /// Tens of classes are summed one by one at every node; of hundreds neighbours share them.
  private static func mostEvaluations(_ count: Int) -> (logarithms: Int, gradient: Int) {
    count < 100 ? (620, 1800) : count < 1000 ? (380, 760) : (170, 350)
  }
}
