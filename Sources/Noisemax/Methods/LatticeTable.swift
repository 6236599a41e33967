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
  let reachSpacing: Double
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
    depth = Self.depth(of: noise, startingAt: quartiles)
    logDepth = max(depth, 384 * quartiles)
    reachSpacing = quartiles

    // From the lowest node of the deepest class to where even 10⁹ factors F are 1; the hazard of a class at some
    // depth is needed that much further.
    let lowest = min(
      Self.lowestNode(of: noise, gap: logDepth, drop: Precision.double.drop),
      noise.quantile(at: exponential(-Precision.double.drop - 1)))
    let highest = noise.upperQuantile(at: Precision.double.tail / 1e9)
    let margin = 16 * widest
    let first = Int(((lowest - margin) / unit).rounded(.down))
    firstIndex = first
    func sampled(to end: Double, _ function: (Double) -> Double) -> [Double] {
      (first...Int((end / unit).rounded(.up))).map { function(Double($0) * unit) }
    }
    let cumulativeSamples = sampled(to: highest + margin) { noise.logCumulative(at: $0) }
    logHazard = sampled(to: highest + logDepth + margin) { noise.logReversedHazard(at: $0) }
    normalHazards = (logHazard.lastIndex { $0 > -700 } ?? 0) + 1
    let hazardSamples = logHazard.prefix(Int(((highest + depth + margin) / unit).rounded(.up)) - first)
      .map { exponential($0) }
    samples = (0..<Self.stepCount).map {
      LatticeSamples(logCumulative: cumulativeSamples, hazard: hazardSamples, step: 1 << $0, in: memory)
    }

    stepExponents = PerPrecision { precision in
      memory.keep(
        Self.sizes.map {
          Self.stepExponent(of: noise, classes: 1 << $0, unit: unit, precision: precision)
        })
    }
    highestNodes = PerPrecision { precision in
      memory.keep(Self.sizes.map { noise.upperQuantile(at: precision.tail / Double(1 << $0)) })
    }
    let (depth, logDepth) = (depth, logDepth)
    /// Nodes by gaps of 0, 1, 2, … quartiles.
    func nodes(to depth: Double, _ node: (_ gap: Double) -> Double) -> UnsafeBufferPointer<Double> {
      let values = (0...Int(depth / quartiles) + 1).map { node(Double($0) * quartiles) }
      return UnsafeBufferPointer(start: memory.keep(values), count: values.count)
    }
    reach = PerPrecision { precision in
      nodes(to: logDepth) { Self.lowestNode(of: noise, gap: $0, drop: precision.drop) }
    }
    pairReach = PerPrecision { precision in
      nodes(to: depth) { Self.lowestNode(of: noise, gap: $0, rareClasses: 2, drop: precision.drop) }
    }
    leaderReach = PerPrecision { precision in
      // The leader's integrand is that of a class above its competitor.
      nodes(to: depth) { Self.lowestNode(of: noise, gap: -$0, drop: precision.drop) - $0 }
    }
    competition = PerPrecision {
      noise.upperQuantile(at: $0.tail) - noise.quantile(at: $0.tail)
    }
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
    return min(reach[Int(deep)], leaderReach[Int(shallow)])
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
  /// For up to 2ʲ classes the largest power of two up to `start` at which interpolation reproduces log F and log r.
  ///
  /// log F enters as often as there are classes, so it must be right relative to 1/n even where it is far smaller.
  static func cells(
    for noise: some SmoothNoise, startingAt start: Double, basis: CellBasis, precision: Precision
  ) -> [Double] {
    let (low, high) = (noise.quantile(at: 1e-40), noise.upperQuantile(at: 1e-9))
    // Far enough for any exponential tail, and near enough to be walked through.
    require(high - low < start * 1e5, "the tails of \(noise) are too heavy for the lattice")
    /// The least number 1/n that is fine, up to a factor.
    func finestShare(_ width: Double) -> Double {
      var (x, share) = (low, 0.0)
      while x < high {
        for (function, isSum) in [(noise.logCumulative, true), (noise.logReversedHazard, false)] {
          let values = (0..<basis.taps).map { function(x + Double($0 - basis.taps / 2 + 1) * width) }
          for t in [-1, -0.6, 0.3, 0.9] {
            let truth = function(x + (t + 1) / 2 * width)
            let error = (basis.value(of: values, at: t) - truth).magnitude
            let excess = error / precision.cellTolerance - truth.magnitude
            if !(excess <= (isSum ? share : 1)) {
              guard isSum, excess.isFinite else { return .infinity }
              share = excess
            }
          }
        }
        x += 7 * width
      }
      return share
    }
    var (width, cells) = (start, [Double]())
    var share = finestShare(width)
    for j in sizes {
      // What is left to reach at 2ʲ classes; a million and more are served alike.
      while !(share <= max(1e-7, 0.1 / Double(1 << j))) {
        width /= 2
        require(width > start / 4096, "\(noise) is not smooth: no grid reproduces log F and log f − log F")
        share = finestShare(width)
      }
      cells.append(width)
    }
    return cells
  }

  /// The logarithm of the integrand of a class, or of several that tie, `gap` below a single leader.
  private static func logIntegrand(
    of noise: some SmoothNoise, gap: Double, rareClasses: Double = 1, at x: Double
  ) -> Double {
    noise.logCumulative(at: x) + rareClasses
      * (noise.logCumulative(at: x + gap) + noise.logReversedHazard(at: x + gap))
  }

  /// Where that integrand is largest: it rises, then falls.
  private static func peak(of noise: some SmoothNoise, gap: Double, rareClasses: Double = 1) -> Double {
    var (low, high) = (
      min(0, -gap) + noise.quantile(at: 1e-20), max(0, -gap) + noise.upperQuantile(at: 1e-20)
    )
    for _ in 0..<80 {
      let third = (high - low) / 3
      let (a, b) = (low + third, high - third)
      if logIntegrand(of: noise, gap: gap, rareClasses: rareClasses, at: a)
        < logIntegrand(of: noise, gap: gap, rareClasses: rareClasses, at: b)
      {
        low = a
      } else {
        high = b
      }
    }
    return (low + high) / 2
  }

  /// The gap at which a class beside a single leader is too rare for a normal number.
  private static func depth(of noise: some SmoothNoise, startingAt start: Double) -> Double {
    func isRare(_ gap: Double) -> Bool {
      logIntegrand(of: noise, gap: gap, at: peak(of: noise, gap: gap)) < -700
    }
    var (low, high) = (0.0, start)
    while !isRare(high) {
      (low, high) = (high, high * 2)
      require(high < start * 1e5, "the tails of \(noise) are too heavy for the lattice")
    }
    while high - low > start / 4 {
      let middle = (low + high) / 2
      if isRare(middle) { high = middle } else { low = middle }
    }
    return high
  }

  /// Below the peak of that integrand, where its logarithm has fallen by `drop`.
  ///
  /// More competitors only raise the peak and steepen the fall, so the node is low enough for every row.
  private static func lowestNode(
    of noise: some SmoothNoise, gap: Double, rareClasses: Double = 1, drop: Double
  ) -> Double {
    func value(_ x: Double) -> Double { logIntegrand(of: noise, gap: gap, rareClasses: rareClasses, at: x) }
    let top = peak(of: noise, gap: gap, rareClasses: rareClasses)
    let floor = value(top) - drop
    let spread = noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    var (high, low) = (top, top - spread)
    while value(low) > floor { (high, low) = (low, low - 2 * (top - low)) }
    for _ in 0..<20 {
      let middle = (low + high) / 2
      if value(middle) > floor { high = middle } else { low = middle }
    }
    return low
  }

  /// log₂ of the coarsest step that integrates n tied classes to the tolerance: the trapezoid sums of all phases, which
  /// differ by twice the error at most, must agree.
  private static func stepExponent(
    of noise: some SmoothNoise, classes: Int, unit: Double, precision: Precision
  ) -> Int {
    let n = Double(classes)
    let low = (noise.quantile(at: 1e-18) / unit).rounded(.down)
    let high = (noise.upperQuantile(at: Precision.double.tail / n) / unit).rounded(.up)
    let values = (0...Int(high - low)).map { index in
      let x = (low + Double(index)) * unit
      return n * exponential(n * noise.logCumulative(at: x) + noise.logReversedHazard(at: x))
    }
    for exponent in (1..<stepCount).reversed() {
      let step = 1 << exponent
      var phases = [CompensatedSum](repeating: CompensatedSum(), count: step)
      for (index, value) in values.enumerated() { phases[index % step].add(value) }
      let sums = phases.map { $0.value * Double(step) * unit }
      if sums.allSatisfy({ ($0 - 1).magnitude <= precision.stepTolerance }) { return exponent }
    }
    return 0
  }
}

extension CellBasis {
  /// The interpolated value at t ∈ −1…1 of the cell.
  func value(of values: [Double], at t: Double) -> Double {
    var sum = 0.0
    for k in (0..<terms).reversed() {
      sum = sum * t + (0..<taps).reduce(0) { $0 + matrix[8 * $1 + k] * values[$1] }
    }
    return sum
  }
}
