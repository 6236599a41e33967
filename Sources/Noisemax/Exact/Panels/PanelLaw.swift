/// A law as the panels see it: log F and the reversed hazard at arguments of twice the precision.
///
/// A class enters with x − μ, and where thousands of classes tie, the rounding of that difference to a Double would
/// show in the sum of their log F. So the argument keeps its low part, and log F takes it to first order, with the
/// reversed hazard r = (log F)′ as the slope.
final class PanelLaw: Sendable {
  let noise: any PiecewiseNoise
  /// In rising order, the finite ends of the support among them.
  let kinks: [Double]
  /// The ends of the support, infinite where it has none.
  let lowerEnd, upperEnd: Double
  /// √variance: the unit in which "near a kink" is measured.
  let deviation: Double
  /// A class with a gap below −reach has the probability 0 as a Double, below −singleReach as a Float, and no part in that of
  /// another class. For it to win, the leader's noise would have to lie where log F is below the floor of the integrals, or its
  /// own where log(1 − F) is.
  let reach, singleReach: Double
  /// log f(z) = `value` + `slope`·(z − `start`) from `start` on, where log F is 0 to rounding; nil if the tail is no
  /// exponential.
  let tail: (start: Double, value: Double, slope: Double)?
  /// At gaps below −farthest log p falls as log f does, to rounding, and its derivatives stay the same; ∞ if that is not
  /// known.
  let farthest: Double

  init(_ noise: some PiecewiseNoise) {
    self.noise = noise
    let noise = MeasuredNoise(noise)
    lowerEnd = noise.quantile(at: 0)
    upperEnd = noise.upperQuantile(at: 0)
    deviation = noise.variance.squareRoot()
    var sorted: [Double] = []
    for kink in (noise.kinks + [lowerEnd, upperEnd]).sorted() where kink.isFinite && kink != sorted.last {
      sorted.append(kink)
    }
    kinks = sorted
    reach = Self.reach(of: noise, floor: -760)
    singleReach = Self.reach(of: noise, floor: -120)
    // Looks where no integral does, so a value that is no number there only means that there is no such tail.
    tail = Self.tail(of: self.noise, deviation: deviation)
    // If log F falls more slowly than log f, it is the leader that gives way to a class far behind.
    let far = 0x1p50 * deviation
    farthest = tail.map { noise.logCumulative(at: -far) <= $0.slope * far } == true ? far : .infinity
    require(
      deviation > 0 && deviation.isFinite && lowerEnd < upperEnd,
      "\(noise) has variance \(noise.variance) and its support is \(lowerEnd)…\(upperEnd)")
  }

  /// x₂ − x₁, where log F and log f are below a floor at x₁, and log(1 − F) and log f at x₂; ∞ if no such points are found.
  private static func reach(of noise: some PiecewiseNoise, floor: Double) -> Double {
    let start = exponential(floor + 60)
    let (lowest, highest) = (noise.quantile(at: 0), noise.upperQuantile(at: 0))
    var (lower, upper) = (Swift.max(lowest, noise.quantile(at: start)), noise.upperQuantile(at: start))
    var step = noise.variance.squareRoot()
    for _ in 0..<64 {
      let isLow =
        lower <= lowest || (noise.logCumulative(at: lower) <= floor && noise.logDensity(at: lower) <= floor)
      let isHigh =
        upper >= highest || (noise.logSurvival(at: upper) <= floor && noise.logDensity(at: upper) <= floor)
      if isLow && isHigh { return upper - lower }
      if !isLow { lower = Swift.max(lower - step, lowest) }
      if !isHigh { upper = Swift.min(upper + step, highest) }
      step *= 2
    }
    return .infinity
  }

  /// Found by looking far out, where all but the slope is lost in rounding.
  private static func tail(
    of noise: some PiecewiseNoise, deviation: Double
  ) -> (start: Double, value: Double, slope: Double)? {
    let start = Swift.max(noise.upperQuantile(at: 0x1p-70), noise.kinks.max() ?? 0)
    let value = noise.logDensity(at: start)
    let far = start + 0x1p100 * deviation
    let slope = noise.logDensity(at: far) / far
    guard slope.isFinite && slope < 0 else { return nil }
    for exponent in stride(from: 0.0, through: 90, by: 10) {
      let distance = deviation * exponential(exponent)
      let found = noise.logDensity(at: start + distance)
      guard (found - (value + slope * distance)).magnitude <= 0x1p-48 * found.magnitude else { return nil }
    }
    return (start, value, slope)
  }

  /// The rounding of a large log r, relative.
  var roundingOfLogReversedHazard: Double { tail == nil ? 0x1p-48 : 0x1p-98 }

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

  /// log r(z), −∞ outside the support. In an exponential tail it is known to twice the precision, so that integrands
  /// far below the least Double keep their shape.
  @inline(__always)
  func logReversedHazard(at z: DoubleDouble) -> DoubleDouble {
    if let tail, z.high > tail.start {
      return DoubleDouble(tail.value) + (z - DoubleDouble(tail.start)) * DoubleDouble(tail.slope)
    }
    let z = side(of: z)
    let logDensity = noise.logDensity(at: z)
    return DoubleDouble(logDensity == -.infinity ? logDensity : logDensity - noise.logCumulative(at: z))
  }

  /// z as one Double, on the same side of every kink.
  @inline(__always)
  func side(of z: DoubleDouble) -> Double {
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
  static func < (x: DoubleDouble, y: DoubleDouble) -> Bool {
    x.high < y.high || (x.high == y.high && x.low < y.low)
  }

  @inline(__always)
  func isBelow(_ bound: Double) -> Bool { high < bound || (high == bound && low < 0) }

  @inline(__always)
  func isAbove(_ bound: Double) -> Bool { high > bound || (high == bound && low > 0) }
}
