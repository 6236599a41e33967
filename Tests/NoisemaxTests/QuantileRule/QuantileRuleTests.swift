import Noisemax
import Testing

/// The K-point rule: it is the formula, it converges to the truth, and no product underflows.
@Suite struct QuantileRuleTests {
  /// (1/K) Σ_k ∏_{j≠i} F(μ_i − μ_j + F⁻¹(k/(K+1))), as it is written.
  private func formula(_ noise: some NoiseDistribution, _ logits: [Double], points: Int) -> [Double] {
    logits.indices.map { i in
      (1...points).reduce(0) { sum, k in
        let node = noise.quantile(at: Double(k) / Double(points + 1))
        let others = logits.indices.filter { $0 != i }
        return sum + others.reduce(1) { $0 * noise.cumulative(at: logits[i] - logits[$1] + node) }
      } / Double(points)
    }
  }

  @Test(arguments: ShippedLaw.all.map(\.name), [1, 2, 7, 64])
  func isTheFormula(law: String, points: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let logits = [0.3, -0.2, 0.55, 0.3, -1.5, 0.1]
    let expected = formula(noise, logits, points: points)
    let raw = NoisyArgmax(noise, method: .quantileRule(points: points, normalized: false))
    let normalized = NoisyArgmax(noise, method: .quantileRule(points: points))
    let total = expected.reduce(0, +)
    for (index, value) in raw.probabilities(for: logits).enumerated() {
      #expect((value - expected[index]).magnitude <= 1e-13 * expected[index])
    }
    for (index, value) in normalized.probabilities(for: logits).enumerated() {
      #expect((value - expected[index] / total).magnitude <= 1e-13 * expected[index] / total)
    }
  }

  /// log Σ_k ∏ F for one class in sums of sums, so that thousands of roundings do not add up, and Σ_k ∏ F · r for every
  /// other class, relative to that.
  private func logFormula(
    _ noise: some ExactNoise, _ row: [Double], class index: Int, points: Int
  ) -> (value: Double, slopes: [Double]) {
    let nodes = (1...points).map { noise.quantile(at: Double($0) / Double(points + 1)) }
    let terms = nodes.map { node in
      stride(from: 0, to: row.count, by: 100).reduce(0.0) { sum, start in
        (start..<min(start + 100, row.count)).reduce(0) {
          $1 == index ? $0 : $0 + noise.logCumulative(at: row[index] - row[$1] + node)
        } + sum
      }
    }
    let top = terms.max()!
    guard top > -.infinity else { return (top, row.map { _ in 0 }) }
    let weights = terms.map { exponential($0 - top) }
    let sum = weights.reduce(0, +)
    let slopes = row.indices.map { other in
      other == index
        ? 0
        : zip(nodes, weights).reduce(0.0) { slope, node in
          guard node.1 > 0 else { return slope }
          let x = row[index] - row[other] + node.0
          // In tails f and F underflow.
          return slope + node.1 / sum
            * (noise.cumulative(at: x) > 1e-290
              ? noise.density(at: x) / noise.cumulative(at: x)
              : exponential(
                (noise as? any SmoothNoise)?.logReversedHazard(at: x)
                  ?? (noise as! any PiecewiseNoise).logDensity(at: x) - noise.logCumulative(at: x)))
        }
    }
    return (top + logarithm(sum), slopes)
  }

  private static let shapes: [[Double]] = [
    [0, -0.25], [0, 0, 0], [0.5, 0.5, 0.25, 0.25, 0.25, 0, -0.75], [0, -0.9, -0.95, -0.999],
    [0, -20, -40, -20], [0, -100, -180, -180.5, -300], [0, -1, -800, -2e4, -2e4], [3, 3 - 1e-9, 3 - 1e-12],
    [Double](repeating: 0, count: 300) + [-0.5, -0.75] + [Double](repeating: -0.875, count: 40),
  ]

  /// Log-probabilities, as deep as they are, in rows of few and of many classes.
  @Test(arguments: ShippedLaw.all.map(\.name), [1, 5, 24])
  func logarithmsAreTheFormula(law: String, points: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let rule = NoisyArgmax(noise, method: .quantileRule(points: points, normalized: false))
    var generator = StreamGenerator(seed: 3)
    let long = (0..<(isDebugBuild ? 200 : 2000)).map { _ in Double.random(in: -0.5...0.5, using: &generator) }
    for row in Self.shapes + [long] {
      let (logs, p) = (rule.logProbabilities(for: row), rule.probabilities(for: row))
      for index in row.indices where row.count < 100 || index % 97 == 0 {
        let truth = logFormula(noise, row, class: index, points: points).value - logarithm(Double(points))
        func note() -> Comment { "\(law), \(row.prefix(9)), class \(index): \(logs[index]), not \(truth)" }
        let bound = 1e-12 * max(1, truth.magnitude / 300)
        #expect(logs[index] == truth || (logs[index] - truth).magnitude <= bound, note())
        #expect(truth < -690 || (p[index] / exponential(truth) - 1).magnitude <= bound, note())
      }
    }
  }

