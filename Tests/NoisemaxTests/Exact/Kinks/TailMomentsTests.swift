import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Exponential and Laplace noise at every size: near classes, far ones by sums of powers, lone leaders, deep classes.
@Suite struct TailMomentsTests {
  static let laws = ["exponential", "laplace"]

  private static func transform(_ law: String) throws -> NoisyArgmax {
    let noise = try #require(ShippedLaw.standard(named: law))
    return NoisyArgmax(noise)
  }

  /// Ties, ladders, clusters at two scales, leaders of many kinds, spreads from 0 to 40.
  private static func row(_ kind: Int, count: Int) -> [Double] {
    var generator = SplitMix64(seed: UInt64(kind))
    func unit() -> Double { generator.unit() }
    return (0..<count).map { index in
      switch kind {
      case 0: index == count / 2 ? -0.5 : 0
      case 1: -0.1 * Double(index)
      case 2: unit() < 0.5 ? 1e-6 * unit() : -2 + 1e-9 * unit()
      case 3: index == 0 ? 0 : -3 - unit() * 1e-3
      case 4: 0.5 * unit()
      case 5: 6 * unit()
      case 6: 40 * unit()
      case 7: index == 0 ? 14 + log(Double(count)) : unit()
      case 8: index == 0 ? 0 : -60 - unit()
      case 9: index < 2 ? 0 : -25 - unit()
      case 10: index == 7 ? 0.5 : 0
      default: index < min(count / 2, 300) ? 0 : -12 - unit()
      }
    }
  }

  /// The first and the last class, the leader, the rarest, and a few more.
  private static func chosen(_ row: [Double]) -> [Int] {
    let leader = row.indices.max { row[$0] < row[$1] } ?? 0
    let rarest = row.indices.min { row[$0] < row[$1] } ?? 0
    return Array(Set([0, row.count - 1, leader, rarest, row.count / 3, row.count / 2])).sorted()
  }

