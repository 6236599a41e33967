/// The Gauss–Legendre rule of 16 nodes in lanes.
struct PanelRule {
  /// How far below the upper end the nodes are, in widths.
  let distances: Lanes
  let weights: Lanes
  /// What gives the last two Legendre coefficients.
  let last, nextToLast: Lanes

  static let shared = PanelRule()

  private init() {
    let rule = GaussLegendre(count: Lanes.scalarCount)
    distances = 0.5 - 0.5 * Lanes(rule.nodes)
    weights = Lanes(rule.weights)
    last = Lanes(rule.lastCoefficients)
    nextToLast = Lanes(rule.nextToLastCoefficients)
  }
}
