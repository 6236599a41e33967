internal import NoiseKernels

/// A rule with its nodes as distances from the end of the panel where G is largest, in units of the width.
private struct ProductRule {
  let distances, weights: [Double]

  init(count: Int) {
    let rule = GaussLegendre(count: count)
    distances = rule.nodes.map { (1 - $0) / 2 }
    weights = rule.weights.map { $0 / 2 }
  }
}

private let rules = [8, 16].map { ProductRule(count: $0) }

extension UniformProducts {
  /// What a panel leaves out relative to what it holds.
  private var negligible: Double { precision == .single ? 0x1p-36 : 0x1p-60 }

  /// Up to which change of log G a panel is taken with eight nodes, and with sixteen.
  private var limits: (few: Double, many: Double) { precision == .single ? (6, 22) : (2.5, 14) }

  /// A panel has one vector of nodes or two.
  typealias Panel = (width: Double, vectors: Int)

  /// Sets the nodes of a panel, by their distances and weights in units of the width.
  @inline(__always)
  func setNodes(
    _ vectors: Int,
    _ node: (_ distance: Double, _ weight: Double) -> (constant: Double, weight: Double)
  ) {
    rules[vectors - 1].distances.withUnsafeBufferPointer { distances in
      rules[vectors - 1].weights.withUnsafeBufferPointer { weights in
        for m in 0..<8 * vectors {
          let node = node(distances[m], weights[m])
          nodes[m] = node.constant
          nodes[panelNodes + m] = 1
          nodes[2 * panelNodes + m] = node.weight
        }
      }
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
        if isLast && product <= negligible * upper * laneSum(of: k) { return }
      }
    }
  }

  /// The next panel of what remains of an interval below an end of x, where classes up to k can win.
  @inline(__always)
  func panel(in remaining: Double, below upper: Double, open: Double, upTo k: Int) -> Panel {
    if open <= 16 || remaining * open / upper <= limits.few { return (remaining, 1) }
    if open <= 32 || remaining * open / upper <= limits.many { return (remaining, 2) }
    let rate = (0...k).reduce(0) { $0 + ties[$1] / (upper + distances[$1]) }
    if remaining * rate <= limits.few { return (remaining, 1) }
    return (Swift.min(remaining, limits.many / rate), 2)
  }
}
