extension Panels {
  /// Classes above 1e-300 by J(v/p). The others, each with the density q of the winner's place where it wins, by
  /// ∂log p_i/∂μ_j = −∫ q(x) r(x − μ_j) dx on the nodes that serve all classes: a hazard for each node and class.
  @_specialize(where Noise == Uniform)
  @_specialize(where Noise == Exponential)
  @_specialize(where Noise == Laplace)
  func pullBackLogarithms(
    _ cotangent: UnsafeMutableBufferPointer<Double>, logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) {
    func isDeep(_ index: Int) -> Bool { logProbabilities[index] < -690 }
    let deep = cotangent.indices.filter { isDeep($0) && cotangent[$0] != 0 }
    let gradients =
      deep.isEmpty
      ? nil
      : deepGradients(
        of: deep, times: cotangent, logProbabilities: logProbabilities, at: row, precision: precision,
        scratch: &scratch)
    // A power of two that keeps v/p, which may be 1e300, and its products with hazards in range.
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

  private func deepGradients(
    of deep: [Int], times v: UnsafeMutableBufferPointer<Double>,
    logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> [Double] {
    let place = place(v.count, in: &scratch)
    let classes = PanelRow(
      UnsafeBufferPointer(row), width: law.upperEnd - law.lowerEnd, sorted: place.sorted,
      classes: place.classes, other: place.other)
    let grid = grid(
      of: classes, precision: precision, floor: -.infinity, pairs: true, place: place, scratch: &scratch)
    let nodes = PanelGrid<Noise>.nodes(grid.nodeCount, keeping: grid.nodeCount, in: &scratch)
    var density = [Double](repeating: 0, count: grid.nodeCount)
    var gradients = [Double](repeating: 0, count: v.count)
    // Distances by class of the row: those that cannot win neither lose.
    var distances = [DoubleDouble?](repeating: nil, count: v.count)
    var next = 0
    for k in 0..<classes.count {
      for _ in 0..<Int(classes.classes[k].weight) {
        distances[Int(classes.sorted[next].weight)] = classes.classes[k].place
        next += 1
      }
    }
    for index in deep {
      guard let own = distances[index] else { continue }
      var peak = -Double.infinity
      for m in 0..<grid.nodeCount {
        density[m] =
          law.logReversedHazard(at: DoubleDouble(adding: own, nodes[m].place)) + nodes[m].exponent
        if nodes[m].weight > 0 { peak = Swift.max(peak, density[m]) }
      }
      var total = CompensatedSum()
      for m in 0..<grid.nodeCount {
        density[m] = nodes[m].weight * exponential(density[m] - peak)
        total.add(density[m])
      }
      let weight = v[index] / reach(of: index, in: row, at: own) / total.value
      var lost = CompensatedSum()
      for other in distances.indices where other != index {
        guard let distance = distances[other] else { continue }
        var sum = CompensatedSum()
        for m in 0..<grid.nodeCount where density[m] > 0 {
          sum.add(density[m] * law.reversedHazard(at: DoubleDouble(adding: distance, nodes[m].place)))
        }
        let value = weight * sum.value
        gradients[other] -= value
        lost.add(value)
      }
      gradients[index] += lost.value
    }
    return gradients
  }
}
