import Foundation
import Noisemax
import Testing

/// Classes so far behind that their probabilities are far below the least Double.
@Suite struct PanelsDeepClassesTests {
  static let gaps = [1e2, 7e2, 7.3e2, 1e3, 1e4, 1e6, 0x1p30, 1e11, 1e13, 1e15]

  static func rows(_ gap: Double) -> [[Double]] {
    [
      [0, gap, 1.3 * gap, 1.9 * gap], [0, 0, gap], [0, 0.5, gap], [0, 0.5, 1, gap, gap + 3],
      [0, 0.5, gap, gap + 300, 2 * gap], [0, gap, gap + 0.25, gap + 2],
      [0, 0.125, 0.25, gap, gap, gap + 0.5, 2 * gap],
    ]
  }

  @Test(arguments: [false, true])
  func laplaceClassesAgreeWithPiecesOfExponentials(onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: "laplace", onTheGrid: onTheGrid)
    for distances in Self.gaps.flatMap(Self.rows) {
      let row = distances.map { 0 - $0 }
      let (logs, pullback) = argmax.logProbabilitiesWithPullback(for: row)
      for i in row.indices {
        let own = LaplaceOracle.terms(distances, densitiesOf: [i])
        let exponent = own.largestExponent
        let content = own.sum(relativeTo: exponent)
        let expected = (exponent + .logarithm(content)).value
        let slack = 1e-14 * max(1, expected.magnitude)
        #expect(isClose(logs[i], expected, within: slack), "\(row), \(i): \(logs[i]), not \(expected)")

        let gradient = pullback(row.indices.map { $0 == i ? 1 : 0 })
        var truth = row.indices.map { j in
          j == i
            ? 0
            : -(LaplaceOracle.terms(distances, densitiesOf: [i, j]).sum(relativeTo: exponent) / content).value
        }
        truth[i] = 0 - truth.reduce(0, +)
        for j in row.indices {
          #expect(
            isClose(gradient[j], truth[j], within: 1e-12 * truth[i] + 1e-300),
            "\(row), \(i), \(j): \(gradient[j]), not \(truth[j])")
        }
      }
    }
  }

  /// A class that far behind is in nobody's way, and wins where a nearer one would.
  @Test(arguments: [false, true])
  func exponentialClassesMoveLikeNearerOnes(onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: "exponential", onTheGrid: onTheGrid)
    for gap in Self.gaps where gap > 600 {
      for (far, near) in zip(Self.rows(gap), Self.rows(600)) {
        for i in far.indices where far[i] >= gap {
          let gradient = argmax.logProbabilitiesPullback(
            for: far.map { 0 - $0 }, of: far.indices.map { $0 == i ? 1 : 0 })
          let distances = near.map { min($0, 600) }
          let content = ExponentialOracle.integral(distances, densitiesOf: [i])
          for j in far.indices where j != i {
            let truth = -ExponentialOracle.integral(distances, densitiesOf: [i, j]) / content
            #expect(
              isClose(gradient[j], truth, within: 1e-12), "\(far), \(i), \(j): \(gradient), not \(truth)")
          }
        }
      }
    }
  }

  /// Beyond any rounding of the gaps all that is left is the shape of the row.
  @Test(arguments: [false, true])
  func gapsOfAnySizeKeepTheirLimits(onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: "laplace", onTheGrid: onTheGrid)
    for gap in [1e16, 1e18, 1e22, 1e30, 1e100, 1e307] {
      let (logs, pullback) = argmax.logProbabilitiesWithPullback(
        for: [0, -gap, -1.3 * gap, -1.9 * gap])
      for (log, expected) in zip(logs, [0, -gap, -1.3 * gap, -1.9 * gap]) {
        #expect(isClose(log, expected, within: 1e-14 * gap), "\(gap): \(logs)")
      }
      for (slope, expected) in zip(pullback([0, 1, -1, 2]), [-2.0, 1, -1, 2]) {
        #expect(isClose(slope, expected, within: 1e-12), "\(gap): \(slope), not \(expected)")
      }
    }
  }

  /// Not by timing: by how often the law is asked.
  @Test(arguments: [[0, 1, 1.3, 1.9], [0, 0, 1, 1.5], [0, 1e-9, 1, 1]])
  func theWorkDoesNotGrowWithTheGaps(shape: [Double]) {
    for base in [Exponential(), Laplace()] as [any PiecewiseNoise] {
      for exponent in stride(from: 1.5, through: 300, by: isDebugBuild ? 17 : 1.5) {
        let law = Counting(base: base)
        let row = shape.map { $0 * -pow(10, exponent) }
        _ = NoisyArgmax(law).logProbabilitiesPullback(for: row, of: [0, 1, -1, 2])
        let count = law.count.value
        #expect(count < 100_000, "\(base), \(row): \(count) evaluations")
      }
    }
  }

  /// Found by the fuzzer: gaps of many orders of magnitude in one row, whose logarithms were not numbers.
  @Test(arguments: [false, true])
  func gapsOfAllSizesInOneRow(onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: "laplace", onTheGrid: onTheGrid)
    let row: [Float] = [
      5.6897096e-22, 7.939641e-23, 1.5803107e+13, 0.007503329, 1.7725675e+17, -7.585437e+28, -6.4741227e+32,
      -1.0348492e+34,
    ]
    let logP = argmax.logProbabilities(for: row.map { Double($0) })
    for (logit, value) in zip(row, logP) {
      let gap = Double(logit) - Double(row[4])
      #expect(isClose(value, gap, within: 1e-7 * gap.magnitude), "\(logit): \(value)")
    }
    let single = argmax.logProbabilities(for: row)
    #expect(zip(single, logP).allSatisfy { $0 == Float($1) }, "\(single), not \(logP)")
  }

  /// Likewise: classes that reach into the leader's support by less than any number, with slopes beyond all of them.
  @Test(arguments: [false, true])
  func slopesBeyondAllNumbersAreInfinite(onTheGrid: Bool) throws {
    let scale = 4.653735800328269e129
    let row = [-scale, -scale, -scale, -4.6537358003273235e129, -scale, -scale, -6.292845454385588e-242]
    let gradient = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid, scale: scale)
      .logProbabilitiesPullback(for: row, of: [-1, 0, 1, -1, 0, 1, -1])
    #expect(gradient.allSatisfy { !$0.isNaN }, "\(gradient)")
    #expect(gradient[0] == -.infinity && gradient[2] == .infinity && gradient[5] == .infinity)
  }

  /// Likewise: beside others than the leader such classes have ordinary slopes, r where their support ends.
  @Test(arguments: [false, true])
  func slopesBesideOthersStayOrdinary(onTheGrid: Bool) throws {
    let scale = 3.0266874179647486e267
    let row = [3.0266874179640448e267, scale, 1e-180, 3.750180492428207e259, 3e-172, 2.7687318089345997e267]
    let gradient = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid, scale: scale)
      .logProbabilitiesPullback(for: row, of: [0, 0, 1, 0, 0, 0])
    #expect(gradient[1] == -.infinity && gradient[2] == .infinity, "\(gradient)")
    for index in [0, 3, 5] {
      let expected = -1 / (scale - row[index])
      #expect(isClose(gradient[index], expected, within: 1e-12 * -expected), "\(index): \(gradient)")
    }
  }
}