  @Test(arguments: laws, 0..<12)
  func rowsAreThoseOfDirectProducts(law: String, kind: Int) throws {
    let argmax = try Self.transform(law)
    for count in isDebugBuild ? [50, 120] : [49, 100, 1000, 3000] {
      let row = Self.row(kind, count: count)
      let truth = DirectProducts(row, isLaplace: law == "laplace")
      let (p, logs) = (argmax.probabilities(for: row), argmax.logProbabilities(for: row))
      for index in Self.chosen(row) {
        let expected = truth.logProbability(index)
        let testCase = "\(law), kind \(kind), \(count) classes, class \(index)"
        #expect(
          isClose(logs[index], expected, within: 2e-14 * max(1, -expected)),
          "\(testCase): \(logs[index]), not \(expected)")
        #expect(
          isClose(p[index], exp(expected), within: 1e-13 * exp(expected)),
          "\(testCase): \(p[index]), not \(exp(expected))")
      }
    }
  }

  @Test(arguments: laws, 0..<12)
  func pullbacksAreThoseOfDirectProducts(law: String, kind: Int) throws {
    let argmax = try Self.transform(law)
    for count in isDebugBuild ? [50] : [49, 100, 400] {
      let row = Self.row(kind, count: count)
      let v = row.indices.map { cos(Double(3 * $0)) }
      let truth = DirectProducts(row, isLaplace: law == "laplace")
      let result = argmax.pullback(for: row, of: v)
      // Of log-probabilities, by those of v/p.
      let p = argmax.probabilities(for: row)
      let ofLogarithms = argmax.logProbabilitiesPullback(for: row, of: zip(v, p).map { $0 * $1 })
      for index in Self.chosen(row) {
        let (value, content) = truth.pullback(v, index)
        let testCase = "\(law), kind \(kind), \(count) classes, class \(index)"
        #expect(
          isClose(result[index], value, within: 1e-12 * content + 1e-300),
          "\(testCase): \(result[index]), not \(value) of \(content)")
        #expect(
          isClose(ofLogarithms[index], value, within: 1e-12 * content + 1e-300),
          "\(testCase): \(ofLogarithms[index]), not \(value) of \(content)")
      }
    }
  }

  /// What holds bit by bit or nearly so, where classes are summed up in another order.
  @Test(arguments: laws, 0..<12)
  func rowsKeepTheirProperties(law: String, kind: Int) throws {
    let argmax = try Self.transform(law)
    for count in isDebugBuild ? [100, 2000] : [100, 1000, 20_000, 100_000] {
      let row = Self.row(kind, count: count)
      let testCase = "\(law), kind \(kind), \(count) classes"
      let p = argmax.probabilities(for: row)
      #expect((sum(p) - 1).magnitude <= 1e-14, "\(testCase): \(sum(p) - 1)")
      let order = row.indices.sorted { row[$0] > row[$1] }
      for (first, second) in zip(order, order.dropFirst()) where p[first] < p[second] * (1 - 1e-14) {
        Issue.record("\(testCase): \(p[first]) before \(p[second])")
      }
      for (first, second) in zip(order, order.dropFirst())
      where row[first] == row[second] && p[first] != p[second] {
        Issue.record("\(testCase): \(p[first]) and \(p[second]) of equal logits")
      }
      let reversed = argmax.probabilities(for: Array(row.reversed()))
      #expect(
        zip(p, reversed.reversed()).allSatisfy { isClose($0, $1, within: 1e-14 * $0) },
        "\(testCase), reversed")
      let masked = argmax.probabilities(for: [-.infinity] + row + [-.infinity, -1e9])
      #expect(
        zip(p, masked.dropFirst()).allSatisfy { isClose($0, $1, within: 1e-14 * $0) }, "\(testCase), masks")
      #expect(masked[0] == 0 && masked[count + 1] == 0 && masked[count + 2] == 0, "\(testCase), masks")
      let steps = row.map { ($0 * 0x1p30).rounded() * 0x1p-30 }
      #expect(
        argmax.probabilities(for: steps) == argmax.probabilities(for: steps.map { $0 + 1024 }),
        "\(testCase), shifted")
      let single = argmax.probabilities(for: row.map { Float($0) })
      let rounded = argmax.probabilities(for: row.map { Double(Float($0)) })
      for (value, truth) in zip(single, rounded)
      where truth > 1e-30 && !isClose(Double(value), truth, within: 1e-7 * truth) {
        Issue.record("\(testCase): \(value) as a Float, not \(truth)")
      }
    }
  }

  /// ∂M/∂μ = p, and losses of a class that is almost certain keep their digits.
  @Test(arguments: laws, 0..<12)
  func expectedMaximaRiseWithTheProbabilities(law: String, kind: Int) throws {
    let argmax = try Self.transform(law)
    let grid = NoisyArgmax(OnTheGrid(base: law == "laplace" ? Laplace() : Exponential()))
    let count = isDebugBuild ? 60 : 300
    let row = Self.row(kind, count: count)
    let leader = row.indices.max { row[$0] < row[$1] } ?? 0
    let (loss, truth) = (argmax.loss(for: row, target: leader), grid.loss(for: row, target: leader))
    #expect(isClose(loss, truth, within: 1e-12 * truth), "\(law), kind \(kind): \(loss), not \(truth)")
  }

  /// Thousands of classes whose tails are subnormal numbers behind two leaders: each wins as it would alone.
  @Test(arguments: laws)
  func crowdsBelowTheLeastNormalNumber(law: String) throws {
    let argmax = try Self.transform(law)
    for gap in [706.0, 709, 712, 740, 745] {
      let row = (0..<5000).map { $0 < 2 ? 0 : -gap }
      let (logs, alone) = (argmax.logProbabilities(for: row), argmax.logProbabilities(for: [0, 0, -gap]))
      #expect(isClose(logs[2], alone[2], within: 1e-14 * gap), "\(law), \(gap): \(logs[2]), not \(alone[2])")
      #expect(logs[2...].allSatisfy { $0 == logs[2] }, "\(law), \(gap)")
      let v = row.indices.map { $0 == 2 ? 1.0 : 0 }
      let gradient = argmax.logProbabilitiesPullback(for: row, of: v)
      let expected = argmax.logProbabilitiesPullback(for: [0, 0, -gap], of: [0, 0, 1])
      for index in 0..<3 {
        #expect(
          isClose(gradient[index], expected[index], within: 1e-12),
          "\(law), \(gap), \(index): \(gradient[index]), not \(expected[index])")
      }
      #expect(argmax.pullback(for: row, of: v).allSatisfy { $0.magnitude <= 1e-300 }, "\(law), \(gap)")
    }
  }

  /// Where a lone leader is so far ahead that the way down to the others is one node.
  @Test func nothingJumpsWhereALeaderIsAlone() {
    let argmax = NoisyArgmax(.laplace)
    for count in [1, 3, 70] {
      for limit in [45.0, 68, 600] {
        let (near, far) = (limit - 5e-7, limit + 5e-7)
        func row(_ gap: Double) -> [Double] { [0] + (0..<count).map { -gap - Double($0) / 8 } }
        let logs = argmax.logProbabilities(for: row(near))[1] - argmax.logProbabilities(for: row(far))[1]
        let p = argmax.probabilities(for: row(near))[1] / argmax.probabilities(for: row(far))[1]
        let slope = argmax.logProbabilitiesPullback(
          for: row(limit), of: row(limit).indices.map { $0 == 1 ? 1 : 0 })
        // All others move at once.
        let expected = 1e-6 * -slope[0]
        #expect(isClose(logs, expected, within: 1e-12), "\(count), \(limit): \(logs), not \(expected)")
        #expect(isClose(log(p), expected, within: 1e-12), "\(count), \(limit): \(log(p)), not \(expected)")
      }
    }
  }

  /// Three Laplace classes, one of them deep: below the second kink G·t² does not fall, down to where t would be no number.
  @Test(arguments: Array(stride(from: 20.0, through: 76, by: 4)))
  func stretchesWithoutAFallHaveAnEnd(gap: Double) {
    let argmax = NoisyArgmax(.laplace)
    // Farther down nothing changes but log p itself.
    let near = [0, -gap, -2 * gap - 80]
    let v = [0.25, -0.5, 1]
    let truth = argmax.logProbabilitiesPullback(for: near, of: v)
    for deep in [680.0, 705, 720, 735, 744, 750, 1000, 1e10, 1e300] {
      let row = [0, -gap, -deep]
      let found = argmax.logProbabilitiesPullback(for: row, of: v)
      for index in row.indices {
        #expect(isClose(found[index], truth[index], within: 1e-12), "\(row): \(found), not \(truth)")
      }
      let slopes = argmax.pullback(for: row, of: v)
      #expect(slopes.allSatisfy(\.isFinite) && isClose(sum(slopes), 0, within: 1e-15), "\(row): \(slopes)")
    }
  }

  private func sum(_ numbers: [Double]) -> Double {
    numbers.reduce(DoubleDouble(0)) { $0 + DoubleDouble($1) }.value
  }
}
