extension Range<Int> {
  /// The first place from which on something holds, which is looked for by halving; the end if it nowhere does.
  @inline(__always)
  func firstPlace(where holds: (Int) -> Bool) -> Int {
    var (first, end) = (lowerBound, upperBound)
    while first < end {
      let middle = (first + end) / 2
      if holds(middle) { end = middle } else { first = middle + 1 }
    }
    return first
  }
}
