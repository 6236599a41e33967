import Noisemax
import Testing

/// Draws from given probabilities.
@Suite struct CategoricalTests {
  @Test func frequenciesMatch() {
    let probabilities = [0.3, 1e-5, 0, 0.2, 0.49999, 0]
    let count = isDebugBuild ? 20_000 : 1_000_000
    var generator = StreamGenerator(seed: 1)
    let drawn = frequencies(
      of: Categorical(probabilities).randomIndices(count: count, using: &generator), classes: 6)
    #expect(drawn[2] == 0 && drawn[5] == 0)
    let open = [0, 1, 3, 4]
    let test = ChiSquare(observed: open.map { drawn[$0] }, probabilities: open.map { probabilities[$0] })
    #expect(!test.isSuspicious, "\(test), \(drawn)")
    #expect(isDebugBuild || plausibleCounts(expected: 10).contains(drawn[1]))
  }

  /// The same words give the same indices whatever the sum is.
  @Test func onlyRatiosCount() {
    var (one, other) = (StreamGenerator(seed: 2), StreamGenerator(seed: 2))
    let floats: [Float] = [8, 4, 0, 4]
    #expect(
      Categorical([0.5, 0.25, 0, 0.25]).randomIndices(count: 100, using: &one)
        == Categorical(floats).randomIndices(count: 100, using: &other))
  }

  /// A class of 1e-30 has its own part of the unit interval, whatever its place in the row.
  @Test func rareClassesAreNotRoundedAway() {
    for row in [[0.5, 0.5, 1e-30], [1e-30, 0.5, 0.5], [0.5, 1e-30, 0.5]] {
      let rare = row.firstIndex(of: 1e-30)
      var below = ScriptedGenerator(0, 0, 1)  // a tail of 2⁻¹⁴⁰
      #expect(Categorical(row).randomIndex(using: &below) == rare)
      var above = ScriptedGenerator(0, 1 << 10)  // a tail of 2⁻⁶⁶
      #expect(Categorical(row).randomIndex(using: &above) != rare)
    }
  }

  @Test func extremeWordsStayInside() {
    for extreme in ScriptedGenerator.extremes {
      var generator = extreme
      let drawn = Categorical([0, 0.1, 0.2, 0.7, 0]).randomIndices(count: 30, using: &generator)
      #expect(drawn.allSatisfy { (1...3).contains($0) })
    }
  }

  /// A draw of exactly ¼: a class has the draws from the sum before it on, and not the sum with it.
  @Test func aDrawOnTheSumIsTheNextClass() {
    var quarter = ScriptedGenerator(1 << 62)
    #expect(Uniform().random(using: &quarter) == 0.25)
    #expect(Categorical([0.75, 0.25]).randomIndex(using: &quarter) == 0)
    #expect(Categorical([0.25, 0.25, 0.5]).randomIndex(using: &quarter) == 1)
  }

  @Test func nothingToDrawIsNil() {
    #expect(Categorical([]).randomIndex() == nil)
    #expect(Categorical([0, 0]).randomIndex() == nil)
    #expect(Categorical([0.0]).randomIndex() == nil)
    var generator = StreamGenerator(seed: 3)
    #expect(Categorical([0, 0]).randomIndices(count: 5, using: &generator).isEmpty)
    #expect(Categorical([0, 3]).randomIndex() == 1)
  }

  @Test func impossibleProbabilitiesTrap() async {
    await #expect(processExitsWith: .failure) { _ = Categorical([0.5, -0.1]) }
    await #expect(processExitsWith: .failure) { _ = Categorical([0.5, .nan]) }
    await #expect(processExitsWith: .failure) { _ = Categorical([0.5, .infinity]) }
    await #expect(processExitsWith: .failure) {
      _ = Categorical([Double.greatestFiniteMagnitude, .greatestFiniteMagnitude])
    }
  }
}
