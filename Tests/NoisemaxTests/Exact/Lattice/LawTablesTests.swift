import Dispatch
import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Which smooth laws are served, how much work their tables are, and what is said of laws that are not.
@Suite struct LawTablesTests {
  /// The law is asked a few million times at most, and all that is made of it takes some tens of megabytes.
  // Without optimisation wide laws take a minute each.
  @Test(arguments: isDebugBuild ? [2.0, 8] : [2.0, 3, 5, 8, 15, 25, 60])
  func contaminatedNormalsAreMadeInBoundedWork(deviation: Double) {
    let law = CountingSmooth(base: NormalMixture.contaminated(deviation))
    let argmax = NoisyArgmax(law)
    #expect(law.count.value <= 6_000_000, "\(deviation): \(law.count.value) evaluations")
    #expect(law.count.value > 1000)
    // For two classes a difference of two mixtures is a mixture.
    let normal = Normal()
    for gap in [0.5, 3, 10, 40] where gap < 30 * deviation {
      let parts = [(0.81, 2.0), (0.18, 1 + deviation * deviation), (0.01, 2 * deviation * deviation)]
      let truth = parts.reduce(0) { $0 + $1.0 * normal.cumulative(at: -gap / $1.1.squareRoot()) }
      let p = argmax.probabilities(for: [0, -gap])[1]
      #expect((p / truth - 1).magnitude <= 3e-12, "deviation \(deviation), gap \(gap): \(p), not \(truth)")
      let slope = parts.reduce(0) {
        $0 + $1.0 * normal.density(at: gap / $1.1.squareRoot()) / $1.1.squareRoot()
      }
      let pullback = argmax.pullback(for: [0, -gap], of: [0, 1])[1]
      #expect((pullback / slope - 1).magnitude <= 1e-11, "deviation \(deviation), gap \(gap): \(pullback)")
    }
  }

