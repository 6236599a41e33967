internal import NoiseKernels

/// The upper tail of a law whose reversed hazard r falls as e^(−rate·x) there: log r is a straight line to the last bit.
///
/// Of a class so far behind that only this tail of its noise can win, r differs from that of another one by a factor alone,
/// e^(rate·(μ − μ′)), and so do all its integrals. So such classes count as one at a `limit` of gaps, and their probabilities
/// are multiplied by their factors: rows of such a law cost no more for what is far below.
struct ExponentialTail: Sendable {
  private let rate: Double
  /// From here on log r is straight, and F counts as 1.
  private let start: Double
  /// Below this, relative to the third class from the top, integrals of two reversed hazards hold nothing.
  private let lowest: Double
  /// A class with a gap below −depth has a probability below 1e-300.
  private let depth: Double

  /// nil if the law has no such tail.
  init?(of noise: some SmoothNoise, depth: Double) {
    let (middle, start) = (noise.quantile(at: 0.5), noise.upperQuantile(at: 1e-26))
    let (step, far) = (noise.upperQuantile(at: 0.25) - middle, start + 0x1p100 * (start - middle))
    let slope = -noise.logReversedHazard(at: far) / far
    guard step > 0, slope > 0, slope < .infinity else { return nil }
    let top = noise.logReversedHazard(at: start)
    var distance = step
    while distance < 0x1p1000 {
      let expected = top - slope * distance
      let found = noise.logReversedHazard(at: start + distance)
      // As far as rounding of the logarithm and of the point itself lets it be seen.
      let tolerance = 0x1p-51 * (expected.magnitude + slope * start.magnitude)
      guard (found - expected).magnitude <= tolerance else { return nil }
      // Sixteen points an octave, and far out one.
      distance *= distance < 1024 * step ? 1.0443 : 2
    }
    // Down from the third class each of the three top ones has log F fall at least as from the median, as log F is concave. Two
    // reversed hazards rise by 2·slope for each unit at most.
    let atMiddle = noise.logCumulative(at: middle)
    let end = (1...1000).first { count in
      let y = Double(count) * step
      return 3 * (noise.logCumulative(at: middle - y) - atMiddle) + 2 * slope * y < -40
    }
    guard let end else { return nil }
    (rate, self.start, lowest, self.depth) = (slope, start, middle - Double(end) * step, depth)
  }

  /// The gap below which the classes of a row differ by factors; nil if there are none with such probabilities, or with such
  /// logarithms if these are wanted.
  func limit(of row: UnsafeMutableBufferPointer<Double>, areLogarithms: Bool) -> Double? {
    guard let gaps = row.baseAddress, row.count > 2 else { return nil }
    let (highest, wanted) = (lowest - start, areLogarithms ? -Double.greatestFiniteMagnitude : -depth)
    let rarest =
      kernels.survey(gaps, padded(row.count), competingFrom: highest, wantedFrom: wanted).rarest
    guard rarest < highest else { return nil }
    var (second, third) = (-Double.infinity, -Double.infinity)
    var isLeader = true
    for gap in row where gap > third {
      if gap == 0 && isLeader {
        isLeader = false
      } else {
        (second, third) = (max(second, gap), min(second, gap))
      }
    }
    var limit = third + highest
    // Probabilities of about 1e-300 have no digits.
    if limit < -0.7 * depth { limit = min(limit, -1.5 * depth) }
    return limit > -.infinity && rarest < limit ? limit : nil
  }

  /// Moves the classes below a limit up to it, and writes the logarithm of each factor.
  func fold(
    _ row: UnsafeMutableBufferPointer<Double>, at limit: Double, logFactors: UnsafeMutablePointer<Double>
  ) {
    for index in row.indices {
      let isFolded = row[index] < limit && row[index] > -.infinity
      logFactors[index] = isFolded ? rate * (row[index] - limit) : 0
      if isFolded { row[index] = limit }
    }
  }
}

/// Multiplies the numbers of folded classes by their factors.
func multiply(
  _ numbers: UnsafeMutablePointer<Double>, _ count: Int, byExponentialsOf logFactors: UnsafePointer<Double>
) {
  for index in 0..<count where logFactors[index] < 0 {
    // Most are nothing, without an exponential.
    numbers[index] *= logFactors[index] < -746 ? 0 : exponential(logFactors[index])
  }
}
