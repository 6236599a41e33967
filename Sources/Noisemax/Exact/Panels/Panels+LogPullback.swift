extension Panels {
  /// Classes with p above 1e-300 go by J(v/p). All others go by ∂log p_i/∂μ_j = −∫ q_i(x) r(x − μ_j) dx for j ≠ i. There
  /// q_i = G·r(x − μ_i)/p_i is the density of the maximum given that i wins.
  func pullBackLogarithms(
    _ cotangent: UnsafeMutableBufferPointer<Double>, logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) {
    func isDeep(_ index: Int) -> Bool { logProbabilities[index] < -690 }
    let gradients =
      cotangent.indices.contains { isDeep($0) && cotangent[$0] != 0 }
      ? deepGradients(
        cotangent.indices.map { isDeep($0) ? cotangent[$0] : 0 }, at: row, precision: precision,
        scratch: &scratch)
      : nil
    // A power of two that keeps v/p, which may be 1e300, and its products with reversed hazards in range.
    var largest = 0.0
    for index in cotangent.indices {
      cotangent[index] =
        isDeep(index) || cotangent[index] == 0 ? 0 : cotangent[index] * exponential(-logProbabilities[index])
      largest = Swift.max(largest, cotangent[index].magnitude)
    }
    let factor = largest > 0x1p500 ? 0x1p-500 : 1
    for index in cotangent.indices { cotangent[index] *= factor }
    pullBack(cotangent, at: row, precision: precision, scratch: &scratch)
    for index in cotangent.indices {
      cotangent[index] = cotangent[index] / factor + (gradients?[index] ?? 0)
    }
  }

  /// With R(x) = Σ_j r(x − μ_j), the gradient at μ_j is v_j·∫ q_j R − ∫ (Σ_i v_i q_i) r(· − μ_j). As in ``pullBack``, the
  /// term of a class with itself is in both; it is smaller than the leader's.
  private func deepGradients(
    _ v: [Double], at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> [Double] {
    let lists = lists(v.count, in: &scratch)
    let classes = classes(of: row, farthest: law.farthest, lists: lists)
    let grid = grid(
      of: classes, precision: precision, floor: -.infinity, pairs: true, lists: lists, scratch: &scratch)
    let count = grid.nodeCount
    var gradients = [Double](repeating: 0, count: v.count)
    let cells = PanelSums.memory(for: count)
    let list = scratch.growList(to: 2 * 4 * count + cells, keeping: 4 * count)
    guard count > 0, let memory = list.baseAddress else { return gradients }
    let nodes = PanelGrid.points(in: memory)
    let winners = nodes + count
    for m in 0..<count { winners[m] = PanelPoint(x: nodes[m].x, weight: 0, exponent: 0) }
    let reversedHazards = (0..<count).map { grid.sums.reversedHazards(at: nodes[$0].x).sum.value }
    var density = [Double](repeating: 0, count: count)
    var barely: (members: [Int], density: [Double])?

    forEachClass(of: classes) { behind, members in
      guard members.contains(where: { v[$0] != 0 }) else { return }
      var (total, own) = (CompensatedSum(), CompensatedSum())
      _ = forEachTerm(at: behind, over: nodes, count: count) { m, term in
        density[m] = nodes[m].weight * term
        total.add(density[m])
        if density[m] > 0 { own.add(density[m] * reversedHazards[m]) }
      }
      if hardlyReaches(behind) {
        barely = (members, density.map { $0 / total.value })
        return
      }
      let weight = members.reduce(0) { $0 + v[$1] } / total.value
      for m in 0..<count where density[m] > 0 { winners[m].weight += weight * density[m] }
      for member in members { gradients[member] = v[member] * (own.value / total.value) }
    }
    func winnerSums() -> PanelSums {
      PanelSums(
        of: winners, count: count, under: law,
        cells: UnsafeMutableRawPointer(winners + count).assumingMemoryBound(to: Double.self))
    }
    let sums = winnerSums()
    forEachClass(of: classes) { behind, members in
      let lost = sums.reversedHazards(at: behind).sum.value
      for member in members { gradients[member] -= lost }
    }
    if let barely {
      for m in 0..<count { winners[m].weight = barely.density[m] }
      add(gradientsOf: barely.members, v, at: row, classes, winnerSums(), to: &gradients)
    }
    return gradients
  }

  /// Classes that hardly reach into the leaders' support: with the leaders they have slopes that grow as the reach falls, at
  /// last beyond all numbers. With other classes they do not.
  private func add(
    gradientsOf members: [Int], _ v: [Double], at row: UnsafeMutableBufferPointer<Double>,
    _ classes: PanelRow, _ winners: PanelSums, to gradients: inout [Double]
  ) {
    let steeper = members.map { v[$0] == 0 ? 0 : v[$0] / reach(ofBarelyReaching: $0, in: row) }
    let (all, allSteeper) = (members.reduce(0) { $0 + v[$1] }, steeper.reduce(0, +))
    forEachClass(of: classes) { behind, others in
      if hardlyReaches(behind) { return }
      let slope = winners.reversedHazards(at: behind).sum.value
      let isLeading = behind.value < PanelRow.leastReach
      for other in others { gradients[other] -= slope * (isLeading ? allSteeper : all) }
      for (index, member) in members.enumerated() {
        gradients[member] += slope * Double(others.count) * (isLeading ? steeper[index] : v[member])
      }
    }
  }

  /// Passes on the distinct values of −gap, and the classes that have each.
  private func forEachClass(of row: PanelRow, _ body: (_ behind: DoubleDouble, _ members: [Int]) -> Void) {
    var next = 0
    for k in 0..<row.count {
      let ties = Int(row.classes[k].weight)
      body(row.classes[k].x, (next..<next + ties).map { Int(row.sorted[$0].weight) })
      next += ties
    }
  }
}
