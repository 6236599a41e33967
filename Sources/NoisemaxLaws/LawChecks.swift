import Noisemax

/// What is checked of a law of noise.
///
/// Two ways to the same value must agree to the tolerance times the conditioning of the longer way: rounding x by
/// one ulp moves F(x) by |x|·f(x) ulps, and no quantile can be told more sharply than that.
struct LawChecks<Noise: NoiseDistribution> {
  struct Violation {
    let property: String
    let detail: String
  }

  let noise: Noise
  let centre: Double?
  let tolerance: Double
  let seed: UInt64

  /// Every property that fails, each once.
  func violations() -> [Violation] {
    var checks: [(String, () -> String?)] = [
      ("ends", ends), ("quantiles are numbers", quantilesAreNumbers),
      ("monotone cumulative function", monotonicity), ("quantile", quantileInverts),
      ("density", densityIsDerivative), ("symmetry", symmetry),
    ]
    if let exact = noise as? any AccurateNoise {
      checks += [
        ("survival function", { survival(of: exact) }),
        ("log-cumulative function", { logarithms(on: lower(exact), opposite: upper(exact)) }),
        ("log-survival function", { logarithms(on: upper(exact), opposite: lower(exact)) }),
        ("upper quantile", { upperQuantile(of: exact) }),
        ("mean and variance", { moments(of: exact) }),
      ]
    }
    if let smooth = noise as? any SmoothNoise {
      checks.append(("log-reversed hazard", { logReversedHazard(of: smooth) }))
    }
    if let piecewise = noise as? any PiecewiseNoise {
      checks += [("log-density", { logDensity(of: piecewise) }), ("kinks", { kinks(of: piecewise) })]
    }
    if let differentiable = noise as? any DifferentiableNoise {
      checks.append(("log-density derivative", { logDensityDerivative(of: differentiable) }))
    }
    return checks.compactMap { name, check in check().map { Violation(property: name, detail: $0) } }
  }

  // MARK: points

  /// Probabilities from both ends to the middle, even on a logarithmic scale, with random ones between.
  func probabilities(from smallest: Double) -> [Double] {
    var generator = SplitMix64(seed: seed)
    var lower: [Double] = []
    var p = 0.5
    while p > smallest {
      lower.append(p)
      p *= generator.number(in: 0.2...0.95)
      if p < 1e-12 { p *= p < 1e-60 ? 1e-12 : 1e-2 }
    }
    return lower
  }

  /// Points of the support in ascending order, from quantiles of both ends.
  private func points() -> [Double] {
    let lower = probabilities(from: 1e-15)
    return (lower.reversed().map { noise.quantile(at: $0) } + lower.map { noise.quantile(at: 1 - $0) })
      .filter { $0.isFinite }
  }

  private func agree(_ a: Double, _ b: Double, conditioning: Double = 1) -> Bool {
    if a == b { return true }
    let bound = tolerance * max(a.magnitude, b.magnitude)
    return (a - b).magnitude <= bound * (1 + conditioning) + .leastNormalMagnitude
  }

  /// How much a relative change of x changes a probability near x, relatively.
  private func conditioning(at x: Double, of probability: Double) -> Double {
    probability > 0 ? x.magnitude * noise.density(at: x) / probability : 0
  }

  /// Whether F or S is p at x, or passes p between the neighbours of x: at the end of a support that is not 0, no Double
  /// comes nearer.
  private func inverts(_ function: (Double) -> Double, at x: Double, to p: Double) -> Bool {
    if agree(function(x), p, conditioning: conditioning(at: x, of: p)) { return true }
    let (below, above) = (function(x.nextDown), function(x.nextUp))
    return min(below, above) <= p && p <= max(below, above)
  }

  // MARK: every law

  private func ends() -> String? {
    let expectations: [(String, Double, Double)] = [
      ("cumulative(at: -inf)", noise.cumulative(at: -.infinity), 0),
      ("cumulative(at: inf)", noise.cumulative(at: .infinity), 1),
      ("density(at: -inf)", noise.density(at: -.infinity), 0),
      ("density(at: inf)", noise.density(at: .infinity), 0),
      ("cumulative(at: nan)", noise.cumulative(at: .nan), .nan),
      ("density(at: nan)", noise.density(at: .nan), .nan),
      ("quantile(at: -0.5)", noise.quantile(at: -0.5), .nan),
      ("quantile(at: 1.5)", noise.quantile(at: 1.5), .nan),
      ("quantile(at: nan)", noise.quantile(at: .nan), .nan),
      ("cumulative(at: quantile(at: 0))", noise.cumulative(at: noise.quantile(at: 0)), 0),
      ("cumulative(at: quantile(at: 1))", noise.cumulative(at: noise.quantile(at: 1)), 1),
    ]
    for (call, value, expected) in expectations where value != expected && !(value.isNaN && expected.isNaN) {
      return "\(call) is \(value), not \(expected)"
    }
    return nil
  }

