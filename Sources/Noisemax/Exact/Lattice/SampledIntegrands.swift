/// Samples of log F and log r, and the integrands that the lattice measures a law by: those of two classes, and of ties.
///
/// Searches look through all samples, as an integrand may have several humps.
struct SampledIntegrands {
  let unit: Double
  /// The number of the first sample, which is at first · unit.
  let first: Int
  /// Samples of log F, which counts as 0 above the last, and of log r = log f − log F.
  let logCumulative: [Double]
  let logReversedHazard: [Double]

  init(of noise: some SmoothNoise, unit: Double, first: Int, highest: Double, highestReversedHazard: Double) {
    (self.unit, self.first) = (unit, first)
    func samples(to end: Double, _ function: (Double) -> Double) -> [Double] {
      (first...Int((end / unit).rounded(.up))).map { function(Double($0) * unit) }
    }
    logCumulative = samples(to: highest) { noise.logCumulative(at: $0) }
    logReversedHazard = samples(to: highestReversedHazard) { noise.logReversedHazard(at: $0) }
  }

  /// Whether log f is concave, as far as the samples of log F reach. Then every integrand has one hump, and the rarest
  /// class has the sharpest.
  var areConcave: Bool { Self.isConcave(zip(logCumulative, logReversedHazard).map { $0 + $1 }) }

  /// Whether log r is concave: then of two classes the rarer one's integrand falls later, down the nodes.
  var areReversedHazardsConcave: Bool { Self.isConcave(logReversedHazard) }

  private static func isConcave(_ values: [Double]) -> Bool {
    values.indices.dropFirst().dropLast().allSatisfy { index in
      let (below, here, above) = (values[index - 1], values[index], values[index + 1])
      // Rounding bends straight tails, and beyond all numbers there is nothing to bend.
      return below == -.infinity || above == -.infinity
        || below / 2 + above / 2 - here <= 5e-13 * max(1, here.magnitude)
    }
  }

  // MARK: windows

  /// The highest node that matters to a class up to `depth` behind so many tied leaders.
  func highestNodes(leaders: Double, depth: Double) -> PerPrecision<Double> {
    var highest = (single: -Double.infinity, double: -Double.infinity)
    for k in 0...64 {
      // Denser near the leaders.
      let shift = Int((depth * Double(k * k) / 4096 / unit).rounded())
      func logIntegrand(_ index: Int) -> Double {
        leaders * logCumulative[index] + logCumulative(index + shift) + logReversedHazard[index + shift]
      }
      let top = maximum(of: logIntegrand)
      func node(_ precision: Precision) -> Double {
        let index = coarseIndices.reversed().first { logIntegrand($0) > top - precision.drop } ?? 0
        return Double(first + index + Self.stride) * unit
      }
      highest = (max(highest.single, node(.single)), max(highest.double, node(.double)))
    }
    return PerPrecision { $0 == .double ? highest.double : highest.single }
  }

  private func logCumulative(_ index: Int) -> Double {
    index < logCumulative.count ? logCumulative[index] : 0
  }

  /// Integrands are smooth on the scale of some samples.
  private static let stride = 4
  private var coarseIndices: LazyMapCollection<Range<Int>, Int> {
    (0..<logCumulative.count / Self.stride).lazy.map { $0 * Self.stride }
  }

  private func maximum(of logIntegrand: (Int) -> Double) -> Double {
    coarseIndices.reduce(-.infinity) { max($0, logIntegrand($1)) }
  }

  // MARK: steps

  /// ∫ n Fⁿ r dx = 1 for n tied classes: the index of the coarsest step, up to a given one, whose trapezoid sums are 1 within
  /// the tolerance, whichever sample they begin with.
  func coarsestStep(
    upTo coarsest: Int, for classes: Int, within tolerance: Double, from low: Double, to high: Double
  ) -> Int {
    let n = Double(classes)
    let indices = Int((low / unit).rounded(.down)) - first...Int((high / unit).rounded(.up)) - first
    let values = indices.map { n * exponential(n * logCumulative[$0] + logReversedHazard[$0]) }
    return LatticeTable.steps[...coarsest].lastIndex { step in
      (0..<step).allSatisfy { phase in
        let sum = CompensatedSum(
          of: Swift.stride(from: phase, to: values.count, by: step).lazy.map { values[$0] })
        return (sum.value * Double(step) * unit - 1).magnitude <= tolerance
      }
    } ?? 0
  }
}
