// Where the integrand G(x)·r(x − μ) of one class far behind the leader is largest.

extension DeepClasses {
  /// The highest node of a class's integrand, and the width of the cell that resolves it.
  struct Peak {
    let gap, x: Double
    let exponent: Int
  }

  /// Where a class has its peak, if this moves on a straight line between the two classes next to it whose peaks are known,
  /// or beyond them. Nil where it hardly does: one of the three is twice as far from the leader as another.
  func expectedPeak(of gap: Double) -> Peak? {
    guard peaks.count > 1 else { return nil }
    let next = peaks.indices.firstPlace { peaks[$0].gap < gap }
    let first = min(max(next - 1, 0), peaks.count - 2)
    let (above, below) = (peaks[first], peaks[first + 1])
    guard min(gap, below.gap) >= 2 * max(gap, above.gap) else { return nil }
    let x = above.x + (gap - above.gap) / (below.gap - above.gap) * (below.x - above.x)
    return x.isFinite ? Peak(gap: gap, x: x, exponent: peaks[max(next - 1, 0)].exponent) : nil
  }

  /// Keeps the peak of a class.
  func keep(_ peak: Peak) {
    let index = peaks.indices.firstPlace { peaks[$0].gap < peak.gap }
    if index == 0 || peaks[index - 1].gap > peak.gap { peaks.insert(peak, at: index) }
  }

  /// Three nodes a < m < b and the integrand's logarithm there, which is concave and largest at m.
  private struct Bracket {
    var (a, m, b) = (0.0, 0.0, 0.0)
    var (atA, atM, atB) = (0.0, 0.0, 0.0)

    func contains(_ x: Double) -> Bool { x > a && x < b && x != m }

    mutating func add(_ x: Double, _ value: Double) {
      switch (value > atM, x > m) {
      case (true, true): (a, atA, m, atM) = (m, atM, x, value)
      case (true, false): (b, atB, m, atM) = (m, atM, x, value)
      case (false, true): (b, atB) = (x, value)
      case (false, false): (a, atA) = (x, value)
      }
    }
  }

  /// What may be left to gain at a peak.
  static let mostLeft = 4.0

  /// The node of the peak of a class's integrand, and its logarithm there: at most `mostLeft` below the true peak, or below
  /// it by no more than the rounding of a large logarithm.
  func highest(of gap: Double) -> (x: Double, value: Double) {
    var bracket = bracket(of: gap)
    guard bracket.atM > -.infinity else { return (bracket.m, bracket.atM) }
    // How much farther probes are taken where rounding hides what they gain.
    var reach = 1.0
    for step in 0..<1200 {
      let (a, m, b) = (bracket.a, bracket.m, bracket.b)
      let (rise, fall) = ((bracket.atM - bracket.atA) / (m - a), (bracket.atM - bracket.atB) / (b - m))
      // A concave function lies below the chords that lead to its inner points.
      let enough = max(Self.mostLeft, 3e-14 * bracket.atM.magnitude)
      if max(rise * (b - m), fall * (m - a)) <= enough { break }
      // Four probes in turns: the vertex of the parabola through the three nodes; then, on the longer side of m, where that
      // parabola has fallen by `enough`; a little from m, where the classes are; and a little from the end.
      let isAbove = b - m > m - a
      let (length, other) = isAbove ? (b - m, m - a) : (m - a, b - m)
      var x = (a + m) / 2 + rise / (rise + fall) * ((b - a) / 2)
      if step % 4 > 0 || !bracket.contains(x) {
        var distance = max(2 * scale.unit, 4 * other, 0x1p-48 * length)
        let breadth = (enough * (b - a) / (rise + fall)).squareRoot()
        if step % 4 == 1 { distance = max(breadth, scale.unit / 64, 0x1p-48 * length) }
        distance = min(distance * reach, length / 2)
        if step % 4 == 3 && length > 32 * scale.unit { distance = length - 8 * scale.unit }
        x = isAbove ? m + distance : m - distance
      }
      if !bracket.contains(x) { x = isAbove ? m + length / 2 : m - length / 2 }
      guard bracket.contains(x) else { break }
      let value = logIntegrand(of: gap, at: x)
      let isHidden = (value - bracket.atM).magnitude <= 1e-15 * bracket.atM.magnitude
      if isHidden, (x - m).magnitude < length / 4 {
        if reach > 0x1p80 { break }
        reach *= 4
        continue
      }
      // The peak may lie between m and a probe as high as m. Beyond one so far from m it gains at most three times what
      // rounding hides.
      reach = 1
      bracket.add(x, value)
    }
    return (bracket.m, bracket.atM)
  }

