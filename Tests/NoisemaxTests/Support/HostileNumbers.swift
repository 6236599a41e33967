import Noisemax

/// Numbers of any bits: NaNs with and without payload, infinities, subnormals, the largest, neighbours and ties.
struct HostileNumbers {
  private(set) var generator: StreamGenerator

  init(seed: UInt64) { generator = StreamGenerator(seed: seed) }

  mutating func integer(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

  mutating func flip() -> Bool { Bool.random(using: &generator) }

  /// One number whose bits are anything, as 64 words of them can be.
  mutating func bits<Scalar: LogitScalar>(of type: Scalar.Type) -> Scalar {
    let word = generator.next()
    return Scalar.self == Float.self
      ? Scalar(Float(bitPattern: UInt32(truncatingIfNeeded: word))) : Scalar(Double(bitPattern: word))
  }

  /// A number above 0, finite: subnormal, huge or ordinary.
  mutating func positive() -> Double {
    let special = [
      .leastNonzeroMagnitude, 0x1p-1030, 0x1p-1022, 1e-200, 1e-30, 1, 1, 0.5, 3, 1e30, 1e200, 1.7e308,
    ]
    if flip() { return special[integer(in: 0...special.count - 1)] }
    let value = bits(of: Double.self).magnitude
    return value > 0 && value.isFinite ? value : 1
  }

  /// An exponent of two, down to that of subnormal numbers, that leaves room above.
  mutating func smallExponent<Scalar: LogitScalar>(of type: Scalar.Type) -> Scalar.Exponent {
    let least = Scalar.leastNonzeroMagnitude.exponent
    return flip() ? 0 : least + Scalar.Exponent(integer(in: 0...Int(40 - least)))
  }

  /// Numbers of one temper each: bits of any kind, of ordinary size, special ones, or neighbours of one another.
  mutating func row<Scalar: LogitScalar>(count: Int, of type: Scalar.Type) -> [Scalar] {
    let special: [Scalar] = [
      0, -0.0, 1, -1, .infinity, -.infinity, -.infinity, .nan, .signalingNaN, .greatestFiniteMagnitude,
      -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, 700,
      -745, -38,
    ]
    let temper = integer(in: 0...6)
    let centre = Scalar(Double.random(in: -4...4, using: &generator))
    let spread = [1e-6, 1, 30, 1000][integer(in: 0...3)]
    return (0..<count).map { _ in
      switch temper {
      case 0: return bits(of: type)
      case 1: return special[integer(in: 0...special.count - 1)]
      case 2: return centre + Scalar(integer(in: -3...3)) * centre.ulp
      case 3: return Scalar(Double.random(in: -spread...spread, using: &generator))
      case 4: return flip() ? -.infinity : Scalar(Double.random(in: -spread...spread, using: &generator))
      case 5:
        // Finite, of any size.
        let value = bits(of: type)
        return value.isFinite ? value : 0
      default:
        return integer(in: 0...9) == 0 ? bits(of: type) : Scalar(integer(in: -2...2))
      }
    }
  }

  /// Weights of at least 0 that sum to one.
  mutating func distribution<Scalar: LogitScalar>(count: Int, of type: Scalar.Type) -> [Scalar] {
    var weights = [Scalar](repeating: 0, count: count)
    guard count > 0 else { return weights }
    for _ in 0..<4 { weights[integer(in: 0...count - 1)] += 0.25 }
    return weights
  }
}

/// Runs something that writes to a span of the length of an array, which holds the array at first, with memory before
/// and behind it that must stay as it is.
///
/// - Returns: what the span holds afterwards, and whether its surroundings are untouched.
func guarded<Scalar: LogitScalar>(
  _ values: [Scalar], _ body: (inout MutableSpan<Scalar>) -> Void
) -> (values: [Scalar], isIntact: Bool) {
  let zone = 40
  let mark: Scalar = -1.25e-11
  let memory = UnsafeMutableBufferPointer<Scalar>.allocate(capacity: values.count + 2 * zone)
  defer { memory.deallocate() }
  memory.initialize(repeating: mark)
  let slots = zone..<zone + values.count
  let inside = UnsafeMutableBufferPointer(rebasing: memory[slots])
  _ = inside.update(fromContentsOf: values)
  var span = inside.mutableSpan
  body(&span)
  let isIntact = memory.indices.allSatisfy { slots.contains($0) || memory[$0] == mark }
  return (Array(inside), isIntact)
}
