/// Integrands of rows of two classes, and of ties, from samples of a law: what the lattice measures the law by.
///
/// Searches look through all samples, as an integrand may have several humps.
struct SampledIntegrands {
  let unit: Double
  /// The number of the first sample, which is at first · unit.
  let first: Int
  /// Samples of log F, followed by zeros as it were, and of log r = log f − log F.
  let logCumulative: [Double]
  let logHazard: [Double]

  init(of noise: some SmoothNoise, unit: Double, first: Int, highest: Double, highestHazard: Double) {
    (self.unit, self.first) = (unit, first)
    func samples(to end: Double, _ function: (Double) -> Double) -> [Double] {
      (first...Int((end / unit).rounded(.up))).map { function(Double($0) * unit) }
    }
    logCumulative = samples(to: highest) { noise.logCumulative(at: $0) }
    logHazard = samples(to: highestHazard) { noise.logReversedHazard(at: $0) }
  }

  /// Whether log f is concave, as far as the samples of log F reach. Then every integrand has one hump, and the rarest
  /// class has the sharpest.
  var areConcave: Bool {
    let logDensity = zip(logCumulative, logHazard).map { $0 + $1 }
    return logDensity.indices.dropFirst().dropLast().allSatisfy { index in
      let (below, here, above) = (logDensity[index - 1], logDensity[index], logDensity[index + 1])
      // Rounding bends straight tails.
      return below + above - 2 * here <= 1e-12 * max(1, here.magnitude)
    }
  }

  // MARK: windows

  /// The lowest nodes that matter to classes, so many tied, at a gap below one leader.
  func lowestNodes(gap: Double, rareClasses: Double = 1) -> PerPrecision<Double> {
    let shift = Int((gap / unit).rounded())
    return lowestNodes { index in
      logCumulative[index] + rareClasses * (logCumulative(index + shift) + logHazard[index + shift])
    }
  }

  /// The lowest nodes that matter to a leader with another class at a gap below it.
  func lowestNodesOfLeader(gap: Double) -> PerPrecision<Double> {
    let shift = Int((gap / unit).rounded())
    return lowestNodes { index in
      logCumulative[index] + logHazard[index] + logCumulative(index + shift)
    }
  }

  /// Where an integrand first comes near its maximum. More competitors favour higher nodes: the node is low enough for
  /// every row.
  private func lowestNodes(_ logIntegrand: (Int) -> Double) -> PerPrecision<Double> {
    let top = maximum(of: logIntegrand)
    return PerPrecision { precision in
      let floor = top - precision.drop
      let near = coarseIndices.first { logIntegrand($0) > floor } ?? 0
      let index = (max(0, near - stride)...near).first { logIntegrand($0) > floor } ?? near
      return Double(first + index) * unit
    }
  }

  /// The highest node that matters to classes at any gap down to `depth` below so many tied leaders.
  func highestNodes(leaders: Double, depth: Double) -> PerPrecision<Double> {
    var highest = (single: -Double.infinity, double: -Double.infinity)
    for k in 0...64 {
      // Denser near the leaders.
      let shift = Int((depth * Double(k * k) / 4096 / unit).rounded())
      func logIntegrand(_ index: Int) -> Double {
        leaders * logCumulative[index] + logCumulative(index + shift) + logHazard[index + shift]
      }
      let top = maximum(of: logIntegrand)
      func node(_ precision: Precision) -> Double {
        let index = coarseIndices.reversed().first { logIntegrand($0) > top - precision.drop } ?? 0
        return Double(first + index + stride) * unit
      }
      highest = (max(highest.single, node(.single)), max(highest.double, node(.double)))
    }
    return PerPrecision { $0 == .double ? highest.double : highest.single }
  }

  private func logCumulative(_ index: Int) -> Double {
    index < logCumulative.count ? logCumulative[index] : 0
  }

  /// Integrands are smooth on the scale of some samples.
  private let stride = 4
  private var coarseIndices: LazyMapCollection<Range<Int>, Int> {
    (0..<logCumulative.count / stride).lazy.map { $0 * stride }
  }

  private func maximum(of logIntegrand: (Int) -> Double) -> Double {
    coarseIndices.reduce(-.infinity) { max($0, logIntegrand($1)) }
  }

  // MARK: steps

  /// log₂ of the coarsest step that integrates n tied classes to the tolerance: the trapezoid sums of all phases, which
  /// differ by twice the error at most, must agree.
  func stepExponent(for classes: Int, within tolerance: Double, from low: Double, to high: Double) -> Int {
    let n = Double(classes)
    let indices = Int((low / unit).rounded(.down)) - first...Int((high / unit).rounded(.up)) - first
    let values = indices.map { n * exponential(n * logCumulative($0) + logHazard[$0]) }
    for exponent in (1..<LatticeTable.stepCount).reversed() {
      let step = 1 << exponent
      var phases = [CompensatedSum](repeating: CompensatedSum(), count: step)
      for (index, value) in values.enumerated() { phases[index % step].add(value) }
      let sums = phases.map { $0.value * Double(step) * unit }
      if sums.allSatisfy({ ($0 - 1).magnitude <= tolerance }) { return exponent }
    }
    return 0
  }
}
