/// A small, fast generator of random words that can be seeded: the same words on every platform, for good.
///
/// Algorithm: xoshiro256++ of Blackman and Vigna, 256 bits of state, period 2²⁵⁶ − 1, about a nanosecond a word. The
/// state is the first four words of SplitMix64 started at the seed, as its authors advise, so that stream 0 has
/// the words of every other implementation seeded that way.
///
/// **Streams.** Each pair of a seed and a stream number gives its own state, no two pairs the same one. The words of
/// SplitMix64 are its counter, run through its finaliser; here the second, third and fourth counter are first combined,
/// by exclusive or, with the stream number finalised once, twice and three times. (Combined after the finaliser, two
/// streams would differ by the same words whatever the seed, and their first draws agree over many seeds.)
/// Distinct streams are far apart on the one cycle: the chance that any two of m streams overlap within their first L
/// words is about m²·L/2²⁵⁶.
/// Batches draw row r from stream r of one seed, so that what a row draws does not depend on the other rows, on the
/// order in which they are done, or on the number of threads.
/// A seed given to a batch is better not used for anything else: row 0 has the words of that seed's own generator.
///
/// It is not meant for cryptography: a few words reveal the rest.
///
/// ```swift
/// var generator = StreamGenerator(seed: 7)
/// let noise = Normal().random(using: &generator)
/// ```
public struct StreamGenerator: RandomNumberGenerator, Sendable, Hashable {
  private var s0, s1, s2, s3: UInt64

  /// The generator of a seed, on one of its 2⁶⁴ streams.
  ///
  /// - Parameters:
  ///   - seed: any number, 0 included.
  ///   - stream: which of the seed's independent streams.
  public init(seed: UInt64, stream: UInt64 = 0) {
    let once = SplitMix64.finalized(stream)
    let twice = SplitMix64.finalized(once)
    s0 = SplitMix64.word(1, of: seed)
    s1 = SplitMix64.word(2, of: seed, combinedWith: once)
    s2 = SplitMix64.word(3, of: seed, combinedWith: twice)
    s3 = SplitMix64.word(4, of: seed, combinedWith: SplitMix64.finalized(twice))
    // Only one seed makes s0 zero, and xoshiro must not start from zeros alone.
    if s0 | s1 | s2 | s3 == 0 { s0 = 1 }
  }

  /// A generator in a given state, to compare with published words.
  package init(state: (UInt64, UInt64, UInt64, UInt64)) { (s0, s1, s2, s3) = state }

  /// The next word: 64 independent, even bits.
  public mutating func next() -> UInt64 {
    let sum = s0 &+ s3
    let word = (sum << 23 | sum >> 41) &+ s0
    let shifted = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = s3 << 45 | s3 >> 19
    return word
  }
}

/// Steele, Lea and Flood's SplitMix64, here only to spread a seed over the state of the generator.
private enum SplitMix64 {
  /// The word of that number of a seed, counted from 1; its counter is combined with another number first.
  static func word(_ number: UInt64, of seed: UInt64, combinedWith other: UInt64 = 0) -> UInt64 {
    finalized((seed &+ number &* 0x9e37_79b9_7f4a_7c15) ^ other)
  }

  /// A bijection of the words that maps 0 to 0 and otherwise leaves no trace of its argument.
  static func finalized(_ state: UInt64) -> UInt64 {
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
