internal import NoiseKernels

/// The sums of the quantile rule under a law that the vector loops know, eight nodes at a time.
struct QuantileVectors: QuantileSums {
  private let table: QuantileTable
  private let noise: any AccurateNoise
  /// From this difference on F is above 2⁻²⁵⁰ at all nodes, or 0 below the support.
  private let lowest: Double
  private let memory = KeptMemory()

  /// Nil for a law without such loops.
  init?(_ noise: some NoiseDistribution, nodes: [Double]) {
    let law: QuantileTable.Law
    // Where F is 0, where it is 1 to rounding, and where it is too small for the loops.
    let ends: (zero: Double, one: Double, lowest: Double)
    switch noise {
    case is Uniform: (law, ends, seconds) = (.uniform, (0, 1, -.infinity), (9e-11, 3e-10))
    case is Exponential: (law, ends, seconds) = (.exponential, (0, 44, -.infinity), (2e-10, 5e-10))
    case is Laplace: (law, ends, seconds) = (.laplace, (-.infinity, 44, -172), (2e-10, 2e-10))
    case is Logistic: (law, ends, seconds) = (.logistic, (-.infinity, 44, -172), (1e-10, 2e-10))
    case is Normal: (law, ends, seconds) = (.normal, (-.infinity, 9.25, -18), (2e-9, 2e-9))
    case is Gumbel: (law, ends, seconds) = (.gumbel, (-.infinity, 44, -.infinity), (4e-10, 1e-10))
    case is ReversedGumbel:
      (law, ends, seconds) = (.reversedGumbel, (-.infinity, 3.8, -172), (6e-10, 1.5e-9))
    default: return nil
    }
    guard let noise = noise as? any AccurateNoise else { return nil }
    self.noise = noise
    lowest = ends.lowest - nodes[0]
    let last = nodes[nodes.count - 1]
    let paddedNodes = nodes + [Double](repeating: last, count: padded(nodes.count) - nodes.count)
    table = QuantileTable(
      law, nodes: nodes.count, values: memory.keep(paddedNodes),
      rising: memory.keep(paddedNodes.map { exponential($0) }),
      falling: memory.keep(paddedNodes.map { exponential(-$0) }),
      scaledTail: memory.keep(Normal.scaledTailCoefficients), zero: ends.zero, one: ends.one)
  }

  /// The factors of many ties are powers, taken from logarithms: else the roundings of one factor would add up.
  func sum(of i: Int, in row: QuantileRow) -> QuantileValue {
    var (terms, differences) = (row.terms, row.differences)
    terms.reset()
    for j in 0..<row.count {
      let (difference, others) = (row.gaps[i] - row.gaps[j], row.others(than: i, at: j))
      if others > 6 || difference < lowest {
        for k in 0..<(others > 0 ? table.nodes : 0) {
          let logarithm = noise.logCumulative(at: difference + table.values[k])
          terms.multiply(k, byExponentialOf: others * logarithm)
        }
      } else {
        for _ in 0..<Int(others) { differences.append(difference) }
      }
    }
    if differences.count > 0 { terms.multiplyByCumulatives(at: differences.filled(), table) }
    return terms.sum()
  }

  func sumReversedHazards(of i: Int, times products: UnsafePointer<Double>, in row: QuantileRow) {
    var differences = row.differences
    for j in 0..<row.count { differences.append(row.gaps[i] - row.gaps[j]) }
    kernels.sumReversedHazards(at: differences.filled(), times: products, table, to: row.sums)
  }

  func cumulative(at x: Double) -> Double { noise.cumulative(at: x) }

  func logCumulative(at x: Double) -> Double { noise.logCumulative(at: x) }

  let seconds: (factor: Double, reversedHazard: Double)
}

/// An empty list of differences, with memory for them and for two more numbers for each.
struct QuantileList {
  private let values, rising, falling: UnsafeMutablePointer<Double>
  private(set) var count = 0

  init(capacity: Int, in memory: inout Pieces) {
    values = memory.take(padded(capacity))
    rising = memory.take(padded(capacity))
    falling = memory.take(padded(capacity))
  }

  mutating func append(_ value: Double) {
    values[count] = value
    count += 1
  }

  /// The differences with their exponentials.
  func filled() -> QuantileDifferences {
    kernels.exponentials(of: values, count, shift: 0, to: rising)
    kernels.scaled(values, count, by: -1, to: falling)
    kernels.exponentials(of: falling, count, shift: 0, to: falling)
    return QuantileDifferences(values: values, rising: rising, falling: falling, count: count)
  }
}
