import Noisemax
import Testing

/// The generator: the published words of its two parts, and streams that have nothing to do with each other.
@Suite struct StreamGeneratorTests {
  /// The first words of xoshiro256++ from the state 1, 2, 3, 4, as the reference implementation prints them.
  @Test func wordsAreThePublishedOnes() {
    var generator = StreamGenerator(state: (1, 2, 3, 4))
    let expected: [UInt64] = [
      41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386, 9_228_616_714_210_784_205,
      9_973_669_472_204_895_162, 14_011_001_112_246_962_877, 12_406_186_145_184_390_807,
      15_849_039_046_786_891_736, 10_450_023_813_501_588_000,
    ]
    #expect(expected.indices.map { _ in generator.next() } == expected)
  }

  /// The first words of SplitMix64 from 1234567 are the state.
  @Test func theSeedIsSpreadBySplitMix() {
    let state: (UInt64, UInt64, UInt64, UInt64) = (
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431
    )
    #expect(StreamGenerator(seed: 1_234_567) == StreamGenerator(state: state))
    #expect(StreamGenerator(seed: 1_234_567) == StreamGenerator(seed: 1_234_567, stream: 0))
  }

  /// The first words of streams of some seeds, from another implementation of the same definition.
  @Test(
    arguments: [
      (
        7, 0,
        [
          1_021_219_803_524_665_661, 3_174_977_118_032_272_916, 13_236_943_193_235_544_178,
          7_880_630_202_246_103_356,
        ]
      ),
      (
        7, 1,
        [
          1_214_631_508_514_688_920, 1_088_183_618_170_229_088, 1_444_968_186_742_349_977,
          2_217_579_031_012_683_919,
        ]
      ),
      (
        7, 2,
        [
          5_539_494_659_135_425_120, 17_944_433_880_300_781_988, 16_827_143_669_015_325_436,
          3_925_652_121_524_098_997,
        ]
      ),
      (
        0, 1,
        [
          13_323_018_349_987_907_483, 15_764_490_418_349_040_569, 4_313_059_613_512_397_903,
          14_022_747_634_536_513_259,
        ]
      ),
      (
        1_234_567, 1 << 40,
        [
          2_245_757_315_435_993_343, 14_190_575_378_930_675_063, 15_399_759_187_332_811_138,
          6_836_435_599_689_652_456,
        ]
      ),
      (
        .max, .max,
        [
          5_239_141_552_475_064_375, 11_467_726_795_186_080_579, 10_439_761_008_978_653_722,
          2_880_902_407_464_021_591,
        ]
      ),
    ] as [(UInt64, UInt64, [UInt64])])
  func wordsOfStreamsAreForGood(seed: UInt64, stream: UInt64, words: [UInt64]) {
    var generator = StreamGenerator(seed: seed, stream: stream)
    #expect(words.map { _ in generator.next() } == words, "seed \(seed), stream \(stream)")
  }

  /// Of the words of neighbouring streams, and of neighbouring seeds, half of the bits agree.
  @Test func neighboursAreUnrelated() {
    let words = isDebugBuild ? 2_000 : 50_000
    func agreement(_ one: StreamGenerator, _ other: StreamGenerator) -> Double {
      var (one, other) = (one, other)
      let different = (0..<words).reduce(0) { sum, _ in sum + (one.next() ^ other.next()).nonzeroBitCount }
      return (Double(different) - 32 * Double(words)) / (16 * Double(words)).squareRoot()
    }
    for neighbour in 0..<UInt64(8) {
      for (seed, stream) in [(7, neighbour + 1), (7, 1 << (8 * neighbour)), (7 + neighbour + 1, 0)] {
        let deviation = agreement(StreamGenerator(seed: 7), StreamGenerator(seed: seed, stream: stream))
        #expect(deviation.magnitude < 5, "seed \(seed), stream \(stream)")
      }
    }
  }

  /// The first words of many streams of one seed, bit by bit: none is more often set than unset.
  @Test func firstWordsOfStreamsAreEven() {
    let streams = isDebugBuild ? 2_000 : 20_000
    for position in 0..<3 {
      var set = [Int](repeating: 0, count: 64)
      for stream in 0..<streams {
        var generator = StreamGenerator(seed: 11, stream: UInt64(stream))
        for _ in 0..<position { _ = generator.next() }
        let word = generator.next()
        for bit in 0..<64 { set[bit] += Int(word >> bit & 1) }
      }
      for count in set {
        let deviation = (Double(count) - Double(streams) / 2) / (Double(streams) / 4).squareRoot()
        #expect(deviation.magnitude < 5.2)
      }
    }
  }

  /// The first words of two streams, over many seeds: knowing one says nothing about the other.
  @Test func streamsAreUnrelatedWhateverTheSeed() {
    let seeds = isDebugBuild ? 500 : 5_000
    let words = (0..<12 as Range<UInt64>).map { stream in
      (0..<seeds).map { seed in
        var generator = StreamGenerator(seed: UInt64(seed), stream: stream)
        return Double(generator.next() >> 11) * 0x1p-53 - 0.5
      }
    }
    for one in words.indices {
      for other in 0..<one {
        let product = zip(words[one], words[other]).reduce(0) { $0 + $1.0 * $1.1 }
        let deviation = 12 * product / Double(seeds).squareRoot()
        #expect(deviation.magnitude < 5, "streams \(one) and \(other): \(deviation)")
      }
    }
  }

  @Test func seedZeroIsAsGoodAsAny() {
    var generator = StreamGenerator(seed: 0)
    #expect(Set((0..<1000).map { _ in generator.next() }).count == 1000)
    var copy = StreamGenerator(seed: 3)
    var original = copy
    #expect(copy.next() == original.next(), "a copy goes its own way, the same one")
  }
}
