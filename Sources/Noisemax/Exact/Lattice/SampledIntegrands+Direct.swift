// What direct sums measure of a law: where the integrand of a class behind tied leaders begins and ends, and how far apart
// its nodes may be. Points x and gaps are counted in samples; a `gap` here is how far the class is behind, so above 0.

extension SampledIntegrands {
  // Beyond the samples the value at their end.

  private func logF(_ point: Int) -> Double {
    logCumulative[min(max(point - first, 0), logCumulative.count - 1)]
  }

  private func logR(_ point: Int) -> Double {
    logReversedHazard[min(max(point - first, 0), logReversedHazard.count - 1)]
  }

  func logIntegrand(_ point: Int, gap: Int, leaders: Double) -> Double {
    leaders * logF(point) + logR(point + gap)
  }

  /// Behind the last sample of log F.
  private var end: Int { first + logCumulative.count }

  /// Below every peak, and within the samples.
  private func start(_ gap: Int) -> Int { max(-gap - 64, first + 1) }

  /// F(x)·[F(x + gap)·r(x + gap)]ᵏ, or F(x)·r(x)·F(x + gap) of the leader: the lowest node where the integrand of one leader
  /// and k tied rare classes matters.
  func lowestNode(gap: Int, rareClasses: Double = 1, ofLeader: Bool = false, drop: Double) -> Double {
    func value(_ point: Int) -> Double {
      if ofLeader { return logF(point) + logR(point) + logF(point + gap) }
      return logF(point) + rareClasses * (logF(point + gap) + logR(point + gap))
    }
    // Down from the peak, in steps on which the law is smooth.
    let step = 4
    var point = end
    var top = value(point)
    while point > first, value(point) > top - drop || value(point - step) > value(point) {
      point -= step
      top = max(top, value(point))
    }
    return Double(point) * unit
  }

  /// The highest node of a class at a gap below tied leaders.
  func highestNode(gap: Int, leaders: Double, drop: Double) -> Double {
    var point = start(gap)
    var top = -Double.infinity
    while point < end {
      let value = logIntegrand(point, gap: gap, leaders: leaders)
      top = max(top, value)
      if value < top - drop { break }
      point += 2
    }
    return Double(point) * unit
  }

  /// Where the integrand of a class below tied leaders is largest.
  func peak(gap: Int, leaders: Double = 1) -> Int {
    var point = start(gap)
    while point < end,
      logIntegrand(point + 1, gap: gap, leaders: leaders) > logIntegrand(point, gap: gap, leaders: leaders)
    {
      point += 1
    }
    return point
  }

  /// - `width`: the coarsest step whose trapezoid sums over ties agree, whichever sample they begin with.
  /// - `sharpness`: how large −Δ² of the logarithm of an integrand may be at its peak at that step. Measured for a class down
  ///   to the steepest gap behind that many leaders, and behind half as many.
  func directStep(for classes: Int, upTo coarsest: Int, steepest: Int, precision: Precision) -> (
    width: Double, sharpness: Double
  ) {
    let ties = Integrand(self, gap: 0, leaders: Double(classes))
    let step =
      (2...max(2, coarsest)).reversed().first { ties.error($0) <= precision.directStepTolerance } ?? 1
    var limit = 2.0
    for leaders in [classes / 2, classes] {
      for j in 0...5 {
        let integrand = Integrand(self, gap: steepest * j / 5, leaders: Double(leaders))
        if integrand.error(step) > precision.directSharpTolerance {
          limit = min(limit, integrand.sharpness(step))
        }
      }
    }
    return (Double(step) * unit, 0.95 * limit)
  }

  /// The samples of one integrand, as far as they matter.
  private struct Integrand {
    let logarithms: [Double]
    let values: [Double]
    let peak: Int

    init(_ law: SampledIntegrands, gap: Int, leaders: Double) {
      let peak = law.peak(gap: gap, leaders: leaders)
      let top = law.logIntegrand(peak, gap: gap, leaders: leaders)
      func value(_ point: Int) -> Double { law.logIntegrand(point, gap: gap, leaders: leaders) - top }
      var point = peak
      while point > law.first && value(point) > -45 { point -= 1 }
      self.peak = peak - point
      var logarithms: [Double] = []
      repeat {
        logarithms.append(value(point))
        point += 1
      } while (logarithms.last.map { $0 > -45 } == true && point < law.end) || logarithms.count < 3
      self.logarithms = logarithms
      values = logarithms.map { exponential($0) }
    }

    /// How far the sums of the phases are apart.
    func error(_ step: Int) -> Double {
      let sums = (0..<step).map { phase in
        CompensatedSum(of: Swift.stride(from: phase, to: values.count, by: step).lazy.map { values[$0] })
          .value
      }
      let mean = sums.reduce(0, +) / Double(step)
      return sums.reduce(0) { max($0, ($1 / mean - 1).magnitude) }
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
