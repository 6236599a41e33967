import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Derivatives at rows of many classes spread wide: every entry, however small.
@Suite struct SpreadRowsTests {
  /// Pullbacks within 1e-11 of what each entry is summed from, gradients of −log p within 1e-11 of each entry.
  @Test(arguments: ["normal", "logistic", "reversed-gumbel"])
  func agreesWithIndependentValues(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for row in try Fixture.derivativeCases(of: law) {
      let unit = row.logits.indices.map { $0 == row.target ? 1.0 : 0 }
      let logP = argmax.logProbabilities(for: row.logits)[row.target]
      let logTruth = try double(row.logProbability)
      #expect(
        (logP / logTruth - 1).magnitude <= 3e-12, "\(row.testDescription): \(logP), not \(logTruth)")
      let pullback = argmax.pullback(for: row.logits, of: unit)
      let gradient = argmax.lossWithGradient(
        for: row.logits, target: row.target, as: .negativeLogLikelihood
      ).gradient
      for index in row.logits.indices {
        let (truth, content) = (try double(row.pullback[index]), try double(row.content[index]))
        if content > 1e-297 {
          #expect(
            (pullback[index] - truth).magnitude <= 1e-11 * content,
            "\(row.testDescription), class \(index): \(pullback[index]), not \(truth)")
        }
        let slope = try double(row.likelihoodGradient[index])
        if slope.magnitude > 1e-20 {
          #expect(
            (gradient[index] / slope - 1).magnitude <= 1e-11,
            "\(row.testDescription), class \(index): \(gradient[index]), not \(slope)")
        }
      }
    }
  }

  /// Rows at which entries were once wrong, against values with 25 digits.
  @Test func knownHardRows() {
    let minima = NoisyArgmax(.reversedGumbel).pullback(
      for: [0, -1, -1.1, -1.4, -2.5, -4.8, -6.1, -6.1, -6.4, -7.9, -8.6, -13.9, -18],
      of: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    #expect((minima[0] / -6.272221333095144514836771e-60 - 1).magnitude <= 1e-11, "\(minima[0])")
    let normal = NoisyArgmax(.normal).pullback(
      for: [-33.94772711483867, 0, -21.23120150761663], of: [0, 0, -1.0565673499803636])
    #expect((normal[0] / 9.382752770075898e-131 - 1).magnitude <= 1e-11, "\(normal[0])")
  }

  static let laws: [any NoiseDistribution] =
    ShippedLaw.all.map(\.noise) + [
      OnTheLattice(base: Gumbel()), LogGamma(shape: 3), Triangular(),
    ] + (isDebugBuild ? [] : mixtures)

  /// Their tables take a minute without optimisation.
  private static let mixtures: [any NoiseDistribution] = [
    NormalMixture.contaminated(3), NormalMixture.contaminated(20), NormalMixture((0.9, 0, 1), (0.1, 20, 1)),
    NormalMixture((0.5, -8, 1), (0.5, 8, 1)),
  ]

  /// Every law, users' too, against an integral of its own. `NOISEMAX_SEARCH=1000` makes it long, with every entry.
  @Test(arguments: laws.indices)
  func entriesAreThoseOfAnIntegral(law: Int) throws {
    let length = ProcessInfo.processInfo.environment["NOISEMAX_SEARCH"].flatMap { Int($0) }
    let noise = Self.laws[law]
    let derivatives = Derivatives<Double>(try Self.transform(noise))
    var generator = SplitMix64(seed: UInt64(length ?? 1))
    for _ in 0..<(length ?? (isDebugBuild ? 1 : 8)) {
      let row = spreadRow(using: &generator)
      let pairs = length == nil ? 24 : row.count * row.count
      let violation = entryViolation(of: derivatives, at: row, pairCount: pairs, using: &generator)
      #expect(violation == nil, "\(noise), \(row): \(violation ?? "")")
    }
  }

  static func transform(_ noise: any NoiseDistribution) throws -> NoisyArgmax {
    let exact = try #require(noise as? any ExactNoise)
    return NoisyArgmax(exact)
  }

  /// The integral itself, against closed forms: softmax, and two classes under normal noise.
  @Test func theIntegralIsOne() throws {
    let row: [Double] = [0, -0.5, -3, -20, -.infinity, -1.25]
    let pairs = [(0, 1), (2, 3), (3, 5), (4, 0)]
    let integral = try #require(RowIntegral(of: row, pairs: pairs, under: Gumbel(), scale: 2))
    let total = row.reduce(0) { $0 + exp($1 / 2) }
    let p = row.map { exp($0 / 2) / total }
    for index in row.indices {
      #expect(isClose(integral.logProbabilities[index], log(p[index]), within: 1e-13), "class \(index)")
    }
    for ((i, j), logSlope) in zip(pairs, integral.logSlopes) {
      #expect(isClose(logSlope, log(p[i] * p[j] / 2), within: 1e-13), "classes \(i) and \(j)")
    }
    let two = try #require(RowIntegral(of: [0, -6], pairs: [(0, 1)], under: Normal(), scale: 1))
    let slope = exp(-9) / (4 * Double.pi).squareRoot()
    #expect(isClose(two.logSlopes[0], log(slope), within: 1e-13))
    let kinked = try #require(RowIntegral(of: [0, -0.25], pairs: [(0, 1)], under: Uniform(), scale: 1))
    #expect(isClose(kinked.logProbabilities[1], log(0.75 * 0.75 / 2), within: 1e-13))
    #expect(isClose(kinked.logSlopes[0], log(0.75), within: 1e-13))
  }
}
