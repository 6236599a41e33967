import Noisemax

/// One property of a transform: a name, and what is wrong on a row and its probabilities, if anything.
struct TransformProperty<Scalar: LogitScalar> {
  let name: String
  let violation: (Transform<Scalar>, _ row: [Scalar], _ p: [Scalar], inout SplitMix64) -> String?
}

extension Transform {
  /// Everything that is checked of this transform.
  var properties: [TransformProperty<Scalar>] {
    var properties: [TransformProperty<Scalar>] = [
      .edges, .nonnegativity, .orderPreservation, .ties, .shiftInvariance, .masks, .permutation,
    ]
    if isNormalized { properties.append(.normalization) }
    if logProbabilities != nil { properties.append(.logarithms) }
    if scaledProbabilities != nil { properties.append(.powerOfTwoScaling) }
    if !otherForms.isEmpty { properties.append(.forms) }
    return properties
  }
}

/// Whether a row has an ordinary answer: no NaN, no +∞, and some class that is not masked.
func isOrdinary<Scalar: LogitScalar>(_ row: [Scalar]) -> Bool {
  !row.contains { $0.isNaN || $0 == .infinity } && row.contains { $0 > -.infinity }
}

extension TransformProperty {
  /// Empty, masked, undefined and certain rows have the values that the library documents.
  static var edges: Self {
    Self(name: "edges") { _, row, p, _ in
      if p.count != row.count { return "\(row.count) logits got \(p.count) probabilities" }
      let certain = row.indices.filter { row[$0] == .infinity }
      let open = row.indices.filter { row[$0] > -.infinity }
      if row.contains(where: { $0.isNaN }) || certain.count > 1 {
        return p.allSatisfy { $0.isNaN } ? nil : "expected NaN everywhere, got \(p)"
      }
      guard certain.count == 1 || open.count <= 1 else { return nil }
      let winner = certain.first ?? open.first
      let expected = row.indices.map { Scalar($0 == winner ? 1 : 0) }
      return p == expected ? nil : "expected \(expected), got \(p)"
    }
  }

  static var nonnegativity: Self {
    Self(name: "nonnegativity") { _, row, p, _ in
      guard isOrdinary(row) else { return nil }
      guard let index = p.indices.first(where: { !(p[$0] >= 0 && p[$0].isFinite) }) else { return nil }
      return "class \(index) got \(p[index])"
    }
  }

  static var normalization: Self {
    Self(name: "normalisation") { _, row, p, _ in
      guard isOrdinary(row) else { return nil }
      var (sum, lost) = (0.0, 0.0)
      for value in p {
        let (term, before) = (Double(value), sum)
        sum += term
        let added = sum - before
        lost += (before - (sum - added)) + (term - added)
      }
      let defect = (sum - 1) + lost
      return defect.magnitude <= PrecisionBounds<Scalar>.sum ? nil : "the probabilities sum to 1 + \(defect)"
    }
  }

  static var orderPreservation: Self {
    Self(name: "order preservation") { _, row, p, _ in
      guard isOrdinary(row) else { return nil }
      let order = row.indices.sorted { row[$0] < row[$1] }
      let slack = 1 - 2 * PrecisionBounds<Scalar>.accuracy
      var best = (index: order[0], p: p[order[0]])
      for index in order.dropFirst() {
        if row[index] > row[best.index], p[index] < best.p * slack, best.p >= PrecisionBounds<Scalar>.smallest
        {
          return "logits \(row[best.index]) < \(row[index]) got \(best.p) > \(p[index])"
        }
        if p[index] > best.p { best = (index, p[index]) }
      }
      return nil
    }
  }

  /// Equal logits get bit-identical probabilities.
  static var ties: Self {
    Self(name: "identity of ties") { _, row, p, _ in
      guard isOrdinary(row) else { return nil }
      var seen: [Scalar: Scalar] = [:]
      for (logit, value) in zip(row, p) {
        if let earlier = seen.updateValue(value, forKey: logit), earlier != value {
          return "two classes with logit \(logit) got \(earlier) and \(value)"
        }
      }
      return nil
    }
  }

  /// Adding a constant changes no bit where the additions are exact.
  static var shiftInvariance: Self {
    Self(name: "shift invariance") { transform, row, p, generator in
      guard isOrdinary(row) else { return nil }
      // Multiples of 1/256 up to 2¹⁰, shifted by up to 2¹²: exact in Float too.
      let row = row.map { $0 == -.infinity ? $0 : (max(-1024, min($0, 1024)) * 256).rounded() / 256 }
      let shift = Scalar(generator.integer(in: -1_048_576...1_048_576)) / 256
      let (before, after) = (transform.probabilities(row), transform.probabilities(row.map { $0 + shift }))
      guard let index = row.indices.first(where: { before[$0] != after[$0] }) else { return nil }
      return "class \(index) of \(row) went from \(before[index]) to \(after[index]) when \(shift) was added"
    }
  }

