internal import NoiseKernels

/// What the lattice knows of a law: samples of log F and of the reversed hazard on a fine grid, and how coarse a grid
/// a row may use. Everything here is measured on the law when the table is made.
///
/// Three lengths, all powers of two, so that scaling a row and its noise by a power of two changes no bit:
/// - the cell w: the distance of the grid points that classes are spread to, by the number of classes and the digits
///   wanted. Halved until interpolation between them reproduces log F and log r;
/// - `unit`, u: the distance of the samples, the finest step of the integral. Every w is a multiple of it;
/// - the step h = 1, 2, 4, … u of the trapezoid rule, by the number of classes.
final class LatticeTable: @unchecked Sendable {
  let noise: any SmoothNoise
  private let memory = KeptMemory()
  let bases = PerPrecision { precision in
    precision == .double ? CellBasis(taps: 16, terms: 8) : CellBasis(taps: 8, terms: 5)
  }
  /// What few digits need: cells as their only parts, and the matrix of coefficients that go with them.
  private let wholeCells: CellParts
  let shortMatrix: UnsafePointer<Double>
  private let parts = CellParts(16, terms: 8)
  /// The smallest w, which serves all.
  let cell: Double
  let unit: Double
  /// The deepest gap at which a class can still have a probability of 1e-300: deeper ones get 0.
  let depth: Double
  /// The deepest gap for which log-probabilities come from the samples.
  let logDepth: Double

  /// The sample index of the first sample, at firstIndex · u.
  let firstIndex: Int
  /// log r at every sample, from `firstIndex` on, as far as a class at `logDepth` needs it.
  let logHazard: [Double]
  /// How many samples there are below the ones from which on r is no normal number.
  let normalHazards: Int
  /// Whether every integrand has one hump, and the rarest class has the sharpest.
  let isLogConcave: Bool
  /// For every step k = 1, 2, 4, … (in units) the samples of log F, and those of r as far as a class at `depth` needs
  /// them.
  let samples: [LatticeSamples]

  /// For every tolerance, the exponent of the coarsest step for up to 2ʲ classes.
  private let stepExponents: PerPrecision<UnsafePointer<Int>>
  /// w/u for up to 2ʲ classes.
  private let strides: PerPrecision<UnsafePointer<Int>>
  /// The node above which up to 2ʲ classes have nothing left to win.
  private let highestNodes: PerPrecision<UnsafePointer<Double>>
  /// The lowest node that matters to a class at the gap −j · `reachSpacing` beside one leader, and to that leader.
  private let reach: PerPrecision<UnsafeBufferPointer<Double>>
  private let leaderReach: PerPrecision<UnsafeBufferPointer<Double>>
  /// Likewise for two classes at that gap in one integrand, as derivatives have them.
  private let pairReach: PerPrecision<UnsafeBufferPointer<Double>>
  private let reachSpacing: Double
  /// How far apart the quartiles are.
  let quartiles: Double
  /// Below this the noise hardly ever is.
  private let lowerEnd: Double
  /// How far apart the ends of the noise are, as far as they matter.
  private let competition: PerPrecision<Double>

  static let stepCount = 5

