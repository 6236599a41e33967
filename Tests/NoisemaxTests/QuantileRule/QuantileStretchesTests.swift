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
    return [
      near, spread(90, 6), spread(60, 300), spread(48, 1e-9), (0..<50).map { 0 - Double($0) * 5e-324 },
      near.map { ($0 * 8).rounded() / 8 }, [5] + near, [0.3] + near + [-.infinity, -0.999, -40],
      near + [-800, -800.25, -2000, -2000, -3000], (0..<60).map { -0.04 * Double($0) },
      (0..<60).map { -8 * Double($0) }, near + [-1e300, -1.0000000000000002e300, -1e250],
    ]
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
        let largest = max(name == "p" ? 0 : 1, truth.reduce(0) { max($0, $1.magnitude) })
        for index in row.indices {
          let error = (gradient[index] - truth[index]).magnitude
          #expect(
            error <= 1e-11 * largest,
            "\(law), \(name), \(row), class \(index): \(gradient[index]), not \(truth[index])")
        }
      }
    }
  }

  /// The classes of a row that are rare, or are almost certain, have derivatives of their own size: of a leader that is g
  /// ahead of thirty ties behind, each with the median as its only point, log t = 30·log F(m + g), and its slope in the leader's
  /// logit is 30·r(m + g).
  @Test(arguments: laws)
  func derivativesOfACertainClass(law: String) throws {
    let noise = try Self.noise(law)
    let rule = NoisyArgmax(noise, method: .quantileRule(points: 1, normalized: false))
    let median = noise.quantile(at: 0.5)
    for gap in law == "uniform" ? [0.1, 0.4, 0.49999, 0.6] : [0.1, 5, 30, 200, 600] {
      let row = [gap] + [Double](repeating: 0, count: 30)
      let gradient = rule.logProbabilitiesPullback(for: row, of: [1] + [Double](repeating: 0, count: 30))
      let r = noise.density(at: median + gap) / noise.cumulative(at: median + gap)
      #expect((gradient[0] - 30 * r).magnitude <= 1e-12 * 30 * r, "\(law), gap \(gap): \(gradient[0])")
      #expect((gradient[7] + r).magnitude <= 1e-12 * r, "\(law), gap \(gap): \(gradient[7])")
    }
  }

  /// Stretches of hostile rows, by the memory that a fresh workspace took: within 20 times an ordinary row of its size, and
  /// for log-probabilities within 100 times.
  @Test(arguments: laws)
  func workIsBounded(law: String) throws {
    let rule = NoisyArgmax(try Self.noise(law), method: .quantileRule(points: 64))
    func room(_ row: [Double], logs: Bool = false) -> Int {
      var (result, workspace) = (row, NoisyArgmax.Workspace(threads: 1))
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
    for row in [
      (0..<1000).map { -Double($0) }, (0..<1000).map { -exponential(0.01 * Double($0)) },
      (0..<1000).map { -exponential(-35 + 0.042 * Double($0)) },
      ties + (0..<500).map { -30 - 0.06 * Double($0) },
      Self.spread(1000, 1) + [-1 + 1e-16], (0..<1000).map { -1000 * Double($0) },
      (0..<1000).map { -5e-324 * Double($0) },
    ] {
      #expect(room(row) <= 20 * ordinary, "\(law), \(row)")
      #expect(room(row, logs: true) <= 100 * ordinary, "\(law), \(row)")
    }
  }
}
