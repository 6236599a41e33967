internal import NoiseKernels

/// Gauss's rules on panels that are walked down, of four, eight and sixteen nodes: 16 distances from the upper end in units of
/// the width, and behind them the weights. What a rule has not is 0.
///
/// Between kinks the derivatives of order 2m of an integrand are below R^(2m) times its greatest value, R = Σ r where G is
/// largest. So m nodes leave (w·R)^(2m)·m!⁴/((2m + 1)·(2m)!³) of that value on a panel of the width w.
struct KinkRules: @unchecked Sendable {
  let four, eight, sixteen: UnsafePointer<Double>
  private let memory = KeptMemory()

  static let shared = KinkRules()

  /// The rule of so many vectors of nodes, one or two.
  static func of(vectors: Int) -> UnsafePointer<Double> { vectors == 1 ? shared.eight : shared.sixteen }

  private init() {
    let rules = [4, 8, panelNodes].map { count in
      let rule = GaussLegendre(count: count)
      let unused = [Double](repeating: 0, count: panelNodes - count)
      return rule.nodes.map { (1 - $0) / 2 } + unused + rule.weights.map { $0 / 2 } + unused
    }
    (four, eight, sixteen) = (memory.keep(rules[0]), memory.keep(rules[1]), memory.keep(rules[2]))
  }
}

extension Precision {
  /// Up to which w·R a panel is taken with four, eight and sixteen nodes: in Double they leave 1e-16, 2e-17 and 2e-17.
  var kinkLimits: (four: Double, eight: Double, sixteen: Double) {
    self == .single ? (1.2, 6, 22) : (0.14, 2.5, 14)
  }

  /// What panels between kinks leave out, relative to what they hold.
  var leftOut: Double { self == .single ? 0x1p-36 : 0x1p-60 }
}
