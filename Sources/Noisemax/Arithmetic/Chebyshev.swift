/// Chebyshev polynomials T_k, and the zeros of T_n. A polynomial of degree n − 1 through a function at these zeros is nearly
/// the best of its degree.
enum Chebyshev {
  static func zeros(_ count: Int) -> [Double] {
    (0..<count).map { GaussLegendre.cosineOfHalfTurns((Double($0) + 0.5) / Double(count)) }
  }

  /// T_k at a zero of T_count.
  static func value(_ k: Int, atZero index: Int, of count: Int) -> Double {
    let turns = k * (2 * index + 1) % (4 * count)
    // cos is even and has the period 4·count of these.
    let folded = min(turns, 4 * count - turns)
    return GaussLegendre.cosineOfHalfTurns(Double(folded) / Double(2 * count))
  }

  /// The share of the value at a zero of T_count in the coefficient of T_k.
  static func share(ofZero index: Int, in k: Int, of count: Int) -> Double {
    value(k, atZero: index, of: count) * (k == 0 ? 1 : 2) / Double(count)
  }

  /// T_0, T_1, …, each by its coefficients of t⁰, t¹, ….
  static func powers(_ count: Int) -> [[Double]] {
    var result: [[Double]] = [[1]]
    for k in 1..<count {
      var next = [0] + result[k - 1].map { $0 * (k == 1 ? 1 : 2) }
      if k > 1 { for (power, value) in result[k - 2].enumerated() { next[power] -= value } }
      result.append(next)
    }
    return result
  }
}
