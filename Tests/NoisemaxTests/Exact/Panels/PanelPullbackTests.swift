import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// The derivatives that the panels take, against closed forms and exact arithmetic.
@Suite struct PanelPullbackTests {
  /// ∂p_i/∂μ_j = −∫ f f ∏ F of every pair, each to thirteen digits of its own.
  @Test(arguments: ["uniform", "exponential", "laplace"])
  func everyEntryOfTheJacobianIsAccurate(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let oracle =
      switch law {
      case "uniform": UniformOracle.integral
      case "exponential": ExponentialOracle.integral
      default: LaplaceOracle.integral
      }
    var generator = SplitMix64(seed: 17)
    for round in 0..<(isDebugBuild ? 24 : 400) {
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
  @Test(arguments: [1e-3, 0.3, 1.2])
  func manyUniformClasses(spread: Double) {
    var generator = SplitMix64(seed: 3)
    let count = isDebugBuild ? 30 : 90
    let distances = [0] + (1..<count).map { _ in spread * Double.random(in: 0...1, using: &generator) }
    let cotangent = distances.map { _ in Double.random(in: -1...1, using: &generator) }
    let result = NoisyArgmax(.uniform).pullback(for: distances.map { 0 - $0 }, of: cotangent)
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

  @Test(arguments: ["uniform", "exponential", "laplace"])
  func floatRowsKeepTheirBounds(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    var generator = SplitMix64(seed: 23)
    for round in 0..<(isDebugBuild ? 24 : 300) {
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

  @Test func twoClasses() {
    for k in 0..<400 {
      let gap = Double(k) / 400
      expectSlope(under: .uniform, gap: gap, slope: 1 - gap)
      expectSlope(under: .exponential, gap: 60 * gap, slope: exp(-60 * gap) / 2)
      expectSlope(under: .laplace, gap: 60 * gap, slope: exp(-60 * gap) * (1 + 60 * gap) / 4)
    }
    for gap in [1e-300, 1e-17, 1e-9, 100, 300, 650, 680] {
      expectSlope(under: .exponential, gap: gap, slope: exp(-gap) / 2)
      expectSlope(under: .laplace, gap: gap, slope: exp(-gap) * (1 + gap) / 4)
    }
    expectSlope(under: .exponential, gap: 1e9, slope: 0)
    expectSlope(under: .laplace, gap: 1e300, slope: 0)
  }

  @Test func uniformClassesAtTheEdgeOfTheSupport() {
    for reach in [0x1p-20, 0x1p-50, 0x1p-53] {
      expectSlope(under: .uniform, gap: 1 - reach, slope: reach)
    }
    // The reach is the logit itself.
    for reach in [1e-20, 1e-100, 0x1p-499, 0x1p-501, 0x1p-600, 0x1p-900] {
      let result = NoisyArgmax(.uniform).pullback(for: [1, reach, 0.5], of: [0, 1, 0])
      let content = reach / 2  // the third class is below one half of its width there
      #expect(isClose(result[1], content, within: 1e-12 * content), "\(reach): \(result)")
      #expect(isClose(result[0], -content, within: 1e-11 * content + reach * reach), "\(reach): \(result)")
    }
    for gap in [1, 1.0.nextUp, 2, 1e300] { expectSlope(under: .uniform, gap: gap, slope: 0) }
    #expect(NoisyArgmax(.uniform).pullback(for: [0, -2, -1], of: [1, .infinity, -3]) == [0, 0, 0])
  }

  @Test func rareUniformClass() {
    let reach = 1e-6
    let distances = [0, 0, 1 - reach]
    let jacobian = NoisyArgmax(.uniform).jacobian(for: distances.map { 0 - $0 })
    for i in 0..<3 {
      for j in 0..<3 where j != i {
        let truth = -UniformOracle.integral(distances, densitiesOf: [i, j])
        #expect(isClose(jacobian[i][j], truth, within: 1e-12 * truth.magnitude))
      }
    }
  }

  /// n ties move each other by C = ∫ F^(n − 2) f².
  @Test func ties() {
    let n = 50.0
    var cotangent = (0..<50).map { sin(Double($0)) }
    cotangent[7] = -30
    let total = cotangent.reduce(0, +)
    let couplings: [(any ExactNoise, Double)] = [
      (.uniform, 1 / (n - 1)), (.exponential, 1 / (n * (n - 1))),
      // Below 0 f = F, above it f = 1 − F.
      (
        .laplace,
        pow(0.5, n) / n + (1 - pow(0.5, n - 1)) / (n - 1) - (1 - pow(0.5, n)) / n
      ),
    ]
    for (noise, coupling) in couplings {
      let result = NoisyArgmax(noise).pullback(for: [Double](repeating: 3, count: 50), of: cotangent)
      for index in result.indices {
        let expected = coupling * (n * cotangent[index] - total)
        #expect(isClose(result[index], expected, within: 1e-12 * coupling * 100), "\(noise), \(index)")
      }
    }
  }

  private func expectSlope(under noise: some ExactNoise, gap: Double, slope: Double) {
    let result = NoisyArgmax(noise).pullback(for: [0, -gap], of: [0, 1])
    #expect(isClose(result[1], slope, within: 1e-12 * slope + 1e-300), "\(noise), \(gap): \(result)")
    #expect(isClose(result[0], -slope, within: 1e-12 * slope + 1e-300), "\(noise), \(gap): \(result)")
    let leading = NoisyArgmax(noise).pullback(for: [0, -gap], of: [1, 0])
    #expect(isClose(leading[1], -slope, within: 1e-12 * slope + 1e-300), "\(noise), \(gap): \(leading)")
    let single = NoisyArgmax(noise).pullback(for: [0, Float(-gap)], of: [0, 1])
    #expect(gap > 80 || isClose(Double(single[1]), Double(single[0]) * -1, within: 0))
  }
}
