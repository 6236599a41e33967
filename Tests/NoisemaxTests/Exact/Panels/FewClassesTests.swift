import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// A few classes under a law of a user's own with kinks: by products of their F, where more of them or one far behind would go by
/// the grid.
@Suite struct FewClassesTests {
  /// A row by products, and the same row with one class more that is too far behind for them, and too rare to matter.
  @Test(arguments: [Exponential(), Laplace()] as [any PiecewiseNoise])
  func productsAgreeWithTheGrid(law: any PiecewiseNoise) {
    let argmax = NoisyArgmax(OnTheGrid(base: law))
    var generator = SplitMix64(seed: 5)
    for round in 0..<(isDebugBuild ? 4 : 40) {
      let row = [0, 0] + (0..<8).map { _ in -7.5 * generator.unit() * Double(round % 4 + 1) }
      let v = row.indices.map { cos(Double($0 + round)) }
      let longer = row + [-100]
      let (few, many) = (argmax.probabilities(for: row), argmax.probabilities(for: longer))
      let (logs, manyLogs) = (argmax.logProbabilities(for: row), argmax.logProbabilities(for: longer))
      let (slopes, manySlopes) = (
        argmax.pullback(for: row, of: v), argmax.pullback(for: longer, of: v + [0])
      )
      for index in row.indices {
        let whole = "\(law), \(row), class \(index)"
        #expect(
          isClose(few[index], many[index], within: 3e-13 * many[index]),
          "\(whole): \(few[index]), \(many[index])")
        let allowed = 3e-13 * max(1, manyLogs[index].magnitude)
        #expect(
          isClose(logs[index], manyLogs[index], within: allowed),
          "\(whole): \(logs[index]), \(manyLogs[index])")
        #expect(
          isClose(slopes[index], manySlopes[index], within: 3e-13 * many[index]),
          "\(whole), of \(v): \(slopes[index]), \(manySlopes[index])")
      }
    }
  }

  /// p = reach⁴/24 for two triangular classes.
  @Test func aClassThatHardlyReachesUpKeepsItsDigits() {
    let argmax = NoisyArgmax(Triangular())
    for exponent in 1...48 {
      let reach = pow(2, -Double(exponent))
      let p = argmax.probabilities(for: [1, reach - 1])[1]
      let expected = pow(reach, 4) / 24
      // F and f near the end of the support are as good as their argument is beside the reach.
      let bound = 1e-13 + 0x1p-50 / reach
      #expect(isClose(p, expected, within: bound * expected), "reach \(reach): \(p), not \(expected)")
    }
  }

  /// Ten classes have at most 30 breaks, and a panel between two of them eight nodes as a rule.
  @Test func tenClassesAskFewTimes() {
    let row = (0..<10).map { 0.3 * sin(Double($0 * $0) + 0.3) }
    let law = Counting(base: Triangular())
    let argmax = NoisyArgmax(law)
    law.count.value = 0
    _ = argmax.probabilities(for: row)
    #expect(law.count.value > 0)
    #expect(law.count.value <= 2 * 10 * 30 * 12, "\(row): asked \(law.count.value) times")
    law.count.value = 0
    _ = argmax.pullback(for: row, of: row)
    #expect(law.count.value > 0)
    #expect(law.count.value <= 2 * 10 * 30 * 16, "\(row): asked \(law.count.value) times for the gradient")
  }
}
