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

extension PanelProducts {
  /// What a panel leaves out relative to what it holds.
  private var negligible: Double { precision == .single ? 0x1p-36 : 0x1p-60 }

  /// Up to which change of log G a panel is taken with eight nodes, and with sixteen.
  private var limits: (few: Double, many: Double) { precision == .single ? (6, 22) : (2.5, 14) }

  /// A panel has one vector of nodes or two.
  typealias Panel = (width: Double, vectors: Int)

  /// The next panel of what remains of an interval, where the integrands are polynomials: R at its beginning is at most
  /// `bound`.
  @inline(__always)
  private func panel(
    in remaining: Double, open: Double, rateBelow bound: Double, rate: () -> Double
  ) -> Panel {
    if open <= 16 || remaining * bound <= limits.few { return (remaining, 1) }
    if open <= 32 || remaining * bound <= limits.many { return (remaining, 2) }
    let rate = rate()
    if remaining * rate <= limits.few { return (remaining, 1) }
    return (Swift.min(remaining, limits.many / rate), 2)
  }

  /// Sets the nodes of a panel, by their distances and weights in units of the width.
  @inline(__always)
  func setNodes(
    _ vectors: Int,
    _ node: (_ distance: Double, _ weight: Double) -> (constant: Double, factor: Double, weight: Double)
  ) {
    rules[vectors - 1].distances.withUnsafeBufferPointer { distances in
      rules[vectors - 1].weights.withUnsafeBufferPointer { weights in
        for m in 0..<8 * vectors {
          let node = node(distances[m], weights[m])
          nodes[m] = node.constant
          nodes[panelNodes + m] = node.factor
          nodes[2 * panelNodes + m] = node.weight
        }
      }
    }
  }

  /// Adds the nodes to the sums of some classes, where others have r = 1.
  @inline(__always)
  private func addPanel(
    _ vectors: Int, from first: Int, to end: Int, otherTies: Double = 0, otherCotangent: Double = 0
  ) {
    if wantsDerivatives {
      kernels.addProductDerivatives(
        at: nodes, vectors: vectors, slopes: slopes, ties: ties, densities: densityTies,
        cotangents: densityCotangents, from: first, to: end, otherTies: otherTies,
        otherCotangent: otherCotangent, sums: vectorSums, reciprocals: reciprocals)
    } else {
      kernels.addProducts(
        at: nodes, vectors: vectors, slopes: slopes, ties: ties, from: first, to: end, sums: vectorSums)
    }
  }

  /// The product at the last node.
  func lastProduct(_ vectors: Int) -> Double { nodes[3 * panelNodes + 8 * vectors - 1] }

  // MARK: - The laws

  /// From the upper end of one support down to the next, where one class more can win.
  func layUniformPanels() {
    var open = 0.0
    for k in 0..<row.count {
      open += ties[k]
      let isLast = k + 1 == row.count
      let lower = isLast ? 0 : (DoubleDouble(1) - row.classes[k + 1].place).value
      var upper = (DoubleDouble(1) - row.classes[k].place).value
      var remaining = isLast ? upper : (row.classes[k + 1].place - row.classes[k].place).value
      while remaining > 0 {
        let (width, vectors) = uniformPanel(in: remaining, below: upper, open: open, upTo: k)
        let from = width == remaining ? lower : upper - width
        setNodes(vectors) { (from + width * (1 - $0), 1, width * $1) }
        addPanel(vectors, from: 0, to: k + 1)
        remaining = width == remaining ? 0 : remaining - width
        upper = from
        let product = lastProduct(vectors)
        if product == 0 { return }
        if isLast && product <= negligible * upper * laneSum(of: k) { return }
      }
    }
  }

  /// In t from 0 to 1: the kinks of all others are below the leader's support.
  func layExponentialPanels() {
    let last = row.count - 1
    var (t, rest) = (0.0, 1.0)
    while rest > 0 {
      let (width, vectors) = exponentialPanel(in: rest, from: t)
      let next = width == rest ? 0 : rest - width
      setNodes(vectors) { (next + width * (1 - $0), t + width * $0, width * $1) }
      addPanel(vectors, from: 0, to: last + 1)
      if lastProduct(vectors) <= negligible * next * laneSum(of: last) { return }
      (t, rest) = (t + width, next)
    }
  }

