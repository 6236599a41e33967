import Noisemax
import Testing

/// Draws from the laws: finite at any words, with the law's distribution, and tails as deep as the law's.
@Suite struct NoiseSamplingTests {
  @Test(arguments: ShippedLaw.all.map(\.name))
  func everyGeneratorGivesFiniteNoise(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    func moved(_ noise: some ExactNoise) -> any ExactNoise { noise.scaled(by: 3).shifted(by: -2) }
    for extreme in ScriptedGenerator.extremes {
      var generator = extreme
      let draws = noise.random(count: 50, using: &generator)
      #expect(draws.allSatisfy { $0.isFinite }, "\(draws)")
      #expect(moved(noise).random(count: 50, using: &generator).allSatisfy { $0.isFinite })
      var floats = [Float](repeating: .nan, count: 50)
      var span = floats.mutableSpan
      noise.writeRandom(to: &span, using: &generator)
      #expect(floats.allSatisfy { $0.isFinite })
    }
    #expect(noise.random().isFinite)
    #expect(noise.random(count: 3).allSatisfy { $0.isFinite })
  }

  @Test func uniformDrawsStayInTheSupport() {
    for extreme in ScriptedGenerator.extremes {
      var generator = extreme
      #expect(Uniform().random(count: 50, using: &generator).allSatisfy { $0 > 0 && $0 <= 1 })
      #expect(
        ThreeFunctions(of: Triangular()).random(count: 50, using: &generator).allSatisfy {
          $0 >= -1 && $0 <= 1
        })
    }
  }

  /// Zeros without end: the draw stops at 2⁻¹⁰²², after a bounded number of words.
  @Test func theDeepestDrawEnds() {
    var zeros = ScriptedGenerator(0)
    #expect(Uniform().random(using: &zeros) == 0x1p-1022)
    #expect(zeros.used <= 17)
    var upper = ScriptedGenerator.longestUpperTail
    #expect(Exponential().random(using: &upper) == Exponential().upperQuantile(at: 0x1p-1022))
  }

  /// The first word has no bit for the exponent, the second 23 zeros before one: together a tail of 2⁻³⁶, and every bit
  /// of the significand counts there, at either end.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func tailsHaveFullResolution(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    for (significand, tail) in [(0, 0x1p-36), (1, 0x1.0000000000001p-36), (1 << 51, 0x1.8p-36)]
      as [(UInt64, _)]
    {
      var lower = ScriptedGenerator(significand, 1 << 40)
      var upper = ScriptedGenerator(1 << 63 | significand, 1 << 40)
      #expect(noise.random(using: &lower) == noise.quantile(at: tail))
      #expect(noise.random(using: &upper) == noise.upperQuantile(at: tail))
    }
    var deep = ScriptedGenerator(1 << 63, 0, 1)
    #expect(noise.random(using: &deep) == noise.upperQuantile(at: 0x1p-140))
  }

  /// Kolmogorov and Smirnov: the largest distance between the empirical and the law's own F.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func drawsFollowTheLaw(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let count = isDebugBuild ? 20_000 : 1_000_000
    var generator = StreamGenerator(seed: 1)
    let draws = noise.random(count: count, using: &generator).sorted()
    var distance = 0.0
    for (rank, draw) in draws.enumerated() {
      let value = noise.cumulative(at: draw) * Double(count)
      distance = max(distance, value - Double(rank), Double(rank + 1) - value)
    }
    // Chance exceeds 2.47/√n less often than once in 100,000.
    #expect(distance / Double(count).squareRoot() < 2.47)
  }

  /// Of ten million draws, about ten lie beyond the millionth quantile on either side.
  @Test(.enabled(if: !isDebugBuild), arguments: ShippedLaw.all.map(\.name))
  func rareNoiseComesAtItsRate(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    var generator = StreamGenerator(seed: 2, stream: UInt64(law.utf8.count))
    var draws = [Double](repeating: 0, count: 100_000)
    var (below, above) = (0, 0)
    let ends = (noise.quantile(at: 1e-6), noise.upperQuantile(at: 1e-6))
    for _ in 0..<100 {
      var span = draws.mutableSpan
      noise.writeRandom(to: &span, using: &generator)
      for draw in draws {
        if draw < ends.0 { below += 1 }
        if draw > ends.1 { above += 1 }
      }
    }
    #expect(plausibleCounts(expected: 10).contains(below), "\(below) below")
    #expect(plausibleCounts(expected: 10).contains(above), "\(above) above")
  }

  /// Every zero before the first one of the bits below the sign, through as many words as it takes, is an octave.
  @Test func zerosOfTheWordsAreOctaves() {
    func expect(_ words: [UInt64], octave: Int) {
      for isUpper in [false, true] {
        var generator = WordList(words: [words[0] | (isUpper ? 1 << 63 : 0)] + words.dropFirst())
        let tail = Double(sign: .plus, exponent: -octave, significand: 1)
        let draw = Uniform().random(using: &generator)
        #expect(draw == (isUpper ? 1 - tail : tail), "\(words), upper \(isUpper): \(draw)")
        #expect(generator.words.isEmpty, "\(words), upper \(isUpper)")
      }
    }
    for zeros in 0..<11 { expect([1 << (62 - UInt64(zeros))], octave: 2 + zeros) }
    for zeros in 0..<64 {
      expect([0, 1 << (63 - UInt64(zeros))], octave: 13 + zeros)
      expect([0, 0, 1 << (63 - UInt64(zeros))], octave: 13 + 64 + zeros)
    }
  }

  /// Words that are used up.
  private struct WordList: RandomNumberGenerator {
    var words: [UInt64]

    mutating func next() -> UInt64 { words.removeFirst() }
  }

  /// In every octave of both tails, down to 2⁻²⁰, as many draws as its width says.
  @Test func everyOctaveHasItsShare() {
    let count = isDebugBuild ? 100_000 : 5_000_000
    var generator = StreamGenerator(seed: 3)
    var octaves = [Int](repeating: 0, count: 42)
    for _ in 0..<count {
      let draw = Uniform().random(using: &generator)
      let octave = min(-Int(min(draw, 1 - draw).exponent) - 2, 20)
      octaves[draw < 0.5 ? octave : 21 + octave] += 1
    }
    let tail = (0..<20).map { 1 / Double(4 << $0) } + [1 / Double(2 << 20)]
    let test = ChiSquare(observed: octaves, probabilities: tail + tail)
    #expect(!test.isSuspicious, "\(test)")
  }

  @Test func bulkIsManySingleDraws() {
    var (one, many, filled) = (StreamGenerator(seed: 5), StreamGenerator(seed: 5), StreamGenerator(seed: 5))
    let singles = (0..<20).map { _ in Gumbel().random(using: &one) }
    #expect(Gumbel().random(count: 20, using: &many) == singles)
    var floats = [Float](repeating: 0, count: 20)
    var span = floats.mutableSpan
    Gumbel().writeRandom(to: &span, using: &filled)
    #expect(floats == singles.map { Float($0) })
    #expect(Gumbel().random(count: 0, using: &one).isEmpty)
    let erased: any NoiseDistribution = Gumbel()
    var again = StreamGenerator(seed: 5)
    #expect(erased.random(using: &again) == singles[0], "the same draw where only the protocol is known")
    again = StreamGenerator(seed: 5)
    let moved = Gumbel().scaled(by: 2).shifted(by: 1)
    #expect((0..<20).map { _ in moved.random(using: &again) } == singles.map { 1 + 2 * $0 })
  }

  @Test func negativeCountsTrap() async {
    await #expect(processExitsWith: .failure) { _ = Normal().random(count: -1) }
  }
}
