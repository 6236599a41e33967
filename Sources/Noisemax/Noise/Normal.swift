/// The standard normal law: the noise of probit choice.
///
/// Values within 4 ulp, quantiles within 2 ulp, over the whole line.
///
/// Method: for x ≥ 0 the survival function is e^(−x²/2)·w(x), where the scaled tail w is smooth and falls like 1/x.
/// - e^(−x²/2): x is cut into a part whose square is exact and a rest, so that rounding x² costs nothing;
/// - w(x)·(x + 4) is one polynomial in v = (x − 4)/(x + 4) for all x ≥ 0 (fitted to 2e-19 relative), its last
///   steps in twice the precision, so that neither v nor Horner's rule leaves an error;
/// - the quantile is a polynomial in p − ½ for p in ¼…¾; in the tails one third-order step from a starting value
///   good to 5e-7, with the residual S(x)/q − 1 taken from the survival function above.
public struct Normal: ExactNoise, Hashable {
  /// The standard law: mean 0, standard deviation 1.
  public init() {}

  public func cumulative(at x: Double) -> Double { x < 0 ? tail(-x) : 1 - tail(x) }

  public func survival(at x: Double) -> Double { cumulative(at: -x) }

  public func density(at x: Double) -> Double {
    guard x.magnitude < Self.underflow else { return x.isNaN ? x : 0 }
    let gaussian = Gaussian(at: x)
    return gaussian.leading * (Self.inverseRootTwoPi + Self.inverseRootTwoPi * gaussian.correction)
  }

  public func logCumulative(at x: Double) -> Double { x < 0 ? logTail(-x) : logarithmOfOnePlus(-tail(x)) }

  public func logSurvival(at x: Double) -> Double { logCumulative(at: -x) }

  public func quantile(at p: Double) -> Double {
    if p > 0.75 { return upperTailQuantile(at: 1 - p) }
    if p < 0.25 { return -upperTailQuantile(at: p) }
    let offset = p - 0.5
    return offset * (Self.centre + offset * offset * polynomial(Self.centreRest, at: offset * offset))
  }

  public func upperQuantile(at q: Double) -> Double { -quantile(at: q) }

  /// 0.
  public var mean: Double { 0 }

  /// 1.
  public var variance: Double { 1 }

  /// The lattice, shared.
  public var exactMethod: ExactMethod { Self.lattice }
  private static let lattice = ExactMethod.lattice(of: Normal())
}

extension Normal: SmoothNoise {
  /// −log(√(2π)·w(−x)) below 0, where f and F shrink together, and log f − log F above.
  public func logReversedHazard(at x: Double) -> Double {
    // From 9 on log F is nothing beside −x²/2.
    if x > 0 {
      return -x * x / 2 + Self.logInverseRootTwoPi - (x < 9 ? logCumulative(at: x) : 0)
    }
    guard x > -1e18 else { return x.isNaN ? x : logarithm(-x) }
    return logarithm(Self.inverseRootTwoPi / scaledTail(-x).high)
  }
}

extension Normal: DifferentiableNoise {
  /// −x.
  public func logDensityDerivative(at x: Double) -> Double { -x }
}

extension NoiseDistribution where Self == Normal {
  /// The standard normal law.
  public static var normal: Normal { Normal() }
}

extension Normal {
  /// −x²/2 = exponent − rest, the exponent exact and the rest below 2e-5, and e^(−x²/2) = leading · (1 + correction).
  /// For |x| < 64.
  private struct Gaussian {
    let exponent, rest, leading, correction: Double

    init(at x: Double) {
      let head = (x + 0x1.8p32) - 0x1.8p32  // x to a multiple of 2⁻²⁰: its square has at most 52 bits
      rest = (x - head) * (x + head) / 2
      exponent = -(head * head) / 2
      leading = exponential(exponent)
      correction = rest * (rest * (0.5 - rest / 6) - 1)
    }
  }

  /// S(x) for x ≥ 0.
  private func tail(_ x: Double) -> Double {
    guard x < Self.underflow else { return x.isNaN ? x : 0 }
    let gaussian = Gaussian(at: x)
    let scaled = scaledTail(x)
    return gaussian.leading * (scaled.high + (scaled.low + scaled.high * gaussian.correction))
  }

  /// log S(x) for x ≥ 0.
  private func logTail(_ x: Double) -> Double {
    guard x < Self.underflow else {
      // Beyond 1e18, x² leaves no digits for log w(x).
      return (x < 1e18 ? logarithm(scaledTail(x).high) : 0) - x * (x / 2)
    }
    let gaussian = Gaussian(at: x)
    let scaled = scaledTail(x)
    return gaussian.exponent + (logarithm(scaled.high) + (scaled.low / scaled.high - gaussian.rest))
  }

  /// w(x) = S(x)·e^(x²/2) for finite x ≥ 0, to about 1e-18 relative.
  private func scaledTail(_ x: Double) -> DoubleDouble {
    let shifted = DoubleDouble(sumOf: x, and: 4)
    let v = quotient(DoubleDouble(sumOf: x, and: -4), shifted)
    // The last steps of Horner's rule with their rounding errors, which go through the same steps.
    var sum = polynomial(Self.tailRest, at: v.high)
    var lost = 0.0
    for coefficient in Self.tailLeading {
      let product = DoubleDouble(productOf: sum, and: v.high)
      let next = DoubleDouble(sumOf: product.high, and: coefficient.high)
      lost = lost * v.high + (sum * v.low + product.low + next.low + coefficient.low)
      sum = next.high
    }
    return quotient(DoubleDouble(sum, lost), shifted)
  }

