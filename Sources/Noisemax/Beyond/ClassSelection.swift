internal import NoiseKernels

/// The classes of a row that are not certain to be below some nodes: F of the others is 1 there, and f is nothing.
struct ClassSelection {
  private let part: ScaledClasses
  private let slots: UnsafeMutablePointer<Int>

  /// The memory for a row, in Doubles.
  static func memory(of classes: Int) -> Int { 3 * padded(classes) }

  init(of classes: ScaledClasses, memory: inout Pieces) {
    part = ScaledClasses(classes.count, of: classes, memory: &memory)
    slots = memory.takeIntegers(padded(classes.count))
  }

  /// The values that an integrand has at some nodes: as many of each kind, one kind after the other.
  struct Values {
    let kinds, count: Int
    /// The slots of the classes that they belong to; nil if these are all values, as one kind.
    let slots: UnsafePointer<Int>?
    /// What ``PanelIntegrand/evaluate(_:to:)`` says of all that is further down.
    let bound: Double
  }

  /// Evaluates the classes at nodes above a point, and an integrand there, without those that are certain to be below if it
  /// can do without.
  func evaluate(
    _ integrand: some PanelIntegrand, of classes: ScaledClasses, at nodes: PanelNodes, above x: DoubleDouble,
    to values: UnsafeMutablePointer<Lanes>
  ) -> Values {
    let part = integrand.canLeaveOut ? select(above: x, of: classes) : nil
    if let part { integrand.select(UnsafeBufferPointer(start: slots, count: part.count)) }
    let evaluated = part ?? classes
    evaluated.evaluate(at: nodes, withNoise: integrand.usesNoise, withSurvival: integrand.usesSurvival)
    let bound = integrand.evaluate(evaluated, to: values)
    guard let part else { return Values(kinds: 1, count: integrand.count, slots: nil, bound: bound) }
    let kinds = integrand.count / classes.noisy
    return Values(kinds: kinds, count: part.count, slots: UnsafePointer(slots), bound: bound)
  }

  /// The classes that may be above a point, in rising order of their slots; nil if that may be all.
  private func select(above x: DoubleDouble, of classes: ScaledClasses) -> ScaledClasses? {
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
}
