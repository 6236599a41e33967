internal import NoiseKernels

extension UniformProducts {
  /// E[max(gap + ε)] − E[ε] = ∫ F(x)·(1 − ∏ F(x − μ_j) over all but the leader) dx.
  ///
  /// The chance that another class is above x is put together from those of the classes, 1 − F, without a difference: it
  /// keeps its digits where one class is almost certain. The leader is not among the ties.
  func excess() -> Double {
    var total = 0.0
    var open = 1.0
    for k in 0..<row.count {
      open += ties[k]
      if open == 1 { continue }
      let lower = k + 1 == row.count ? 0 : breaks[k + 1]
      var upper = breaks[k]
      while upper > lower {
        let (width, vectors) = panel(in: upper - lower, below: upper, open: open + 1, upTo: k)
        let from = width == upper - lower ? lower : upper - width
        setNodes(vectors, from: from, width: width)
        total += sum(vectors, to: k + 1)
        upper = from
        // Another class is above the last node for certain, to rounding.
        if 1 - lastValue(vectors) <= 0x1p-53 { return total + upper * upper / 2 }
      }
    }
    return total
  }

  /// Σ over the nodes of weight·F of the leader, times the chance that any of the first classes is above.
  private func sum(_ vectors: Int, to end: Int) -> Double {
    kernels.writeSurvivals(at: nodes, vectors: vectors, breaks: breaks, ties: ties, end)
    var sum = 0.0
    for m in 0..<8 * vectors { sum += nodes[panelNodes + m] * nodes[m] * nodes[2 * panelNodes + m] }
    return sum
  }
}