  /// Nodes around the peak. If all of them are without a finite value, there is none.
  private func bracket(of gap: Double) -> Bracket {
    /// Whether the integrand is larger at the next landmark below. Where it is 0, the noise of the class may not reach.
    func isRising(_ index: Int) -> Bool {
      let (here, below) = (atLandmark(index, gap), atLandmark(index + 1, gap))
      return below == -.infinity && here == below
        ? scale.logReversedHazard(landmarks[index + 1].x - gap) == below : below > here
    }
    let highest = (1..<landmarks.count - 2).firstPlace { !isRising($0) }
    var bracket = Bracket()
    (bracket.a, bracket.atA) = (landmarks[highest + 1].x, atLandmark(highest + 1, gap))
    (bracket.m, bracket.atM) = (landmarks[highest].x, atLandmark(highest, gap))
    (bracket.b, bracket.atB) = (landmarks[highest - 1].x, atLandmark(highest - 1, gap))
    findFiniteValue(&bracket, of: gap)
    if bracket.atM > -.infinity { widen(&bracket, around: highest, of: gap) }
    return bracket
  }

  private func atLandmark(_ index: Int, _ gap: Double) -> Double {
    let logReversedHazard = scale.logReversedHazard(landmarks[index].x - gap)
    if logReversedHazard == -.infinity { return logReversedHazard }
    if landmarks[index].logG.isNaN { landmarks[index].logG = logG.value(at: landmarks[index].x) }
    return logReversedHazard + landmarks[index].logG
  }

  /// Between two landmarks far apart the logarithm may be finite, although it is −∞ at both.
  private func findFiniteValue(_ bracket: inout Bracket, of gap: Double) {
    for _ in 0..<1200 where bracket.atM == -.infinity {
      let x = bracket.a + (bracket.b - bracket.a) / 2
      guard x > bracket.a, x < bracket.b else { break }
      let value = logIntegrand(of: gap, at: x)
      if value > -.infinity {
        (bracket.m, bracket.atM) = (x, value)
      } else if scale.logReversedHazard(x - gap) == value {
        (bracket.b, bracket.atB) = (x, value)
      } else {
        (bracket.a, bracket.atA) = (x, value)
      }
    }
  }

  /// Moves the ends out to where the integrand is lower beyond rounding, past all landmarks if need be: of neighbouring
  /// landmarks rounding may have picked any.
  private func widen(_ bracket: inout Bracket, around index: Int, of gap: Double) {
    func isLower(_ value: Double) -> Bool { value < bracket.atM - 1e-12 * bracket.atM.magnitude }
    func next(to end: Double, _ index: Int) -> (x: Double, value: Double) {
      if landmarks.indices.contains(index) { return (landmarks[index].x, atLandmark(index, gap)) }
      let distance = max(scale.unit, 0x1p-40 * gap.magnitude, 16 * (end - bracket.m).magnitude)
      let x = index < 0 ? end + distance : end - distance
      return (x, logIntegrand(of: gap, at: x))
    }
    let last = landmarks.count - 1
    var (high, low, stride) = (index - 1, index + 1, 1)
    for _ in 0..<300 where !isLower(bracket.atB) && bracket.b < 1e307 {
      if bracket.atB > bracket.atM { (bracket.m, bracket.atM) = (bracket.b, bracket.atB) }
      high = high > 0 ? max(high - stride, 0) : -1
      (bracket.b, bracket.atB) = next(to: bracket.b, high)
      stride = min(2 * stride, last)
    }
    stride = 1
    for _ in 0..<300 where !isLower(bracket.atA) && bracket.a > -1e307 {
      if bracket.atA > bracket.atM { (bracket.m, bracket.atM) = (bracket.a, bracket.atA) }
      low = low < last ? min(low + stride, last) : last + 1
      (bracket.a, bracket.atA) = next(to: bracket.a, low)
      stride = min(2 * stride, last)
    }
  }
}
