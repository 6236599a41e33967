import Foundation
import NoiseKernels
import Noisemax
import NoisemaxLaws
import Testing

/// Uniform noise on long rows: blocks of kinks, late and early classes, deep ones, and what is left out.
@Suite struct UniformMomentsTests {
  static let shapes: [String: @Sendable (inout SplitMix64) -> UniformLevels] = [
    "distinct": { levels(100, 1, spread: 1, &$0) },
    "distinct, near": { levels(150, 1, spread: 0.03, &$0) },
    "distinct, far": { levels(120, 1, spread: 0.6, &$0) },
    "ties": { levels(90, 40, spread: 0.2, &$0) },
    "many ties": { levels(100, 1000, spread: 0.002, &$0) },
    "ladder": { _ in
      UniformLevels(distances: (0..<110).map { Double($0) / 110 }, ties: [Double](repeating: 1, count: 110))
    },
    "two scales": { generator in
      let near = sorted(60, below: 1e-7, &generator)
      return UniformLevels(
        distances: near + sorted(60, below: 0.4, &generator).map { 0.3 + $0 },
        ties: near.map { _ in 300 } + [Double](repeating: 2, count: 60))
    },
    "a leader above ties": { generator in
      let cluster = sorted(99, below: 1e-9, &generator).map { 0.25 + $0 }
      return UniformLevels(distances: [0] + cluster, ties: [1] + cluster.map { _ in 1000 })
    },
    "ulps": { _ in
      UniformLevels(
        distances: [0] + (0..<100).map { 0.25 + Double($0) * 0x1p-54 },
        ties: [Double](repeating: 1, count: 101))
    },
    "deep among many": { generator in
      let deep = sorted(20, below: 0.01, &generator)
      let others = sorted(120, below: 0.35, &generator).map { 0.6 + $0 }
      return UniformLevels(distances: deep + others, ties: [Double](repeating: 1, count: 140))
    },
    "few deep ties": { generator in
      let others = sorted(100, below: 0.4, &generator).map { 0.59 + $0 }
      return UniformLevels(distances: [0, 0.001] + others, ties: [3, 2] + others.map { _ in 1 })
    },
    "edge": { _ in
      let near = (1...40).map { 1 - exp2(-Double($0)) }
      let leaders = (0..<50).map { Double($0) * 1e-3 }
      return UniformLevels(distances: leaders + near, ties: [Double](repeating: 1, count: 90))
    },
  ]

  private static func sorted(_ count: Int, below limit: Double, _ generator: inout SplitMix64)
    -> [Double]
  {
    [0] + (1..<count).map { _ in Double.random(in: 0..<limit, using: &generator) }.sorted()
  }

  private static func levels(
    _ count: Int, _ ties: Double, spread: Double, _ generator: inout SplitMix64
  ) -> UniformLevels {
    UniformLevels(
      distances: sorted(count, below: spread, &generator), ties: [Double](repeating: ties, count: count))
  }

