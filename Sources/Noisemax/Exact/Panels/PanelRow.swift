/// The classes of one row that can win, in rising order of their gaps, ties merged.
struct PanelRow {
  /// Every open class that can win, as a point. `place` is −gap, but at most `farthest`; `exponent` is by how much −gap exceeds
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
      var distance = DoubleDouble(0 - row[index], 0 - row[n + index])
      guard distance.isBelow(width), distance.high <= reach else { continue }
      let reach = (DoubleDouble(width) - distance).value
      let excess = Swift.max(distance.high - farthest, 0)
      if excess > 0 { distance = DoubleDouble(farthest) }
      if reach < Self.leastReach { distance = DoubleDouble(width, -Self.leastReach) }
      sorted[open] = PanelPoint(place: distance, weight: Double(index), exponent: excess)
      open += 1
    }
    sortByPlace(sorted, count: open, other: other)
    for index in 0..<open {
      let place = sorted[index].place
      if count > 0 && place == classes[count - 1].place {
        classes[count - 1].weight += 1
      } else {
        classes[count] = PanelPoint(place: place, weight: 1, exponent: 0)
        count += 1
      }
    }
  }
}

/// Sorts points into rising order: a merge sort, whose memory the caller keeps.
func sortByPlace(
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
      for place in start..<end {
        let takesLeft =
          right == end || (left < middle && !(source[right].place < source[left].place))
        target[place] = source[takesLeft ? left : right]
        if takesLeft { left += 1 } else { right += 1 }
      }
      start = end
    }
    (source, target) = (target, source)
    length *= 2
  }
  if source != points { points.update(from: source, count: count) }
}
