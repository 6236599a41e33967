import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Laws with kinks against values known in other ways: reference digits, closed forms, exact arithmetic. The shipped ones run
/// by their own methods and on the panels that laws of a user's own get.
@Suite struct PanelsTests {
  private static let laws: [any ExactNoise] = [
    Uniform(), Exponential(), Laplace(), Triangular(), OnTheGrid(base: Uniform()),
    OnTheGrid(base: Exponential()), OnTheGrid(base: Laplace()),
  ]

  // MARK: - Reference digits and closed forms

  @Test(arguments: ["uniform", "exponential", "laplace"], [false, true])
  func referenceCases(law: String, onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: law, onTheGrid: onTheGrid)
    for reference in try Fixture.argmaxCases(of: law) {
      let probabilities = argmax.probabilities(for: reference.logits)
      let logProbabilities = argmax.logProbabilities(for: reference.logits)
      for index in reference.logits.indices {
        let expected = try double(reference.probabilities[index])
        let expectedLog = try double(reference.logProbabilities[index])
        let whole = "\(reference.testDescription), class \(index)"
        #expect(isClose(probabilities[index], expected, within: 1e-12 * expected), "\(whole)")
        let slack = 3e-12 * max(1, expectedLog.magnitude)
        #expect(isClose(logProbabilities[index], expectedLog, within: slack), "\(whole)")
      }
      #expect(abs(probabilities.reduce(0, +) - 1) <= 1e-14)
      let largest = reference.logits.map(\.magnitude).max() ?? 0
      let expectedMaximum = try double(reference.expectedMaximum)
      #expect(
        isClose(
          argmax.expectedMaximum(for: reference.logits), expectedMaximum, within: 1e-13 * (1 + largest)),
        "\(reference.testDescription)")
    }
  }

  @Test(arguments: ["uniform", "exponential", "laplace"], [false, true])
  func floatRowsKeepTheirBounds(law: String, onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: law, onTheGrid: onTheGrid)
    for reference in try Fixture.argmaxCases(of: law) {
      let values = argmax.probabilities(for: reference.logits.map { Float($0) })
      for (index, value) in values.enumerated() {
        let expected = try double(reference.probabilities[index])
        let whole = "\(reference.testDescription), class \(index)"
        #expect(isClose(Double(value), expected, within: 3e-7), "\(whole)")
        if expected > 1e-30 { #expect(isClose(Double(value), expected, within: 2e-5 * expected), "\(whole)") }
      }
      #expect(abs(values.reduce(0, +) - 1) <= 2e-6, "\(reference.testDescription)")
    }
  }

  @Test(arguments: [false, true])
  func twoUniformClasses(onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid)
    for k in 1..<400 {
      let gap = Double(k) / 400
      let p = argmax.probabilities(for: [0, -gap])
      #expect(isClose(p[1], (1 - gap) * (1 - gap) / 2, within: 1e-13 * (1 - gap) * (1 - gap)))
      #expect(abs(p[0] + p[1] - 1) <= 1e-15)
    }
  }

  @Test(arguments: [false, true])
  func twoExponentialClasses(onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: "exponential", onTheGrid: onTheGrid)
    for k in 0..<400 {
      let gap = Double(k) * 1.7
      let expected = exp(-gap) / 2
      #expect(isClose(argmax.probabilities(for: [0, -gap])[1], expected, within: 1e-12 * expected), "\(gap)")
    }
    for gap in [0, 1e-9, 700, 1e4, 1e6, 1e12, 1e300] {
      let logs = argmax.logProbabilities(for: [0, -gap])
      #expect(isClose(logs[1], -gap - log(2), within: 1e-13 * max(1, gap)), "\(gap)")
      let certain = log1p(-exp(-gap) / 2)
      #expect(isClose(logs[0], certain, within: 1e-13 * -certain), "\(gap): \(logs[0]), not \(certain)")
    }
  }

  @Test(arguments: [false, true])
  func twoLaplaceClasses(onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: "laplace", onTheGrid: onTheGrid)
    for k in 0..<400 {
      let gap = Double(k) * 1.7
      let expected = exp(-gap) * (1 + gap / 2) / 2
      #expect(isClose(argmax.probabilities(for: [0, -gap])[1], expected, within: 1e-12 * expected), "\(gap)")
    }
    for gap in [0, 1e-9, 700, 1e4, 1e6, 1e12, 1e300] {
      let expected = -gap + log((1 + gap / 2) / 2)
      let value = argmax.logProbabilities(for: [0, -gap])[1]
      #expect(isClose(value, expected, within: 1e-13 * max(1, gap)), "\(gap)")
    }
  }

  @Test func equalLogits() {
    for noise in Self.laws {
      for count in [2, 3, 10, 100, 5000] {
        let argmax = NoisyArgmax(noise)
        let row = [Double](repeating: 0.7, count: count)
        #expect(argmax.probabilities(for: row).allSatisfy { abs($0 * Double(count) - 1) <= 1e-15 })
        // With one more class next to them there is something to integrate.
        let p = argmax.probabilities(for: row + [0.7 - 0x1p-40])
        #expect(Set(p.dropLast()).count == 1)
        #expect(p[0] > p[count])
        #expect(isClose(p[0] * Double(count) + p[count], 1, within: 1e-14), "\(noise) \(count)")
      }
    }
  }

  // MARK: - Rare classes

  @Test(arguments: [false, true])
  func rareUniformClasses(onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid)
    // ∫ x² dx over 0…1 − gap, the gap as the Double it is.
    let gap = 1 - 1e-13
    let p = argmax.probabilities(for: [0, 0, -gap])
    #expect(isClose(p[2], pow(1 - gap, 3) / 3, within: 1e-12 * p[2]))
    // The gap 1 − 2⁻⁶⁰ is no Double.
    #expect(isClose(argmax.probabilities(for: [1, 0x1p-60])[1], 0x1p-121, within: 0x1p-161))
    #expect(isClose(argmax.logProbabilities(for: [1, 0x1p-60])[1], -121 * log(2), within: 1e-12))
    // A gap of 3·(1 − 2⁻⁶⁰) at scale 3: the gap in units of the scale is rounded twice.
    let stretched = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid, scale: 3)
      .probabilities(for: [3, 0x3p-60])
    #expect(isClose(stretched[1], 0x1p-121, within: 0x1p-161))
    let wide =
      onTheGrid
      ? NoisyArgmax(OnTheGrid(base: Uniform()).scaled(by: 3)) : NoisyArgmax(Uniform().scaled(by: 3))
    #expect(isClose(wide.probabilities(for: [3, 0x3p-60])[1], 0x1p-121, within: 0x1p-161))
  }

  /// Below 2⁻⁵⁰⁰ of its width a class is integrated as one that reaches further: ∫ xᵏ dx over 0…r, for k leaders.
  @Test(
    arguments: [0x1p-499, 0x1p-501, 1e-160, 1e-200, 0x1p-900, 1e-300, 0x1p-1022, 0x1p-1070], [false, true])
  func classesThatHardlyReachInKeepTheirLogarithms(reach: Double, onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid)
    for leaders in [1, 2, 3, 17] {
      let truth = Double(leaders + 1) * log(reach) - log(Double(leaders + 1))
      let row = [Double](repeating: 1, count: leaders) + [reach]
      let logs = argmax.logProbabilities(for: row)
      #expect(isClose(logs[leaders], truth, within: 3e-15 * truth.magnitude), "\(row): \(logs), not \(truth)")
      // A class half the width behind has F = ½ there, and a masked one changes nothing.
      let more = argmax.logProbabilities(for: [0.5] + row + [-.infinity])
      #expect(
        isClose(more[leaders + 1], truth - log(2), within: 3e-15 * truth.magnitude),
        "\([0.5] + row + [-.infinity]): \(more), not \(truth - log(2))")
      let floats = argmax.logProbabilities(for: row.map { Float($0) })
      let single =
        Float(reach) > 0 ? Double(leaders + 1) * log(Double(Float(reach))) - log(Double(leaders + 1)) : 0
      if single < 0 {
        #expect(isClose(Double(floats[leaders]), single, within: 1e-7 * single.magnitude), "\(row), Float")
      }
    }
  }

  @Test(arguments: [false, true])
  func uniformIsSparseExactlyFromTheScaleOn(onTheGrid: Bool) throws {
    for scale in [0.1, 1, 3, 0x1p-40] {
      let argmax = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid, scale: scale)
      for top in [0, scale, 5 * scale, -1024 * scale] {
        let row = [top, top - scale, (top - scale).nextUp, (top - scale).nextDown]
        let p = argmax.probabilities(for: row)
        let logs = argmax.logProbabilities(for: row)
        for index in row.indices {
          let gap = DoubleDouble(sumOf: top, and: -row[index])
          let reaches = gap.high > scale || (gap.high == scale && gap.low >= 0)
          #expect((logs[index] == -.infinity) == reaches, "\(scale) \(top) \(index)")
          #expect(p[index] == 0 || !reaches)
        }
      }
    }
  }

  @Test(arguments: [false, true])
  func aRareClassBehindManyTies(onTheGrid: Bool) throws {
    // 100 leaders: ∫ f(x + g)·F(x)^100 dx.
    let leaders = [Double](repeating: 2, count: 100)
    let uniform = try NoisyArgmax(kinked: "uniform", onTheGrid: onTheGrid).probabilities(
      for: leaders + [1.25])[100]
    #expect(isClose(uniform, pow(0.25, 101) / 101, within: 1e-12 * uniform))
    let exponential = try NoisyArgmax(kinked: "exponential", onTheGrid: onTheGrid).probabilities(
      for: leaders + [-98])[100]
    #expect(isClose(exponential, exp(-100) / 101, within: 1e-12 * exponential))
    let laplace = try NoisyArgmax(kinked: "laplace", onTheGrid: onTheGrid).logProbabilities(for: [0, -100])[1]
    #expect(isClose(laplace, -100 + log(25.5), within: 1e-12 * 100))
  }

  @Test func softMasksChangeNothing() {
    for noise in Self.laws {
      let argmax = NoisyArgmax(noise)
      let plain = argmax.probabilities(for: [1, 0.5, 0.25])
      let masked = argmax.probabilities(for: [1, -1e9, 0.5, -1e300, 0.25, -.infinity])
      for (a, b) in zip(plain, [masked[0], masked[2], masked[4]]) { #expect(isClose(a, b, within: 1e-14)) }
      #expect([masked[1], masked[3], masked[5]] == [0, 0, 0])
      let infinities: [Double] = [1, -.infinity, 0.5, -.infinity, 0.25, -.infinity]
      #expect(masked == argmax.probabilities(for: infinities), "\(noise)")
    }
  }

  // MARK: - Random rows against exact arithmetic

  @Test(arguments: [false, true])
  func randomRowsAgainstPiecewiseIntegration(onTheGrid: Bool) throws {
    var generator = SplitMix64(seed: 7)
    for round in 0..<(isDebugBuild ? 48 : 240) {
      let count = 2 + Int(generator.next() % 14)
      let spread = [1e-6, 0.3, 1, 4, 12, 40][round % 6]
      var distances = (0..<count).map { _ in spread * generator.unit() }
      if round.isMultiple(of: 3) { distances[count - 1] = distances[count / 2] }
      if round.isMultiple(of: 5) { distances[0] = distances[1] }
      let least = distances.min() ?? 0
      distances = distances.map { $0 - least }
      for (noise, exact) in [
        ("uniform", UniformOracle.probabilities), ("exponential", ExponentialOracle.probabilities),
        ("laplace", LaplaceOracle.probabilities),
      ] {
        let argmax = try NoisyArgmax(kinked: noise, onTheGrid: onTheGrid)
        let p = argmax.probabilities(for: distances.map { -$0 })
        let logs = argmax.logProbabilities(for: distances.map { -$0 })
        for (index, expected) in exact(distances).enumerated() {
          let trail = "round \(round) \(noise) \(distances) class \(index): \(p[index]), not \(expected)"
          #expect(isClose(p[index], expected, within: 1e-12 * expected), "\(trail)")
          if expected == 0 {
            #expect(logs[index] == -.infinity, "\(trail)")
          } else {
            #expect(isClose(logs[index], log(expected), within: 1e-12 * max(1, -log(expected))), "\(trail)")
          }
        }
        #expect(abs(p.reduce(0, +) - 1) <= 1e-14)
      }
    }
  }

  @Test func largeRowsSumToOneWhateverTheSpread() {
    var generator = SplitMix64(seed: 11)
    for spread in [0.01, 0.3, 1, 10, 1000] {
      let row = (0..<160).map { _ in spread * generator.unit() }
      for noise in Self.laws {
        let argmax = NoisyArgmax(noise)
        let p = argmax.probabilities(for: row)
        #expect(abs(p.reduce(0, +) - 1) <= 1e-14, "\(noise) \(spread)")
        let shuffled = argmax.probabilities(for: row.reversed())
        #expect(zip(p, shuffled.reversed()).allSatisfy { abs($0 - $1) <= 1e-14 * $0 })
        let order = row.indices.sorted { row[$0] > row[$1] }
        #expect(zip(order, order.dropFirst()).allSatisfy { p[$0] >= p[$1] * (1 - 2e-14) })
      }
    }
  }

  /// Two leaders have ½ each but for a rounding, which must not make one of them certain.
  @Test(arguments: ["uniform", "exponential", "laplace"], [false, true])
  func tiedLeadersShareTheirLogProbability(name: String, onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: name, onTheGrid: onTheGrid, scale: 0.37)
    for k in 1..<200 {
      let top = Double(Float(k) * -4.805754)
      let logs = argmax.logProbabilities(for: [top, top * 5 - 100, top])
      #expect(isClose(logs[0], -log(2), within: 1e-14), "\(name), top \(top)")
      #expect(logs[0] == logs[2])
    }
  }

  // MARK: - A law of a user's own

  @Test func triangularLaw() {
    let argmax = NoisyArgmax(Triangular())
    // The difference of two triangular draws is the sum of four uniform ones, less 2.
    for k in 1..<100 {
      let reach = Double(k) / 50
      let expected =
        reach <= 1 ? pow(reach, 4) / 24 : (pow(reach, 4) - 4 * pow(reach - 1, 4)) / 24
      let p = argmax.probabilities(for: [0, -(2 - reach)])
      #expect(isClose(p[1], expected, within: 1e-12 * expected))
      #expect(isClose(p[0], 1 - expected, within: 1e-14))
    }
    #expect(argmax.logProbabilities(for: [0, -2])[1] == -.infinity)
    #expect(isClose(argmax.expectedMaximum(for: [0, 0]), 7.0 / 30, within: 1e-14))
  }

  @Test func scaledAndShiftedLaws() {
    let row = [0.3, -0.2, 0, 1.1]
    let base = NoisyArgmax(.laplace).probabilities(for: row)
    let law = Laplace().scaled(by: 4).shifted(by: 3)
    #expect(NoisyArgmax(law).probabilities(for: row.map { 4 * $0 }) == base)
    #expect(NoisyArgmax(.laplace, scale: 0.25).probabilities(for: row.map { $0 / 4 }) == base)
  }
}