  /// Above all kinks in t from 0 to 1; then from kink to kink in x; at last in closed form.
  func layLaplacePanels() {
    let last = row.count - 1
    // ∫ G·t², which is what two rare classes move each other by.
    var pairs = 0.0
    var (t, rest) = (0.0, 1.0)
    while rest > 0 {
      let (width, vectors) = laplacePanel(in: rest, from: t)
      setNodes(vectors) { (1, t + width * $0, width * $1) }
      addPanel(vectors, from: 0, to: last + 1)
      (t, rest) = (t + width, width == rest ? 0 : rest - width)
      // Where G is as small as that, R is above 30.
      if isNegligible(lastProduct(vectors), at: t, rate: 2, vectors, &pairs) { return }
    }

    // The product over the classes above, times t = e^(−x).
    var above = 1.0
    var (open, cotangent) = (0.0, 0.0)
    for k in 0..<last {
      open += ties[k]
      if wantsDerivatives { cotangent += cotangents[k] }
      above *= powerOfTwo(-ties[k])
      var t = 0.5 / densities[k]
      var remaining = (row.classes[k + 1].place - row.classes[k].place).value
      while remaining > 0 {
        let (width, vectors, end) = laplacePanel(in: remaining, below: t, open: open, k: k)
        setLaplaceNodes(vectors, width: width, t: t, above: above, open: open)
        addPanel(vectors, from: k + 1, to: last + 1, otherTies: open, otherCotangent: cotangent)
        shareSums(vectors, upTo: k)
        above *= exponential((1 - open) * width)
        let product = lastProduct(vectors)
        if isNegligible(above * product, at: end, rate: open - product, vectors, &pairs) { return }
        (t, remaining) = (end, width == remaining ? 0 : remaining - width)
      }
    }
    open += ties[last]
    let below = above * powerOfTwo(-ties[last]) * 2 * densities[last]
    sharedSums[sumsPerClass * last] = below / open
    if wantsDerivatives {
      sharedSums[3 * last + 1] = below
      sharedSums[3 * last + 2] = below * (cotangent + cotangents[last]) / open
    }
  }

  /// The next panel of what remains of an interval below an end of x, where classes up to k can win.
  @inline(__always)
  func uniformPanel(in remaining: Double, below upper: Double, open: Double, upTo k: Int) -> Panel {
    panel(in: remaining, open: open, rateBelow: open / upper) {
      (0...k).reduce(0) { $0 + ties[$1] / (upper + slopes[$1]) }
    }
  }

  /// The next panel of what remains of 0…1 from t on.
  @inline(__always)
  func exponentialPanel(in rest: Double, from t: Double) -> Panel {
    panel(in: rest, open: Double(row.open), rateBelow: deeperDensities[0] / rest) {
      (0..<row.count).reduce(0) { $0 + ties[$1] * densities[$1] / (rest + t * slopes[$1]) }
    }
  }

  /// The same above all kinks.
  @inline(__always)
  func laplacePanel(in rest: Double, from t: Double) -> Panel {
    panel(in: rest, open: Double(row.open), rateBelow: 2 * deeperDensities[0]) {
      (0..<row.count).reduce(0) { $0 + ties[$1] * densities[$1] / (1 + t * slopes[$1]) }
    }
  }

  /// The next panel of what remains above the kink of class k + 1, and t at its lower end.
  @inline(__always)
  func laplacePanel(
    in remaining: Double, below t: Double, open: Double, k: Int
  ) -> (width: Double, vectors: Int, end: Double) {
    var (width, end) = (remaining, 0.5 / densities[k + 1])
    while width * (open + 2 * deeperDensities[k + 1] * end) > limits.many {
      width /= 2
      end = t * exponential(width)
    }
    return (width, width * (open + 2 * deeperDensities[k + 1] * end) > limits.few ? 2 : 1, end)
  }

  /// The nodes of a panel between kinks, by their depths below its upper end.
  func setLaplaceNodes(_ vectors: Int, width: Double, t: Double, above: Double, open: Double) {
    let (rises, falls) = (nodes + 4 * panelNodes, nodes + 5 * panelNodes)
    setNodes(vectors) { distance, weight in (width * distance, (1 - open) * width * distance, weight) }
    kernels.exponentials(of: nodes, 8 * vectors, shift: 0, to: rises)
    kernels.exponentials(of: nodes + panelNodes, 8 * vectors, shift: 0, to: falls)
    for m in 0..<8 * vectors {
      nodes[m] = 1
      nodes[panelNodes + m] = t * rises[m]
      nodes[2 * panelNodes + m] *= width * above * falls[m]
    }
  }

  /// Adds what a panel has for every class up to k: their density is their F.
  private func shareSums(_ vectors: Int, upTo k: Int) {
    for sum in 0..<sumsPerClass {
      let products = nodes + (3 + sum) * panelNodes
      var total = 0.0
      for m in 0..<8 * vectors {
        total += nodes[2 * panelNodes + m] / nodes[panelNodes + m] * products[m]
      }
      sharedSums[sumsPerClass * k + sum] += total
    }
  }

  /// Whether no class has anything left below a panel, where G·t has come to a value and falls at least at a rate.
  ///
  /// R = Σ r only grows on the way down, and G·t falls at the rate R − 1, G·t² at R − 2.
  private func isNegligible(
    _ value: Double, at t: Double, rate: Double, _ vectors: Int, _ pairs: inout Double
  ) -> Bool {
    if wantsDerivatives {
      for m in 0..<8 * vectors {
        pairs += nodes[panelNodes + m] * nodes[2 * panelNodes + m] * nodes[3 * panelNodes + m]
      }
      if value * t > negligible * pairs * (rate - 1) { return false }
    }
    return value <= negligible * laneSum(of: row.count - 1) * rate
  }

  func powerOfTwo(_ exponent: Double) -> Double {
    Double(sign: .plus, exponent: Int(Swift.max(exponent, -1074)), significand: 1)
  }
}
