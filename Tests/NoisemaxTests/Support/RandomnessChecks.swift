import Noisemax

/// A generator that repeats the same few words for ever: the extremes, and chosen draws.
struct ScriptedGenerator: RandomNumberGenerator {
  private let words: [UInt64]
  private(set) var used = 0

  init(_ words: UInt64...) { self.words = words }

  mutating func next() -> UInt64 {
    defer { used += 1 }
    return words[used % words.count]
  }

  /// Nothing but zeros, nothing but ones, alternating bits and words, and the longest tail at the upper end.
  static let extremes = [
    ScriptedGenerator(0), ScriptedGenerator(.max), ScriptedGenerator(0, .max), ScriptedGenerator(.max, 0),
    ScriptedGenerator(0x5555_5555_5555_5555), ScriptedGenerator(0xaaaa_aaaa_aaaa_aaaa), ScriptedGenerator(1),
    longestUpperTail,
  ]

  /// One bit for the upper end, and then zeros for as long as a draw can be asking.
  static var longestUpperTail: ScriptedGenerator {
    ScriptedGenerator(1 << 63, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  }
}

/// Pearson's Σ (observed − expected)²/expected. Cells that expect fewer than 5 are taken together.
struct ChiSquare: CustomStringConvertible {
  private(set) var statistic = 0.0
  private(set) var degreesOfFreedom = -1

  init(observed: [Int], probabilities: [Double]) {
    let total = Double(observed.reduce(0, +))
    var rare = (observed: 0.0, expected: 0.0)
    for (count, probability) in zip(observed, probabilities) {
      if total * probability < 5 {
        rare = (rare.observed + Double(count), rare.expected + total * probability)
      } else {
        add(Double(count), total * probability)
      }
    }
    if rare.observed > 0 || rare.expected >= 1 { add(rare.observed, Swift.max(rare.expected, 1e-300)) }
  }

  private mutating func add(_ observed: Double, _ expected: Double) {
    statistic += (observed - expected) * (observed - expected) / expected
    degreesOfFreedom += 1
  }

  /// The statistic as a standard normal deviate (Wilson and Hilferty's cube root).
  var deviate: Double {
    let ninth = 2 / (9 * Double(degreesOfFreedom))
    // A cube root by Newton's rule.
    let ratio = statistic / Double(degreesOfFreedom)
    var root = Swift.max(1, ratio)
    for _ in 0..<200 { root -= (root - ratio / (root * root)) / 3 }
    return (root - (1 - ninth)) / ninth.squareRoot()
  }

  /// Whether chance makes such a statistic less often than once in 100,000: with some 40 such tests, one of them
  /// fails by bad luck in one choice of seeds out of 2,500.
  var isSuspicious: Bool { deviate > 4.265 }

  var description: String { "chi-square \(statistic) with \(degreesOfFreedom) degrees of freedom" }
}

/// How often each index was drawn.
func frequencies(of indices: [Int], classes: Int) -> [Int] {
  indices.reduce(into: [Int](repeating: 0, count: classes)) { $0[$1] += 1 }
}

/// The bounds that a Poisson count leaves less often than about once in 100,000.
func plausibleCounts(expected: Double) -> ClosedRange<Int> {
  let deviation = 4.4 * expected.squareRoot()
  return Int(Swift.max(0, expected - deviation))...Int(expected + deviation + 4)
}
