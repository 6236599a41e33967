/// The classes of one row that can win, in rising order of their gaps, ties merged.
struct PanelRow {
  /// Every open class that can win, as a point. `x` is −gap, but at most `farthest`; `exponent` is by how much −gap exceeds
  /// that; `weight` is the index of the class in the row.
  let sorted: UnsafeMutablePointer<PanelPoint>
  private(set) var open = 0
  /// The distinct values of −gap, with the number of ties as weight.
  let classes: UnsafeMutablePointer<PanelPoint>
  private(set) var count = 0

  /// A class whose support reaches less far into the leader's has a probability below 2⁻¹⁰⁰⁰, and its panels would
  /// underflow: it is integrated as one that reaches so far.
  static var leastReach: Double { 0x1p-500 }

  /// A row is n gaps and their n remainders. A class is left out if −gap is at least the width of the support, since it
  /// cannot win, or above `reach`. Where −gap is above `farthest`, that counts instead. The memory is for n points each.
  init(
    _ row: UnsafeBufferPointer<Double>, width: Double, reach: Double = .infinity,
    farthest: Double = .infinity, sorted: UnsafeMutablePointer<PanelPoint>,
    classes: UnsafeMutablePointer<PanelPoint>, other: UnsafeMutablePointer<PanelPoint>
  ) {
    self.sorted = sorted
    self.classes = classes
    let n = row.count / 2
    for index in 0..<n where row[index] > -.infinity {
      var behind = DoubleDouble(0 - row[index], 0 - row[n + index])
      guard behind.isBelow(width), behind.high <= reach else { continue }
      let reach = (DoubleDouble(width) - behind).value
      let excess = Swift.max(behind.high - farthest, 0)
      if excess > 0 { behind = DoubleDouble(farthest) }
      if reach < Self.leastReach { behind = DoubleDouble(width, -Self.leastReach) }
      sorted[open] = PanelPoint(x: behind, weight: Double(index), exponent: excess)
      open += 1
    }
    sortByX(sorted, count: open, other: other)
    for index in 0..<open {
      let behind = sorted[index].x
      if count > 0 && behind == classes[count - 1].x {
        classes[count - 1].weight += 1
      } else {
        classes[count] = PanelPoint(x: behind, weight: 1, exponent: 0)
        count += 1
      }
    }
  }
}

/// Sorts points into rising order: a merge sort, whose memory the caller keeps.
func sortByX(
  _ points: UnsafeMutablePointer<PanelPoint>, count: Int, other: UnsafeMutablePointer<PanelPoint>
) {
  var (source, target) = (points, other)
  var length = 1
  while length < count {
    var start = 0
    while start < count {
      let middle = Swift.min(start + length, count)
      let end = Swift.min(middle + length, count)
      var (left, right) = (start, middle)
      for slot in start..<end {
        let takesLeft =
          right == end || (left < middle && !(source[right].x < source[left].x))
        target[slot] = source[takesLeft ? left : right]
        if takesLeft { left += 1 } else { right += 1 }
      }
      start = end
    }
    (source, target) = (target, source)
    length *= 2
  }
  if source != points { points.update(from: source, count: count) }
}
