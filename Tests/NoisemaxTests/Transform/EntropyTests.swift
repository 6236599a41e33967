import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// The entropy that belongs to a law, the excess of the maximum that it is made of, and derivatives in the scale.
@Suite struct EntropyTests {
  static let laws = ShippedLaw.all.map(\.name)

  private static func argmax(_ law: String, scale: Double = 1) throws -> NoisyArgmax {
    let noise = try #require(ShippedLaw.standard(named: law))
    return NoisyArgmax(noise, scale: scale)
  }

  /// −Σ p log p, of the probabilities and log-probabilities of softmax.
  @Test func underGumbelNoiseItIsShannons() throws {
    var rows = AdversarialRows(generator: SplitMix64(seed: 31))
    for _ in 0..<(isDebugBuild ? 10 : 50) {
      let row = rows.next(largest: 100) + [-.infinity]
      let softmax = NoisyArgmax(.gumbel)
      let (p, logs) = (softmax.probabilities(for: row), softmax.logProbabilities(for: row))
      let shannon = zip(p, logs).reduce(0) { $1.0 > 0 ? $0 - $1.0 * $1.1 : $0 }
      #expect(isClose(softmax.generalizedEntropy(for: row), shannon, within: 1e-13 * shannon), "\(row)")
      let lattice = try LatticeTests.transform("gumbel").generalizedEntropy(for: row)
      #expect(isClose(lattice, shannon, within: 1e-11 * shannon), "\(row): \(lattice), not \(shannon)")
    }
  }