  /// Relative to the conditioning of the gap.
  @Test(arguments: shapes.keys.sorted())
  func probabilitiesAgainstDirectIntegrals(shape: String) throws {
    var generator = SplitMix64(seed: 41)
    let make = try #require(Self.shapes[shape])
    let levels = make(&generator)
    let row = levels.logits
    #expect(row.count > 80)
    let argmax = NoisyArgmax(.uniform)
    let (p, logs) = (argmax.probabilities(for: row), argmax.logProbabilities(for: row))
    let total = p.reduce(DoubleDouble(0)) { $0 + DoubleDouble($1) }.value
    #expect(abs(total - 1) <= 1e-14, "\(shape): \(total)")
    var seen = 0
    for level in levels.distances.indices {
      let (index, truth) = (levels.index(of: level), levels.probability(level))
      guard truth > 1e-300 else { continue }
      seen += 1
      let bound = 1e-12 / (1 - levels.distances[level])
      let case_ = "\(shape), \(levels.distances) × \(levels.ties), level \(level)"
      #expect(isClose(p[index], truth, within: bound * truth), "\(case_): \(p[index]), not \(truth)")
      #expect(
        isClose(logs[index], log(truth), within: bound * max(1, -log(truth))), "\(case_): \(logs[index])")
      let last = index + Int(levels.ties[level]) - 1
      #expect(p[last] == p[index] && logs[last] == logs[index], "\(case_): ties differ")
    }
    #expect(seen > 20, "\(shape): only \(seen) probabilities above 1e-300")
  }

  /// Floats against Doubles of the same logits.
  @Test(arguments: shapes.keys.sorted())
  func floatsAreThoseOfDoubles(shape: String) throws {
    var generator = SplitMix64(seed: 42)
    let make = try #require(Self.shapes[shape])
    let row = make(&generator).logits.map { Float($0) }
    let argmax = NoisyArgmax(.uniform)
    let truth = argmax.probabilities(for: row.map { Double($0) })
    for (value, truth) in zip(argmax.probabilities(for: row), truth) where truth > 1e-30 {
      #expect(isClose(Double(value), truth, within: 1e-6 * truth), "\(row): \(value), not \(truth)")
    }
  }

  /// Single entries of the Jacobian, its products with a vector, and the gradient of single logarithms.
  @Test(arguments: shapes.keys.sorted())
  func derivativesAgainstDirectIntegrals(shape: String) throws {
    var generator = SplitMix64(seed: 43)
    let make = try #require(Self.shapes[shape])
    let levels = make(&generator)
    let row = levels.logits
    let argmax = NoisyArgmax(.uniform)
    let count = levels.distances.count
    for j in [0, 1, count / 3, count - 3] {
      var v = [Double](repeating: 0, count: row.count)
      v[levels.index(of: j)] = 1
      let probability = levels.probability(j)
      guard probability > 1e-290 else { continue }
      let (gradient, logGradient) = (
        argmax.pullback(for: row, of: v), argmax.logProbabilitiesPullback(for: row, of: v)
      )
      for i in stride(from: 0, to: count, by: 7) where i != j {
        let truth = levels.pair(i, j)
        let index = levels.index(of: i)
        let bound = 1e-11 / (1 - max(levels.distances[i], levels.distances[j]))
        let case_ = "\(shape), \(levels.distances) × \(levels.ties), \(i) and \(j)"
        #expect(
          isClose(-gradient[index], truth, within: bound * truth + 1e-297),
          "\(case_): \(gradient[index]), not \(-truth)")
        #expect(
          isClose(-logGradient[index], truth / probability, within: bound * truth / probability + 1e-297),
          "\(case_): \(logGradient[index]), not \(-truth / probability)")
      }
    }
  }

  /// Σ v log p has the gradient of Σ (v/p)·p, which is that of single entries.
  @Test(arguments: shapes.keys.sorted())
  func gradientsOfManyLogarithms(shape: String) throws {
    var generator = SplitMix64(seed: 44)
    let make = try #require(Self.shapes[shape])
    let row = make(&generator).logits
    let argmax = NoisyArgmax(.uniform)
    let p = argmax.probabilities(for: row)
    let v = p.indices.map { p[$0] > 1e-60 ? 1 + 0.5 * sin(Double($0)) : 0 }
    let gradient = argmax.logProbabilitiesPullback(for: row, of: v)
    let truth = argmax.pullback(for: row, of: zip(v, p).map { $0 == 0 ? 0 : $0 / $1 })
    let size = truth.reduce(0) { $0 + $1.magnitude }
    for index in row.indices {
      #expect(
        isClose(gradient[index], truth[index], within: 1e-10 * size),
        "\(shape), \(row), \(v), class \(index): \(gradient[index]), not \(truth[index])")
    }
  }

  @Test(arguments: shapes.keys.sorted())
  func excessAgainstDirectIntegrals(shape: String) throws {
    var generator = SplitMix64(seed: 47)
    let make = try #require(Self.shapes[shape])
    let levels = make(&generator)
    let (maximum, truth) = (NoisyArgmax(.uniform).expectedMaximum(for: levels.logits), 0.5 + levels.excess)
    #expect(isClose(maximum, truth, within: 1e-13), "\(shape), \(levels.distances): \(maximum), not \(truth)")
  }

  /// Log-probabilities far below the least Double: ∫ xᵏ·∏ (x + d) over the reach r of a class behind k leaders, others at d: those
  /// at r itself have their kinks there.
  @Test func logarithmsOfVeryRareClasses() {
    for (leaders, reach) in [(200, 1e-3), (3, 1e-120), (40, 1e-40), (1000, 0.5), (90, 0x1p-900)] {
      let others = (1...100).map { 0.5 + 0.004 * Double($0) }
      let row = [Double](repeating: 1, count: leaders) + others.map { 1 - $0 } + [reach]
      let logs = NoisyArgmax(.uniform).logProbabilities(for: row)
      // With x = r·t: (k + 1)·log r + log ∫ tᵏ·∏ min(1, r·t + d) dt, by Gauss's rule near t = 1.
      let k = Double(leaders)
      var sum = 0.0
      let panels = 4000
      for panel in 0..<panels {
        for (node, weight) in [(-0.7745966692414834, 5.0 / 9), (0, 8.0 / 9), (0.7745966692414834, 5.0 / 9)] {
          let t = (Double(panel) + 0.5 + 0.5 * node) / Double(panels)
          let product = others.reduce(0.0) { $0 + log(min(1, reach * t + $1)) }
          sum += weight / 2 / Double(panels) * exp(k * log(t) + product)
        }
      }
      let truth = (k + 1) * log(reach) + log(sum)
      let bound = 1e-7 + 1e-14 * truth.magnitude
      #expect(
        isClose(logs[row.count - 1], truth, within: bound),
        "\(leaders), \(reach): \(logs.last!), not \(truth)")
    }
  }

  /// Behind m ties at the top p = ∫ (1 − y)^m dy from the gap d on, which is (1 − d)^(m + 1)/(m + 1), however far log G falls
  /// without a kink.
  @Test func logarithmsBehindThousandsOfTies() {
    for (ties, gap) in [(20_000, 0.04), (20_000, 0.1), (2000, 0.4), (100_000, 0.02)] {
      let row = [Double](repeating: 1, count: ties) + [1 - gap]
      let log = NoisyArgmax(.uniform).logProbabilities(for: row)[ties]
      let m = Double(ties)
      let truth = (m + 1) * Foundation.log(1 - (1 - row[ties])) - Foundation.log(m + 1)
      #expect(isClose(log, truth, within: 1e-14 * truth.magnitude), "\(ties), \(gap): \(log), not \(truth)")
    }
  }

  /// The logarithm of a class that is almost certain is that of 1 less what the others have.
  @Test func logarithmOfALeaderThatIsAlmostCertain() {
    for least in [0.5, 0.9, 0.99, 1 - 1e-6] {
      let others = (0..<99).map { least + (1 - least) * (Double($0) + 0.5) / 100 }
      let levels = UniformLevels(distances: [0] + others, ties: [Double](repeating: 1, count: 100))
      let rest = (1..<100).reduce(0.0) { $0 + levels.probability($1) }
      let (log, truth) = (NoisyArgmax(.uniform).logProbabilities(for: levels.logits)[0], log1p(-rest))
      #expect(
        isClose(log, truth, within: 1e-11 * truth.magnitude), "\(levels.distances): \(log), not \(truth)")
    }
  }

  /// ∂log p = ∂p/p, also where v is that of a likely leader alone, from which all others are told.
  @Test(arguments: [0.1, 0.7, 0.9])
  func derivativesOfALikelyLeader(least: Double) {
    let argmax = NoisyArgmax(.uniform)
    let row = [0] + (0..<199).map { -least - (1 - least) * (Double($0) + 0.5) / 200 }
    let v = [1] + [Double](repeating: 0, count: 199)
    let (p, flows) = (argmax.probabilities(for: row), argmax.pullback(for: row, of: v))
    let found = argmax.logProbabilitiesPullback(for: row, of: v)
    let size = flows[0] / p[0]
    #expect(size > 0)
    for index in row.indices {
      #expect(
        isClose(found[index], flows[index] / p[0], within: 1e-11 * size),
        "least gap \(least), class \(index): \(found[index]), not \(flows[index] / p[0])")
    }
  }

  /// A class whose gap is the width of the law or more, if only by what rounding takes away, never wins; one that is nearer does.
  @Test func theEndOfTheSupport() {
    let others = (0..<99).map { 1 - Double($0) / 1000 }
    for (logit, wins) in [
      (0x1p-60, true), (0x1p-1050, true), (0, false), (-0x1p-1050, false), (-0x1p-60, false), (-1, false),
    ] {
      let row = others + [logit]
      let log = NoisyArgmax(.uniform).logProbabilities(for: row)[99]
      #expect(wins ? log.isFinite && log < -40 : log == -.infinity, "\(logit): \(log)")
      let v = [Double](repeating: 0, count: 99) + [1]
      let gradient = NoisyArgmax(.uniform).logProbabilitiesPullback(for: row, of: v)
      #expect(!wins || gradient[99] > 1, "\(logit): \(gradient)")
      #expect(wins || gradient.allSatisfy { $0 == 0 }, "\(logit): \(gradient)")
    }
  }

  /// A hundred thousand classes in random order are those that stand by falling logits.
  @Test func orderOfManyClasses() {
    var generator = SplitMix64(seed: 51)
    let count = isDebugBuild ? 3000 : 100_000
    for spread in [1e-4, 0.1, 3] {
      let row = (0..<count).map { _ in spread * Double.random(in: 0..<1, using: &generator) }
      let argmax = NoisyArgmax(.uniform)
      let p = argmax.probabilities(for: row)
      let order = row.indices.sorted { row[$0] > row[$1] }
      let sorted = argmax.probabilities(for: order.map { row[$0] })
      #expect(order.indices.allSatisfy { p[order[$0]] == sorted[$0] }, "spread \(spread)")
      let isFalling = zip(sorted, sorted.dropFirst()).allSatisfy { $0 >= $1 * (1 - 2e-12) }
      #expect(isFalling, "spread \(spread)")
      let total = p.reduce(DoubleDouble(0)) { $0 + DoubleDouble($1) }.value
      #expect(abs(total - 1) <= 1e-14, "spread \(spread): \(total)")
      let beyond = zip(row, p).allSatisfy { $0 > row[order[0]] - 1 || $1 == 0 }
      #expect(beyond, "spread \(spread)")
    }
  }

  /// No NaN, whatever the reaches of the classes.
  @Test func everyReach() {
    for leaders in [1, 2, 20] {
      for spread in [0, 1e-3] {
        let near = (0..<leaders).map { 1 - spread * Double($0) / 20 }
        let row = near + (1..<300).map { exp2(-3.3 * Double($0)) }
        let argmax = NoisyArgmax(.uniform)
        let v = row.indices.map { cos(Double($0)) }
        let logs = argmax.logProbabilities(for: row)
        #expect(zip(logs, logs.dropFirst()).allSatisfy { $0 >= $1 }, "\(row): \(logs)")
        #expect(logs.allSatisfy { $0.isFinite }, "\(row): \(logs)")
        let gradient = argmax.logProbabilitiesPullback(for: row, of: v)
        #expect(!gradient.contains { $0.isNaN }, "\(row): \(gradient)")
        #expect(argmax.pullback(for: row, of: v).allSatisfy { $0.isFinite }, "\(row)")
      }
    }
  }
}
