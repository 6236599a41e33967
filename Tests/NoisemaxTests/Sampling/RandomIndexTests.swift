import Noisemax
import Testing

/// Random indices: each with its probability, none that is masked, the same for every form of the call.
@Suite struct RandomIndexTests {
  /// A row whose last class has the probability 1e-5 under a law.
  static func rowWithARareClass(_ argmax: NoisyArgmax) -> [Double] {
    var row = [0.8, 0.5, 0, -0.3, 0.2, 0]
    var (low, high) = (-40.0, 0.0)
    for _ in 0..<60 {
      row[5] = (low + high) / 2
      if argmax.probabilities(for: row)[5] < 1e-5 { low = row[5] } else { high = row[5] }
    }
    return row
  }

  @Test(arguments: NoiseRegistry.entries.map(\.name))
  func frequenciesMatchTheProbabilities(law: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
    let argmax = NoisyArgmax(noise)
    let row = Self.rowWithARareClass(argmax)
    let probabilities = argmax.probabilities(for: row)
    #expect((probabilities[5] - 1e-5).magnitude < 1e-9)
    var generator = StreamGenerator(seed: 1)
    let count = isDebugBuild ? 20_000 : 1_000_000
    let drawn = frequencies(of: argmax.randomIndices(for: row, count: count, using: &generator), classes: 6)
    let test = ChiSquare(observed: drawn, probabilities: probabilities)
    #expect(!test.isSuspicious, "\(test), \(drawn)")
    #expect(isDebugBuild || plausibleCounts(expected: 10).contains(drawn[5]), "\(drawn)")
  }

  /// Moved and stretched laws, a scale, Float logits, a mask; and the test would see a scale that is 7 % off.
  @Test(arguments: NoiseRegistry.entries.map(\.name))
  func scaledFrequenciesMatch(law: String) throws {
    func scaled(_ noise: some ExactNoise) -> NoisyArgmax {
      NoisyArgmax(noise.scaled(by: 3).shifted(by: 20), scale: 0.5)
    }
    let noise = try #require(NoiseRegistry.noise(named: law))
    let argmax = scaled(noise)
    let row: [Float] = [0.4, -.infinity, 0.8, 0, -0.7]
    let probabilities = argmax.probabilities(for: row)
    var generator = StreamGenerator(seed: 2)
    let count = isDebugBuild ? 20_000 : 200_000
    let drawn = frequencies(of: argmax.randomIndices(for: row, count: count, using: &generator), classes: 5)
    #expect(drawn[1] == 0)
    let test = ChiSquare(observed: drawn, probabilities: probabilities.map(Double.init))
    #expect(!test.isSuspicious, "\(test), \(drawn)")
    let others = NoisyArgmax(noise, scale: 1.6).probabilities(for: row).map(Double.init)
    #expect(isDebugBuild || ChiSquare(observed: drawn, probabilities: others).isSuspicious)
  }