  /// Both pullbacks, of raw and of normalised values, against sums over all pairs of classes.
  @Test(arguments: ShippedLaw.all.map(\.name), [1, 5, 24])
  func pullbacksAreTheFormula(law: String, points: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let rules = [false, true].map {
      ($0, NoisyArgmax(noise, method: .quantileRule(points: points, normalized: $0)))
    }
    for row in Self.shapes where row.count < 20 && points < 24 || row.count < 400 && !isDebugBuild {
      let v = row.indices.map { Double(($0 * 7) % 5) - 1.75 }
      let formulas = row.indices.map { logFormula(noise, row, class: $0, points: points) }
      for (isNormalized, rule) in rules {
        let (p, logs) = (rule.probabilities(for: row), rule.logProbabilities(for: row))
        let mean = isNormalized ? zip(p, v).reduce(0.0) { $0 + $1.0 * $1.1 } : 0
        let total = isNormalized ? zip(v, logs).reduce(0.0) { $1.1 > -.infinity ? $0 + $1.0 : $0 } : 0
        for (name, gradient, weights) in [
          ("p", rule.pullback(for: row, of: v), zip(p, v).map { $0 * ($1 - mean) }),
          (
            "log p", rule.logProbabilitiesPullback(for: row, of: v),
            row.indices.map { logs[$0] > -.infinity ? v[$0] - p[$0] * total : 0 }
          ),
        ] {
          for j in row.indices {
            var (truth, content) = (0.0, 0.0)
            for i in row.indices where i != j {
              for term in [
                weights[j] == 0 ? 0 : weights[j] * formulas[j].slopes[i],
                weights[i] == 0 ? 0 : -weights[i] * formulas[i].slopes[j],
              ] {
                truth += term
                content += term.magnitude
              }
            }
            let error = (gradient[j] - truth).magnitude
            #expect(
              error <= 1e-11 * content + 1e-300,
              "\(rule.noise), \(rule.method), \(name), \(row.prefix(9)), class \(j): \(gradient[j]), not \(truth)"
            )
          }
        }
      }
    }
  }

  /// In any order, the same bits.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func theOrderDoesNotMatter(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let rule = NoisyArgmax(noise, method: .quantileRule(points: 9))
    var generator = StreamGenerator(seed: 4)
    let row: [Double] =
      (0..<40).map { _ in Double.random(in: -2...0, using: &generator) } + [-1, -1, -.infinity]
    let p = Dictionary(zip(row, rule.probabilities(for: row))) { $1 }
    let shuffled = row.shuffled(using: &generator)
    #expect(rule.probabilities(for: shuffled) == shuffled.map { p[$0] })
  }

  /// The raw values fall short of one by what the article's nodes leave out: measured, so that the documentation can say it.
  @Test func rawValuesDoNotSumToOne() {
    let raw = NoisyArgmax(.normal, method: .quantileRule(points: 64, normalized: false))
    let ties = raw.probabilities(for: [Double](repeating: 0, count: 10)).reduce(0, +)
    #expect((ties - 0.9393).magnitude < 1e-4)
    #expect(raw.probabilities(for: [Double](repeating: 0, count: 1000)).reduce(0, +) < 1e-5)
  }

  /// Under Gumbel noise the rule goes to softmax, for two classes under normal noise to Φ(d/√2). The nodes leave out
  /// mass of order 1/K at both ends, so the raw error falls like 1/K.
  @Test func convergesAtItsRate() {
    let logits = [0.5, -0.25, 1.25, 0]
    let softmax = NoisyArgmax(.gumbel).probabilities(for: logits)
    func error(_ points: Int) -> Double {
      let p = NoisyArgmax(.gumbel, method: .quantileRule(points: points)).probabilities(for: logits)
      return zip(p, softmax).map { ($0 - $1).magnitude }.max()!
    }
    func probitError(_ points: Int) -> Double {
      let p = NoisyArgmax(.normal, method: .quantileRule(points: points, normalized: false)).probabilities(
        for: [1, 0])
      return (p[0] - Normal().cumulative(at: 0.5.squareRoot())).magnitude
    }
    for points in [32, 64, 128, 256, 512] {
      #expect((1.7...2.2).contains(error(points) / error(2 * points)), "softmax, \(points) points")
      #expect((1.7...2.2).contains(probitError(points) / probitError(2 * points)), "probit, \(points) points")
    }
    #expect(error(1024) < 1e-3)
    #expect(probitError(1024) < 1e-3)
  }

  @Test func thousandsOfTiesDoNotUnderflow() {
    let p = NoisyArgmax(.normal, method: .quantileRule(points: 64)).probabilities(
      for: [Double](repeating: 1, count: 20_000))
    #expect(p.allSatisfy { ($0 * 20_000 - 1).magnitude < 1e-14 })
    let raw = NoisyArgmax(.normal, method: .quantileRule(points: 64, normalized: false))
    #expect((raw.logProbabilities(for: [Double](repeating: 1, count: 20_000))[0] + 314.2).magnitude < 0.1)
  }

  @Test func aLawWithThreeFunctionsIsEnough() {
    let logits = [0.5, 0, -0.25]
    let p = NoisyArgmax(ThreeFunctions(of: Triangular()), points: 64, normalized: false).probabilities(
      for: logits)
    for (value, expected) in zip(p, formula(ThreeFunctions(of: Triangular()), logits, points: 64)) {
      #expect((value - expected).magnitude < 1e-14)
    }
    #expect(
      NoisyArgmax(ThreeFunctions(of: Triangular()), points: 64).probabilities(for: [0, -2.5]) == [1, 0])
    // Bounded noise: most factors of a wide row are 0 or 1.
    let wide = (0..<60).map { Double(($0 * 37) % 60) / -12 }
    let raw = NoisyArgmax(ThreeFunctions(of: Triangular()), points: 13, normalized: false)
    let values = raw.probabilities(for: wide)
    for (value, expected) in zip(values, formula(ThreeFunctions(of: Triangular()), wide, points: 13)) {
      #expect((value - expected).magnitude <= 1e-14 * expected)
    }
    let v = wide.indices.map { Double($0 % 3) }
    let gradient = raw.pullback(for: wide, of: v)
    for index in [0, 1, 5, 13, 30] {
      let sides = [-1e-6, 1e-6].map { step in
        var row = wide
        row[index] += step
        return zip(formula(ThreeFunctions(of: Triangular()), row, points: 13), v).reduce(0.0) {
          $0 + $1.0 * $1.1
        }
      }
      let slope = (sides[1] - sides[0]) / 2e-6
      #expect((gradient[index] - slope).magnitude <= 1e-7 * max(1, slope.magnitude), "class \(index)")
    }
  }

  /// Under heavy tails a class far behind still takes something: what it takes of the leader, and the leader of it, is
  /// Σ_k f(gap + q_k)/K and Σ_k f(q_k − gap)/K before they are normalised.
  @Test func derivativesOfClassesFarBehindUnderHeavyTails() {
    let points = 5
    let nodes = (1...points).map { Cauchy().quantile(at: Double($0) / Double(points + 1)) }
    let rules = [true, false].map { NoisyArgmax(Cauchy(), points: points, normalized: $0) }
    for gap in [30, 1e6, 1e12, 1e15, 1e18, 1e100] {
      func mean(_ function: (Double) -> Double) -> Double {
        nodes.map(function).reduce(0, +) / Double(points)
      }
      let slopes = (mean { Cauchy().density(at: gap + $0) }, mean { Cauchy().density(at: $0 - gap) })
      let values = (mean { Cauchy().cumulative(at: gap + $0) }, mean { Cauchy().cumulative(at: $0 - gap) })
      let sum = values.0 + values.1
      let expected = [
        (values.0 * slopes.1 + values.1 * slopes.0) / (sum * sum), slopes.0,
      ]
      for (rule, entry) in zip(rules, expected) {
        let jacobian = rule.jacobian(for: [0, -gap])
        #expect((jacobian[0, 1] / -entry - 1).magnitude < 1e-12, "\(rule), \(gap): \(jacobian), not \(entry)")
      }
      let lower = rules[1].jacobian(for: [0, -gap])[1, 0]
      #expect((lower / -slopes.1 - 1).magnitude < 1e-12, "\(gap): \(lower), not \(slopes.1)")
    }
  }

  /// One point at the median, two classes: log t of the lesser is log F of the gap, and its slope r, 1 far below under both
  /// laws; F itself is 0 there. Laws of one's own, which are computed with by their functions.
  @Test func reversedHazardsFarBelowTheLeastDouble() {
    let rules = [
      NoisyArgmax(
        OnTheLattice(base: Logistic()), method: .quantileRule(points: 1, normalized: false)),
      NoisyArgmax(OnTheGrid(base: Laplace()), method: .quantileRule(points: 1, normalized: false)),
    ]
    for rule in rules {
      for gap in [690.0, 720, 760, 1000, 1e5] {
        let slopes = rule.logProbabilitiesPullback(for: [0, -gap], of: [0, 1])
        #expect(
          (slopes[0] + 1).magnitude <= 1e-12 && (slopes[1] - 1).magnitude <= 1e-12,
          "\(rule.noise), gap \(gap): \(slopes)")
      }
    }
  }

  @Test func impossibleOptionsTrap() async {
    await #expect(processExitsWith: .failure) { _ = NoisyArgmax(.normal, method: .quantileRule(points: 0)) }
    await #expect(processExitsWith: .failure) { _ = NoisyArgmax(.normal, scale: 0) }
    await #expect(processExitsWith: .failure) { _ = NoisyArgmax(.normal, scale: .infinity) }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).probabilities(for: Rows([1.0, 2, 3], length: 2)).elements
    }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel, method: .quantileRule(points: 8)).expectedMaximum(for: [1, 2])
    }
  }
}
