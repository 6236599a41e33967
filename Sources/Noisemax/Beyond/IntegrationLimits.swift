/// How small is small, where the classes of a row are integrated over.
struct IntegrationLimits {
  /// The last Legendre coefficients of a panel, beside the integral.
  let tolerance: Double
  /// What the spectrum may be at the frequency of a grid's points, beside the integral.
  let spectrum: Double
  /// What is left out of an integral, relative.
  let cut: Double
  /// What counts as 0.
  let floor: Double
  /// How much farther apart than for a Double a grid's points are. A normal spectrum falls like e^−ω²: a quarter of its digits
  /// take half the points.
  let spacing: Double
}

extension IntegrationLimits {
  init(_ precision: Precision) {
    switch precision {
    case .double:
      self.init(tolerance: 0x1p-27, spectrum: 0x1p-44, cut: 0x1p-57, floor: 0x1p-1010, spacing: 1)
    case .single:
      self.init(tolerance: 0x1p-13, spectrum: 0x1p-24, cut: 0x1p-28, floor: 0x1p-180, spacing: 1)
    }
  }

  /// Some three digits: a Jacobian for steps wants no more.
  static let rough = IntegrationLimits(
    tolerance: 0x1p-7, spectrum: 0x1p-12, cut: 0x1p-16, floor: 0x1p-180, spacing: 1.6)

  /// Whether nothing counts any more, on the way down.
  ///
  /// - Parameters:
  ///   - integrand: what is integrated.
  ///   - bound: P(fewer than k classes above) where the way has come to.
  ///   - expected: about what every judged integral comes to.
  ///   - contents: what the last stretch held of it.
  /// - Returns: whether it is enough to have come so far.
  func isOver(
    _ integrand: some PanelIntegrand, bound: Double, expected: (Int) -> Double, contents: (Int) -> Double
  ) -> Bool {
    guard bound <= Swift.max(cut, floor) else { return false }
    let judged = 0..<integrand.judged
    let least = integrand.rarest ?? judged.reduce(.infinity) { Swift.min($0, expected($1)) }
    guard bound <= Swift.max(cut * least, floor) else { return false }
    if integrand.rarest == nil { return true }
    // Where nothing was found yet, all may lie further down.
    guard bound <= floor || judged.contains(where: { expected($0) > 0 }) else { return false }
    return judged.allSatisfy { contents($0) <= cut * expected($0) }
  }
}
