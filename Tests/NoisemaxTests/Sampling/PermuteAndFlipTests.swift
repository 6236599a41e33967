import Noisemax
import Testing

@Suite struct PermuteAndFlipTests {
  private func shares(
    _ mechanism: PermuteAndFlip, _ scores: [Int], draws: Int, seed: UInt64
  ) -> [Double] {
    var generator = StreamGenerator(seed: seed)
    var counts = [Double](repeating: 0, count: scores.count)
    for _ in 0..<draws { counts[mechanism.randomIndex(for: scores, using: &generator) ?? 0] += 1 }
    return counts.map { $0 / Double(draws) }
  }

  /// Under Exponential noise: for two classes a gap g apart e^(−g)/2, and in general by the library's integrals. 100,000
  /// draws are within five standard errors.
  @Test func drawsAtTheRatesOfExponentialNoise() {
    let draws = 100_000
    let cases: [(PermuteAndFlip, [Int])] = [
      (PermuteAndFlip(scale: 2), [3, 0]), (PermuteAndFlip(scale: 3, over: 2), [5, 4, 4, -1]),
      (PermuteAndFlip(scale: 1), [0, 0, 0]), (PermuteAndFlip(scale: 7, over: 3), [-2, 1, 0, 3, 2]),
      // One step apart, at the ends of what a score can be, on a scale as large.
      (PermuteAndFlip(scale: .max, over: 2), [.min, .max, .min + 1]),
    ]
    for (index, (mechanism, scores)) in cases.enumerated() {
      let scale = Double(mechanism.numerator) / Double(mechanism.denominator)
      let top = Double(scores.max() ?? 0)
      let truth =
        scores.count == 2
        ? [1 - 0.11156508007421491, 0.11156508007421491]
        : NoisyArgmax(.exponential, scale: scale).probabilities(for: scores.map { Double($0) - top })
      let found = shares(mechanism, scores, draws: draws, seed: UInt64(index))
      for (share, p) in zip(found, truth) {
        let error = (p * (1 - p) / Double(draws)).squareRoot()
        #expect(abs(share - p) <= 5 * error, "\(mechanism), \(scores): \(found), not \(truth)")
      }
    }
  }

  @Test func edges() {
    var generator = StreamGenerator(seed: 1)
    let mechanism = PermuteAndFlip(scale: 1, over: .max)
    #expect(mechanism.randomIndex(for: [], using: &generator) == nil)
    #expect(mechanism.randomIndex(for: [-7], using: &generator) == 0)
    // A gap of 2⁶⁴ − 1 times 2⁶⁴ − 1.
    for _ in 0..<100 { #expect(mechanism.randomIndex(for: [.min, .max], using: &generator) == 1) }
    #expect(PermuteAndFlip(scale: 5).randomIndex(for: [0, 1]) != nil)
  }
}
