internal import NoiseKernels

extension LatticePass {
  /// Replaces v by J v and the gaps by the probabilities.
  ///
  /// With R(x) = Σ_j r(x − μ_j) and V(x) = Σ_j v_j r(x − μ_j), (J v)_i = v_i·A(μ_i) − B(μ_i), where A and B are the
  /// integrals of G·R and G·V against r(x − μ_i). Both are smooth functions of the place of the class, as the
  /// probability H is, and so are a = A/H and b = B/H, which are interpolated.
  mutating func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    scratch: inout Scratch
  ) {
    let leader = centre(cotangent, onLeaderOf: row)
    guard let p = row.baseAddress, let v = cotangent.baseAddress else { return }
    let (length, vectors) = (8 * (grid.count + 1), padded(nodes) + 32)
    var memory = scratch.growList(to: 4 * length + 3 * pointCount + 24 + 2 * vectors, keeping: 0)[...]
    func take(_ count: Int) -> UnsafeMutablePointer<Double> {
      defer { memory = memory.dropFirst(count) }
      return UnsafeMutableBufferPointer(rebasing: memory.prefix(count)).baseAddress!
    }
    let (coefficients, moments) = (take(3 * length), take(length))
    let (weightsOfV, a, b) = (take(pointCount + 8), take(pointCount + 8), take(pointCount + 8))
    let (gR, gV) = (take(vectors), take(vectors))

    kernels.depositWeighted(v, at: p, count, from: -depth, grid: grid, moments: moments, scratch: loopMemory)
    _ = kernels.spread(
      moments, occupied: rows, cells: grid.count, matrix: basis.shares, taps: basis.taps,
      weights: weightsOfV, points: points, slots: slots)
    for (weights, values) in [(weights, gR), (weightsOfV, gV)] {
      kernels.weightedSums(
        weights, starts: starts, reaches: reaches, count: pointCount,
        samples: table.samples[stepExponent].hazard,
        sums: values, nodes: nodes)
      kernels.multiply(values, nodes, by: g)
    }
    expand(to: coefficients, stride: 24)
    integrals(of: gR, to: a)
    integrals(of: gV, to: b)
    kernels.expandRatios(
      a, b, over: heights, points: pointCount, cells: grid.count, slots: slots, matrix: basis.matrix,
      taps: basis.taps, rows: coefficients)
    let defect = kernels.evaluatePullback(
      p, v, count, from: -depth, grid: grid, rows: coefficients, scratch: loopMemory)
    kernels.scaled(p, count, by: 1 / (1 + defect), to: p)
    balance(cotangent, at: row, leader: leader)
  }
}
