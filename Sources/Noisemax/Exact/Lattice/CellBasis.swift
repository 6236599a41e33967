package import NoiseKernels

/// Interpolation on a uniform grid, one cell at a time, economised: a function given at an even number of grid
/// points around a cell becomes a short polynomial on the cell.
///
/// Lagrange's polynomial through the points is expanded in Chebyshev polynomials of t ∈ −1…1 on the middle cell and cut
/// off; for a smooth function what is cut off is far smaller than its share of the points, so that 16 points need
/// only 8 coefficients. The same matrix, transposed, spreads weights inside a cell onto the grid points.
package final class CellBasis: @unchecked Sendable {
  private let memory = KeptMemory()
  /// The number of grid points; those at the ends of the cell are `taps / 2 - 1` and `taps / 2`.
  let taps: Int
  /// The number of coefficients.
  let terms: Int
  /// matrix[8·tap + k]: the share of the value at a tap in the coefficient of tᵏ, 0 from `terms` on.
  let matrix: UnsafePointer<Double>
  /// The same numbers, in a row for every power tᵏ.
  package let shares: ShareRows
  /// Two rows of factors of the values at the taps. Their sums estimate two errors in the middle of the cell: that of
  /// Lagrange's polynomial, and that of the terms that are cut off.
  ///
  /// The first takes a difference of order `taps`, one more than the values have: half of the last one stands for it.
  let differences: UnsafePointer<Double>

  package init(taps: Int, terms: Int) {
    self.taps = taps
    self.terms = terms
    let positions = (0..<taps).map { Double($0 - taps / 2 + 1) }
    let zeros = Chebyshev.zeros(taps)
    let powers = Chebyshev.powers(terms)
    let matrix = positions.indices.flatMap { tap in
      let values = zeros.map { t in
        let x = (t + 1) / 2
        return positions.indices.filter { $0 != tap }
          .reduce(1) { $0 * (x - positions[$1]) / (positions[tap] - positions[$1]) }
      }
      var coefficients = [Double](repeating: 0, count: 8)
      for k in 0..<terms {
        let share = values.indices.reduce(0) {
          $0 + values[$1] * Chebyshev.share(ofZero: $1, in: k, of: taps)
        }
        for (power, value) in powers[k].enumerated() { coefficients[power] += share * value }
      }
      return coefficients
    }
    self.matrix = memory.keep(matrix)
    let ofTaps = positions.indices.reduce(0.5) { $0 * (positions[$1] - 0.5).magnitude / Double($1 + 1) }
    let ofTerms = (1...terms).reduce(2) { $0 / Double(4 * $1) }
    differences = memory.keep(
      Self.difference(of: taps - 1, times: ofTaps, among: taps)
        + Self.difference(of: terms, times: ofTerms, among: taps))
    let margin = [Double](repeating: 0, count: 8)
    let rows = memory.keep(
      (0..<8).flatMap { k in margin + (0..<taps).map { tap in matrix[8 * tap + k] } + margin })
    shares = ShareRows(start: rows + 8, stride: taps + 16, points: taps)
  }

  /// A factor times the central difference of some order, written as factors of so many values.
  private static func difference(of order: Int, times factor: Double, among count: Int) -> [Double] {
    var factors = [Double](repeating: 0, count: count)
    var binomial = factor
    for k in 0...order {
      factors[(count - order) / 2 + k] = binomial
      binomial *= -Double(order - k) / Double(k + 1)
    }
    return factors
  }

  /// The coefficients of the polynomial on the cell, eight whatever the terms.
  func coefficients(_ value: (_ tap: Int) -> Double) -> [Double] {
    (0..<8).map { k in (0..<taps).reduce(0) { $0 + matrix[8 * $1 + k] * value($1) } }
  }

  /// The share of a tap in the interpolated value at t ∈ −1…1.
  @inline(__always)
  func share(ofTap tap: Int, at t: Double) -> Double {
    let (c, s) = (matrix + 8 * tap, t * t)
    return (c[0] + s * (c[2] + s * (c[4] + s * c[6]))) + t * (c[1] + s * (c[3] + s * (c[5] + s * c[7])))
  }

  /// The interpolated value at t ∈ −1…1 of the cell.
  func value(of values: [Double], at t: Double) -> Double {
    values.indices.reduce(0) { $0 + share(ofTap: $1, at: t) * values[$1] }
  }

  /// How many cells a tap stands above the lower end of the cell.
  func position(of tap: Int) -> Double { Double(tap - taps / 2 + 1) }
}