  /// As far down as the other checks go: what they make of a NaN says nothing.
  private func quantilesAreNumbers() -> String? {
    let accurate = noise as? any AccurateNoise
    for p in probabilities(from: accurate == nil ? 1e-15 : 1e-290) {
      if noise.quantile(at: p).isNaN { return "quantile(at: \(p)) is nan" }
      if let accurate, accurate.upperQuantile(at: p).isNaN { return "upperQuantile(at: \(p)) is nan" }
      if noise.quantile(at: 1 - p).isNaN { return "quantile(at: \(1 - p)) is nan" }
    }
    return nil
  }

  private func monotonicity() -> String? {
    let points = points()
    for (x, y) in zip(points, points.dropFirst()) where x > y {
      return "the quantile falls from \(x) to \(y)"
    }
    for (x, y) in zip(points, points.dropFirst()) {
      let (low, high) = (noise.cumulative(at: x), noise.cumulative(at: y))
      if !(low >= 0 && high <= 1) { return "F(\(x)) = \(low), F(\(y)) = \(high)" }
      if low > high * (1 + 1e-15) { return "F(\(x)) = \(low) > F(\(y)) = \(high)" }
    }
    return nil
  }

  private func quantileInverts() -> String? {
    for p in probabilities(from: 1e-12).flatMap({ [$0, 1 - $0] }) {
      let x = noise.quantile(at: p)
      if !inverts(noise.cumulative, at: x, to: p) {
        return "F(F⁻¹(\(p))) = F(\(x)) = \(noise.cumulative(at: x))"
      }
    }
    return nil
  }

  /// ∫ f between neighbouring points against the difference of F. A kink inside an interval spoils the quadrature
  /// there, so a few intervals may be further off.
  private func densityIsDerivative() -> String? {
    let points = (1..<512).map { noise.quantile(at: Double($0) / 512) }
    var worst: (error: Double, detail: String)?
    var outliers = 0
    for (x, y) in zip(points, points.dropFirst()) where x < y {
      let integral = integrate(from: x, to: y) { noise.density(at: $0) }
      let difference = noise.cumulative(at: y) - noise.cumulative(at: x)
      let error = (integral - difference).magnitude / difference
      if error <= 1e-6 { continue }
      outliers += 1
      if error > worst?.error ?? 0 {
        worst = (error, "the density integrates to \(integral) from \(x) to \(y), F grows by \(difference)")
      }
    }
    guard let worst, outliers > 8 || worst.error > 0.3 else { return nil }
    return worst.detail
  }

  private func symmetry() -> String? {
    guard let centre else { return nil }
    for x in points() {
      let mirrored = centre + (centre - x)
      let (f, g) = (noise.density(at: x), noise.density(at: mirrored))
      // At a jump of the density the two sides may both be right.
      if !agree(f, g, conditioning: 1e3) && f > 0 && g > 0 { return "f(\(x)) = \(f), f(\(mirrored)) = \(g)" }
      let (p, q) = (noise.cumulative(at: x), 1 - noise.cumulative(at: mirrored))
      if (p - q).magnitude > tolerance { return "F(\(x)) = \(p), 1 − F(\(mirrored)) = \(q)" }
    }
    return nil
  }

  // MARK: exact laws

  private func survival(of exact: some AccurateNoise) -> String? {
    for x in points() {
      let (f, s) = (exact.cumulative(at: x), exact.survival(at: x))
      if !(s >= 0) || (f + s - 1).magnitude > tolerance { return "F(\(x)) = \(f), S(\(x)) = \(s)" }
    }
    // In the tail, against its logarithm: 1 − F has no digits left there.
    for x in probabilities(from: 1e-290).map({ exact.upperQuantile(at: $0) }) where x.isFinite {
      let (s, log) = (exact.survival(at: x), exact.logSurvival(at: x))
      if !agree(s, exponential(log), conditioning: log.magnitude) { return "S(\(x)) = \(s), log S = \(log)" }
    }
    return nil
  }

  /// A side of the line: what lies on it, its logarithm, and a point that leaves just so much on it.
  private typealias Side = (
    name: String, end: Double, probability: (Double) -> Double, logarithm: (Double) -> Double,
    point: (Double) -> Double
  )

