/// A running sum that also keeps what its roundings lost (Neumaier), so that the error does not grow with the
/// number of terms and the order of the terms does not matter.
struct CompensatedSum {
  private(set) var leading = 0.0
  private(set) var lost = 0.0

  @inline(__always)
  mutating func add(_ term: Double) {
    let exact = DoubleDouble(sumOf: leading, and: term)
    leading = exact.high
    lost += exact.low
  }

  var value: Double { leading + lost }
}
