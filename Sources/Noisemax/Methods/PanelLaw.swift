/// A law as the panels see it: log F and the reversed hazard at arguments of twice the precision.
///
/// A class enters with x − μ, and where thousands of classes tie, the rounding of that difference to a Double would
/// show in the sum of their log F. So the argument keeps its low part, and log F takes it to first order, with the
/// reversed hazard r = (log F)′ as the slope.
struct PanelLaw<Noise: PiecewiseNoise>: Sendable {
  let noise: Noise
  /// In rising order, the finite ends of the support among them.
  let kinks: [Double]
  /// The ends of the support, infinite where it has none.
  let lowerEnd, upperEnd: Double
  /// √variance: the unit in which "near a kink" is measured.
  let deviation: Double

  init(_ noise: Noise) {
    self.noise = noise
    lowerEnd = noise.quantile(at: 0)
    upperEnd = noise.upperQuantile(at: 0)
    deviation = noise.variance.squareRoot()
    var sorted: [Double] = []
    for kink in (noise.kinks + [lowerEnd, upperEnd]).sorted() where kink.isFinite && kink != sorted.last {
      sorted.append(kink)
    }
    kinks = sorted
    require(
      deviation > 0 && deviation.isFinite && lowerEnd < upperEnd,
      "\(noise) has variance \(noise.variance) and its support is \(lowerEnd)…\(upperEnd)")
  }

  /// log F(z).
  @inline(__always)
  func logCumulative(at z: DoubleDouble) -> Double {
    let value = noise.logCumulative(at: z.high)
    guard z.low != 0, value > -.infinity, value < 0 || z.low < 0 else { return value }
    let correction = z.low * reversedHazard(at: z)
    return correction.isFinite ? value + correction : value
  }

  /// r(z) = f(z)/F(z), 0 outside the support.
  @inline(__always)
  func reversedHazard(at z: DoubleDouble) -> Double {
    let z = side(of: z)
    let density = noise.density(at: z)
    let cumulative = noise.cumulative(at: z)
    // A quotient of subnormal numbers has no digits left.
    if cumulative >= 0x1p-960 { return density / cumulative }
    let logValue = noise.logDensity(at: z) - noise.logCumulative(at: z)
    return logValue.isNaN ? 0 : exponential(logValue)
  }

  /// log r(z), −∞ outside the support.
  @inline(__always)
  func logReversedHazard(at z: DoubleDouble) -> Double {
    let z = side(of: z)
    let logDensity = noise.logDensity(at: z)
    return logDensity == -.infinity ? logDensity : logDensity - noise.logCumulative(at: z)
  }

  /// z as one Double, on the same side of every kink.
  @inline(__always)
  private func side(of z: DoubleDouble) -> Double {
    guard z.low != 0 else { return z.high }
    for kink in kinks where kink == z.high { return z.low > 0 ? z.high.nextUp : z.high.nextDown }
    return z.high
  }
}

extension DoubleDouble {
  /// x + y, as accurate as the low parts are; cheaper than `+`.
  @inline(__always)
  init(adding x: DoubleDouble, _ y: DoubleDouble) {
    let sum = DoubleDouble(sumOf: x.high, and: y.high)
    self.init(sumOf: sum.high, and: sum.low + (x.low + y.low))
  }

  @inline(__always)
  func isBelow(_ bound: Double) -> Bool { high < bound || (high == bound && low < 0) }

  @inline(__always)
  func isAbove(_ bound: Double) -> Bool { high > bound || (high == bound && low > 0) }
}
