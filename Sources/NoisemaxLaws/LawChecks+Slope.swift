import Noisemax

/// What the score function asks of a law.
extension LawChecks {
  /// ∫ (log f)′ between neighbouring points against the difference of log f, and a density that does not jump at an end
  /// of the support. A kink inside an interval spoils the quadrature there, so a few intervals may be further off.
  func logDensityDerivative(of noise: some DifferentiableNoise) -> String? {
    for end in [noise.quantile(at: 0), noise.quantile(at: 1)]
    where end.isFinite && noise.density(at: end) > 0 {
      return "the density jumps at \(end), from 0 to \(noise.density(at: end))"
    }
    if !noise.logDensityDerivative(at: .nan).isNaN { return "the slope of log f at nan is not nan" }
    let points = (1..<512).map { noise.quantile(at: Double($0) / 512) }
    var worst: (error: Double, detail: String)?
    var outliers = 0
    for (x, y) in zip(points, points.dropFirst()) where x < y {
      let integral = integrate(from: x, to: y) { noise.logDensityDerivative(at: $0) }
      let difference = logarithm(noise.density(at: y)) - logarithm(noise.density(at: x))
      let error = (integral - difference).magnitude
      if error <= 1e-8 { continue }
      outliers += 1
      if !(error <= worst?.error ?? 0) {
        worst = (error, "∫ (log f)′ is \(integral) from \(x) to \(y), log f grows by \(difference)")
      }
    }
    guard let worst, outliers > 8 || !(worst.error <= 0.3) else { return nil }
    return worst.detail
  }
}
