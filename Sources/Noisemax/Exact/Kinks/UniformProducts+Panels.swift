internal import NoiseKernels

extension UniformProducts {
  /// A panel has one vector of nodes or two.
  typealias Panel = (width: Double, vectors: Int)

  /// Sets the nodes of a panel, by their distances and weights in units of the width.
  @inline(__always)
  func setNodes(
    _ vectors: Int,
    _ node: (_ distance: Double, _ weight: Double) -> (constant: Double, weight: Double)
  ) {
    let rule = KinkRules.of(vectors: vectors)
    for m in 0..<8 * vectors {
      let node = node(rule[m], rule[panelNodes + m])
      nodes[m] = node.constant
      nodes[panelNodes + m] = 1
      nodes[2 * panelNodes + m] = node.weight
    }
  }

  /// Adds the nodes to the sums of the first classes.
  @inline(__always)
  private func addPanel(_ vectors: Int, to end: Int) {
    if wantsDerivatives {
      kernels.addProductDerivatives(
        at: nodes, vectors: vectors, slopes: distances, ties: ties, cotangents: cotangents, end,
        sums: vectorSums,
        reciprocals: reciprocals)
    } else {
      kernels.addProducts(at: nodes, vectors: vectors, slopes: distances, ties: ties, end, sums: vectorSums)
    }
  }

  /// The product at the last node.
  func lastProduct(_ vectors: Int) -> Double { nodes[3 * panelNodes + 8 * vectors - 1] }

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
        setNodes(vectors) { (from + width * (1 - $0), width * $1) }
        addPanel(vectors, to: k + 1)
        remaining = width == remaining ? 0 : remaining - width
        upper = from
        let product = lastProduct(vectors)
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
