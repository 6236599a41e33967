import Noisemax

/// Rows that every transform meets first: the edges, and gaps that broke other implementations.
let fixedRows: [[Double]] = [
  [], [3], [-.infinity], [-.infinity, -.infinity], [0, 0], [-.infinity, 1, -.infinity],
  [.nan], [1, .nan, 2], [.infinity, 0, 1], [.infinity, .infinity, 0], [.infinity, -.infinity],
  [0, -20, -40], [0, -5, -10], [1000, 999.5, 998], [-4096, -4095.25, -4100], [0, -1e9, 3, -1e30],
  [1e30, -1e30], [3e38, -3e38, 2.9e38], [1.7e308, -1.7e308, 1e300], [1e-40, -1e-40, 0], [0, -0.0, 0],
  [0, -1, -0.5, -0.25],
]

/// One random row: the number decides its shape, the generator the rest, so that every suite of some length meets
/// every shape.
func randomRow<Scalar: LogitScalar>(
  number: Int, of rows: Int, largest: Int, using generator: inout SplitMix64
) -> [Scalar] {
  let shapes = RowShape.allCases
  // Sizes are even on a logarithmic scale; the last few rows are the largest.
  let exponent = number >= rows - 2 ? 1 : generator.unit()
  let count = Int((2 * power(Double(largest) / 2, exponent)).rounded())
  return shapes[number % shapes.count].row(count: count, using: &generator).map { Scalar($0) }
}

/// What a random row looks like.
enum RowShape: CaseIterable {
  case spread, ties, nearTies, masked, dominated, huge, subnormal, equal, ladder, flank

  func row(count: Int, using generator: inout SplitMix64) -> [Double] {
    let spreads = [1e-6, 0.01, 0.3, 1, 3, 10, 60]
    let spread = spreads[generator.integer(in: 0...spreads.count - 1)]
    var row = (0..<count).map { _ in spread * generator.bell() }
    switch self {
    case .spread: break
    case .ties:
      let values = row.prefix(generator.integer(in: 1...4))
      row = row.map { _ in values[generator.integer(in: 0...values.count - 1)] }
    case .nearTies:
      let centre = row[0]
      row = row.map { _ in centre + Double(generator.integer(in: -3...3)) * centre.ulp * 0x1p29 }
    case .masked:
      for index in row.indices where generator.unit() < 0.4 { row[index] = -.infinity }
    case .dominated: row[generator.integer(in: 0...count - 1)] = generator.number(in: 5...700)
    case .huge:
      let magnitude = power(10, generator.number(in: 3...37))
      row = row.map { $0 / 6 / spread * magnitude }
    case .subnormal: row = row.map { $0 / spread * 1e-42 }
    case .equal: row = row.map { _ in row[0] }
    case .ladder:
      let step = generator.number(in: 0.1...3)
      row = row.indices.map { -Double($0) * step }
    case .flank:
      // A rare class under many tied ones.
      row = row.map { _ in 0 }
      row[generator.integer(in: 0...count - 1)] = -generator.number(in: 0...40)
    }
    return row
  }
}

/// baseˣ for a base above 0, to a few digits: by squarings of the 2⁻ᵏ-th roots, so that every platform gets the
/// same rows.
private func power(_ base: Double, _ x: Double) -> Double {
  let whole = Int(x.rounded(.down))
  var result = (0..<whole).reduce(1.0) { product, _ in product * base }
  var (root, rest) = (base, x - Double(whole))
  for _ in 0..<20 {
    root.formSquareRoot()
    rest *= 2
    if rest >= 1 {
      result *= root
      rest -= 1
    }
  }
  return result
}
