/// The system's generator with a place in memory.
///
/// The thread sanitizer looks at the addresses of what is passed `inout`, and ``SystemRandomNumberGenerator`` has no size
/// and so none that is valid.
struct SystemGenerator: RandomNumberGenerator {
  private var generator = SystemRandomNumberGenerator()
  private let place: UInt8 = 0

  mutating func next() -> UInt64 { generator.next() }
}