  /// A masked class gets exactly 0, and the others what they get without it, but for the order of sums.
  static var masks: Self {
    Self(name: "masks") { transform, row, p, generator in
      guard isOrdinary(row), row.count > 0 else { return nil }
      var masked = row
      for _ in 0...row.count / 3 { masked.insert(-.infinity, at: generator.integer(in: 0...masked.count)) }
      let (p, q) = (transform.probabilities(masked), transform.probabilities(row.filter { $0 > -.infinity }))
      if let index = masked.indices.first(where: { masked[$0] == -.infinity && p[$0] != 0 }) {
        return "masked class \(index) of \(masked) got \(p[index])"
      }
      let open = masked.indices.filter { masked[$0] > -.infinity }.map { p[$0] }
      return difference(between: q, and: open).map { "with and without masks, \($0)" }
    }
  }

  static var permutation: Self {
    Self(name: "permutation") { transform, row, p, generator in
      guard isOrdinary(row) else { return nil }
      var order = Array(row.indices)
      for index in order.indices.reversed() { order.swapAt(index, generator.integer(in: 0...index)) }
      let q = transform.probabilities(order.map { row[$0] })
      return difference(between: order.map { p[$0] }, and: q).map { "in the order \(order), \($0)" }
    }
  }

  /// Scaling logits and noise by the same power of two changes no bit.
  static var powerOfTwoScaling: Self {
    Self(name: "power-of-two scaling") { transform, row, p, generator in
      guard isOrdinary(row), let scaled = transform.scaledProbabilities else { return nil }
      let factor = Double(sign: .plus, exponent: generator.integer(in: -8...8), significand: 1)
      let stretched = row.map { $0 * Scalar(factor) }
      // Barring over- and underflow of the row itself.
      let isExact = zip(row, stretched).allSatisfy {
        $1 / Scalar(factor) == $0 && ($1.isFinite || !$0.isFinite)
      }
      guard isExact else { return nil }
      let (before, after) = (p, scaled(stretched, factor))
      guard let index = row.indices.first(where: { before[$0] != after[$0] }) else { return nil }
      return "class \(index) went from \(before[index]) to \(after[index]) at \(factor) times the scale"
    }
  }

  /// The exponential of a log-probability is the probability, and a log-probability is never above 0.
  static var logarithms: Self {
    Self(name: "log-probabilities") { transform, row, p, _ in
      guard isOrdinary(row), let logs = transform.logProbabilities?(row) else { return nil }
      for index in row.indices {
        let (log, value) = (Double(logs[index]), Double(p[index]))
        if log.isNaN || log > 0 && transform.isNormalized {
          return "class \(index) got log-probability \(log)"
        }
        guard value >= Double(PrecisionBounds<Scalar>.smallest) else { continue }
        // In Float, a rounded log-probability stands for a range of probabilities.
        let bound = 2 * Double(PrecisionBounds<Scalar>.accuracy) + log.magnitude * Double(Scalar.ulpOfOne)
        if (exponential(log) / value - 1).magnitude > bound {
          return "class \(index) has probability \(value) and log-probability \(log)"
        }
      }
      return nil
    }
  }

  /// Every form of the call gives the same bits.
  static var forms: Self {
    Self(name: "forms") { transform, row, p, _ in
      let expected = p.map { $0.isNaN ? -1 : $0 }
      for (name, form) in transform.otherForms.sorted(by: { $0.key < $1.key }) {
        let other = form(row).map { $0.isNaN ? -1 : $0 }
        if other != expected { return "\(expected) became \(other) \(name)" }
      }
      return nil
    }
  }

  /// What is wrong where two rows of probabilities should be the same but for the order of their sums.
  private static func difference(between p: [Scalar], and q: [Scalar]) -> String? {
    if p.count != q.count { return "\(p.count) classes became \(q.count)" }
    // A NaN is a difference.
    for (a, b) in zip(p, q) where !(max(a, b) < PrecisionBounds<Scalar>.smallest) {
      if !((a - b).magnitude <= PrecisionBounds<Scalar>.permutation * max(a, b)) { return "\(a) became \(b)" }
    }
    return nil
  }
}
