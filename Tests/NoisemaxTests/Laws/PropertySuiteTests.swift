import Noisemax
import NoisemaxLaws
import Testing

#if DEBUG
  let isDebugBuild = true
#else
  let isDebugBuild = false
#endif

/// Every law and every transform of the library through the suite that others run on theirs.
@Suite struct PropertySuiteTests {
  static let symmetric = ["normal": 0, "logistic": 0, "uniform": 0.5, "laplace": 0]
  static let methods: [NoisyArgmax.Method] = [
    .exact, .quantileRule(points: 8), .quantileRule(points: 8, normalized: false),
  ]

  @Test(arguments: NoiseRegistry.entries.map(\.name))
  func everyLawIsOne(name: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: name))
    func check(_ noise: some ExactNoise) -> [PropertyFailure] {
      let centre = Self.symmetric[name]
      return PropertySuite().failures(of: noise, symmetricAbout: centre)
        + PropertySuite(seed: 2).failures(
          of: noise.scaled(by: 4).shifted(by: 16), symmetricAbout: centre.map { 16 + 4 * $0 })
    }
    #expect(check(noise).isEmpty, "\(check(noise))")
  }

  @Test(arguments: NoiseRegistry.entries.map(\.name), methods)
  func everyTransformKeepsItsProperties(name: String, method: NoisyArgmax.Method) throws {
    let noise = try #require(NoiseRegistry.noise(named: name))
    // The rule costs n² a point: fewer rows, and smaller ones.
    let isRule = method != .exact
    let suite = PropertySuite(
      rows: isDebugBuild || isRule ? 40 : 150, largestRow: isDebugBuild ? 40 : isRule ? 400 : 1000)
    let failures = suite.failures(of: NoisyArgmax(noise, method: method))
    #expect(failures.isEmpty, "\(failures)")
    let scaled = PropertySuite(seed: 3, rows: 20, largestRow: 20)
      .failures(of: NoisyArgmax(noise, scale: 0.375, method: method))
    #expect(scaled.isEmpty, "\(scaled)")
  }
}
