internal import NoiseKernels

/// The factors of a law that the vector loops know.
struct VectorFactors: QuantileFactors {
  private let table: QuantileTable
  private let noise: any ExactNoise
  /// From there on F is above 2⁻²⁵⁰, or 0 below the support.
  private let lowest: Double
  private let memory = KeptMemory()

  /// Nil for a law without such loops.
  init?(_ noise: some NoiseDistribution, nodes: [Double]) {
    let law: QuantileTable.Law
    // Where F is 0, where it is 1 to rounding, and where it is too small for the loops.
    let ends: (zero: Double, one: Double, lowest: Double)
    switch noise {
    case is Uniform: (law, ends, seconds) = (.uniform, (0, 1, -.infinity), (5e-11, 1e-10))
    case is Exponential: (law, ends, seconds) = (.exponential, (0, 44, -.infinity), (2e-10, 5e-10))
    case is Laplace: (law, ends, seconds) = (.laplace, (-.infinity, 44, -172), (2e-10, 2e-10))
    case is Logistic: (law, ends, seconds) = (.logistic, (-.infinity, 44, -172), (1e-10, 2e-10))
    case is Normal: (law, ends, seconds) = (.normal, (-.infinity, 9.25, -18), (2e-9, 2e-9))
    case is Gumbel: (law, ends, seconds) = (.gumbel, (-.infinity, 44, -.infinity), (4e-10, 1e-10))
    case is ReversedGumbel:
      (law, ends, seconds) = (.reversedGumbel, (-.infinity, 3.8, -172), (6e-10, 1.5e-9))
    default: return nil
    }
    guard let noise = noise as? any ExactNoise else { return nil }
    self.noise = noise
    lowest = ends.lowest
    let last = nodes[nodes.count - 1]
    let places = nodes + [Double](repeating: last, count: padded(nodes.count) - nodes.count)
    table = QuantileTable(
      law, nodes: nodes.count, values: memory.keep(places),
      rising: memory.keep(places.map { exponential($0) }),
      falling: memory.keep(places.map { exponential(-$0) }),
      scaledTail: memory.keep(Normal.scaledTailCoefficients), zero: ends.zero, one: ends.one)
  }

  let seconds: (factor: Double, hazard: Double)

  func cumulative(at x: Double) -> Double { noise.cumulative(at: x) }

  func logCumulative(at x: Double) -> Double { noise.logCumulative(at: x) }

  func multiply(_ products: inout QuantileProducts, by differences: QuantileList) {
    // The first ones may be too deep.
    var start = 0
    while start < differences.count, differences.values[start] + table.values[0] < lowest {
      for node in 0..<table.nodes {
        let logarithm = noise.logCumulative(at: differences.values[start] + table.values[node])
        products.multiply(node, byExponentialOf: logarithm)
      }
      start += 1
    }
    guard start < differences.count else { return }
    let rest = filled(differences, from: start)
    if table.law == .gumbel {
      products.multiplyByCumulativesOfGumbel(at: rest, table)
    } else {
      products.multiplyByCumulatives(at: rest, table)
    }
  }

  func sumHazards(
    of terms: UnsafePointer<Double>, at differences: QuantileList, to sums: UnsafeMutablePointer<Double>
  ) {
    kernels.sumHazards(at: filled(differences, from: 0), times: terms, table, to: sums)
  }

  /// The differences from one on, with their exponentials.
  private func filled(_ list: QuantileList, from start: Int) -> QuantileDifferences {
    let (values, count) = (list.values + start, list.count - start)
    kernels.exponentials(of: values, count, shift: 0, to: list.rising)
    kernels.scaled(values, count, by: -1, to: list.falling)
    kernels.exponentials(of: list.falling, count, shift: 0, to: list.falling)
    return QuantileDifferences(values: values, rising: list.rising, falling: list.falling, count: count)
  }
}
