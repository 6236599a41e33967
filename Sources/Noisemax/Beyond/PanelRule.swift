/// A Gauss–Legendre rule in lanes: one panel of 16 nodes, or two of 8 one below the other.
struct PanelRule: Sendable {
  /// How far below the upper end the nodes are, in widths.
  let distances: Lanes
  let weights: Lanes
  /// What gives the last two Legendre coefficients.
  let last, nextToLast: Lanes
  /// The barycentric weights of the polynomial through values at the nodes.
  private let barycentric: Lanes
  /// For every node the integrals, from the upper end down to each node, of the polynomial that is 1 there and 0 at the other
  /// nodes.
  private let integrals: [Lanes]

  static let shared = PanelRule(count: Lanes.scalarCount)
  /// The lower half of the lanes is the upper panel's.
  static let pair = PanelRule(count: Lanes.scalarCount / 2)

  private init(count: Int) {
    let rule = GaussLegendre(count: count)
    func lanes(_ numbers: [Double]) -> Lanes {
      Lanes((0..<Lanes.scalarCount).map { numbers[$0 % count] })
    }
    distances = 0.5 - 0.5 * lanes(rule.nodes)
    weights = lanes(rule.weights)
    last = lanes(rule.lastCoefficients)
    nextToLast = lanes(rule.nextToLastCoefficients)
    integrals = count == Lanes.scalarCount ? Self.integrals(of: rule) : []
    // ±√((1 − t²)·w), with a sign that changes from node to node.
    var barycentric = (weights * (1 - lanes(rule.nodes) * lanes(rule.nodes))).squareRoot()
    for node in stride(from: 1, to: Lanes.scalarCount, by: 2) { barycentric[node].negate() }
    self.barycentric = barycentric
  }

  /// The polynomial through values at the nodes, so many widths below the upper end. Values that are not finite stay what
  /// they are around their nodes.
  func value(of values: Lanes, at distance: Double) -> Double {
    if values[0].isFinite && values[Lanes.scalarCount - 1].isFinite {
      let shares = barycentric / (distance - distances)
      let value = total(shares * values) / total(shares)
      if value.isFinite { return value }
    }
    return values[nearest(to: distance)]
  }

  /// The node that is nearest.
  func nearest(to distance: Double) -> Int {
    distances.indices.min { (distances[$0] - distance).magnitude < (distances[$1] - distance).magnitude } ?? 0
  }

  /// ∫ from the upper end down to each node, in half widths.
  func integral(downTo values: Lanes) -> Lanes {
    var sum = Lanes()
    for q in 0..<Lanes.scalarCount { sum += integrals[q] * values[q] }
    return sum
  }

  /// ∫ from the lower end up to each node, in half widths.
  func integral(upTo values: Lanes) -> Lanes { total(values * weights) - integral(downTo: values) }

  /// The polynomial of a node is Σ_k (k + ½)·w·P_k(t_q)·P_k, and ∫_t^1 P_k = (P_{k−1}(t) − P_{k+1}(t))/(2k + 1).
  private static func integrals(of rule: GaussLegendre) -> [Lanes] {
    let count = Lanes.scalarCount
    let values = rule.nodes.map { t in
      var p = [1, t]
      for k in 1...count { p.append((Double(2 * k + 1) * t * p[k] - Double(k) * p[k - 1]) / Double(k + 1)) }
      return p
    }
    return (0..<count).map { q in
      var lanes = Lanes()
      for m in 0..<count {
        var sum = 0.5 * (1 - rule.nodes[m])
        for k in 1..<count { sum += 0.5 * values[q][k] * (values[m][k - 1] - values[m][k + 1]) }
        lanes[m] = rule.weights[q] * sum
      }
      return lanes
    }
  }
}
