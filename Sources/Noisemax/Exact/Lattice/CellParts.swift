/// A cell of the lattice in equal parts, where shorter polynomials do.
///
/// With S parts and t = a + t'/S, the power tᵏ is a polynomial of the offset t' ∈ −1…1 in the part. Only low powers of t' are
/// kept. A higher power is replaced by the polynomial of lower ones that agrees with it at fixed nodes, near those of
/// Chebyshev.
package final class CellParts: @unchecked Sendable {
  private let memory = KeptMemory()
  package let count: Int
  /// momentShares[8·(5·part + j) + k]: the share of a part's moment j, 0…4, in its cell's moment k.
  package let momentShares: UnsafePointer<Double>
  /// coefficientShares[4·(count·(k − 1) + part) + d]: the share of a cell's coefficient of tᵏ, k = 1…7, in a part's
  /// coefficient d, 0…3.
  package let coefficientShares: UnsafePointer<Double>

  /// The positive zeros of Chebyshev's polynomial of degree 5.
  private static let zeros = [0.5877852522924731, 0.9510565162951535]

  /// - Parameters:
  ///   - count: The number of parts.
  ///   - terms: The number of coefficients and moments of a cell that are not 0.
  package init(_ count: Int, terms: Int) {
    self.count = count
    let width = 1 / Double(count)
    /// tᵏ as a polynomial of the offset in a part, with higher powers as polynomials of lower ones.
    func powers(_ k: Int, inPart part: Int, _ shortened: (Int) -> [Double]) -> [Double] {
      let middle = Double(2 * part + 1 - count) * width
      var binomial = 1.0
      var result = [Double](repeating: 0, count: 8)
      for j in 0...k {
        let factor = binomial * power(middle, k - j) * power(width, j)
        for (degree, coefficient) in shortened(j).enumerated() { result[degree] += factor * coefficient }
        binomial = binomial * Double(k - j) / Double(j + 1)
      }
      return result
    }
    let moments = (0..<count).map { part in
      (0..<8).map { k in
        powers(k, inPart: part) { Self.shortened($0, even: [0] + Self.zeros, odd: Self.zeros) }
      }
    }
    momentShares = memory.keep(
      moments.flatMap { part in (0..<5).flatMap { j in (0..<8).map { k in k < terms ? part[k][j] : 0 } } })
    // Even powers agree in the middle, where p itself is kept, and at a node that brings t⁴ as near as it then can be. Odd
    // ones agree at the zeros of Chebyshev's polynomial of degree 4.
    let coefficients = (1..<8).map { k in
      (0..<count).flatMap { part in
        powers(k, inPart: part) {
          Self.shortened($0, even: [0, 0.9101797211244547], odd: [0.3826834323650898, 0.9238795325112867])
        }[..<4]
      }
    }
    coefficientShares = memory.keep(coefficients.flatMap(\.self))
  }

  /// The matrix of a basis with only the first four coefficients of cells that are parts themselves.
  func shortened(_ basis: CellBasis) -> [Double] {
    (0..<basis.taps).flatMap { tap in
      let row = basis.matrix + 8 * tap
      let short = (0..<4).map { degree -> Double in
        let own = degree == 0 ? row[0] : 0
        return (1..<8).reduce(own) { $0 + row[$1] * coefficientShares[4 * ($1 - 1) + degree] }
      }
      return short + [0, 0, 0, 0]
    }
  }

  /// The polynomial that has only even powers, or only odd ones, and agrees with tᵏ at the nodes and their mirror images.
  private static func shortened(_ k: Int, even: [Double], odd: [Double]) -> [Double] {
    let parity = k % 2
    let squares = (parity == 0 ? even : odd).map { $0 * $0 }
    if k < 2 * squares.count + parity { return (0...k).map { $0 == k ? 1 : 0 } }
    var result = [Double](repeating: 0, count: 2 * squares.count)
    for (index, square) in squares.enumerated() {
      // Lagrange's polynomial of t² for this node.
      var polynomial = [power(square, (k - parity) / 2)]
      for (other, root) in squares.enumerated() where other != index {
        let slope = 1 / (square - root)
        polynomial = (0...polynomial.count).map { degree in
          slope
            * ((degree > 0 ? polynomial[degree - 1] : 0)
              - (degree < polynomial.count ? root * polynomial[degree] : 0))
        }
      }
      for (degree, coefficient) in polynomial.enumerated() { result[2 * degree + parity] += coefficient }
    }
    return result
  }
}

private func power(_ base: Double, _ exponent: Int) -> Double {
  (0..<exponent).reduce(1) { product, _ in product * base }
}
