import Noisemax
import NoisemaxLaws

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

extension SplitMix64 {
  /// A number strictly between 0 and 1.
  fileprivate mutating func openUnit() -> Double { (Double(next() >> 12) + 0.5) * 0x1p-52 }
}