  private func lower(_ exact: some AccurateNoise) -> Side {
    ("F", -.infinity, exact.cumulative, exact.logCumulative, exact.quantile)
  }

  private func upper(_ exact: some AccurateNoise) -> Side {
    ("S", .infinity, exact.survival, exact.logSurvival, exact.upperQuantile)
  }

  /// The logarithm on a side: of small probabilities there, and of those that fall short of one by little, which the
  /// opposite side knows.
  private func logarithms(on side: Side, opposite: Side) -> String? {
    if side.logarithm(side.end) != -.infinity { return "log \(side.name)(\(side.end)) is not −∞" }
    if side.logarithm(opposite.end) != 0 { return "log \(side.name)(\(opposite.end)) is not 0" }
    for p in probabilities(from: 1e-290) {
      let near = side.point(p)
      let (probability, log) = (side.probability(near), side.logarithm(near))
      if !agree(log, logarithm(probability), conditioning: 1) {
        return "\(side.name)(\(near)) = \(probability), log \(side.name) = \(log)"
      }
      let far = opposite.point(p)
      let (rest, small) = (opposite.probability(far), side.logarithm(far))
      if !agree(small, logarithmOfOnePlus(-rest)) {
        return "1 − \(side.name)(\(far)) = \(rest), log \(side.name) = \(small)"
      }
    }
    return nil
  }

  private func upperQuantile(of exact: some AccurateNoise) -> String? {
    if !exact.upperQuantile(at: -0.5).isNaN || !exact.upperQuantile(at: 1.5).isNaN {
      return "the upper quantile outside 0…1 is not NaN"
    }
    if exact.upperQuantile(at: 0) != exact.quantile(at: 1)
      || exact.upperQuantile(at: 1) != exact.quantile(at: 0)
    {
      return "the ends of the two quantiles differ"
    }
    for p in probabilities(from: 1e-12) {
      let (a, b) = (exact.upperQuantile(at: p), exact.quantile(at: 1 - p))
      // 1 − p is rounded: that moves the quantile by 2⁻⁵⁴/f.
      let slack = 0x1p-53 / exact.density(at: a) + tolerance * (a.magnitude + 1)
      if (a - b).magnitude > slack { return "S⁻¹(\(p)) = \(a), F⁻¹(1 − \(p)) = \(b)" }
    }
    for p in probabilities(from: 1e-290) {
      let (lower, upper) = (exact.quantile(at: p), exact.upperQuantile(at: p))
      if !inverts(exact.cumulative, at: lower, to: p) {
        return "F(F⁻¹(\(p))) = F(\(lower)) = \(exact.cumulative(at: lower))"
      }
      if !inverts(exact.survival, at: upper, to: p) {
        return "S(S⁻¹(\(p))) = S(\(upper)) = \(exact.survival(at: upper))"
      }
    }
    return nil
  }

  /// Both moments by quadrature over quantile panels.
  private func moments(of exact: some AccurateNoise) -> String? {
    let tails = probabilities(from: 1e-25)
    let ends = tails.reversed().map { exact.quantile(at: $0) } + tails.map { exact.upperQuantile(at: $0) }
    var (mass, first, second) = (0.0, 0.0, 0.0)
    for (x, y) in zip(ends, ends.dropFirst()) where x < y {
      mass += integrate(from: x, to: y) { exact.density(at: $0) }
      first += integrate(from: x, to: y) { ($0 - exact.mean) * exact.density(at: $0) }
      second += integrate(from: x, to: y) { ($0 - exact.mean) * ($0 - exact.mean) * exact.density(at: $0) }
    }
    if (mass - 1).magnitude > 1e-3 { return "the density integrates to \(mass)" }
    // Heavy tails may have neither.
    guard exact.mean.isFinite, exact.variance < .infinity else { return nil }
    let deviation = exact.variance.squareRoot()
    if first.magnitude > 1e-4 * deviation { return "the mean is \(exact.mean + first), not \(exact.mean)" }
    if (second / exact.variance - 1).magnitude > 1e-3 {
      return "the variance is \(second), not \(exact.variance)"
    }
    return nil
  }

  /// Gauss–Legendre quadrature with five nodes on each of two halves.
  func integrate(from a: Double, to b: Double, _ function: (Double) -> Double) -> Double {
    let half = (b - a) / 2
    let nodes = GaussFive.nodes(from: a, width: half) + GaussFive.nodes(from: a + half, width: half)
    return nodes.reduce(0) { $0 + $1.weight * function($1.point) }
  }
}
