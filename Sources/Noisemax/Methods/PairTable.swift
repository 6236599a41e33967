/// The probability of the lesser of two classes under a smooth law: a function of one gap, and so a table, made by the
/// lattice itself.
///
/// On every cell between the grid points a polynomial of t ∈ −1…1 is the logarithm of the probability, relative to its
/// value in the middle. Cost of a row: one polynomial and one exponential.
final class PairTable: Sendable {
  /// How deep the gaps of the table are: far enough for any but the rarest, which the lattice itself serves.
  let depth: Double
  private let perUnit: Double
  private let cells: Int
  /// For every cell, the one next to gap 0 first, the probability in the middle and the coefficients of t, …, t⁷.
  private let rows: [Double]

  init(_ lattice: Lattice) {
    var logarithms = PairLogarithms(lattice)
    let noise = lattice.table.noise
    let quartiles = noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    depth = min(lattice.table.depth, 32 * quartiles)
    // Halved until interpolation agrees with the lattice; far from gap 0 everything is smoother.
    while (0..<24).contains(where: { logarithms.error(inCell: $0) > 1e-13 }) { logarithms.halve() }
    perUnit = 1 / logarithms.cell
    cells = Int((depth * perUnit).rounded(.up)) + 1
    rows = (0..<cells).flatMap { index in
      let (reference, coefficients) = logarithms.polynomial(inCell: index)
      return [exponential(reference + coefficients[0])] + coefficients[1...]
    }
  }

  /// The probability of a class at a gap within −depth…0 beside a leader.
  @inline(__always)
  func probability(at gap: Double) -> Double {
    if gap == 0 { return 0.5 }
    let position = -gap * perUnit
    let cell = Int(position)
    let t = 1 - 2 * (position - Double(cell))
    return rows.withUnsafeBufferPointer { rows in
      let c = UnsafeBufferPointer(rebasing: rows[8 * cell..<8 * cell + 8])
      let s = t * t
      let rise = t * (c[1] + s * (c[3] + s * (c[5] + s * c[7]))) + s * (c[2] + s * (c[4] + s * c[6]))
      return c[0] * exponential(rise)
    }
  }
}

/// log p of one of two classes at gaps that are multiples of a cell, as far as they were asked for.
private struct PairLogarithms: ~Copyable {
  private(set) var cell: Double
  private let lattice: Lattice
  private let basis: CellBasis
  private var known: [Int: Double] = [:]
  private var scratch = Scratch()
  private var row = Scratch()

  init(_ lattice: Lattice) {
    self.lattice = lattice
    basis = lattice.table.bases[.double]
    cell = Double(lattice.table.stride(for: 2, precision: .double)) * lattice.table.unit
  }

  mutating func halve() {
    cell /= 2
    known = Dictionary(uniqueKeysWithValues: known.map { (2 * $0.key, $0.value) })
  }

  /// On the cell from gap −(index + 1)·w to −index·w: log p at a grid point, and the coefficients of what is added.
  mutating func polynomial(inCell index: Int) -> (reference: Double, coefficients: [Double]) {
    // Basis and places go from the deepest tap up.
    let values = (0..<basis.taps).map { value(at: index + basis.taps / 2 - $0) }
    let reference = values[basis.taps / 2]
    let coefficients = (0..<8).map { k in
      (0..<basis.taps).reduce(0) { $0 + basis.matrix[8 * $1 + k] * (values[$1] - reference) }
    }
    return (reference, coefficients)
  }

  mutating func error(inCell index: Int) -> Double {
    let (reference, coefficients) = polynomial(inCell: index)
    return (reference + coefficients[0] - logarithm(at: -(Double(index) + 0.5) * cell).lesser).magnitude
  }

  /// log p of a class that many cells below the other one, or above it if the number is negative.
  private mutating func value(at steps: Int) -> Double {
    if let value = known[steps] { return value }
    let pair = logarithm(at: -Double(abs(steps)) * cell)
    known[abs(steps)] = pair.lesser
    known[-abs(steps)] = pair.leader
    return steps < 0 ? pair.leader : pair.lesser
  }

  private mutating func logarithm(at gap: Double) -> (leader: Double, lesser: Double) {
    let pair = row.reserve(8)
    pair.update(repeating: -.infinity)
    (pair[0], pair[1]) = (0, gap)
    _ = lattice.replace(
      UnsafeMutableBufferPointer(rebasing: pair[..<2]), by: .logProbabilities, precision: .double,
      scratch: &scratch)
    return (pair[0], pair[1])
  }
}
