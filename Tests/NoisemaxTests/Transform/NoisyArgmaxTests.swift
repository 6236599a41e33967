import Noisemax
import Testing

/// The type that users hold: literals, forms, edges.
@Suite struct NoisyArgmaxTests {
  let argmax = NoisyArgmax(.gumbel)

  /// Literals mean Double, and Float rows give Float.
  @Test func literalsMeanDouble() {
    let p = argmax.probabilities(for: [0, -20, -40])
    #expect(type(of: p) == [Double].self)
    #expect(type(of: argmax.probabilities(for: [0, -.infinity])) == [Double].self)
    #expect(argmax.probabilities(for: []).isEmpty)
    #expect(type(of: argmax.logProbabilities(for: [1, 2.5])) == [Double].self)
    #expect((argmax.expectedMaximum(of: [1, 2]) - 2.890477352419756).magnitude < 1e-15)
    let row: [Float] = [1, 2]
    #expect(type(of: argmax.probabilities(for: row)) == [Float].self)
    let sugar: [Float] = row.noisemax(under: .gumbel)
    #expect(sugar == argmax.probabilities(for: row))
  }

  @Test(arguments: NoiseRegistry.entries.map(\.name), PropertySuiteTests.methods)
  func logEdgesMirrorTheProbabilities(law: String, method: NoisyArgmax.Method) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
    let argmax = NoisyArgmax(noise, method: method)
    #expect(argmax.logProbabilities(for: []) == [])
    #expect(argmax.logProbabilities(for: [-7]) == [0])
    #expect(argmax.logProbabilities(for: [-.infinity, 3]) == [-.infinity, 0])
    #expect(argmax.logProbabilities(for: [-.infinity, -.infinity]) == [-.infinity, -.infinity])
    #expect(argmax.logProbabilities(for: [.infinity, 3]) == [0, -.infinity])
    for row: [Double] in [[.nan, 3], [1, 2, .nan], [.infinity, .infinity, 1]] {
      let logs = argmax.logProbabilities(for: row)
      #expect(logs.count == row.count && logs.allSatisfy { $0.isNaN }, "\(row): \(logs)")
    }
  }

  @Test func theExpectedMaximumHasItsEdges() {
    #expect(argmax.expectedMaximum(of: []) == -.infinity)
    #expect(argmax.expectedMaximum(of: [-.infinity]) == -.infinity)
    #expect(argmax.expectedMaximum(of: [3]) == 3 + Gumbel().mean)
    #expect(argmax.expectedMaximum(of: [3, -.infinity]) == 3 + Gumbel().mean)
    #expect(argmax.expectedMaximum(of: [3, .infinity, .infinity]) == .infinity)
    #expect(argmax.expectedMaximum(of: [3, .nan, .infinity]).isNaN)
  }

  /// A local array whose last use is the call must live through it.
  @Test func localArraysLiveLongEnough() {
    let n = Float(CommandLine.arguments.count)
    let row: [Float] = [-3e37 * n, 0, -.infinity]
    #expect(argmax.expectedMaximum(of: row) == Float(Gumbel().mean))
  }

  /// Another scale of the same method is what a transform made for it is.
  @Test(arguments: NoiseRegistry.entries.map(\.name))
  func anotherScaleSharesTheMethod(name: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: name))
    func check(_ noise: some ExactNoise, _ method: NoisyArgmax.Method) {
      let law = noise.scaled(by: 3).shifted(by: -2)
      let made = NoisyArgmax(law, scale: 0.7, method: method)
      let shared = NoisyArgmax(NoisyArgmax(law, scale: 5, method: method), scale: 0.7)
      let row = [2, 1, 0.5, -1]
      #expect(shared.scale == 0.7 && shared.method == method)
      #expect(shared.probabilities(for: row) == made.probabilities(for: row))
      var (one, other) = (StreamGenerator(seed: 1), StreamGenerator(seed: 1))
      let drawn = made.relaxedSample(for: row, temperature: 0.5, using: &other).value
      #expect(shared.relaxedSample(for: row, temperature: 0.5, using: &one).value == drawn)
      if method == .exact { #expect(shared.expectedMaximum(of: row) == made.expectedMaximum(of: row)) }
    }
    check(noise, .exact)
    check(noise, .quantileRule(points: 8))
  }

  /// Logits whose differences overflow go through every pass.
  @Test(arguments: NoiseRegistry.entries.map(\.name))
  func logitsOfAnySizeAreTaken(name: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: name))
    let argmax = NoisyArgmax(noise)
    for row in [[1.7e308, -1.7e308, 1e300], [1e300, 1e300, -1e300]] {
      #expect((argmax.probabilities(for: row).reduce(0, +) - 1).magnitude <= 1e-14, "\(row)")
      #expect(argmax.logProbabilities(for: row).allSatisfy { $0 <= 0 }, "\(row)")
      for gradient in [
        argmax.pullback(at: row, of: [1, 2, 3]), argmax.logProbabilitiesPullback(at: row, of: [1, 0, 0]),
        argmax.lossWithGradient(for: row, target: 0).gradient, argmax.entropyWithGradient(for: row).gradient,
      ] {
        #expect(gradient.reduce(0, +).magnitude <= 1e-14, "\(row): \(gradient)")
      }
    }
  }

  /// What a broken contract says names the values, in release builds too.
  @Test func brokenContractsNameTheValues() async throws {
    let scale = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(.normal, scale: -2.5)
    }
    let shape = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(.gumbel).probabilities(forRowsOf: [1.0, 2, 3], rowLength: 2)
    }
    let points = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(.gumbel, method: .quantileRule(points: -7))
    }
    let rescaled = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(NoisyArgmax(.gumbel), scale: 0)
    }
    for (result, words) in [
      (scale, "not -2.5"), (rescaled, "not 0.0"), (shape, "3 logits are not a whole number of rows of 2"),
      (points, "not -7"),
    ] {
      let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
      #expect(text.contains(words), "\(text)")
    }
  }

  @Test func batchesMayBeEmptyAndRowsToo() {
    #expect(argmax.probabilities(forRowsOf: [Double](), rowLength: 5).isEmpty)
    #expect(argmax.probabilities(forRowsOf: [Float](), rowLength: 0).isEmpty)
    #expect(argmax.probabilities(forRowsOf: [1.0, 2, 3], rowLength: 1) == [1, 1, 1])
  }

  @Test func logFormsAgree() {
    let logits: [Double] = [0.5, -1, 2, -.infinity, 0.25, 1]
    let expected =
      argmax.logProbabilities(for: Array(logits[..<3])) + argmax.logProbabilities(for: Array(logits[3...]))
    #expect(argmax.logProbabilities(forRowsOf: logits, rowLength: 3) == expected)
    var row = Array(logits[..<3])
    argmax.formLogProbabilities(in: &row)
    #expect(row == Array(expected[..<3]))
    var result = [Double](repeating: 0, count: 6)
    var span = result.mutableSpan
    argmax.writeLogProbabilities(forRowsOf: logits.span, rowLength: 3, to: &span)
    #expect(result == expected)
  }

  /// A model stores one type, whatever law its configuration named.
  @Test func aLawByNameIsOneLikeAnyOther() throws {
    let noise = try #require(NoiseRegistry.noise(named: "gumbel"))
    #expect(NoisyArgmax(noise).probabilities(for: [1, 2]) == argmax.probabilities(for: [1, 2]))
    #expect(NoisyArgmax(noise).method == .exact)
  }

  /// The estimate is what the sum of the probabilities missed before it was mended.
  @Test func errorEstimatesTellTheMethodsApart() {
    let row: [Double] = [0.5, -1, 0.25, 0.5]
    for entry in NoiseRegistry.entries {
      let exact = NoisyArgmax(entry.noise).probabilitiesWithErrorEstimate(for: row)
      #expect(exact.probabilities == NoisyArgmax(entry.noise).probabilities(for: row))
      #expect(exact.errorEstimate <= 1e-14, "\(entry.name)")
      let rule = NoisyArgmax(entry.noise, method: .quantileRule(points: 16)).probabilitiesWithErrorEstimate(
        for: row)
      let raw = NoisyArgmax(entry.noise, method: .quantileRule(points: 16, normalized: false)).probabilities(
        for: row)
      #expect((rule.errorEstimate - (raw.reduce(0, +) - 1).magnitude).magnitude <= 1e-14, "\(entry.name)")
      #expect(rule.errorEstimate > 1e-3, "\(entry.name)")
    }
    #expect(NoisyArgmax(.normal).probabilitiesWithErrorEstimate(for: [1.0, .nan]).errorEstimate.isNaN)
    #expect(NoisyArgmax(.normal).probabilitiesWithErrorEstimate(for: [1.0]).errorEstimate == 0)
  }
}
