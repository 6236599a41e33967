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

  init(_ precision: Precision) {
    let isDouble = precision == .double
    (tolerance, cut) = isDouble ? (0x1p-27, 0x1p-57) : (0x1p-13, 0x1p-28)
    spectrum = isDouble ? 0x1p-44 : 0x1p-24
    floor = isDouble ? 0x1p-1010 : 0x1p-180
  }

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
