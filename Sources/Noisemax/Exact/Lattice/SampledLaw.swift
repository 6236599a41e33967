/// A law as the samples of its table give it, between them by interpolation.
struct SampledLaw {
  private let unit: Double
  private let first: Int
  /// Eight coefficients for every interval between samples: of log F and of log r.
  private let logCumulative: [Double]
  private let logHazard: [Double]

  init(_ table: LatticeTable, limit: Double) {
    unit = table.unit
    first = table.firstIndex + 7
    let samples = table.cumulatives(forStep: 0)
    let basis = table.bases[.double]
    func expanded(_ samples: UnsafeBufferPointer<Double>) -> [Double] {
      var result: [Double] = []
      result.reserveCapacity(8 * samples.count)
      for index in 0..<samples.count - 15 {
        for k in 0..<8 {
          var sum = 0.0
          for tap in 0..<16 { sum += basis.matrix[8 * tap + k] * samples[index + tap] }
          result.append(sum)
        }
      }
      return result
    }
    logCumulative = expanded(
      UnsafeBufferPointer(start: samples.values, count: samples.layout.count))
    // As far as the hazard of a class at the limit.
    let count = samples.layout.count + Int((limit / unit).rounded(.up))
    logHazard = expanded(
      UnsafeBufferPointer(start: table.logHazard, count: min(count, table.logHazardCount)))
  }

  /// At the ends of the samples for what is beyond.
  private func value(_ coefficients: [Double], _ x: Double) -> Double {
    let place = (x / unit).rounded(.down)
    let index = min(max(Int(place) - first, 0), coefficients.count / 8 - 1)
    let t = min(max(2 * (x / unit - Double(index + first)) - 1, -1), 1)
    return coefficients.withUnsafeBufferPointer { coefficients in
      var sum = 0.0
      for k in (0..<8).reversed() { sum = sum * t + coefficients[8 * index + k] }
      return sum
    }
  }

  func logCumulative(at x: Double) -> Double { value(logCumulative, x) }
  func logHazard(at x: Double) -> Double { value(logHazard, x) }

  func logIntegrand(gap: Double, leaders: Double, at x: Double) -> Double {
    leaders * logCumulative(at: x) + logHazard(at: x + gap)
  }

  /// The lowest nodes that matter to classes, so many tied, at a gap below one leader, or to that leader.
  func lowestNode(gap: Double, rareClasses: Double = 1, ofLeader: Bool = false, drop: Double) -> Double {
    func value(_ x: Double) -> Double {
      if ofLeader { return logCumulative(at: x) + logHazard(at: x) + logCumulative(at: x + gap) }
      return logCumulative(at: x) + rareClasses * (logCumulative(at: x + gap) + logHazard(at: x + gap))
    }
    // Down from the peak, in steps on which the law is smooth.
    let step = 4 * unit
    var x = lastPlace
    var top = value(x)
    while x > Double(first) * unit, value(x) > top - drop || value(x - step) > value(x) {
      x -= step
      top = max(top, value(x))
    }
    return x
  }

  /// The highest node of a class at a gap below tied leaders.
  func end(gap: Double, leaders: Double, drop: Double, unit: Double) -> Double {
    var x = lowestStart(gap)
    var top = -Double.infinity
    while x < lastPlace {
      let value = logIntegrand(gap: gap, leaders: leaders, at: x)
      top = max(top, value)
      if value < top - drop { break }
      x += 2 * unit
    }
    return x
  }

  /// Where the samples end.
  private var lastPlace: Double { Double(first + logCumulative.count / 8) * unit }

  /// Below every peak, and within the samples.
  private func lowestStart(_ gap: Double) -> Double { max(-gap - 64 * unit, Double(first + 1) * unit) }

  /// Where the integrand of a class below tied leaders is largest.
  func peak(gap: Double, leaders: Double = 1) -> Double {
    var x = lowestStart(gap)
    while x < lastPlace,
      logIntegrand(gap: gap, leaders: leaders, at: x + unit)
        > logIntegrand(gap: gap, leaders: leaders, at: x)
    {
      x += unit
    }
    return x
  }

  /// The coarsest step whose trapezoid sums of ties agree, whichever sample they begin with, and how sharp an integrand
  /// of a class below as many at the most may be at that step: −Δ² of its logarithm at the peak, measured for classes
  /// at all depths.
  func step(for classes: Int, coarsest: Double, steepest: Double, precision: Precision) -> (
    width: Double, sharpness: Double
  ) {
    let ties = Integrand(self, gap: 0, leaders: Double(classes))
    let step =
      (2...max(2, Int(coarsest / unit))).reversed().first { ties.error($0) <= precision.directStepTolerance }
      ?? 1
    var limit = 2.0
    for leaders in [classes / 2, classes] {
      for j in 0...5 {
        let integrand = Integrand(self, gap: steepest * Double(j) / 5, leaders: Double(leaders))
        if integrand.error(step) > precision.directSharpTolerance {
          limit = min(limit, integrand.sharpness(step))
        }
      }
    }
    return (Double(step) * unit, 0.95 * limit)
  }

  /// The samples of one integrand.
  private struct Integrand {
    let logarithms: [Double]
    let values: [Double]
    let peak: Int

    init(_ law: SampledLaw, gap: Double, leaders: Double) {
      // Up from where it does not matter yet.
      var logarithms: [Double] = []
      var index = Int(((law.peak(gap: gap, leaders: leaders)) / law.unit).rounded())
      let top = law.logIntegrand(gap: gap, leaders: leaders, at: Double(index) * law.unit)
      func value(_ index: Int) -> Double {
        law.logIntegrand(gap: gap, leaders: leaders, at: Double(index) * law.unit) - top
      }
      while index > law.first && value(index) > -45 { index -= 1 }
      repeat {
        logarithms.append(value(index))
        index += 1
      } while (logarithms.last.map { $0 > -45 } == true && Double(index) * law.unit < law.lastPlace)
        || logarithms.count < 3
      self.logarithms = logarithms
      values = logarithms.map { exponential($0) }
      peak = logarithms.indices.max { logarithms[$0] < logarithms[$1] } ?? 0
    }

    /// How far the sums of the phases are apart.
    func error(_ step: Int) -> Double {
      var phases = [CompensatedSum](repeating: CompensatedSum(), count: step)
      for (index, value) in values.enumerated() { phases[index % step].add(value) }
      let mean = phases.reduce(0) { $0 + $1.value } / Double(step)
      return phases.reduce(0) { max($0, ($1.value / mean - 1).magnitude) }
    }

    func sharpness(_ step: Int) -> Double {
      guard peak >= step, peak + step < logarithms.count else { return 0 }
      return 2 * logarithms[peak] - logarithms[peak - step] - logarithms[peak + step]
    }
  }
}

extension Precision {
  /// The error of the trapezoid rule for the rarest class.
  fileprivate var directSharpTolerance: Double { self == .double ? 2e-14 : 3e-7 }
  fileprivate var directStepTolerance: Double { self == .double ? 5e-14 : 1e-7 }
}
