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
}
