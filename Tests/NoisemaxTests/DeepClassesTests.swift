import Noisemax
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
    let noise = try #require(NoiseRegistry.noise(named: law) as? any SmoothNoise)
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
}
