/// Two classes under a smooth law: functions of one gap, and so tables, made by the lattice itself.
///
/// Cost of a row: one polynomial and one exponential, for the probabilities as for their derivative.
final class PairTable: Sendable {
  private let probabilities: PairFunction
  private let slopes: PairFunction

  /// - Returns: nil for a law whose own values are so rough that no table agrees with the lattice.
  init?(_ lattice: Lattice) {
    let depth = min(lattice.table.depth, 32 * lattice.table.quartiles)
    let (probability, slope) = (
      PairFunction(PairLogarithms(of: .probability, lattice), depth: depth, tolerance: 1e-13),
      PairFunction(
        PairLogarithms(of: .slope, lattice), depth: min(depth, 10 * lattice.table.quartiles), tolerance: 1e-12
      )
    )
    guard let probability, let slope else { return nil }
    (probabilities, slopes) = (probability, slope)
  }

  /// The table goes down to gaps of −depth. Rarer classes are left to the lattice.
  var depth: Double { probabilities.depth }

  /// The probability of a class at a gap within −depth…0 beside a leader.
  @inline(__always)
  func probability(at gap: Double) -> Double { gap == 0 ? 0.5 : probabilities.value(at: gap) }

  /// The derivatives go down to gaps of −slopeDepth.
  var slopeDepth: Double { slopes.depth }

  /// The derivative of the probability at a gap within −slopeDepth…0.
  @inline(__always)
  func slope(at gap: Double) -> Double { slopes.value(at: gap) }
}

/// A function f of one gap: on every cell f(t) = f(0)·e^polynomial(t), with the offset t ∈ −1…1.
private struct PairFunction: Sendable {
  let depth: Double
  private let perUnit: Double
  /// For every cell, the one next to gap 0 first, the value in the middle and the coefficients of t, …, t⁷.
  private let rows: [Double]

  init?(_ logarithms: consuming PairLogarithms, depth: Double, tolerance: Double) {
    var logarithms = logarithms
    self.depth = depth
    // Halved until interpolation agrees with the lattice; far from gap 0 everything is smoother.
    var halvings = 0
    while !(0..<24).allSatisfy({ logarithms.error(inCell: $0) <= tolerance }) {
      if halvings == 6 { return nil }
      logarithms.halve()
      halvings += 1
    }
    perUnit = 1 / logarithms.cell
    var rows: [Double] = []
    for index in 0...Int((depth * perUnit).rounded(.up)) {
      let (reference, coefficients) = logarithms.polynomial(inCell: index)
      rows += [exponential(reference + coefficients[0])] + coefficients[1...]
    }
    self.rows = rows
  }

  @inline(__always)
  func value(at gap: Double) -> Double {
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

/// The logarithm of a function of one gap at multiples of a cell, as far as it was asked for.
private struct PairLogarithms: ~Copyable {
  enum Function {
    /// The probability of a class that far below another one, or above it.
    case probability
    /// Its derivative.
    case slope
  }

  private let function: Function
  private(set) var cell: Double
  private let lattice: Lattice
  private let basis: CellBasis
  private var known: [Int: Double] = [:]
  private var scratch = Scratch()
  private var row = Scratch()

  init(of function: Function, _ lattice: Lattice) {
    self.function = function
    self.lattice = lattice
    basis = lattice.table.bases[.double]
    cell = Double(lattice.table.choice(for: 2, precision: .double).stride) * lattice.table.unit
  }

  mutating func halve() {
    cell /= 2
    known = Dictionary(uniqueKeysWithValues: known.map { (2 * $0.key, $0.value) })
  }

  /// On the cell from gap −(index + 1)·w to −index·w: the logarithm at a grid point, and the coefficients of what is added.
  mutating func polynomial(inCell index: Int) -> (reference: Double, coefficients: [Double]) {
    // Basis and values go from the lowest tap up.
    let values = (0..<basis.taps).map { value(at: index + basis.taps / 2 - $0) }
    let reference = values[basis.taps / 2]
    return (reference, basis.coefficients { values[$0] - reference })
  }

  mutating func error(inCell index: Int) -> Double {
    let (reference, coefficients) = polynomial(inCell: index)
    return (reference + coefficients[0] - logarithms(at: -(Double(index) + 0.5) * cell).below).magnitude
  }

  /// The logarithm for a class so many cells behind the other one, or ahead of it if the number is negative.
  private mutating func value(at steps: Int) -> Double {
    if let value = known[steps] { return value }
    let pair = logarithms(at: -Double(abs(steps)) * cell)
    known[abs(steps)] = pair.below
    known[-abs(steps)] = pair.above
    return steps < 0 ? pair.above : pair.below
  }

  private mutating func logarithms(at gap: Double) -> (above: Double, below: Double) {
    let memory = row.reserve(24)
    memory.update(repeating: -.infinity)
    let (gaps, cotangent) = (
      UnsafeMutableBufferPointer(rebasing: memory[..<2]), UnsafeMutableBufferPointer(rebasing: memory[8..<10])
    )
    (gaps[0], gaps[1]) = (0, gap)
    guard let start = memory.baseAddress else { return (0, 0) }
    let vectors = RowVectors(cotangent: cotangent, spare: start + 16)
    switch function {
    case .probability:
      _ = lattice.evaluate(
        gaps, for: .logarithms, vectors: vectors, precision: .double, scratch: &scratch)
      return (gaps[0], gaps[1])
    case .slope:
      (cotangent[0], cotangent[1]) = (0, 1)
      _ = lattice.evaluate(
        gaps, for: .pullback, vectors: vectors, precision: .double, scratch: &scratch)
      let slope = logarithm(cotangent[1])
      return (slope, slope)
    }
  }
}