  /// E[max] − E[ε] − ⟨μ, p⟩ of 25 digits each.
  @Test(arguments: PullbackTests.references)
  func agreesWithIndependentValues(law: String) throws {
    let argmax = try Self.argmax(law)
    let mean = try #require(ShippedLaw.standard(named: law)).mean
    for row in try Fixture.argmaxCases(of: law) {
      let inner = try zip(row.logits, row.probabilities).reduce(0.0) { try $0 + $1.0 * double($1.1) }
      let truth = try double(row.expectedMaximum) - mean - inner
      let scale = 1 + row.logits.map(\.magnitude).max()!
      #expect(
        isClose(argmax.generalizedEntropy(for: row.logits), truth, within: 1e-13 * scale),
        "\(row.testDescription)")
      let single = argmax.generalizedEntropy(for: row.logits.map { Float($0) })
      #expect(isClose(Double(single), truth, within: 1e-6 * scale), "\(row.testDescription)")
    }
  }

  /// For two classes at a gap of g the entropy is the excess plus g·p, and both are known.
  @Test func nearCertaintyItKeepsItsDigits() throws {
    func expect(_ law: String, gap g: Double, excess: Double, p: Double, scale: Double = 1) throws {
      let value = try Self.argmax(law, scale: scale).generalizedEntropy(for: [0, scale * -g])
      let truth = scale * (excess + g * p)
      #expect(isClose(value, truth, within: 3e-12 * truth), "\(law), gap \(g): \(value), not \(truth)")
    }
    for g in [0.001, 0.3, 1, 4, 12, 30.5, 100, 300, 600] {
      let t = exp(-g)
      try expect("exponential", gap: g, excess: t / 2, p: t / 2)
      try expect("laplace", gap: g, excess: t * (1.5 + g / 2) / 2, p: t * (1 + g / 2) / 2)
      try expect("gumbel", gap: g, excess: log1p(t), p: t / (1 + t), scale: 8)
      try expect("reversed-gumbel", gap: g, excess: log1p(t), p: t / (1 + t), scale: 0.25)
      if g > 1 {
        try expect("logistic", gap: g, excess: g / expm1(g), p: t * (g - 1 + t) / ((1 - t) * (1 - t)))
      }
    }
    for reach in [0.9, 0.5, 0x1p-10, 0x1p-26, 0x1p-53] {
      let g = 1 - reach
      try expect("uniform", gap: g, excess: pow(reach, 3) / 6, p: reach * reach / 2, scale: 2)
    }
  }

  /// ∫ F·(1 − ∏ F of the others), a sum of positive terms, by the trapezoid rule.
  @Test(arguments: LatticeTests.windows)
  func theExcessOfManyClasses(law: String, window: ClosedRange<Double>) throws {
    let noise = try #require(ShippedLaw.standard(named: law) as? any SmoothNoise)
    let argmax = try LatticeTests.transform(law)
    var rows = AdversarialRows(generator: SplitMix64(seed: 77))
    for round in 0..<(isDebugBuild ? 4 : 40) {
      var row = rows.next(largest: isDebugBuild ? 10 : 100)
      // A leader far ahead of the others.
      if round % 2 == 0 { row.append(row.max()! + [0.5, 3, 9, 20][round / 2 % 4]) }
      guard row.count > 1 else { continue }
      let top = row.max()!
      let leader = row.firstIndex(of: top)!
      var excess = 0.0
      for m in Int((row.min()! - top + window.lowerBound) * 32)...Int(window.upperBound * 32) {
        let x = Double(m) / 32
        let others = row.indices.reduce(0) {
          $1 == leader ? $0 : $0 + noise.logCumulative(at: x - (row[$1] - top))
        }
        excess += exp(noise.logCumulative(at: x)) * -expm1(others) / 32
      }
      let p = argmax.probabilities(for: row)
      let truth = row.indices.reduce(excess) { $0 + p[$1] * (top - row[$1]) }
      let value = argmax.generalizedEntropy(for: row)
      #expect(isClose(value, truth, within: 3e-12 * truth), "\(row): \(value), not \(truth)")
      let single = Double(argmax.generalizedEntropy(for: row.map { Float($0) }))
      // A logit of Float's precision moves what is rare.
      let conditioning = 1 + row.map { ($0 - top).magnitude }.max()! * row.map(\.magnitude).max()!
      #expect(
        isClose(single, truth, within: 2e-5 * conditioning * truth + 1e-30), "\(row): \(single), not \(truth)"
      )
    }
  }

  @Test(arguments: laws)
  func itsGradientEqualsFiniteDifferences(law: String) throws {
    let argmax = try Self.argmax(law, scale: 1.5)
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02]
    let (value, gradient) = argmax.valueWithGradient(of: .generalizedEntropy, for: logits)
    #expect(isClose(value, argmax.generalizedEntropy(for: logits), within: 1e-14))
    for index in logits.indices where logits[index].isFinite {
      let slope = difference(at: logits[index]) { value in
        var row = logits
        row[index] = value
        return argmax.generalizedEntropy(for: row)
      }
      #expect(
        isClose(gradient[index], slope, within: 1e-8), "class \(index): \(gradient[index]), not \(slope)")
    }
    #expect(gradient[3] == 0)
  }

  @Test(arguments: laws, PullbackTests.methods)
  func derivativesInTheScaleEqualFiniteDifferences(law: String, method: NoisyArgmax.Method) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    func transform(_ scale: Double) -> NoisyArgmax {
      func make(_ noise: some ExactNoise) -> NoisyArgmax {
        NoisyArgmax(noise.scaled(by: 2).shifted(by: 3), scale: scale, method: method)
      }
      return make(noise)
    }
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02]
    let cotangent = [0.5, -1, 2, 100, 0.25]
    let slope = difference(at: 0.75) { scale in
      zip(transform(scale).probabilities(for: logits), cotangent).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let value = transform(0.75).scalePullback(for: logits, of: cotangent)
    #expect(isClose(value, slope, within: 1e-8), "\(value), not \(slope)")
    guard method == .exact else { return }
    let maximumSlope = difference(at: 0.75) { transform($0).expectedMaximum(for: logits) }
    let derivative = transform(0.75).value(of: .expectedMaximumScaleDerivative, for: logits)
    #expect(isClose(derivative, maximumSlope, within: 1e-8), "\(derivative), not \(maximumSlope)")
  }

  @Test func edges() {
    let argmax = NoisyArgmax(.normal)
    for row: [Double] in [[], [3], [-.infinity], [-.infinity, 2], [.infinity, 2]] {
      #expect(argmax.generalizedEntropy(for: row) == 0)
      #expect(argmax.valueWithGradient(of: .generalizedEntropy, for: row).gradient == row.map { _ in 0 })
      #expect(argmax.scalePullback(for: row, of: row) == 0)
    }
    #expect(
      argmax.generalizedEntropy(for: [.nan, 1] as [Double]).isNaN
        && argmax.generalizedEntropy(for: [.infinity, .infinity] as [Double]).isNaN)
    #expect(
      argmax.valueWithGradient(of: .generalizedEntropy, for: [.nan, 1] as [Double]).gradient.allSatisfy {
        $0.isNaN
      })
    #expect(argmax.value(of: .expectedMaximumScaleDerivative, for: [5]) == 0)
    #expect(NoisyArgmax(.uniform).value(of: .expectedMaximumScaleDerivative, for: [5]) == 0.5)
    #expect(argmax.value(of: .expectedMaximumScaleDerivative, for: [Double]()).isNaN)
    // Out of reach, or so far behind that nothing is left: exactly certain.
    #expect(NoisyArgmax(.uniform).generalizedEntropy(for: [0, -1]) == 0)
    #expect(argmax.generalizedEntropy(for: [0, -1e300, -1e9]) == 0)
    #expect(argmax.valueWithGradient(of: .generalizedEntropy, for: [0, -1e300, -1e9]).gradient == [0, 0, 0])
    let (value, gradient) = argmax.valueWithGradient(of: .expectedMaximum, for: [1, 2, 3])
    #expect(value == argmax.expectedMaximum(for: [1, 2, 3]))
    for (slope, p) in zip(gradient, argmax.probabilities(for: [1, 2, 3])) {
      #expect((slope / p - 1).magnitude <= 1e-13, "\(gradient)")
    }
    #expect(
      argmax.valueWithGradient(of: .expectedMaximum, for: [1, -.infinity] as [Double]).gradient == [1, 0])
    #expect(
      argmax.valueWithGradient(of: .expectedMaximum, for: [Double.nan, 1]).gradient.allSatisfy { $0.isNaN })
  }

  @Test func spansGiveTheSameBits() {
    let argmax = NoisyArgmax(.laplace)
    let row: [Float] = [1, 2, 0.5]
    var workspace = NoisyArgmax.Workspace()
    var (value, gradient): ([Float], [Float]) = ([0], [0, 0, 0])
    var valueSpan = value.mutableSpan
    var gradientSpan = gradient.mutableSpan
    argmax.writeValues(of: .generalizedEntropy, for: row.span, to: &valueSpan, workspace: &workspace)
    #expect(value == [argmax.generalizedEntropy(for: row)])
    valueSpan = value.mutableSpan
    argmax.writeGradients(
      of: .generalizedEntropy, for: row.span, to: &gradientSpan, values: &valueSpan, workspace: &workspace)
    #expect(argmax.valueWithGradient(of: .generalizedEntropy, for: row) == (value[0], gradient))
  }

  @Test func theQuantileRuleHasNone() async {
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.normal, method: .quantileRule(points: 4)).generalizedEntropy(for: [1, 2])
    }
  }
}

/// The central difference of a function, good to about 1e-10 times its third derivative.
func difference(at x: Double, step: Double = 1e-5, of function: (Double) throws -> Double) rethrows -> Double
{
  try (function(x + step) - function(x - step)) / (2 * step)
}
