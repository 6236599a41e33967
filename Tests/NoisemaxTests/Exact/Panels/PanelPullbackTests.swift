import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Derivatives under laws with kinks, by the laws' own methods and on the panels, against closed forms and exact arithmetic.
@Suite struct PanelPullbackTests {
  /// ∂p_i/∂μ_j = −∫ f f ∏ F of every pair, each to thirteen digits of its own.
  @Test(arguments: ["uniform", "exponential", "laplace"], [false, true])
  func everyEntryOfTheJacobianIsAccurate(law: String, onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: law, onTheGrid: onTheGrid)
    let oracle =
      switch law {
      case "uniform": UniformOracle.integral
      case "exponential": ExponentialOracle.integral
      default: LaplaceOracle.integral
      }
    var generator = SplitMix64(seed: 17)
    for round in 0..<(isDebugBuild ? 24 : onTheGrid ? 60 : 400) {
      let distances = Self.distances(round, bounded: law == "uniform", using: &generator)
      let jacobian = argmax.jacobian(for: distances.map { 0 - $0 })
      for i in distances.indices {
        for j in distances.indices where j != i {
          let truth = -oracle(distances, [i, j])
          let error = (jacobian[i][j] - truth).magnitude
          #expect(
            error <= 1e-13 * truth.magnitude + 1e-300,
            "\(distances), \(i), \(j): \(jacobian[i][j]), not \(truth)")
        }
      }
    }
  }

  /// Enough classes for the sums to use cells, over as many panels.
  @Test(arguments: [1e-3, 0.3, 1.2], [false, true])
  func manyUniformClasses(spread: Double, onTheGrid: Bool) throws {
    var generator = SplitMix64(seed: 3)
    let count = isDebugBuild ? 30 : 90
    let distances = [0] + (1..<count).map { _ in spread * Double.random(in: 0...1, using: &generator) }
    let cotangent = distances.map { _ in Double.random(in: -1...1, using: &generator) }
    let argmax = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid)
    let result = argmax.pullback(for: distances.map { 0 - $0 }, of: cotangent)
    for i in [0, 1, 2] {
      var (expected, content) = (0.0, 0.0)
      for j in distances.indices where j != i {
        let term = UniformOracle.integral(distances, densitiesOf: [i, j]) * (cotangent[i] - cotangent[j])
        expected += term
        content += term.magnitude
      }
      #expect(isClose(result[i], expected, within: 1e-13 * content), "\(i): \(result[i]), not \(expected)")
    }
  }

  @Test(arguments: ["uniform", "exponential", "laplace"], [false, true])
  func floatRowsKeepTheirBounds(law: String, onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: law, onTheGrid: onTheGrid)
    var generator = SplitMix64(seed: 23)
    for round in 0..<(isDebugBuild ? 24 : onTheGrid ? 60 : 300) {
      let logits = Self.distances(round, bounded: law == "uniform", using: &generator).map { Float(-$0) }
      let cotangent = logits.map { _ in Float.random(in: -1...1, using: &generator) }
      let single = argmax.pullback(for: logits, of: cotangent)
      let expected = argmax.pullback(for: logits.map { Double($0) }, of: cotangent.map { Double($0) })
      let largest = expected.map(\.magnitude).max() ?? 0
      for (value, truth) in zip(single, expected) {
        #expect(isClose(Double(value), truth, within: 1e-5 * largest + 1e-38), "\(logits)")
      }
    }
  }

  /// How far the classes of a random row are behind: spreads, ties, close pairs, rare classes.
  private static func distances(
    _ round: Int, bounded: Bool, using generator: inout SplitMix64
  ) -> [Double] {
    func unit() -> Double { Double.random(in: 0...1, using: &generator) }
    let count = 1 + Int(9 * unit())
    let reach = bounded ? 1.0 : 60.0
    let spread = reach * pow(10, -6 * unit() * unit())
    let others: [Double] =
      switch round % 6 {
      case 0: (0..<count).map { _ in spread * unit() }
      case 1: (0..<count).map { _ in (4 * unit()).rounded() / 4 * spread }
      case 2: (0..<count).map { _ in pow(10, -14 * unit()) * reach }
      case 3: (0..<count).map { _ in (bounded ? 1 : 40) - pow(10, -14 * unit()) }
      case 4: (0..<count).map { _ in unit() < 0.5 ? pow(10, -9 * unit()) : reach - pow(10, -9 * unit()) }
      default: (0..<count).map { _ in unit() < 0.5 ? 0 : spread * (1 + unit()) / 2 }
      }
    return [0] + others
  }

  @Test(arguments: [false, true])
  func twoClasses(onTheGrid: Bool) throws {
    for k in 0..<400 {
      let gap = Double(k) / 400
      try expectSlope(under: "uniform", onTheGrid, gap: gap, slope: 1 - gap)
      try expectSlope(under: "exponential", onTheGrid, gap: 60 * gap, slope: exp(-60 * gap) / 2)
      try expectSlope(under: "laplace", onTheGrid, gap: 60 * gap, slope: exp(-60 * gap) * (1 + 60 * gap) / 4)
    }
    for gap in [1e-300, 1e-17, 1e-9, 100, 300, 650, 680] {
      try expectSlope(under: "exponential", onTheGrid, gap: gap, slope: exp(-gap) / 2)
      try expectSlope(under: "laplace", onTheGrid, gap: gap, slope: exp(-gap) * (1 + gap) / 4)
    }
    try expectSlope(under: "exponential", onTheGrid, gap: 1e9, slope: 0)
    try expectSlope(under: "laplace", onTheGrid, gap: 1e300, slope: 0)
  }

  @Test(arguments: [false, true])
  func uniformClassesAtTheEdgeOfTheSupport(onTheGrid: Bool) throws {
    for reach in [0x1p-20, 0x1p-50, 0x1p-53] {
      try expectSlope(under: "uniform", onTheGrid, gap: 1 - reach, slope: reach)
    }
    // The reach is the logit itself.
    let argmax = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid)
    for reach in [1e-20, 1e-100, 0x1p-499, 0x1p-501, 0x1p-600, 0x1p-900] {
      let result = argmax.pullback(for: [1, reach, 0.5], of: [0, 1, 0])
      let content = reach / 2  // the third class is below one half of its width there
      #expect(isClose(result[1], content, within: 1e-12 * content), "\(reach): \(result)")
      #expect(isClose(result[0], -content, within: 1e-11 * content + reach * reach), "\(reach): \(result)")
    }
    for gap in [1, 1.0.nextUp, 2, 1e300] {
      try expectSlope(under: "uniform", onTheGrid, gap: gap, slope: 0)
    }
    #expect(argmax.pullback(for: [0, -2, -1], of: [1, .infinity, -3]) == [0, 0, 0])
  }

  @Test(arguments: [false, true])
  func rareUniformClass(onTheGrid: Bool) throws {
    let reach = 1e-6
    let distances = [0, 0, 1 - reach]
    let jacobian = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid).jacobian(
      for: distances.map { 0 - $0 })
    for i in 0..<3 {
      for j in 0..<3 where j != i {
        let truth = -UniformOracle.integral(distances, densitiesOf: [i, j])
        #expect(isClose(jacobian[i][j], truth, within: 1e-12 * truth.magnitude))
      }
    }
  }

  /// n ties move each other by C = ∫ F^(n − 2) f².
  @Test(arguments: [false, true])
  func ties(onTheGrid: Bool) throws {
    let n = 50.0
    var cotangent = (0..<50).map { sin(Double($0)) }
    cotangent[7] = -30
    let total = cotangent.reduce(0, +)
    let couplings: [(String, Double)] = [
      ("uniform", 1 / (n - 1)), ("exponential", 1 / (n * (n - 1))),
      // Below 0 f = F, above it f = 1 − F.
      (
        "laplace",
        pow(0.5, n) / n + (1 - pow(0.5, n - 1)) / (n - 1) - (1 - pow(0.5, n)) / n
      ),
    ]
    for (noise, coupling) in couplings {
      let argmax = try NoisyArgmax(kinked: noise, onTheGrid: onTheGrid)
      let result = argmax.pullback(for: [Double](repeating: 3, count: 50), of: cotangent)
      for index in result.indices {
        let expected = coupling * (n * cotangent[index] - total)
        #expect(isClose(result[index], expected, within: 1e-12 * coupling * 100), "\(noise), \(index)")
      }
    }
  }

  private func expectSlope(under noise: String, _ onTheGrid: Bool, gap: Double, slope: Double) throws {
    let argmax = try NoisyArgmax(kinked: noise, onTheGrid: onTheGrid)
    let result = argmax.pullback(for: [0, -gap], of: [0, 1])
    #expect(isClose(result[1], slope, within: 1e-12 * slope + 1e-300), "\(noise), \(gap): \(result)")
    #expect(isClose(result[0], -slope, within: 1e-12 * slope + 1e-300), "\(noise), \(gap): \(result)")
    let leading = argmax.pullback(for: [0, -gap], of: [1, 0])
    #expect(isClose(leading[1], -slope, within: 1e-12 * slope + 1e-300), "\(noise), \(gap): \(leading)")
    let single = argmax.pullback(for: [0, Float(-gap)], of: [0, 1])
    #expect(gap > 80 || isClose(Double(single[1]), Double(single[0]) * -1, within: 0))
  }
}
