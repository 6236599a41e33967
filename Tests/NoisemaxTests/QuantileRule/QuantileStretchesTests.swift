import Noisemax
import NoisemaxLaws
import Testing

/// The quantile rule of the laws with kinks in rows that go by stretches, against the rule as it is written.
@Suite struct QuantileStretchesTests {
  static let laws = ["uniform", "exponential", "laplace"]

  private static func noise(_ name: String) throws -> any PiecewiseNoise {
    try #require(ShippedLaw.standard(named: name) as? any PiecewiseNoise)
  }

  private static func spread(_ count: Int, _ width: Double, seed: UInt64 = 3) -> [Double] {
    var generator = StreamGenerator(seed: seed)
    return (0..<count).map { _ in Double.random(in: -width...0, using: &generator) }
  }

  /// Rows long enough for stretches, of all shapes: next to each other, far apart, with ties, and too deep for the numbers.
  static let rows: [[Double]] = {
    let near = spread(60, 0.6)
    let numbers = (0..<60).map { Double($0) }
    var rows = [near, spread(90, 6), spread(60, 300), spread(48, 1e-9), [5] + near, spread(200, 0.01)]
    rows.append(numbers.map { -0x1p-1074 * $0 })
    // Ties, and in rows with enough different logits.
    rows.append(near.map { ($0 * 64).rounded() / 64 } + near)
    rows.append([0.3] + near + [-.infinity, -0.999, -40])
    rows.append(near + [-800, -800.25, -2000, -2000, -3000])
    rows.append(numbers.map { -0.04 * $0 })
    rows.append(numbers.map { -8 * $0 })
    rows.append(near + [-1e300, -1.0000000000000002e300, -1e250])
    return rows
  }()

  @Test(arguments: laws, [5, 64])
  func valuesAreTheRuleAsWritten(law: String, points: Int) throws {
    let noise = try Self.noise(law)
    let method = NoisyArgmax.Method.quantileRule(points: points, normalized: false)
    let fast = NoisyArgmax(noise, method: method)
    let asWritten = NoisyArgmax(OnTheGrid(base: noise), method: method)
    for row in Self.rows {
      let (p, logs) = (fast.probabilities(for: row), fast.logProbabilities(for: row))
      let (expected, truths) = (asWritten.probabilities(for: row), asWritten.logProbabilities(for: row))
      for index in row.indices {
        func note() -> Comment {
          "\(law), \(points) points, \(row), class \(index): \(logs[index]), not \(truths[index])"
        }
        let bound = 1e-12 * max(1, truths[index].magnitude / 300)
        #expect(logs[index] == truths[index] || (logs[index] - truths[index]).magnitude <= bound, note())
        let error = (p[index] - expected[index]).magnitude
        #expect(error <= 1e-300 || error <= bound * expected[index], note())
      }
    }
  }

  /// Both pullbacks, within 1e-11 of the largest number that is summed up for a class of the row.
  @Test(arguments: laws, [false, true])
  func derivativesAreThoseOfTheRuleAsWritten(law: String, isNormalized: Bool) throws {
    let noise = try Self.noise(law)
    let method = NoisyArgmax.Method.quantileRule(points: 40, normalized: isNormalized)
    let fast = NoisyArgmax(noise, method: method)
    let asWritten = NoisyArgmax(OnTheGrid(base: noise), method: method)
    var generator = SplitMix64(seed: 5)
    for row in Self.rows {
      let v = row.map { _ in Double.random(in: -1...1, using: &generator) }
      for (name, gradient, truth) in [
        ("p", fast.pullback(for: row, of: v), asWritten.pullback(for: row, of: v)),
        (
          "log p", fast.logProbabilitiesPullback(for: row, of: v),
          asWritten.logProbabilitiesPullback(for: row, of: v)
        ),
      ] {
        let largest = truth.reduce(name == "p" ? 0 : 1) { max($0, $1.magnitude) }
        for index in row.indices {
          let error = (gradient[index] - truth[index]).magnitude
          #expect(
            error <= 1e-11 * largest,
            "\(law), \(name), \(row), class \(index): \(gradient[index]), not \(truth[index])")
        }
      }
    }
  }

  /// The derivatives of a class that is almost certain have the size of what it can lose. With the leader g ahead of eighty
  /// others, the slope of log t in its logit is Σ_k ψ_k·Σ_j r(q_k + g − gap_j), and in that of another class one term of this.
  @Test(arguments: laws)
  func derivativesOfACertainClass(law: String) throws {
    let noise = try Self.noise(law)
    let points = 40
    let rule = NoisyArgmax(noise, method: .quantileRule(points: points, normalized: false))
    let nodes = (1...points).map { noise.quantile(at: Double($0) / Double(points + 1)) }
    let others = (0..<80).map { -0.001 * Double($0) }
    for gap in law == "uniform" ? [0.1, 0.4, 0.85] : [0.1, 5, 30, 200, 600] {
      let row = [gap] + others
      let gradient = rule.logProbabilitiesPullback(for: row, of: [1] + others.map { _ in 0 })
      var (sum, slopes) = (0.0, others.map { _ in 0.0 })
      for node in nodes {
        let arguments = others.map { node + (gap - $0) }
        let product = arguments.reduce(1) { $0 * noise.cumulative(at: $1) }
        sum += product
        for (k, x) in arguments.enumerated() where product > 0 {
          slopes[k] += product * noise.density(at: x) / noise.cumulative(at: x)
        }
      }
      let all = slopes.reduce(0, +) / sum
      #expect((gradient[0] - all).magnitude <= 1e-11 * all, "\(law), gap \(gap): \(gradient[0]), not \(all)")
      for k in others.indices {
        let truth = -slopes[k] / sum
        #expect(
          (gradient[k + 1] - truth).magnitude <= 1e-11 * truth.magnitude,
          "\(law), gap \(gap), class \(k + 1): \(gradient[k + 1]), not \(truth)")
      }
    }
  }

  /// Stretches of hostile rows, by the memory that a fresh workspace took: within 20 times an ordinary row of its size, and
  /// for log-probabilities within 100 times.
  @Test(arguments: laws)
  func workIsBounded(law: String) throws {
    let rule = NoisyArgmax(try Self.noise(law), method: .quantileRule(points: 64))
    func room(_ row: [Double], logs: Bool = false) -> Int {
      var result = row
      var workspace = NoisyArgmax.Workspace(threads: 1)
      var span = result.mutableSpan
      if logs {
        rule.formLogProbabilities(in: &span, workspace: &workspace)
      } else {
        rule.formProbabilities(in: &span, workspace: &workspace)
      }
      return workspace.room
    }
    let ordinary = room(Self.spread(1000, law == "uniform" ? 0.8 : 3))
    let ties = [Double](repeating: 0, count: 500)
    let numbers = (0..<1000).map { Double($0) }
    var rows = [numbers.map { 0 - $0 }, numbers.map { -1000 * $0 }, numbers.map { -0x1p-1074 * $0 }]
    rows.append(numbers.map { 0 - exponential(0.01 * $0) })
    rows.append(numbers.map { 0 - exponential(-35 + 0.042 * $0) })
    rows.append(ties + numbers[..<500].map { -30 - 0.06 * $0 })
    rows.append(Self.spread(999, 1) + [-1 + 1e-16])
    for row in rows {
      #expect(room(row) <= 20 * ordinary, "\(law), \(row)")
      #expect(room(row, logs: true) <= 100 * ordinary, "\(law), \(row)")
    }
  }
}
