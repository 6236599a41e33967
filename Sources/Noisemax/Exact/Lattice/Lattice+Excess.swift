internal import NoiseKernels

extension LatticePass {
  /// The excess: Σ_{j ≠ leader} ∫ G(x) r(x − μ_j) m(x) dx, with m(x) = E[x − ε | ε ≤ x] (see ``MeanUndershoot``).
  ///
  /// ∫ G r m over ∫ G r, the probability, is a smooth function of μ. So the ratio is computed at the grid points, and summed
  /// over the classes with their probabilities as weights.
  func excess(
    ofWinning row: UnsafeMutableBufferPointer<Double>, areLogarithms: Bool,
    at gaps: UnsafeMutableBufferPointer<Double>, undershoots: UndershootSamples, scratch: inout Scratch
  ) -> Double {
    guard let values = row.baseAddress, let gaps = gaps.baseAddress else { return 0 }
    let listed = pointCount + 16
    var memory = Pieces(
      of: scratch.growList(to: 2 * listed + nodes + 8 + count + pullbackMemory, keeping: 0))
    let (means, weights) = (memory.take(listed), memory.take(listed))
    let (terms, p) = (memory.take(nodes + 8), memory.take(count))
    for index in 0..<nodes { terms[index] = g[index] * undershoots[(firstNode + index) * step] }
    integrals(of: terms, over: 0..<nodes, at: 0, pointCount, to: means)
    kernels.divide(means, pointCount, by: heights, above: Self.inflatedLimit)
    p.update(from: values, count: count)
    if areLogarithms { kernels.exponentials(of: p, row.count, shift: 0, to: p) }
    p[(0..<row.count).first { gaps[$0] == 0 } ?? 0] = 0
    spread(p, at: gaps, to: weights, memory: memory.take(pullbackMemory))
    return kernels.sum(of: means, pointCount, times: weights)
  }
}

/// m(x) = E[x − ε | ε ≤ x] at the samples of a table, as far as classes with probabilities of 1e-300 need it.
struct UndershootSamples: Sendable {
  private let first: Int
  private let values: [Double]

  init(_ table: LatticeTable) {
    func samples(_ noise: some SmoothNoise) -> (first: Int, values: [Double]) {
      let deepest = table.lowestNode(deepest: -table.depth)
      // The nodes of a row may begin up to two of the coarsest steps lower, and end as much higher.
      let margin = 64
      let first = Int((deepest / table.unit).rounded(.down)) - margin
      let last =
        Int((noise.upperQuantile(at: Precision.double.tail / 1e9) / table.unit).rounded(.up)) + margin
      let undershoot = MeanUndershoot(
        kinks: [], lowerEnd: -.infinity, deviation: noise.variance.squareRoot())
      var values: [Double] = []
      values.reserveCapacity(last - first + 1)
      for index in first...last {
        let x = Double(index) * table.unit
        let known = values.last.map { (x - table.unit, $0) }
        values.append(undershoot.value(at: x, under: noise, from: known))
      }
      return (first, values)
    }
    (first, values) = samples(table.noise)
  }

  /// Beyond the samples the value at their end: there integrands hold nothing.
  subscript(index: Int) -> Double {
    values[Swift.min(Swift.max(index - first, 0), values.count - 1)]
  }
}
