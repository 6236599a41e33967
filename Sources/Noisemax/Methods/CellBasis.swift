/// Interpolation on a uniform grid, one cell at a time, economised: a function given at an even number of grid
/// points around a cell becomes a short polynomial on the cell.
///
/// Lagrange's polynomial through the points is expanded in Chebyshev polynomials of t ∈ −1…1 on the middle cell and cut
/// off; for a smooth function what is cut off is far smaller than its share of the points, so that 16 points need
/// only 8 coefficients. The same matrix, transposed, spreads weights inside a cell onto the grid points.
final class CellBasis: @unchecked Sendable {
  private let memory = KeptMemory()
  /// The number of grid points; those at the ends of the cell are `taps / 2 - 1` and `taps / 2`.
  let taps: Int
  /// The number of coefficients.
  let terms: Int
  /// matrix[8·tap + k]: the part of the value at a tap in the coefficient of tᵏ, 0 from `terms` on.
  let matrix: UnsafePointer<Double>
  /// The same by terms, every row between 8 and 8 zeros: shares[(taps + 16)·k + 8 + tap].
  let shares: UnsafePointer<Double>

  init(taps: Int, terms: Int) {
    self.taps = taps
    self.terms = terms
    let positions = (0..<taps).map { Double($0 - taps / 2 + 1) }
    // Chebyshev's nodes on the cell, and cos(jθ) there by the recurrence.
    let nodes = (0..<taps).map { GaussLegendre.cosineOfHalfTurns((Double($0) + 0.5) / Double(taps)) }
    var chebyshev = [[Double]](repeating: [1], count: 1)
    for k in 1..<terms {
      var next = [0] + chebyshev[k - 1].map { $0 * (k == 1 ? 1 : 2) }
      if k > 1 { for (power, value) in chebyshev[k - 2].enumerated() { next[power] -= value } }
      chebyshev.append(next)
    }
    let matrix = positions.indices.flatMap { tap in
      let values = nodes.map { t in
        let x = (t + 1) / 2
        return positions.indices.filter { $0 != tap }
          .reduce(1) { $0 * (x - positions[$1]) / (positions[tap] - positions[$1]) }
      }
      var coefficients = [Double](repeating: 0, count: 8)
      for k in 0..<terms {
        let sum = zip(nodes, values).reduce(0) { $0 + $1.1 * polynomial(chebyshev[k], at: $1.0) }
        let share = sum * (k == 0 ? 1 : 2) / Double(taps)
        for (power, value) in chebyshev[k].enumerated() { coefficients[power] += share * value }
      }
      return coefficients
    }
    self.matrix = memory.keep(matrix)
    let zeros = [Double](repeating: 0, count: 8)
    shares = memory.keep(
      (0..<8).flatMap { k in zeros + (0..<taps).map { tap in matrix[8 * tap + k] } + zeros })
  }

  /// How many cells a tap stands above the lower end of the cell.
  func position(of tap: Int) -> Double { Double(tap - taps / 2 + 1) }
}
