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
        setNodes(vectors) {
          let x = from + width * (1 - $0)
          return (-x, width * $1 * x)
        }
        total += sum(vectors, to: k + 1)
        upper = from
        if isCertain(vectors) { return total + upper * upper / 2 }
      }
    }
    return total
  }

  /// Σ over the nodes of the weights times the chance that any of the first classes is above: 1 − F is the break less x.
  @inline(__always)
  private func sum(_ vectors: Int, to end: Int) -> Double {
    for m in 0..<8 * vectors { nodes[3 * panelNodes + m] = 0 }
    kernels.addSurvivals(at: nodes, vectors: vectors, slopes: breaks, ties: ties, end)
    var sum = 0.0
    for m in 0..<8 * vectors { sum += nodes[2 * panelNodes + m] * nodes[3 * panelNodes + m] }
    return sum
  }

  /// Whether another class is above the last node for certain, to rounding.
  private func isCertain(_ vectors: Int) -> Bool { 1 - lastProduct(vectors) <= 0x1p-53 }
}