  init(_ noise: some SmoothNoise) {
    self.noise = noise
    wholeCells = CellParts(1, terms: bases[.single].terms)
    shortMatrix = memory.keep(wholeCells.shortened(bases[.single]))
    let quartiles = noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    require(quartiles > 0 && quartiles.isFinite, "the quartiles of \(noise) are \(quartiles) apart")
    let widest = Double(sign: .plus, exponent: (quartiles / 5).exponent, significand: 1)
    let bases = bases
    let cells = PerPrecision { precision in
      Self.cells(for: noise, startingAt: widest, basis: bases[precision], precision: precision)
    }
    cell = cells[.double][Self.sizes.upperBound]
    unit = cell / 2
    let unit = unit
    let memory = memory
    strides = PerPrecision { precision in memory.keep(cells[precision].map { Int($0 / unit) }) }
    depth = Self.depth(of: noise, quartiles: quartiles)
    logDepth = max(depth, min(384 * quartiles, 10 * depth))
    reachSpacing = max(quartiles, logDepth / 512)
    self.quartiles = quartiles

    // From the lowest node of the deepest class to where even 10⁹ factors F are 1; the hazard of a class at some
    // depth is needed that much further.
    lowerEnd = noise.quantile(at: exponential(-Precision.double.drop - 1))
    let lowest = min(Self.lowestNode(of: noise, gap: logDepth, quartiles: quartiles), lowerEnd - depth)
    let highest = noise.upperQuantile(at: Precision.double.tail / 1e9)
    let margin = 16 * widest
    let count = (highest + logDepth - lowest + 2 * margin) / unit
    require(
      count <= Double(Self.mostSamples),
      "the tails of \(noise) are too heavy for the lattice: only \(depth) behind another one a class is as rare as 1e-300,"
        + " which takes \(Int(count)) samples \(unit) apart, and \(Self.mostSamples) are the most")
    let integrands = SampledIntegrands(
      of: noise, unit: unit, first: Int(((lowest - margin) / unit).rounded(.down)), highest: highest + margin,
      highestHazard: highest + margin + logDepth + 2 * reachSpacing)
    firstIndex = integrands.first
    logHazard = integrands.logHazard
    normalHazards = (logHazard.lastIndex { $0 > -708 } ?? 0) + 1
    isLogConcave = integrands.areConcave
    let hazardSamples = logHazard.prefix(Int(((highest + depth + margin) / unit).rounded(.up)) - firstIndex)
      .map { exponential($0) }
    samples = (0..<Self.stepCount).map {
      LatticeSamples(
        logCumulative: integrands.logCumulative, hazard: hazardSamples, step: 1 << $0, in: memory)
    }

    stepExponents = PerPrecision { precision in
      memory.keep(
        Self.sizes.map { size in
          integrands.stepExponent(
            for: 1 << size, within: precision.stepTolerance, from: noise.quantile(at: 1e-18),
            to: noise.upperQuantile(at: Precision.double.tail / Double(1 << size)))
        })
    }
    let upperEnd = noise.upperQuantile(at: exponential(-Precision.double.drop - 1))
    let (isLogConcave, depth, logDepth, reachSpacing) = (isLogConcave, depth, logDepth, reachSpacing)
    highestNodes = Self.kept(in: memory, Self.sizes.map { 1 << $0 }) { leaders in
      let highest = PerPrecision { noise.upperQuantile(at: $0.tail / Double(leaders)) }
      // Under a law with one hump nobody wins higher up than one of the leaders does.
      if isLogConcave { return highest }
      let others = integrands.highestNodes(leaders: Double(leaders), depth: depth)
      return PerPrecision { max(highest[$0], others[$0], upperEnd) }
    }
    /// The lowest nodes for all gaps down to 0, 1, 2, … times the spacing.
    func nodes(to depth: Double, _ nodes: (_ gap: Double) -> PerPrecision<Double>) -> PerPrecision<
      UnsafeBufferPointer<Double>
    > {
      var lowest = PerPrecision { _ in Double.infinity }
      let count = Int(depth / reachSpacing) + 2
      let start = Self.kept(in: memory, 0..<count) { index in
        let these = nodes(Double(index) * reachSpacing)
        let before = lowest
        lowest = PerPrecision { min(before[$0], these[$0]) }
        return lowest
      }
      return PerPrecision { UnsafeBufferPointer(start: start[$0], count: count) }
    }
    reach = nodes(to: logDepth) { integrands.lowestNodes(gap: $0) }
    pairReach = nodes(to: depth) { integrands.lowestNodes(gap: $0, rareClasses: 2) }
    leaderReach = nodes(to: depth) { integrands.lowestNodesOfLeader(gap: $0) }
    competition = PerPrecision {
      noise.upperQuantile(at: $0.tail) - noise.quantile(at: $0.tail)
    }
  }

  /// A number for each element and precision.
  private static func kept<Elements: Sequence>(
    in memory: KeptMemory, _ elements: Elements, _ numbers: (Elements.Element) -> PerPrecision<Double>
  ) -> PerPrecision<UnsafePointer<Double>> {
    let rows = elements.map(numbers)
    return PerPrecision { precision in memory.keep(rows.map { $0[precision] }) }
  }

  /// Numbers of classes are told apart by the next power of two.
  static let sizes = 0...24

  private static func size(of count: Int) -> Int {
    min(Int.bitWidth - (count - 1).leadingZeroBitCount, sizes.upperBound)
  }

  /// log₂ of the coarsest step, in units, for a row of `count` classes.
  func stepExponent(for count: Int, precision: Precision) -> Int {
    stepExponents[precision][Self.size(of: count)]
  }

  /// w in units, for a row of `count` classes.
  func stride(for count: Int, precision: Precision) -> Int { strides[precision][Self.size(of: count)] }

