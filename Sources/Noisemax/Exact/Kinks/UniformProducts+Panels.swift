internal import NoiseKernels

extension UniformProducts {
  /// A panel has one vector of nodes or two.
  typealias Panel = (width: Double, vectors: Int)

  /// Sets the nodes of a panel from its lower end up.
  func setNodes(_ vectors: Int, from lower: Double, width: Double) {
    let rule = KinkRules.of(vectors: vectors)
    for m in 0..<8 * vectors {
      nodes[m] = lower + width * (1 - rule[m])
      nodes[panelNodes + m] = width * rule[panelNodes + m]
    }
  }

  /// Adds the nodes to the sums of the first classes.
  private func addPanel(_ vectors: Int, to end: Int) {
    if wantsDerivatives {
      kernels.addProductDerivatives(
        at: nodes, vectors: vectors, distances: distances, ties: ties, cotangents: cotangents, end,
        sums: vectorSums, reciprocals: reciprocals)
    } else {
      kernels.addProducts(
        at: nodes, vectors: vectors, distances: distances, ties: ties, end, sums: vectorSums)
    }
  }

  /// What the loops wrote at the last node.
  func lastValue(_ vectors: Int) -> Double { nodes[2 * panelNodes + 8 * vectors - 1] }

  /// From the upper end of one support down to the next, where one class more can win.
  func layPanels() {
    var open = 0.0
    for k in 0..<row.count {
      open += ties[k]
      let isLast = k + 1 == row.count
      let lower = isLast ? 0 : breaks[k + 1]
      var upper = breaks[k]
      var remaining = isLast ? upper : row.point(k).distance(to: row.point(k + 1))
      while remaining > 0 {
        let (width, vectors) = panel(in: remaining, below: upper, open: open, upTo: k)
        let from = width == remaining ? lower : upper - width
        setNodes(vectors, from: from, width: width)
        addPanel(vectors, to: k + 1)
        remaining = width == remaining ? 0 : remaining - width
        upper = from
        let product = lastValue(vectors)
        if product == 0 { return }
        if isLast && product <= precision.leftOut * upper * laneSum(of: k) { return }
      }
    }
  }

  /// The next panel of what remains of an interval below an end of x, where classes up to k can win.
  @inline(__always)
  func panel(in remaining: Double, below upper: Double, open: Double, upTo k: Int) -> Panel {
    let limits = precision.kinkLimits
    if open <= 16 || remaining * open / upper <= limits.eight { return (remaining, 1) }
    if open <= 32 || remaining * open / upper <= limits.sixteen { return (remaining, 2) }
    let rate = (0...k).reduce(0) { $0 + ties[$1] / (upper + distances[$1]) }
    if remaining * rate <= limits.eight { return (remaining, 1) }
    return (Swift.min(remaining, limits.sixteen / rate), 2)
  }
}
