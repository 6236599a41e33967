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

  @Test(arguments: NoiseRegistry.entries.map(\.name), [1, 2, 7, 64])
  func isTheFormula(law: String, points: Int) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
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

  /// The raw values fall short of one by what the article's nodes leave out: measured, so that the README can say it.
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

  /// A law that states the three required functions and nothing else.
  @Test func aLawWithThreeFunctionsIsEnough() {
    struct Triangular: NoiseDistribution {
      func cumulative(at x: Double) -> Double {
        x <= -1 ? 0 : x >= 1 ? 1 : x < 0 ? (1 + x) * (1 + x) / 2 : 1 - (1 - x) * (1 - x) / 2
      }
      func density(at x: Double) -> Double { x.isNaN ? x : max(0, 1 - x.magnitude) }
      func quantile(at p: Double) -> Double {
        guard p >= 0, p <= 1 else { return .nan }
        return p < 0.5 ? (2 * p).squareRoot() - 1 : 1 - (2 * (1 - p)).squareRoot()
      }
    }
    let logits = [0.5, 0, -0.25]
    let p = NoisyArgmax(Triangular(), method: .quantileRule(points: 64, normalized: false)).probabilities(
      for: logits)
    for (value, expected) in zip(p, formula(Triangular(), logits, points: 64)) {
      #expect((value - expected).magnitude < 1e-14)
    }
    #expect(
      NoisyArgmax(Triangular(), method: .quantileRule(points: 64)).probabilities(for: [0, -2.5]) == [1, 0])
  }

  @Test func impossibleOptionsTrap() async {
    await #expect(processExitsWith: .failure) { _ = NoisyArgmax(.normal, method: .quantileRule(points: 0)) }
    await #expect(processExitsWith: .failure) { _ = NoisyArgmax(.normal, scale: 0) }
    await #expect(processExitsWith: .failure) { _ = NoisyArgmax(.normal, scale: .infinity) }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).probabilities(forRowsOf: [1.0, 2, 3], rowLength: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel, method: .quantileRule(points: 8)).expectedMaximum(of: [1, 2])
    }
  }
}
