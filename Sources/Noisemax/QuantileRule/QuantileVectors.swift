internal import NoiseKernels

/// The sums of the quantile rule under a law that the vector loops know: F and f of sixteen classes at sixteen nodes at a time.
struct QuantileVectors: QuantileSums, @unchecked Sendable {
  private let law: ClassLaw
  private let vectorLaw: VectorLaw
  /// The nodes, and copies of the last up to whole blocks.
  private let nodes: UnsafePointer<Double>
  private let count: Int
  private let memory = KeptMemory()

  /// Nil for a law without such loops.
  init?(_ noise: some NoiseDistribution, nodes: [Double]) {
    guard let noise = noise as? any ExactNoise else { return nil }
    law = ClassLaw(noise, location: 0)
    guard let vectorLaw = law.vectorLaw else { return nil }
    self.vectorLaw = vectorLaw
    count = nodes.count
    self.nodes = memory.keep(nodes + [Double](repeating: nodes[count - 1], count: -count & 15))
  }

  /// Whether F is too small for the loops. A law whose support ends has no such F beside 0.
  private func isTooSmall(_ cumulative: Double, below least: Double) -> Bool {
    cumulative < least && law.lowerEnd == -.infinity
  }

  /// Writes F of some gaps at sixteen nodes of gap i, and f if there is memory for it.
  private func evaluate(
    _ locations: UnsafePointer<Double>, _ count: Int, seenFrom gap: Double, at node: Int,
    to cumulatives: UnsafeMutablePointer<Double>, densities: UnsafeMutablePointer<Double>?
  ) {
    let offsets = UnsafeRawPointer(nodes + node).loadUnaligned(as: Lanes.self)
    law.evaluate(
      vectorLaw, count, at: PanelNodes(gap, plus: offsets), locations: locations, scales: nil,
      to: ClassValues(z: nil, cumulative: cumulatives, survival: nil, density: densities))
  }

  /// The factors of many ties are powers, taken from logarithms: else the roundings of one factor would add up.
  func sum(of i: Int, in row: QuantileRow) -> QuantileValue {
    var terms = row.terms
    terms.reset()
    var listed = 0
    for j in 0..<row.count {
      let others = row.others(than: i, at: j)
      let power = others > 6 ? 0 : others
      if others > 6 {
        multiply(&terms, 0..<count, byClassAt: row.gaps[j], power: others, seenFrom: row.gaps[i])
      }
      if power > 0 || row.keepsFactors {
        (row.locations[listed], row.powers[listed]) = (row.gaps[j], power)
        listed += 1
      }
    }
    for node in stride(from: 0, to: count, by: 16) {
      let (factors, densities) = row.factors(of: i, at: node)
      for first in stride(from: 0, to: listed, by: 16) {
        let (locations, powers) = (row.locations + first, row.powers + first)
        let classes = Swift.min(16, listed - first)
        evaluate(
          locations, classes, seenFrom: row.gaps[i], at: node, to: factors,
          densities: row.keepsFactors ? densities : nil)
        // Factors rise from class to class, and from node to node.
        var small = 0
        while small < classes, isTooSmall(factors[16 * small], below: 0x1p-250) {
          multiply(
            &terms, node..<Swift.min(node + 16, count), byClassAt: locations[small], power: powers[small],
            seenFrom: row.gaps[i])
          small += 1
        }
        terms.multiply(from: node, by: factors + 16 * small, powers: powers + small, classes - small)
        if factors[0] == 1 { break }
      }
    }
    return terms.sum()
  }

  /// Multiplies by powers of factors, by their logarithms.
  private func multiply(
    _ terms: inout QuantileTerms, _ range: Range<Int>, byClassAt location: Double, power: Double,
    seenFrom gap: Double
  ) {
    for node in range where power > 0 {
      terms.multiply(
        node, byExponentialOf: power * law.logCumulative(at: gap - location + nodes[node]))
    }
  }

  func sumReversedHazards(of i: Int, times products: UnsafePointer<Double>, in row: QuantileRow) {
    row.sums.update(repeating: 0, count: row.count)
    for node in stride(from: 0, to: count, by: 16) {
      let (cumulatives, densities) = row.factors(of: i, at: node)
      for first in stride(from: 0, to: row.count, by: 16) {
        let (gaps, sums) = (row.gaps + first, row.sums + first)
        let classes = Swift.min(16, row.count - first)
        if !row.keepsFactors {
          evaluate(
            gaps, classes, seenFrom: row.gaps[i], at: node, to: cumulatives, densities: densities)
        }
        var small = 0
        while small < classes, isTooSmall(cumulatives[16 * small], below: 0x1p-960) {
          for k in node..<Swift.min(node + 16, count) where products[k] != 0 {
            sums[small] += products[k] * law.reversedHazard(at: row.gaps[i] - gaps[small] + nodes[k])
          }
          small += 1
        }
        kernels.addReversedHazards(
          densities + 16 * small, over: cumulatives + 16 * small, classes - small, weights: products + node,
          nodes: Swift.min(16, padded(count) - node), to: sums + small)
      }
    }
  }

  func cumulative(at x: Double) -> Double { law.noise.cumulative(at: x) }

  func logCumulative(at x: Double) -> Double { law.logCumulative(at: x) }

  var seconds: (factor: Double, reversedHazard: Double) {
    switch vectorLaw {
    case .uniform: (5e-10, 5e-10)
    case .exponential, .laplace, .logistic: (1.3e-9, 1e-9)
    case .gumbel, .reversedGumbel: (2e-9, 1.6e-9)
    case .normal: (2.2e-9, 1.6e-9)
    }
  }
}
