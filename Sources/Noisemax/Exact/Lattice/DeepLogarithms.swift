/// Log p of many classes far behind the leader, from the integrals of some of them.
///
/// Log p is a smooth function of the logit. Where classes are dense beside its features, it is a polynomial through sixteen of
/// them; five others, which have their own integrals, too, say whether it is. If not, the classes are parted at the
/// middle of their logits, and the integrals that are known serve either half. So nothing is integrated in vain.
struct DeepLogarithms {
  private let classes: DeepClasses
  /// The different gaps in descending order, and log p of each, NaN until it is known.
  private let gaps: [Double]
  private var values: [Double]

  private static let points = 16
  /// So many classes are integrated one by one.
  private static let fewest = 32
  /// The largest error relative to log p that the five may show.
  private static let tolerance = 2e-13
  /// How much the errors of the sixteen may be amplified.
  private static let amplification = 16.0

  private init(of gaps: [Double], in classes: DeepClasses) {
    (self.gaps, self.classes) = (gaps, classes)
    values = [Double](repeating: .nan, count: gaps.count)
  }

  /// The log-probabilities of some classes, and their indices.
  static func values(
    of row: UnsafeMutableBufferPointer<Double>, at indices: [Int], in classes: DeepClasses
  ) -> [(index: Int, value: Double)] {
    let wanted = indices.sorted { row[$0] > row[$1] }
    var gaps: [Double] = []
    gaps.reserveCapacity(wanted.count)
    for index in wanted where row[index] != gaps.last { gaps.append(row[index]) }
    var logarithms = Self(of: gaps, in: classes)
    logarithms.fill()
    var slot = 0
    return wanted.map { index in
      if row[index] < gaps[slot] { slot += 1 }
      return (index, logarithms.values[slot])
    }
  }

  private mutating func fill() {
    var waiting = [gaps.indices]
    while let range = waiting.popLast() {
      if range.count <= Self.fewest {
        for slot in range { _ = value(at: slot) }
      } else if !interpolate(range) {
        let middle = gaps[range.lowerBound] / 2 + gaps[range.upperBound - 1] / 2
        let end = range.first { gaps[$0] <= middle } ?? range.upperBound - 1
        let parting = Swift.max(end, range.lowerBound + 1)
        // The upper half comes first.
        waiting += [parting..<range.upperBound, range.lowerBound..<parting]
      }
    }
  }

  private mutating func value(at slot: Int) -> Double {
    if values[slot].isNaN { values[slot] = classes.integrate(gaps[slot]) }
    return values[slot]
  }

  /// Gives all classes of a range their values, unless these are no polynomial.
  private mutating func interpolate(_ range: Range<Int>) -> Bool {
    let slots = slots(near: range)
    let others = range.filter { !slots.contains($0) }
    let probes = (0...4).map { others[(others.count - 1) * $0 / 4] }
    for slot in slots where !value(at: slot).isFinite { return false }
    let polynomial = DeepPolynomial(at: slots.map { gaps[$0] }, values: slots.map { values[$0] })
    for slot in probes {
      let truth = value(at: slot)
      let (found, amplification) = polynomial.value(at: gaps[slot])
      guard amplification <= Self.amplification,
        (found - truth).magnitude <= Self.tolerance * truth.magnitude
      else { return false }
    }
    for slot in range where values[slot].isNaN {
      let (found, amplification) = polynomial.value(at: gaps[slot])
      values[slot] = amplification <= Self.amplification ? found : classes.integrate(gaps[slot])
    }
    return true
  }

  /// The classes of a range nearest to Chebyshev's nodes.
  private func slots(near range: Range<Int>) -> [Int] {
    let (highest, lowest) = (gaps[range.lowerBound], gaps[range.upperBound - 1])
    var slots: [Int] = []
    for (k, node) in Chebyshev.zeros(Self.points).enumerated() {
      // The outermost nodes are the ends.
      let t = node / Self.outermost
      let x = highest * ((1 + t) / 2) + lowest * ((1 - t) / 2)
      var first = range.dropLast().firstPlace { gaps[$0] <= x }
      if first > range.lowerBound, gaps[first - 1] - x < x - gaps[first] { first -= 1 }
      let least = (slots.last ?? range.lowerBound - 1) + 1
      slots.append(Swift.min(Swift.max(first, least), range.upperBound - (Self.points - k)))
    }
    return slots
  }

  private static let outermost = Chebyshev.zeros(points)[0]
}

/// A polynomial through points, by their barycentric weights.
private struct DeepPolynomial {
  private let points, values, weights: [Double]

  init(at points: [Double], values: [Double]) {
    (self.points, self.values) = (points, values)
    // About the fourth part of the length: then weights of Chebyshev's nodes are of one size.
    let unit = (points[0] - points[points.count - 1]) / 4
    weights = points.map { x in
      1 / points.reduce(1.0) { x == $1 ? $0 : $0 * ((x - $1) / unit) }
    }
  }

  /// The value, and how much larger its error may be than those of the values that it comes from.
  func value(at x: Double) -> (value: Double, amplification: Double) {
    var (sum, weight, size) = (0.0, 0.0, 0.0)
    for k in points.indices {
      if x == points[k] { return (values[k], 1) }
      let share = weights[k] / (x - points[k])
      sum += share * (values[k] - values[0])
      weight += share
      size += share.magnitude
    }
    return (values[0] + sum / weight, size / weight.magnitude)
  }
}
