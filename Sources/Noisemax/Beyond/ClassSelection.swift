internal import NoiseKernels

/// The classes of a row that are not certain to be below some nodes: F of the others is 1 there, and f is nothing.
struct ClassSelection {
  private let part: ScaledClasses
  private let slots: UnsafeMutablePointer<Int>
  /// What a panel holds of their values, and what the judged ones are wrong by.
  let contents, errors, expected: UnsafeMutablePointer<Double>

  /// The memory for a row, in Doubles.
  static func memory(forValues count: Int, of classes: Int) -> Int {
    3 * padded(count) + 3 * padded(classes)
  }

  init(of classes: ScaledClasses, values count: Int, memory: inout Pieces) {
    part = ScaledClasses(classes.count, of: classes, memory: &memory)
    slots = memory.takeIntegers(padded(classes.count))
    contents = memory.take(padded(count))
    errors = memory.take(padded(count))
    expected = memory.take(padded(count))
  }

  /// The classes that may be above a point, in rising order of their slots; nil if that may be all.
  func select(above x: DoubleDouble, of classes: ScaledClasses) -> ScaledClasses? {
    guard classes.noisy == classes.count else { return nil }
    let end = classes.law.highestEnd
    var count = 0
    for slot in 0..<classes.count {
      let (location, scale) = (classes.locations[slot], classes.scales[slot])
      (slots[count], part.locations[count], part.scales[count]) = (slot, location, scale)
      if (x.high - location) + x.low < scale * end { count += 1 }
    }
    return count > 0 && count < classes.count ? part.first(count) : nil
  }

  /// The slots of a part.
  func slots(of part: ScaledClasses) -> UnsafeBufferPointer<Int> {
    UnsafeBufferPointer(start: slots, count: part.count)
  }
}