  @Test func maskedClassesAreNeverDrawn() {
    for extreme in ScriptedGenerator.extremes {
      for entry in NoiseRegistry.entries {
        var generator = extreme
        let argmax = NoisyArgmax(entry.noise)
        let drawn = argmax.randomIndices(
          for: [-.infinity, -1e9, 0, -.infinity, 0.1, -.infinity], count: 40, using: &generator)
        #expect(drawn.count == 40 && drawn.allSatisfy { [2, 4].contains($0) })
        // Masks cost no randomness: as if they were not there.
        var (one, other) = (extreme, extreme)
        #expect(
          argmax.randomIndex(for: [-.infinity, 0, -.infinity, 0.1], using: &one)!
            == 2 * argmax.randomIndex(for: [0, 0.1], using: &other)! + 1)
      }
    }
  }

  @Test func rowsWithoutAChoice() {
    let argmax = NoisyArgmax(.normal)
    #expect(argmax.randomIndex(for: []) == nil)
    #expect(argmax.randomIndex(for: [-.infinity, -.infinity]) == nil)
    #expect(argmax.randomIndex(for: [0, .nan, .infinity]) == nil)
    #expect(argmax.randomIndex(for: [0, .infinity, .infinity]) == nil)
    #expect(argmax.randomIndex(for: [0, .infinity, 1e300]) == 1)
    #expect(argmax.randomIndex(for: [-.infinity, -1e300]) == 1)
    #expect(argmax.randomIndices(for: [-.infinity], count: 3).isEmpty)
    #expect(argmax.randomIndices(for: [-.infinity, 2], count: 3) == [1, 1, 1])
    #expect(argmax.randomIndices(for: [1, 2], count: 0).isEmpty)
    #expect(argmax.randomIndex(for: [Float](repeating: -.infinity, count: 3)) == nil)
  }

  /// A generator that repeats a word gives every class the same noise: of equal scores the first one wins, as it leads
  /// the ranking.
  @Test(arguments: NoiseRegistry.entries.map(\.name))
  func theFirstOfEqualScoresWins(law: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
    let argmax = NoisyArgmax(noise)
    var generator = ScriptedGenerator(0x5555_5555_5555_5555)
    for (row, winner) in [([0, 0, 0], 0), ([-1, 2, 2, 1, 2], 1), ([-.infinity, 0, 0], 1)] as [([Double], Int)]
    {
      let index = argmax.randomIndex(for: row, using: &generator)
      #expect(index == winner, "\(law) \(row): \(String(describing: index))")
      let relaxed = argmax.relaxedSample(for: row, temperature: 1, using: &generator).index
      #expect(relaxed == winner, "\(law) \(row): \(String(describing: relaxed)), relaxed")
    }
  }

  /// Logits at the ends of the range, and differences that overflow.
  @Test func farLogitsAreDrawnRight() {
    var generator = StreamGenerator(seed: 3)
    let far = NoisyArgmax(.gumbel, scale: 1e-300)
    for _ in 0..<100 {
      #expect(far.randomIndex(for: [-1.7e308, 1.7e308, -1.7e308], using: &generator) == 1)
      #expect(NoisyArgmax(.normal).randomIndex(for: [1e30, -1e30], using: &generator) == 0)
    }
    #expect(far.randomIndices(for: [-1.7e308, 1.7e308], distinct: 2, using: &generator) == [1, 0])
  }

  /// A common location does not count, a stretched law is a scale, Float and Double rows that are equal draw alike,
  /// and so does every form of the call.
  @Test func formsAgree() {
    let row = [0.5, -0.25, 1, 0.75]
    func drawn(_ argmax: NoisyArgmax) -> [Int] {
      var generator = StreamGenerator(seed: 4)
      return argmax.randomIndices(for: row, count: 100, using: &generator)
    }
    let argmax = NoisyArgmax(.normal, scale: 2)
    let expected = drawn(argmax)
    #expect(drawn(NoisyArgmax(Normal().scaled(by: 2).shifted(by: 7))) == expected)
    #expect(drawn(NoisyArgmax(.normal, scale: 2, method: .quantileRule(points: 4))) == expected)
    var generator = StreamGenerator(seed: 4)
    #expect(
      argmax.randomIndices(for: row.map(Float.init), count: 100, using: &generator) == expected)
    generator = StreamGenerator(seed: 4)
    #expect((0..<100).map { _ in argmax.randomIndex(for: row, using: &generator) } == expected)
    generator = StreamGenerator(seed: 4)
    var workspace = NoisyArgmax.Workspace()
    #expect(
      (0..<100).map { _ in argmax.randomIndex(for: row.span, using: &generator, workspace: &workspace) }
        == expected)
  }

  @Test func impossibleCountsTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).randomIndices(for: [1, 2], count: -1)
    }
    await #expect(processExitsWith: .failure) {
      _ = NoisyArgmax(.gumbel).randomIndices(for: [1, 2], distinct: -1)
    }
  }
}
