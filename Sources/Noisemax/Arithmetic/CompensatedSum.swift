/// A running sum that also keeps what its roundings lost (Neumaier): the error does not grow with the number of terms, and
/// the order of the terms hardly matters.
package struct CompensatedSum {
  private(set) var leading: Double
  private(set) var lost = 0.0

  package init(_ start: Double = 0) { leading = start }

  @inline(__always)
  init(of terms: some Sequence<Double>) {
    self.init()
    for term in terms { add(term) }
  }

  @inline(__always)
  package mutating func add(_ term: Double) {
    let exact = DoubleDouble(sumOf: leading, and: term)
    leading = exact.high
    lost += exact.low
  }

  /// The sum. An infinite one stays infinite, although what its roundings lost is then NaN.
  package var value: Double { leading.isFinite ? leading + lost : leading }
}