  /// The parts of cells by which a row of `count` classes is deposited and evaluated, if that is worth it.
  func parts(for count: Int, cells: Int, precision: Precision) -> CellParts? {
    if count >= mostClassesInParts { return nil }
    if precision == .single { return wholeCells }
    return count >= 3 * parts.count * cells ? parts : nil
  }

  /// The highest node that matters in a row of `count` classes.
  func highestNode(for count: Int, precision: Precision) -> Double {
    highestNodes[precision][Self.size(of: count)]
  }

  /// The width of the noise: how far below a node that matters a class has a factor F that differs from 1.
  func competition(_ precision: Precision) -> Double { competition[precision] }

  /// The lowest node that matters where the second and the deepest class wanted have these gaps.
  func lowestNode(second: Double, deepest: Double, pairs: Bool = false, precision: Precision) -> Double {
    let (reach, leaderReach) = ((pairs ? pairReach : reach)[precision], leaderReach[precision])
    // The deepest class needs the node of the next gap below, the leader likewise.
    let deep = min(-deepest / reachSpacing + 1, Double(reach.count - 1))
    let shallow = min(-second / reachSpacing + 1, Double(leaderReach.count - 1))
    let lowest = min(reach[Int(deep)], leaderReach[Int(shallow)])
    // If integrands have several humps, two hazards may meet in the tails of both.
    return pairs && !isLogConcave ? min(lowest, deepest + lowerEnd) : lowest
  }
}

/// Samples of log F and r at first, first + 1, …, those with the same remainder by the step side by side: a walk along
/// the grid in steps reads consecutive memory. Zeros follow on each such row, as many as whole vectors may read.
struct LatticeSamples: @unchecked Sendable {
  let logCumulative: UnsafePointer<Double>
  let hazard: UnsafePointer<Double>
  let layout: SampleLayout

  init(logCumulative: [Double], hazard: [Double], step: Int, in memory: KeptMemory) {
    let rowLength = max(logCumulative.count, hazard.count) / step + 1 + 64
    layout = SampleLayout(
      stepExponent: step.trailingZeroBitCount, rowLength: rowLength, cumulativeCount: logCumulative.count,
      hazardCount: hazard.count)
    func decimated(_ samples: [Double]) -> UnsafePointer<Double> {
      var values = [Double](repeating: 0, count: rowLength * step)
      for (offset, sample) in samples.enumerated() {
        values[offset % step * rowLength + offset / step] = sample
      }
      return memory.keep(values)
    }
    self.logCumulative = decimated(logCumulative)
    self.hazard = decimated(hazard)
  }

  /// The layout with no more than so many samples of log F.
  func layout(upTo cumulativeCount: Int) -> SampleLayout {
    SampleLayout(
      stepExponent: layout.stepExponent, rowLength: layout.rowLength,
      cumulativeCount: min(cumulativeCount, layout.cumulativeCount), hazardCount: layout.hazardCount)
  }

  /// Where a sample stands, counted from the first one; that a step further stands one place further.
  func position(of offset: Int) -> Int {
    (offset & ((1 << layout.stepExponent) - 1)) * layout.rowLength + (offset >> layout.stepExponent)
  }
}

extension Precision {
  /// How far the logarithm of an integrand falls below its maximum before what lies beyond no longer matters.
  var drop: Double { self == .double ? 38 : 17 }
  /// The share of the mass above the highest node.
  var tail: Double { self == .double ? 0x1p-54 : 0x1p-24 }
  /// How far from 1 the sum of probabilities may be without being corrected.
  var defect: Double { self == .double ? 0x1p-50 : 0x1p-28 }
  /// The relative error of interpolation between grid points.
  var cellTolerance: Double { self == .double ? 3e-13 : 1e-5 }
  /// The error of the trapezoid rule at its coarsest step.
  var stepTolerance: Double { self == .double ? 5e-14 : 3e-7 }
  /// −Δ² log of an integrand at its peak, above which the step is halved: a bell of variance σ² integrated in steps h
  /// has the relative error 2·exp(−2π²σ²/h²), and a skewed one more.
  var sharpness: Double { self == .double ? 0.25 : 1 }
}

// MARK: measurements

extension LatticeTable {
  /// The most samples of a law, some tens of megabytes.
  static let mostSamples = 1 << 18

