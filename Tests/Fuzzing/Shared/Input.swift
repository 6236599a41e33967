import Noisemax

/// The bytes of one input, taken from the front.
struct Input {
  private var bytes: ArraySlice<UInt8>

  init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    bytes = Array(UnsafeBufferPointer(start: start, count: count))[...]
  }

  /// One of so many, by a byte; the first where there is none left.
  mutating func choice(of count: Int) -> Int { Int(bytes.popFirst() ?? 0) % count }

  /// Numbers of any bits, or of two bytes each: 256ths from −128 to 128, where rows are as they usually are, or a byte times a
  /// power of two, so that the same row has gaps of many sizes.
  mutating func numbers<Scalar: LogitScalar>(_ count: Int, as type: Scalar.Type) -> [Scalar] {
    let form = choice(of: 3)
    if form > 0 {
      let taken = bytes.prefix(2 * count)
      bytes = bytes.dropFirst(taken.count)
      return taken.withUnsafeBytes { raw in
        (0..<raw.count / 2).map {
          let value = raw.loadUnaligned(fromByteOffset: 2 * $0, as: Int16.self)
          if form == 1 { return Scalar(value) / 256 }
          let power = Scalar(
            sign: .plus, exponent: Scalar.Exponent((value & 31) - 20), significand: 1)
          return Scalar(value >> 8) * power
        }
      }
    }
    let size = MemoryLayout<Scalar>.size
    let taken = bytes.prefix(count * size)
    bytes = bytes.dropFirst(taken.count)
    return taken.withUnsafeBytes { raw in
      (0..<raw.count / size).map { raw.loadUnaligned(fromByteOffset: $0 * size, as: type) }
    }
  }

  /// A factor of the noise: above 0, and far from where products overflow.
  mutating func scale() -> Double {
    let scale = (numbers(1, as: Double.self).first ?? 1).magnitude
    return scale > 1e-100 && scale < 1e100 ? scale : 1
  }

  /// How a row is made from the few numbers that an input has room for: again and again, each time a little lower.
  mutating func repetition(longest: Int) -> Repetition {
    let times = [1, 1, 1, 4, 16, 64, 256, 1024][choice(of: 8)]
    let step = [0, 1e-9, 1e-3, 0.05, 1, 30][choice(of: 6)]
    return Repetition(times: times, step: step, longest: longest)
  }
}

struct Repetition {
  let times: Int
  let step: Double
  let longest: Int

  func logits<Scalar: LogitScalar>(_ base: [Scalar]) -> [Scalar] {
    let count = min(longest, base.count * times)
    return (0..<count).map { base[$0 % base.count] - Scalar(step) * Scalar($0 / base.count) }
  }

  /// The same numbers over and over.
  func others<Scalar: LogitScalar>(_ base: [Scalar], count: Int) -> [Scalar] {
    base.isEmpty ? [Scalar](repeating: 1, count: count) : (0..<count).map { base[$0 % base.count] }
  }
}

/// A sum that the order of its terms does not change.
func compensatedSum(_ terms: [some LogitScalar]) -> Double {
  var (sum, lost) = (0.0, 0.0)
  for term in terms {
    let term = Double(term)
    let next = sum + term
    lost += sum.magnitude >= term.magnitude ? (sum - next) + term : (term - next) + sum
    sum = next
  }
  return sum + lost
}

/// Whether log-probabilities are the logarithms of probabilities. Of Floats nothing is said, nor of a bounded law, which has few
/// digits near the ends of its support.
func areLogarithms<Scalar: LogitScalar>(
  _ logP: [Scalar], of p: [Scalar], under noise: any NoiseDistribution
) -> Bool {
  if Scalar.self == Float.self || noise is Uniform { return true }
  return zip(logP, p).allSatisfy { logP, p in
    if p <= 1e-290 { return logP < -667 }
    return (logarithm(Double(p)) - Double(logP)).magnitude <= 1e-9 * max(1, -Double(logP))
  }
}

/// Whether a row has a probability at all.
func isUndefined(_ row: [some LogitScalar]) -> Bool {
  row.contains { $0.isNaN } || row.count { $0 == .infinity } > 1
}
