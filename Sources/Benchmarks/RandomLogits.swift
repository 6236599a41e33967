import Noisemax

/// Rows of logits from N(0, 1.5²), the same ones on every machine and for every contender.
///
/// The values are rounded to Float, so that both precisions get the same logits and no rounding of the input poses as
/// an error of the result.
struct RandomLogits {
  static let standardDeviation = 1.5

  private var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  mutating func row(of count: Int) -> [Double] {
    (0..<count).map { _ in
      Double(Float(Self.standardDeviation * Normal().quantile(at: generator.openUnit())))
    }
  }
}

/// A small generator with the same words on every platform (Steele, Lea and Flood's SplitMix64).
private struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  /// A number strictly between 0 and 1.
  mutating func openUnit() -> Double { (Double(next() >> 12) + 0.5) * 0x1p-52 }
}