  /// For up to 2ʲ classes the largest power of two up to `start` at which interpolation reproduces log F and log r.
  ///
  /// log F enters as often as there are classes, so it must be right relative to 1/n even where it is far smaller.
  static func cells(
    for noise: some SmoothNoise, startingAt start: Double, basis: CellBasis, precision: Precision
  ) -> [Double] {
    let (low, high) = (noise.quantile(at: 1e-40), noise.upperQuantile(at: 1e-9))
    /// The least number 1/n that is fine, up to a factor, and where a smaller one is not.
    func finestShare(_ width: Double) -> (share: Double, place: Double) {
      var (x, share, place) = (low, 0.0, low)
      while x < high {
        for (function, isSum) in [(noise.logCumulative, true), (noise.logReversedHazard, false)] {
          let values = (0..<basis.taps).map { function(x + Double($0 - basis.taps / 2 + 1) * width) }
          for t in [-1, -0.6, 0.3, 0.9] {
            let truth = function(x + (t + 1) / 2 * width)
            let error = (basis.value(of: values[...], at: t) - truth).magnitude
            let excess = error / precision.cellTolerance - truth.magnitude
            if !(excess <= (isSum ? share : 1)) {
              guard isSum, excess.isFinite else { return (.infinity, x) }
              (share, place) = (excess, x)
            }
          }
        }
        // A feature of a law is wider than some cells.
        x += 7 * width
      }
      return (share, place)
    }
    /// The breadth of the noise, and so the number of samples, as a quantile that bounds what classes at 1e-300 need.
    let breadth = noise.upperQuantile(at: 5e-305) - noise.quantile(at: 5e-305)
    var (width, cells) = (start, [Double]())
    require(
      breadth / (width / 2) <= Double(mostSamples),
      "the tails of \(noise) are too heavy for the lattice: its quantiles at 5e-305 and 1 − 5e-305 are \(breadth) apart, and"
        + " so many times \(width / 2) that \(mostSamples) samples do not reach")
    var finest = finestShare(width)
    for j in sizes {
      // What is left to reach at 2ʲ classes; a million and more are served alike.
      while !(finest.share <= max(1e-7, 0.1 / Double(1 << j))) {
        width /= 2
        require(
          breadth / (width / 2) <= Double(mostSamples),
          "\(noise) is not smooth enough for the lattice: near \(finest.place) no polynomial on \(2 * width) reproduces"
            + " log F and log f − log F, and for narrower ones \(mostSamples) samples do not reach")
        finest = finestShare(width)
      }
      cells.append(width)
    }
    return cells
  }

  /// The logarithms of the integrand of a class `gap` below a single leader, from where it does not matter on in steps of
  /// a quarter of the quartiles' distance.
  private static func logIntegrand(
    of noise: some SmoothNoise, gap: Double, quartiles: Double
  ) -> (first: Double, values: [Double]) {
    let (low, high) = (noise.quantile(at: 1e-20) - gap, noise.upperQuantile(at: 1e-20))
    let values = Swift.stride(from: low, through: high, by: quartiles / 4).map { x in
      noise.logCumulative(at: x) + noise.logCumulative(at: x + gap) + noise.logReversedHazard(at: x + gap)
    }
    return (low, values)
  }

  /// The gap at which a class beside a single leader is too rare for a normal number.
  private static func depth(of noise: some SmoothNoise, quartiles: Double) -> Double {
    var (low, high) = (0.0, noise.upperQuantile(at: 5e-305) - noise.quantile(at: 5e-305))
    while high - low > quartiles / 4 {
      let middle = (low + high) / 2
      let values = logIntegrand(of: noise, gap: middle, quartiles: quartiles).values
      if values.allSatisfy({ $0 < -700 }) { high = middle } else { low = middle }
    }
    return high
  }

  /// Below all nodes that matter to a class at a gap.
  private static func lowestNode(of noise: some SmoothNoise, gap: Double, quartiles: Double) -> Double {
    let (first, values) = logIntegrand(of: noise, gap: gap, quartiles: quartiles)
    let top = values.reduce(-.infinity, max)
    let index = values.firstIndex { $0 > top - Precision.double.drop - 1 } ?? 0
    return first + Double(index - 1) * quartiles / 4
  }
}

extension CellBasis {
  /// The interpolated value at t ∈ −1…1 of the cell.
  func value(of values: ArraySlice<Double>, at t: Double) -> Double {
    var sum = 0.0
    for k in (0..<terms).reversed() {
      sum = sum * t + (0..<taps).reduce(0) { $0 + matrix[8 * $1 + k] * values[values.startIndex + $1] }
    }
    return sum
  }
}
