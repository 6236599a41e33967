internal import NoiseKernels

/// The binomial sums that move power sums of twelve terms from one point to another, with the series of ``TailSeries``.
///
/// With M_k = Σ (y − d)ᵏ, the sum Σ c(y + t − d) of a series c is a polynomial of t, and so are the M_k of y + t. All
/// terms are positive.
final class UniformSeries: @unchecked Sendable {
  static let shared = UniformSeries()

  private let memory = KeptMemory()
  /// c_{k−1}·(k over q) of −log(1 − v), and c_k·(k over q) of 1/(1 − v), q by q.
  private let logarithms, inverses: UnsafePointer<Double>
  /// (k over i), k by k.
  private let binomials: UnsafePointer<Double>
  /// c of 1/(1 − v), and of −log(1 − v)/v.
  let inverse, logarithm: UnsafePointer<Double>

  private init() {
    let series = TailSeries.shared
    let terms = tailTerms
    var rows = [[Double]](repeating: [Double](repeating: 0, count: terms + 1), count: terms + 1)
    for k in 0...terms {
      rows[k][0] = 1
      for i in 1..<max(k + 1, 1) where k > 0 { rows[k][i] = rows[k - 1][i - 1] + rows[k - 1][i] }
    }
    binomials = memory.keep((0..<terms).flatMap { k in (0..<terms).map { rows[k][$0] } })
    logarithms = memory.keep(
      (1...terms).flatMap { q in
        (0..<terms).map { $0 + q <= terms ? series.logarithm[$0 + q - 1] * rows[$0 + q][q] : 0 }
      })
    inverses = memory.keep(
      (0..<terms).flatMap { q in
        (0..<terms).map { $0 + q < terms ? series.inverse[$0 + q] * rows[$0 + q][q] : 0 }
      })
    inverse = memory.keep(series.inverse)
    logarithm = memory.keep(series.logarithm)
  }

  /// −Σ log(1 − v − t)/t less what it is at t = 0, as a polynomial of t.
  func writeLogarithms(of moments: UnsafePointer<Double>, to polynomial: UnsafeMutablePointer<Double>) {
    write(logarithms, of: moments, to: polynomial)
  }

  /// Σ 1/(1 − v − t) as a polynomial of t.
  func writeInverses(of moments: UnsafePointer<Double>, to polynomial: UnsafeMutablePointer<Double>) {
    write(inverses, of: moments, to: polynomial)
  }

  @inline(__always)
  private func write(
    _ table: UnsafePointer<Double>, of moments: UnsafePointer<Double>,
    to polynomial: UnsafeMutablePointer<Double>
  ) {
    for q in 0..<tailTerms {
      let row = table + tailTerms * q
      var sum = 0.0
      for k in 0..<tailTerms - q { sum += row[k] * moments[k] }
      polynomial[q] = sum
    }
  }

  /// Replaces Σ w·vᵏ by Σ w·(v + width)ᵏ, times a factor.
  func shift(_ moments: UnsafeMutablePointer<Double>, by width: Double, times factor: Double = 1) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: tailTerms) { powers in
      powers[0] = factor
      for k in 1..<tailTerms { powers[k] = powers[k - 1] * width }
      for k in (0..<tailTerms).reversed() {
        let row = binomials + tailTerms * k
        var sum = 0.0
        for i in 0...k { sum += row[i] * powers[k - i] * moments[i] }
        moments[k] = sum
      }
    }
  }

  /// −log(1 − v) and 1/(1 − v) at most ⅛ away, and polynomials of that many terms.
  @inline(__always)
  static func value(of polynomial: UnsafePointer<Double>, at x: Double) -> Double {
    var sum = 0.0
    for k in (0..<tailTerms).reversed() { sum = sum * x + polynomial[k] }
    return sum
  }
}