  /// What rows need of a law is made when a row first does: once, whatever the thread, and only what that row needs.
  @Test func tablesAreMadeOnceWhateverTheThread() {
    let rows: [[Double]] = [
      [0, -1], [0, -1, -2], [0, -1, -200], [0, -1, -2000], (0..<60).map { -0.1 * Double($0) },
    ]
    @Sendable func values(_ argmax: NoisyArgmax) -> [[Double]] {
      rows.map { argmax.logProbabilities(for: $0) }
    }
    let law = CountingSmooth(base: Normal())
    let (alone, measured) = (NoisyArgmax(law), law.count.value)
    #expect(measured > 1000 && measured < 40_000, "\(measured) evaluations before any row")
    let truth = values(alone)
    let needed = law.count.value
    #expect(
      needed > measured + 15_000, "\(measured) evaluations at first, and \(needed) with all tables")
    // Again only deep classes ask the law.
    #expect(values(alone) == truth)
    let again = law.count.value - needed
    #expect(again < 5000, "\(again) evaluations for the same rows again")
    let other = CountingSmooth(base: Normal())
    let shared = NoisyArgmax(other)
    let results = Results(count: 8)
    DispatchQueue.concurrentPerform(iterations: 8) { results.set($0, values(shared)) }
    #expect(results.all == [[[Double]]](repeating: truth, count: 8))
    // Deep classes ask the law itself, in each of the eight.
    #expect(other.count.value < needed + 8 * 5000, "\(other.count.value) evaluations, alone \(needed)")
  }

  private final class Results: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [[[Double]]]

    init(count: Int) { values = [[[Double]]](repeating: [], count: count) }
    func set(_ index: Int, _ value: [[Double]]) { lock.withLock { values[index] = value } }
    var all: [[[Double]]] { values }
  }

  /// Two humps far apart: also a class between the humps of others.
  @Test(arguments: [(0.3, -2.0, 3.0)] + (isDebugBuild ? [] : [(0.9, 0, 20), (0.5, -8, 8)]))
  func lawsWithTwoHumpsHaveTheirDerivatives(share: Double, low: Double, high: Double) {
    let argmax = NoisyArgmax(NormalMixture((share, low, 1), (1 - share, high, 1)))
    let (normal, apart) = (Normal(), high - low)
    for gap in stride(from: 0.0, through: 40, by: 1.3) {
      let parts = [
        (share * share + (1 - share) * (1 - share), 0), (share * (1 - share), apart),
        (share * (1 - share), -apart),
      ]
      let root = 2.0.squareRoot()
      let truth = parts.reduce(0) { $0 + $1.0 * normal.cumulative(at: ($1.1 - gap) / root) }
      let slope = parts.reduce(0) { $0 + $1.0 * normal.density(at: ($1.1 - gap) / root) / root }
      let p = argmax.probabilities(for: [0, -gap])[1]
      let pullback = argmax.pullback(for: [0, -gap], of: [0, 1])[1]
      #expect((p / truth - 1).magnitude <= 3e-12, "gap \(gap): \(p), not \(truth)")
      #expect((pullback / slope - 1).magnitude <= 1e-11, "gap \(gap): \(pullback), not \(slope)")
    }
  }

  private static let otherMixtures: [NormalMixture] = [
    .contaminated(8), NormalMixture((0.9, 0, 1), (0.1, 20, 1)), NormalMixture((0.5, -8, 1), (0.5, 8, 1)),
    NormalMixture((0.5, 0, 1), (0.5, 0, 4)),
  ]

  /// Floats against Doubles, on rows where broad integrands meet narrow ones.
  @Test(arguments: [NormalMixture.contaminated(3)] + (isDebugBuild ? [] : otherMixtures))
  func floatsKeepTheirDigits(law: NormalMixture) {
    let argmax = NoisyArgmax(law)
    var generator = SplitMix64(seed: 3)
    for _ in 0..<(isDebugBuild ? 10 : 100) {
      let single = spreadRow(using: &generator).map { Float($0) }
      let row = single.map { Double($0) }
      let v = row.map { _ in Float(generator.number(in: -1...1)) }
      let (p, truth) = (argmax.probabilities(for: single), argmax.probabilities(for: row))
      for (a, b) in zip(p, truth) where b >= 1e-30 {
        #expect((Double(a) / b - 1).magnitude <= 2e-5, "\(law), \(row): \(a), not \(b)")
      }
      let likely = truth.map { $0 > 1e-30 }
      let open = v.indices.map { likely[$0] ? v[$0] : 0 }
      for (values, truths) in [
        (argmax.pullback(for: single, of: v), argmax.pullback(for: row, of: v.map { Double($0) })),
        (
          argmax.logProbabilitiesPullback(for: single, of: open),
          argmax.logProbabilitiesPullback(for: row, of: open.map { Double($0) })
        ),
      ] {
        let largest = truths.map(\.magnitude).max() ?? 0
        let worst = zip(values, truths).map { (Double($0) - $1).magnitude }.max() ?? 0
        #expect(worst <= 5e-6 * largest, "\(law), \(row): off by \(worst) of \(largest)")
      }
    }
  }

  @Test func lawsThatAreTooWideAreRefusedWithThePoint() async throws {
    let wide = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(NormalMixture.contaminated(1000))
    }
    let wider = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(NormalMixture.contaminated(70))
    }
    let heavy = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(SmoothCauchy())
    }
    let kinked = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(KinkedLaplace())
    }
    for (result, words) in [
      (wide, "are too heavy for the lattice: its quantiles at 5e-305"),
      (wider, "262144"),
      (heavy, "are too heavy for the lattice: its quantiles at 5e-305"),
      (kinked, "is not smooth enough for the lattice: near "),
    ] {
      let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
      #expect(text.contains(words), "\(text)")
    }
  }
}

/// Tails that no gap makes rare.
private struct SmoothCauchy: SmoothNoise, ForwardingNoise {
  var original: any AccurateNoise { Cauchy() }
  func logReversedHazard(at x: Double) -> Double { log(density(at: x)) - logCumulative(at: x) }
}

/// Laplace's law, taken for a smooth one.
private struct KinkedLaplace: SmoothNoise {
  func cumulative(at x: Double) -> Double { x < 0 ? 0.5 * exp(x) : 1 - 0.5 * exp(-x) }
  func density(at x: Double) -> Double { 0.5 * exp(-x.magnitude) }
  func quantile(at p: Double) -> Double { p < 0.5 ? log(2 * p) : -log(2 * (1 - p)) }
  func survival(at x: Double) -> Double { cumulative(at: -x) }
  func upperQuantile(at q: Double) -> Double { -quantile(at: q) }
  func logCumulative(at x: Double) -> Double { x < 0 ? x - log(2) : log1p(-0.5 * exp(-x)) }
  func logSurvival(at x: Double) -> Double { logCumulative(at: -x) }
  func logReversedHazard(at x: Double) -> Double { x < 0 ? 0 : log(0.5) - x - logCumulative(at: x) }
  var mean: Double { 0 }
  var variance: Double { 2 }
}
