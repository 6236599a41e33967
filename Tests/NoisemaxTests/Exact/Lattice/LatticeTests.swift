import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Exact probabilities under smooth laws: against independent values, closed forms and a slow direct evaluation.
@Suite struct LatticeTests {
  static let references = ["normal", "logistic", "gumbel", "reversed-gumbel"]

  /// The transform by the lattice, also for the Gumbel law, which has a closed form.
  static func transform(_ name: String) throws -> NoisyArgmax {
    let noise = try #require(ShippedLaw.standard(named: name) as? any SmoothNoise)
    func onTheLattice(_ noise: some SmoothNoise) -> NoisyArgmax { NoisyArgmax(OnTheLattice(base: noise)) }
    return onTheLattice(noise)
  }

  @Test(arguments: references)
  func agreesWithIndependentValues(law: String) throws {
    let argmax = try Self.transform(law)
    for row in try Fixture.argmaxCases(of: law) {
      let (p, logs) = (argmax.probabilities(for: row.logits), argmax.logProbabilities(for: row.logits))
      for index in p.indices {
        let (truth, logTruth) = (
          try double(row.probabilities[index]), try double(row.logProbabilities[index])
        )
        if truth >= 1e-300 {
          #expect((p[index] - truth).magnitude <= 1e-12 * truth, "\(row.testDescription), class \(index)")
        } else {
          #expect(p[index] >= 0 && p[index] <= 1e-300)
        }
        let bound = 3e-12 * min(1, max(logTruth.magnitude, 1e-3))
        #expect(
          (logs[index] - logTruth).magnitude <= max(bound, 3e-12 * logTruth.magnitude),
          "\(row.testDescription)")
      }
      let (maximum, truth) = (argmax.expectedMaximum(for: row.logits), try double(row.expectedMaximum))
      #expect(
        (maximum - truth).magnitude <= 1e-13 * (1 + row.logits.map(\.magnitude).max()!),
        "\(row.testDescription)")
    }
  }

  @Test(arguments: references)
  func floatRowsKeepFloatAccuracy(law: String) throws {
    let argmax = try Self.transform(law)
    for row in try Fixture.argmaxCases(of: law) {
      let p = argmax.probabilities(for: row.logits.map { Float($0) })
      for index in p.indices {
        let truth = try double(row.probabilities[index])
        let error = (Double(p[index]) - truth).magnitude
        #expect(error <= 3e-7, "\(row.testDescription), class \(index)")
        if truth >= 1e-30 { #expect(error <= 2e-5 * truth, "\(row.testDescription), class \(index)") }
      }
    }
  }

  /// Clusters on the edges of cells beside rare classes try the widest cells and the coarsest steps that Floats get.
  @Test(arguments: references)
  func floatClustersKeepFloatAccuracy(law: String) throws {
    let argmax = try Self.transform(law)
    var generator = SplitMix64(seed: 31)
    for count in [100, 250, 600, 2000] {
      for _ in 0..<(isDebugBuild ? 3 : 100) {
        let spread = [2.0, 6, 12, 30][Int.random(in: 0..<4, using: &generator)]
        func edge() -> Double { -(Double.random(in: 0...1, using: &generator) * spread * 64).rounded() / 64 }
        let centres = (0..<Int.random(in: 1...4, using: &generator)).map { _ in edge() }
        let width = [0, 1e-3, 0.03, 0.3][Int.random(in: 0..<4, using: &generator)]
        var row = (0..<count).map { _ in
          Float(
            centres[Int.random(in: 0..<centres.count, using: &generator)]
              - width * Double.random(in: 0...1, using: &generator))
        }
        for index in 1...3 { row[index] = Float(edge()) }
        row[0] = 0
        let truth = argmax.probabilities(for: row.map { Double($0) })
        for (index, p) in argmax.probabilities(for: row).enumerated() where truth[index] >= 1e-30 {
          let error = (Double(p) / truth[index] - 1).magnitude
          #expect(error <= 1e-5, "\(row), class \(index): \(p), not \(truth[index])")
        }
      }
    }
  }

  /// For two classes the probability is that of a difference: Φ(d/√2), and its like for logistic noise.
  @Test func twoClassesHaveClosedForms() {
    let (normal, logistic) = (NoisyArgmax(.normal), NoisyArgmax(.logistic))
    for d in stride(from: 0.0, through: 52, by: 0.37) {
      let p = normal.probabilities(for: [0, -d])
      let rarer = Normal().cumulative(at: -d * 0.5.squareRoot())
      // d/√2 is rounded: that costs d²/2 ulps.
      #expect((p[1] - rarer).magnitude <= (1e-12 + d * d * 0x1p-53) * rarer, "gap \(d)")
      #expect((p[0] - Normal().cumulative(at: d * 0.5.squareRoot())).magnitude <= 1e-14, "gap \(d)")
    }
    for d in stride(from: 2.0, through: 690, by: 3.1) {
      let t = exp(-d)
      let rarer = t * (d - 1 + t) / ((1 - t) * (1 - t))
      let p = logistic.probabilities(for: [0, -d])
      #expect((p[1] - rarer).magnitude <= 1e-12 * rarer, "gap \(d)")
      #expect((p[0] + rarer - 1).magnitude <= 1e-14)
    }
  }

  @Test func underGumbelNoiseItIsSoftmax() throws {
    let (lattice, softmax) = (try Self.transform("gumbel"), NoisyArgmax(.gumbel))
    var rows = AdversarialRows(generator: SplitMix64(seed: 5))
    for _ in 0..<40 {
      let row = rows.next(largest: isDebugBuild ? 50 : 3000)
      for (p, q) in zip(lattice.probabilities(for: row), softmax.probabilities(for: row)) {
        #expect((p - q).magnitude <= 1e-12 * q + 1e-300, "\(row)")
      }
      for (p, q) in zip(lattice.logProbabilities(for: row), softmax.logProbabilities(for: row)) {
        #expect((p - q).magnitude <= 3e-12 * max(1, q.magnitude), "\(row)")
      }
      let difference = lattice.expectedMaximum(for: row) - softmax.expectedMaximum(for: row)
      #expect(difference.magnitude <= 1e-13 * (1 + row.map(\.magnitude).max()!), "\(row)")
    }
  }

  @Test func theQuantileRuleConvergesToIt() {
    let logits = [0.5, -0.25, 1.25, 0, -2]
    let exact = NoisyArgmax(.normal).probabilities(for: logits)
    func error(_ points: Int) -> Double {
      let rule = NoisyArgmax(.normal, method: .quantileRule(points: points)).probabilities(for: logits)
      return zip(exact, rule).map { ($0 - $1).magnitude }.max()!
    }
    #expect(error(64) > error(512) && error(512) > error(4096))
    #expect(error(4096) < 3e-4)
  }

  // MARK: adversarial rows

  /// Laws with the window that the slow evaluation needs.
  static let windows: [(law: String, window: ClosedRange<Double>)] = [
    ("normal", -12...12), ("logistic", -45...60), ("gumbel", -8...60), ("reversed-gumbel", -45...8),
  ]

  /// A seeded search for the worst case. `NOISEMAX_SEARCH=1000` makes it long.
  @Test(arguments: windows)
  func adversarialRowsStayWithinTheBounds(law: String, window: ClosedRange<Double>) throws {
    let noise = try #require(ShippedLaw.standard(named: law) as? any SmoothNoise)
    let length = ProcessInfo.processInfo.environment["NOISEMAX_SEARCH"].flatMap { Int($0) }
    var rows = AdversarialRows(generator: SplitMix64(seed: UInt64(length ?? 1)))
    let argmax = try Self.transform(law)
    for _ in 0..<(length ?? (isDebugBuild ? 5 : 40)) {
      let row = rows.next(largest: length != nil ? 5000 : isDebugBuild ? 20 : 300)
      try compare(argmax, noise, row, window)
    }
  }

  /// The worst rows that longer searches found.
  @Test(arguments: windows)
  func knownHardRowsStayWithinTheBounds(law: String, window: ClosedRange<Double>) throws {
    let noise = try #require(ShippedLaw.standard(named: law) as? any SmoothNoise)
    let argmax = try Self.transform(law)
    let ties = { (count: Int) in [Double](repeating: 0, count: count) }
    for row in [
      [0, -48.90274571269562], ties(33) + [-23.40038236637203, -27.99674425084515], [0, -22.04747896744687],
      ties(isDebugBuild ? 20 : 400) + [-20], ties(2) + [-36.375532848559914, -44.70265626633155],
    ] {
      try compare(argmax, noise, row, window)
    }
  }

  private func compare(
    _ argmax: NoisyArgmax, _ noise: some SmoothNoise, _ row: [Double], _ window: ClosedRange<Double>
  ) throws {
    let truth = DirectIntegral(row, under: noise, window: window, step: 1 / 64)
    let (p, logs) = (argmax.probabilities(for: row), argmax.logProbabilities(for: row))
    var (sum, lost) = (-1.0, 0.0)
    for index in row.indices {
      let logTruth = truth.logProbabilities[index]
      let next = sum + p[index]
      lost += sum.magnitude >= p[index] ? (sum - next) + p[index] : (p[index] - next) + sum
      sum = next
      #expect(
        (logs[index] - logTruth).magnitude <= 3e-12 * max(1, logTruth.magnitude), "\(row), class \(index)")
      if logTruth > -690.7 {
        // exp(log p) itself is only as good as the rounding of log p.
        let error = min((log(p[index]) - logTruth).magnitude, (p[index] / exp(logTruth) - 1).magnitude)
        #expect(error <= 3e-12, "\(row), class \(index): \(p[index])")
      } else {
        #expect(p[index] <= 1.1e-300, "\(row), class \(index): \(p[index])")
      }
    }
    #expect((sum + lost).magnitude <= 1e-14, "\(row)")
    let maximum = argmax.expectedMaximum(for: row)
    #expect(
      (maximum - truth.expectedMaximum).magnitude <= 1e-13 * (1 + row.map(\.magnitude).max()!), "\(row)")
  }

  /// Under two dozen leaders the rarest classes are too rare for a number, and their integrands still rise where those of
  /// rare ones that have one fall.
  @Test func rareClassesAboveRarerOnes() {
    let row = [Double](repeating: 0, count: 24) + [-11.7, -17.3, -22.1, -24.4, -24.8, -25.5, -34]
    let truth = DirectIntegral(row, under: ReversedGumbel(), window: -8...4.5, step: 1.0 / 128)
    let p = NoisyArgmax(.reversedGumbel).probabilities(for: row)
    for (index, logP) in truth.logProbabilities.enumerated() where logP > -690 {
      #expect((p[index] / exp(logP) - 1).magnitude <= 3e-12, "class \(index): \(p[index]), not e^\(logP)")
    }
    #expect(truth.logProbabilities[28] > -690 && truth.logProbabilities[30] < -750 && p[30] < 1e-300, "\(p)")
  }

  /// Under the law of minima e^(μ + ε) is exponential with the rate e^−μ. The largest of three of them, with gaps 0, −d and
  /// −d − c, is the second one with the probability e⁻ᵈ·(1 − (1 + eᶜ)⁻²), but for e⁻ᵈ of that: it feels the third one where
  /// that has no probability itself.
  @Test func classesWithoutAProbabilityStillCompete() {
    let argmax = NoisyArgmax(.reversedGumbel)
    var competing = 0
    for c in stride(from: 0, through: 30, by: 0.5) {
      let row = [0, -690, -690 - c]
      let p = argmax.probabilities(for: row)
      let share = pow(1 + exp(c), -2)
      let truth = exp(-690) * (1 - share)
      #expect((p[1] - truth).magnitude <= 3e-12 * truth, "\(row): \(p), not \(truth)")
      if p[2] == 0 && share > 1e-10 { competing += 1 }
    }
    #expect(competing > 0, "no row has a competitor without a probability")
  }

  // MARK: far classes

  @Test func farClassesChangeNothing() {
    let argmax = NoisyArgmax(.normal)
    let p = argmax.probabilities(for: [0, -1e9, 3, -1e300])
    let two = argmax.probabilities(for: [0, 3])
    #expect(p[1] == 0 && p[3] == 0)
    // Rows of two classes have a table of their own.
    #expect((p[0] - two[0]).magnitude <= 1e-15 && (p[2] - two[1]).magnitude <= 1e-15)
    #expect(argmax.probabilities(for: [0, -1e9, 3, 2]) == argmax.probabilities(for: [0, -.infinity, 3, 2]))
    let logs = argmax.logProbabilities(for: [0, -1e9, 3, -1e300])
    #expect(logs[3] == -.infinity)
    #expect((logs[1] / (-1e18 / 3) - 1).magnitude < 1e-8)
    let million = [Double](repeating: 0, count: 3) + (0..<1_000_000).map { -1e6 + Double($0 % 1000) * 1e-3 }
    // Rows of few classes have a route of their own.
    let far = argmax.probabilities(for: million)
    #expect(
      far[..<3].allSatisfy { ($0 - 1 / 3).magnitude <= 1e-15 } && far[3...].allSatisfy { $0 == 0 },
      "\(far[..<4])")
  }

  /// Rows of two classes against the lattice, which a third one far below makes of them.
  @Test(arguments: references)
  func pairsAgreeWithTheLattice(law: String) throws {
    let argmax = try Self.transform(law)
    var generator = SplitMix64(seed: 12)
    for round in 0..<(isDebugBuild ? 50 : 2000) {
      let spread = [1e-9, 0.1, 2, 30, 800][round % 5]
      let gap = -Double.random(in: 0...spread, using: &generator)
      for row in [[0, gap], [gap, 0]] {
        let (p, truth) = (
          argmax.probabilities(for: row), argmax.probabilities(for: row + [-1e9])
        )
        for index in 0..<2 {
          #expect(
            (p[index] - truth[index]).magnitude <= 5e-13 * truth[index] + 1e-300, "\(row): \(p), not \(truth)"
          )
        }
      }
    }
  }

  /// Among many ties the integrand of a deep class is far narrower than any step: values of a quadrature with 120 digits.
  @Test func deepClassesBesideManyTiesAreExact() {
    let argmax = NoisyArgmax(.reversedGumbel)
    let cases: [(ties: Int, gap: Double, logProbability: Double)] = [
      (1000, 26, -20087.871824068935705), (5000, 26, -92408.85655499961846),
      (100_000, 26, -1548700.8036465743791), (100_000, 100, -8948700.7781008781349),
      (1_000_000, 26, -13184484.169884548491),
    ]
    for (ties, gap, truth) in cases where !isDebugBuild || ties < 1_000_000 {
      let logP = argmax.logProbabilities(for: [Double](repeating: 0, count: ties) + [-gap])
      #expect(
        (logP[ties] - truth).magnitude <= 1e-14 * -truth,
        "\(ties) ties, gap \(gap): \(logP[ties]), not \(truth)")
    }
  }

  /// Far below any table: for two classes log Φ(−d/√2) and log(d − 1 + e⁻ᵈ) − d.
  @Test(arguments: [600, 1234.5, 2000, 1e4, 1e6, 1e8])
  func deepLogProbabilitiesAreExact(d: Double) {
    let normal = NoisyArgmax(.normal).logProbabilities(for: [0, -d])[1]
    let normalTruth = Normal().logCumulative(at: -d * 0.5.squareRoot())
    #expect((normal / normalTruth - 1).magnitude <= 3e-12, "\(normal), not \(normalTruth)")
    let logistic = NoisyArgmax(.logistic).logProbabilities(for: [0, -d])[1]
    #expect((logistic / (log(d - 1) - d) - 1).magnitude <= 3e-12, "\(logistic)")
  }

  /// Under the law of minima one leader goes as low as it must: log p is −d. Under the Gumbel law likewise, and there
  /// most of the line is too deep for its own logarithm.
  @Test(arguments: [700, 2000, 1e6, 1e18, 1e154, 1e300])
  func deepLogProbabilitiesOfSkewedLaws(d: Double) throws {
    for law in ["reversed-gumbel", "gumbel"] {
      let log = try Self.transform(law).logProbabilities(for: [0, -d])[1]
      #expect((log / -d - 1).magnitude <= 3e-12, "\(law): \(log)")
    }
  }

  /// Many classes in one far cell share their integrals: the same values as one by one.
  @Test func crowdedDeepClassesAgreeWithLonelyOnes() {
    let argmax = NoisyArgmax(.logistic)
    let crowd = [0, -0.5] + (0..<400).map { -2000 - Double($0) * 1e-4 }
    let logs = argmax.logProbabilities(for: crowd)
    let lonely = argmax.logProbabilities(
      for: [0, -0.5] + [Double](repeating: -2000, count: 399) + [crowd[401]])
    #expect((logs[401] - lonely[401]).magnitude <= 1e-10)
    #expect((2..<401).allSatisfy { logs[$0] > logs[$0 + 1] })
  }

  /// The integrand is a plateau as long as the gap, with edges of a few units: log p = −d + log(d − 1) but for e⁻ᵈ.
  @Test func deepPlateausAreIntegratedToTheirEdges() {
    let argmax = NoisyArgmax(.logistic)
    for k in 0..<200 {
      let d = 1000 * pow(1.05, Double(k))
      let truth = -d + log(d - 1)
      let logs = argmax.logProbabilities(for: [0, -d])
      #expect((logs[1] - truth).magnitude <= 3e-12 * truth.magnitude, "gap \(d)")
    }
  }

  /// Logarithms that overflow are −∞, also where a crowd of classes shares its integrals.
  @Test func logarithmsBeyondTheRangeAreMinusInfinity() {
    let logs = NoisyArgmax(.normal).logProbabilities(for: [0] + [Double](repeating: -1e160, count: 17))
    #expect(logs == [0] + [Double](repeating: -.infinity, count: 17))
  }

  /// The length that a law is measured in does not matter, also where no table reaches.
  @Test(arguments: [1e-6, 0.01, 1e6])
  func deepLogProbabilitiesOfAStretchedLaw(scale: Double) {
    struct Stretched: SmoothNoise {
      let scale: Double
      let base = Normal()
      func cumulative(at x: Double) -> Double { base.cumulative(at: x / scale) }
      func density(at x: Double) -> Double { base.density(at: x / scale) / scale }
      func quantile(at p: Double) -> Double { scale * base.quantile(at: p) }
      func survival(at x: Double) -> Double { base.survival(at: x / scale) }
      func upperQuantile(at q: Double) -> Double { scale * base.upperQuantile(at: q) }
      func logCumulative(at x: Double) -> Double { base.logCumulative(at: x / scale) }
      func logSurvival(at x: Double) -> Double { base.logSurvival(at: x / scale) }
      func logReversedHazard(at x: Double) -> Double { base.logReversedHazard(at: x / scale) - log(scale) }
      var mean: Double { 0 }
      var variance: Double { scale * scale }
    }
    let logs = NoisyArgmax(Stretched(scale: scale)).logProbabilities(for: [0, -2000 * scale])
    let truth = Normal().logCumulative(at: -2000 / 2.0.squareRoot())
    #expect((logs[1] - truth).magnitude <= 3e-12 * truth.magnitude)
  }
}