  /// x/y to about 2⁻¹⁰⁰: the quotient of the leading parts, and what it leaves.
  @inline(__always)
  private func quotient(_ x: DoubleDouble, _ y: DoubleDouble) -> DoubleDouble {
    let leading = x.high / y.high
    return DoubleDouble(
      leading, (x.high.addingProduct(-leading, y.high) + (x.low - leading * y.low)) / y.high)
  }

  /// The x ≥ 0 with S(x) = q, for q ≤ ¼.
  private func upperTailQuantile(at q: Double) -> Double {
    guard q > 0 else { return q == 0 ? .infinity : .nan }
    let s = (-2 * logarithm(q)).squareRoot()
    let start = s - polynomial(Self.tailStart, at: (s - 5) / (s + 5))
    let gaussian = Gaussian(at: start)
    let scaled = scaledTail(start)
    let low = scaled.low + scaled.high * gaussian.correction
    // S(start)/q − 1; below 2⁻⁹⁶⁰ in log form, since S itself would lose bits, and there its rounding is harmless.
    let excess =
      q > 0x1p-960
      ? ((-q).addingProduct(gaussian.leading, scaled.high) + gaussian.leading * low) / q
      : gaussian.exponent + (logarithm(scaled.high) - gaussian.rest) - logarithm(q)
    let logExcess = q > 0x1p-960 ? excess - excess * excess / 2 : excess
    let step = logExcess * scaled.high / Self.inverseRootTwoPi
    let hazard = Self.inverseRootTwoPi / scaled.high
    return start + step * (1 - (hazard - start) * step / 2)
  }

  /// From here on S(x) and f(x) are below the smallest subnormal.
  private static let underflow = 39.0
  private static let inverseRootTwoPi = 0.3989422804014327
  private static let logInverseRootTwoPi = -0.9189385332046727

  /// w(x)·(x + 4) in powers of v, the six leading terms, highest first …
  private static let tailLeading = [
    DoubleDouble(-0.007540188966749177, -2.946460807380072e-19),
    DoubleDouble(0.06039657489094337, -1.612414627892323e-18),
    DoubleDouble(-0.18652185795965695, 8.383197997849472e-18),
    DoubleDouble(0.3871374007422145, -1.478757918405608e-17),
    DoubleDouble(-0.6078966419718921, -2.493984367271151e-17),
    DoubleDouble(0.7552851304157515, -2.2145166435997502e-17),
  ]

  /// … and the others, lowest first.
  private static let tailRest = [
    -0.00347969236760884, 0.0016308184581198116, 0.00013334431582143623,
    -0.00023109494120219183, -1.908289934937535e-06, 3.51447238808895e-05,
    7.168489399088456e-07, -5.920310194126933e-06, -6.303926145068761e-07,
    1.0218236174463028e-06, 2.735746989860637e-07, -1.5513723785485319e-07,
    -8.839233404819362e-08, 1.2874562074616334e-08, 2.2841002723810396e-08,
    2.971616044193146e-09, -4.574995366742409e-09, -1.7303325861886308e-09,
    6.340126111797515e-10, 4.0942341005099104e-10, -4.518095074278721e-11,
    -4.3238351110207265e-11,
  ]

  /// All of them to one Double, lowest first.
  package static let scaledTailCoefficients = tailLeading.reversed().map(\.high) + tailRest

  /// Φ⁻¹(½ + d)/d in powers of d², for |d| ≤ ¼ (fitted to 4e-18 relative).
  private static let centre = 2.5066282746310007
  private static let centreRest = [
    2.6249349909537885, 5.7725335385579015, 15.667608985213157,
    47.03578283283503, 149.83038498881936, 496.22559458002127,
    1692.509965043831, 5773.200518288449, 23425.031726858444,
    25049.35683993618, 871360.5879241334, -3609931.01268876,
    21475706.505049013,
  ]

  /// s − x in powers of (s − 5)/(s + 5), where s = √(−2 log q), for q ≤ ¼ (fitted to 5e-7).
  private static let tailStart = [
    0.519685528517, -0.671440602354, 0.334675665152, -0.259088588513,
    0.178002417925, -0.143814405341, 0.101028711125, -0.0997951637057,
    0.121432671675, -0.101128605849, 0.0269054523691,
  ]
}

extension Normal: PreciseNoise {
  /// One Newton step on Φ(x) − ½ = p − ½ from the quantile in Double: it squares an error of 1e-15.
  ///
  /// Φ(x) − ½ = f(x)·(x + x³/3 + x⁵/(3·5) + …) is odd and its terms have one sign, so that nothing cancels.
  package func preciseQuantile(at p: DoubleDouble) -> DoubleDouble {
    let x = DoubleDouble(quantile(at: p.value))
    let square = x * x
    var term = x
    var sum = x
    var divisor = 3.0
    while term.high.magnitude > sum.high.magnitude * 0x1p-110 {
      term = term * square / DoubleDouble(divisor)
      sum = sum + term
      divisor += 2
    }
    let density = DoubleDouble.inverseRootTwoPi * .exponential(-square.scaled(byPowerOfTwo: 0.5))
    return x - (sum - (p - DoubleDouble(0.5)) / density)
  }
}
