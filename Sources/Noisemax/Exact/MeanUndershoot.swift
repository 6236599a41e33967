/// m(x) = E[x − ε | ε ≤ x] = ∫_{−∞}^x F(s) ds / F(x): how far below x noise is, in the mean, if it is below x.
///
/// It gives the excess of a row, E[max(gap + ε)] − E[ε], without a difference of large numbers. The maximum exceeds the
/// perturbed leader only where another class j wins. If j wins at x, the leader's noise is below x, and by m(x) in the mean:
///
///     excess = Σ_{j ≠ leader} ∫ G(x) r(x − μ_j) m(x) dx.
///
/// These are the integrals of the probabilities with one more factor. It is smooth wherever F is, and as accurate.
///
/// m(b) = m(a)·F(a)/F(b) + ∫_a^b F(s) ds / F(b). So m is made from point to point upwards: every step shrinks the errors of
/// the steps before. The mathematics: <doc:Mathematics#The-potential>.
struct MeanUndershoot {
  /// Where log F has no derivatives, in rising order, and the lower end of the support.
  let kinks: [Double]
  let lowerEnd: Double
  /// A length on which the law is smooth.
  let deviation: Double

  /// m(b), where m(a) is known for a point a below, or else from the lower end of the support on.
  ///
  /// Relative error about 1e-15: panels of eight nodes, on each of which log F changes by 2 at most, and which are no
  /// longer than half the distance from the lower end of the support.
  func value(
    at b: Double, under noise: some AccurateNoise, from known: (point: Double, value: Double)? = nil
  ) -> Double {
    let top = noise.logCumulative(at: b)
    guard top > -.infinity else { return 0 }
    let start = known?.point ?? lowerEnd
    var sum = CompensatedSum()
    var (upper, logUpper) = (b, top)
    // A law that is NaN somewhere has no end.
    while upper > start, !logUpper.isNaN {
      // What lies below is at most F(upper) times a length, which an exponential tail keeps to a few deviations.
      let rest = lowerEnd > -.infinity ? upper - lowerEnd : 64 * deviation
      if exponential(logUpper - top) * rest <= 1e-18 * sum.value { break }
      var width = Swift.min(deviation / 2, upper - start)
      if lowerEnd > -.infinity { width = Swift.min(width, (upper - lowerEnd) / 2) }
      if let kink = kinks.last(where: { $0 < upper }) { width = Swift.min(width, upper - kink) }
      var logLower = noise.logCumulative(at: upper - width)
      while logUpper - logLower > 2 {
        width /= 2
        logLower = noise.logCumulative(at: upper - width)
      }
      guard upper - width < upper else { break }
      for (node, weight) in zip(rule.nodes, rule.weights) {
        let point = upper - width * (0.5 - 0.5 * node)
        sum.add(weight * width / 2 * exponential(noise.logCumulative(at: point) - top))
      }
      (upper, logUpper) = (upper - width, logLower)
    }
    guard let known else { return sum.value }
    return sum.value + known.value * exponential(noise.logCumulative(at: known.point) - top)
  }
}

private let rule = GaussLegendre(count: 8)
