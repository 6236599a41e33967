internal import NoiseKernels

extension PanelProducts {
  /// E[max(gap + ε)] − E[ε] = ∫ F(x)·(1 − ∏ F(x − μ_j) over all but the leader) dx.
  ///
  /// The chance that another class is above x is put together from those of the classes, 1 − F, without a difference: it
  /// keeps its digits where one class is almost certain. What was set up for probabilities is used up.
  func excess() -> Double {
    ties[0] -= 1
    switch form {
    case .uniform: return uniformExcess()
    case .exponential: return exponentialExcess()
    case .laplace: return laplaceExcess()
    }
  }

  /// Σ over the nodes of the weights times the chance that any of some classes, or of others with a chance, is above.
  @inline(__always)
  private func sum(_ vectors: Int, from first: Int, to end: Int, others: (_ node: Int) -> Double) -> Double {
    for m in 0..<8 * vectors { nodes[3 * panelNodes + m] = others(m) }
    kernels.addSurvivals(
      at: nodes, vectors: vectors, slopes: densities, ties: ties, from: first, to: end)
    var sum = 0.0
    for m in 0..<8 * vectors { sum += nodes[2 * panelNodes + m] * nodes[3 * panelNodes + m] }
    return sum
  }

  /// Whether another class is above the last node for certain, to rounding.
  private func isCertain(_ vectors: Int) -> Bool { 1 - lastProduct(vectors) <= 0x1p-53 }

  private func uniformExcess() -> Double {
    // 1 − F_k is the break less x.
    for k in 0..<row.count { densities[k] = (DoubleDouble(1) - row.classes[k].place).value }
    var total = 0.0
    var open = 1.0
    for k in 0..<row.count {
      open += ties[k]
      if open == 1 { continue }
      let lower = k + 1 == row.count ? 0 : densities[k + 1]
      var upper = densities[k]
      while upper > lower {
        let (width, vectors) = uniformPanel(in: upper - lower, below: upper, open: open + 1, upTo: k)
        let from = width == upper - lower ? lower : upper - width
        setNodes(vectors) {
          let x = from + width * (1 - $0)
          return (-x, 1, width * $1 * x)
        }
        total += sum(vectors, from: 0, to: k + 1) { _ in 0 }
        upper = from
        if isCertain(vectors) { return total + upper * upper / 2 }
      }
    }
    return total
  }

  /// In t from 0 to 1, where dx = dt/t.
  private func exponentialExcess() -> Double {
    var total = 0.0
    var (t, rest) = (0.0, 1.0)
    while rest > 0 {
      let (width, vectors) = exponentialPanel(in: rest, from: t)
      let next = width == rest ? 0 : rest - width
      setNodes(vectors) {
        let place = t + width * $0
        return (0, place, width * $1 * (next + width * (1 - $0)) / place)
      }
      total += sum(vectors, from: 0, to: row.count) { _ in 0 }
      (t, rest) = (t + width, next)
      if rest > 0 && isCertain(vectors) { return total - logarithm(t) - rest }
    }
    return total
  }

  /// As ``layLaplacePanels()``: in t above all kinks, in x from kink to kink, and in closed form below.
  private func laplaceExcess() -> Double {
    let last = row.count - 1
    var total = 0.0
    var (t, rest) = (0.0, 1.0)
    while rest > 0 {
      let (width, vectors) = laplacePanel(in: rest, from: t)
      setNodes(vectors) {
        let place = t + width * $0
        return (0, place, width * $1 * (1 - place / 2) / place)
      }
      total += sum(vectors, from: 0, to: row.count) { _ in 0 }
      (t, rest) = (t + width, width == rest ? 0 : rest - width)
      if isCertain(vectors) { return total + t / 2 - logarithm(t) }
    }
    // G over the leader's F, over the classes above: half of it is G·t.
    var above = 0.5
    var open = 1.0
    for k in 0..<last {
      open += ties[k]
      above *= powerOfTwo(-ties[k])
      var t = 0.5 / densities[k]
      var remaining = (row.classes[k + 1].place - row.classes[k].place).value
      while remaining > 0 {
        let (width, vectors, end) = laplacePanel(in: remaining, below: t, open: open, k: k)
        setLaplaceNodes(vectors, width: width, t: t, above: 1, open: open)
        let falls = nodes + 5 * panelNodes
        for m in 0..<8 * vectors {
          nodes[m] = 0
          nodes[2 * panelNodes + m] *= 0.5 / (nodes[panelNodes + m] * falls[m])
        }
        total += sum(vectors, from: k + 1, to: row.count) { 1 - 2 * above * falls[$0] }
        above *= exponential((1 - open) * width)
        (t, remaining) = (end, width == remaining ? 0 : remaining - width)
        if isCertain(vectors) || 0.5 / t <= 0x1p-60 * total { return total + 0.5 / t }
      }
    }
    open += ties[last]
    above *= powerOfTwo(-ties[last])
    return total + 2 * densities[last] * (0.5 - above / open)
  }
}
