/// Numbers by keys, for loops that ask so often that hashing takes long in a dictionary.
final class NumberTable {
  private typealias Slot = (key: UInt64, number: Int)
  private var slots: UnsafeMutablePointer<Slot>
  private var exponent = 8
  private var count = 0
  /// A key that nothing has.
  private static let none = UInt64.max

  private var capacity: Int { 1 << exponent }

  init() {
    slots = .allocate(capacity: 1 << exponent)
    slots.initialize(repeating: (Self.none, 0), count: 1 << exponent)
  }

  deinit { slots.deallocate() }

  /// Where a key stands, or would.
  private func slot(of key: UInt64) -> UnsafeMutablePointer<Slot> {
    // All bits of a key have a part in the upper ones of its product with the golden ratio.
    var index = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> (64 - exponent))
    while true {
      let slot = slots + (index & (capacity - 1))
      if slot.pointee.key == key || slot.pointee.key == Self.none { return slot }
      index += 1
    }
  }

  subscript(key: UInt64) -> Int? {
    let slot = slot(of: key)
    return slot.pointee.key == key ? slot.pointee.number : nil
  }

  func set(_ number: Int, for key: UInt64) {
    if 2 * count >= capacity { grow() }
    let slot = slot(of: key)
    if slot.pointee.key == Self.none { count += 1 }
    slot.pointee = (key, number)
  }

  func removeAll() {
    slots.update(repeating: (Self.none, 0), count: capacity)
    count = 0
  }

  private func grow() {
    let (old, length) = (slots, capacity)
    exponent += 1
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: (Self.none, 0), count: capacity)
    for index in 0..<length where old[index].key != Self.none {
      slot(of: old[index].key).pointee = old[index]
    }
    old.deallocate()
  }
}
