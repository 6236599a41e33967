/// One row of logits and scales, and which of its classes take part when the k largest are wanted.
struct ScaledRow {
  /// What a row is before any law matters.
  enum Kind {
    /// A NaN, or several classes at +∞.
    case undefined
    /// No more classes are open than are wanted: all are certain to be included.
    case settled
    case regular
  }

  let law: ClassLaw
  /// What every scale is multiplied by: the transform's own.
  private let unit: Double
  let precision: Precision
  /// Of every class in the row, masked ones too, in the row's own units.
  private let logits, scales: UnsafeMutablePointer<Double>
  let count: Int
  /// The indices of the classes that take part: those with noise, and after them, the largest first, those without.
  let indices: UnsafeMutablePointer<Int>
  private(set) var kind = Kind.regular
  /// How many have noise, and how many take part.
  private(set) var noisy = 0
  private(set) var taking = 0
  /// How many of them are wanted: k, less a class at +∞.
  private(set) var wanted: Int
  /// The class at +∞.
  private(set) var infinite: Int?
  /// A power of two that brings the largest scale near 1.
  private(set) var factor = 1.0

  static func memory(for count: Int) -> Int { 3 * count }

  /// A row whose classes have the unit times their scales, all 1 if there are none.
  init<Scalar: LogitScalar>(
    _ row: UnsafeBufferPointer<Scalar>, scales: UnsafeBufferPointer<Scalar>?, unit: Double, wanted: Int,
    under law: ClassLaw, memory: inout Pieces
  ) {
    (self.law, self.unit, self.wanted, count) = (law, unit, wanted, row.count)
    precision = Precision(of: Scalar.self)
    logits = memory.take(count)
    self.scales = memory.take(count)
    indices = memory.takeIntegers(count)
    for index in row.indices {
      logits[index] = Double(row[index])
      let scale = scales.map { Double($0[index]) } ?? 1
      requireScale(scale, ofClass: index)
      self.scales[index] = scale
    }
    sortOut()
  }

  private mutating func sortOut() {
    var largest = 0.0
    var fixed = count
    for index in 0..<count {
      let logit = logits[index]
      if logit.isNaN || (logit == .infinity && infinite != nil) { kind = .undefined }
      if logit == .infinity { infinite = index }
      guard logit.isFinite else { continue }
      if scales[index] > 0 {
        indices[noisy] = index
        noisy += 1
        largest = Swift.max(largest, scales[index] * unit)
      } else {
        fixed -= 1
        indices[fixed] = index
      }
    }
    if infinite != nil { wanted -= 1 }
    let open = noisy + count - fixed
    if open <= wanted, kind == .regular { kind = .settled }
    // Of those without noise, so many of the largest as are wanted.
    var still = UnsafeMutableBufferPointer(start: indices + fixed, count: count - fixed)
    still.sort { logits[$0] > logits[$1] }
    for (one, next) in zip(still, still.dropFirst()) {
      require(
        logits[one] != logits[next],
        "classes \(Swift.min(one, next)) and \(Swift.max(one, next)) have scale 0 and tie at \(logits[one])")
    }
    taking = noisy + Swift.min(still.count, Swift.max(wanted, 0))
    for index in 0..<taking - noisy { indices[noisy + index] = still[index] }
    if largest > 0 {
      factor = Double(
        sign: .plus, exponent: Swift.min(Swift.max(-largest.exponent, -1000), 1000), significand: 1)
    }
  }

  /// Whether the class with this index is open.
  func isOpen(_ index: Int) -> Bool { logits[index] > -.infinity }

  /// The number that all open classes have as their scale, if there is one.
  var commonScale: Double? {
    guard noisy > 0, taking == noisy, infinite == nil else { return nil }
    let scale = scales[indices[0]]
    return (1..<noisy).allSatisfy { scales[indices[$0]] == scale } ? scale : nil
  }

  /// The logit and the scale of a class that takes part, in the units of the integrals.
  func scale(_ index: Int) -> Double { scales[index] * unit * factor }

  func location(_ index: Int) -> Double {
    let limit = Double.greatestFiniteMagnitude / 16
    return Swift.min(Swift.max(logits[index] * factor, -limit), limit)
  }

  /// The mean of a perturbed logit in the units of the integrals.
  func mean(_ index: Int) -> Double {
    location(index) + scale(index) * (law.mean + law.location)
  }

  /// The least probability of a class with noise.
  func rarest(of probabilities: UnsafeMutableBufferPointer<Double>) -> Double {
    (0..<noisy).reduce(Double.infinity) { Swift.min($0, probabilities[indices[$1]]) }
  }

  /// Whether two classes that take part are equal.
  func isTie(_ one: Int, _ other: Int) -> Bool {
    logits[one] == logits[other] && scales[one] == scales[other]
  }

  /// The same number for equal classes, and about any for others.
  func hash(_ index: Int) -> Int {
    // 0 and −0 are equal.
    var bits = (logits[index] + 0).bitPattern &* 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ bits >> 32 ^ scales[index].bitPattern) &* 0xBF58_476D_1CE4_E5B9
    return Int(truncatingIfNeeded: bits ^ bits >> 32)
  }

  /// The classes that take part, in the order of `indices`.
  func classes(memory: inout Pieces) -> ScaledClasses {
    var classes = ScaledClasses(
      under: law, noisy: noisy, count: taking, wanted: wanted, memory: &memory)
    for slot in 0..<taking {
      classes.locations[slot] = location(indices[slot])
      // Noise that underflows beside the widest class's is noise still.
      classes.scales[slot] = slot < noisy ? Swift.max(scale(indices[slot]), 0x1p-1000) : 0
    }
    classes.noteScales()
    return classes
  }

  /// Brings the classes with noise into the rising order of a number.
  func sort(by number: (Int) -> Double) {
    var classes = UnsafeMutableBufferPointer(start: indices, count: noisy)
    classes.sort { number($0) < number($1) }
  }
}

/// Stops where the number that the noise of a class is multiplied by is no scale.
func requireScale(_ scale: some BinaryFloatingPoint, ofClass index: Int) {
  require(
    scale >= 0 && scale.isFinite, "the scale of class \(index) is finite and not below 0, not \(scale)")
}

/// Two classes without noise that tie, if there are any: no row with scales is taken with them.
///
/// - Parameters:
///   - still: the indices of the classes without noise.
///   - logits: what the indices are of.
/// - Returns: their indices, the lower one first.
package func tie<Logits: RandomAccessCollection>(
  ofStill still: some Sequence<Int>, in logits: Logits
) -> (Int, Int)? where Logits.Index == Int, Logits.Element: LogitScalar {
  let open = still.filter { logits[$0].isFinite }.sorted { (logits[$0], $0) < (logits[$1], $1) }
  return zip(open, open.dropFirst()).first { logits[$0] == logits[$1] }
}
