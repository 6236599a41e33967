internal import NoiseKernels

/// What the lattice knows of a law: how coarse a grid a row may use, and samples of log F and of the reversed hazard on a
/// fine one. Everything here is measured on the law when the table is made.
///
/// Three lengths, all powers of two, so that scaling a row and its noise by a power of two changes no bit:
/// - the cell w: how far apart the grid points are, which classes are spread onto. For every number of classes and precision
///   it is halved until interpolation between them reproduces log F and log r;
/// - `unit`, u: how far apart the samples are, the finest step of the integral. Every w is a multiple of it;
/// - the step h of the trapezoid rule, a number of units, for every number of classes and precision.
final class LatticeTable: @unchecked Sendable {
  let noise: any SmoothNoise
  /// The interpolation between grid points, and the parts of cells that many classes go by.
  let grids = CellGrids()
  var bases: PerPrecision<CellBasis> { grids.bases }
  /// The smallest w, which serves all.
  let cell: Double
  let unit: Double
  /// How far apart the quartiles are.
  let quartiles: Double
  /// A class with a gap below −depth has a probability below 1e-300, and gets 0.
  let depth: Double
  /// Log-probabilities come from samples down to a gap of −logDepth, and below it from ``DeepClasses``.
  let logDepth: Double

  /// The upper tail, if it is exponential.
  let tail: ExponentialTail?

  /// The samples down to `depth`, and those down to `logDepth`, made when a row first needs them.
  let nearSamples: LawSamples
  private let deepSamples: LazyValue<LawSamples>
  /// r of classes that have their own at every node, for every step.
  private let intervals: [LazyValue<ReversedHazardIntervals>]

  /// For up to 2ʲ classes.
  private let choices: PerPrecision<UnsafePointer<LatticeChoice>>
  private let memory = KeptMemory()
  /// F = e⁻³⁹ here. Noise is hardly ever below, and a winner's noise even less often.
  private let lowerEnd: Double
  /// F⁻¹(1 − q) − F⁻¹(q), the width of the noise, with q = 2⁻⁵⁴, of Floats 2⁻²⁴. A class this far behind all wanted ones has
  /// F = 1 at every node that matters.
  let competition: PerPrecision<Double>

  /// The steps in units, the finest first.
  static let steps = [1, 2, 3, 4, 6, 8, 12, 16]

  init(_ noise: some SmoothNoise) {
    self.noise = noise
    let noise = MeasuredNoise(noise)
    let quartiles = noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    require(quartiles > 0 && quartiles.isFinite, "the quartiles of \(noise) are \(quartiles) apart")
    self.quartiles = quartiles
    let widest = Double(sign: .plus, exponent: (quartiles / 5).exponent, significand: 1)
    let breadth = Self.breadth(of: noise, widestCell: widest)
    let coarse = CoarseSamples(of: noise, quartiles: quartiles, deepest: breadth)
    let depth = coarse.depth(within: breadth)
    // The lowest node whose share in some probability can be felt, and no lower than noise hardly ever is.
    let lowestFelt = (0...16).reduce(.infinity) {
      min($0, coarse.lowestNode(gap: depth * Double($1 * $1) / 256, fall: 25) + quartiles / 4)
    }
    let (bases, felt) = (grids.bases, max(noise.quantile(at: 1e-40), lowestFelt))
    let cells = PerPrecision { precision in
      Self.cells(
        for: noise, from: felt, breadth: breadth, startingAt: widest, basis: bases[precision],
        precision: precision)
    }
    cell = cells[.double][Self.sizes.upperBound]
    let (unit, memory) = (cell / 2, memory)
    let logDepth = max(depth, min(384 * quartiles, 10 * depth))
    (self.unit, self.depth, self.logDepth) = (unit, depth, logDepth)
    lowerEnd = noise.quantile(at: exponential(-Precision.double.drop - 1))
    competition = PerPrecision { noise.upperQuantile(at: $0.tail) - noise.quantile(at: $0.tail) }

    // Samples go from the lowest node of the rarest class to where even 10⁹ factors F are 1. The margin is for grid points
    // beyond the classes, and for blocks of nodes beyond those that matter.
    let highest = noise.upperQuantile(at: Precision.double.tail / 1e9)
    let margin = 16 * widest + 32 * Double(Self.steps[Self.steps.count - 1]) * unit
    let lowerEnd = lowerEnd
    let coarser = CoarseSamples(of: noise, quartiles: quartiles, deepest: logDepth)
    let lowest = [depth, logDepth].map {
      min(coarser.lowestNode(gap: $0, fall: Precision.double.drop + 1), lowerEnd - depth)
    }
    let count = (highest + logDepth - lowest[1] + 2 * margin) / unit
    require(
      count <= Double(Self.mostSamples),
      "the tails of \(noise) are too heavy for the lattice: only \(depth) behind another one a class is as rare as 1e-300,"
        + " which takes \(Int(count)) samples \(unit) apart, and \(Self.mostSamples) are the most")
    @Sendable func samples(from lowest: Double, downTo deepest: Double) -> LawSamples {
      LawSamples(
        of: noise, unit: unit, lowest: lowest, highest: highest, margin: margin, deepest: deepest,
        deepestNumber: depth, widestStride: Int(widest / unit))
    }
    let nearSamples = samples(from: lowest[0], downTo: depth)
    self.nearSamples = nearSamples
    intervals = Self.steps.map { step in
      LazyValue { ReversedHazardIntervals(of: nearSamples, step: step, basis: bases[.double], in: memory) }
    }
    deepSamples = LazyValue { samples(from: lowest[1], downTo: logDepth) }
    tail = nearSamples.isLogConcave ? ExponentialTail(of: noise.base, depth: depth) : nil
    let (coarsest, highestNodes) = Self.nodes(of: noise, nearSamples, depth: depth)
    choices = PerPrecision { precision in
      memory.keep(
        Self.sizes.map {
          LatticeChoice(
            stride: Int(cells[precision][$0] / unit), coarsestStepIndex: coarsest[precision][$0],
            highestNode: highestNodes[precision][$0])
        })
    }
  }

  /// The coarsest step and the highest node for every size of a row.
  private static func nodes(
    of noise: some SmoothNoise, _ samples: LawSamples, depth: Double
  ) -> (steps: PerPrecision<[Int]>, highest: PerPrecision<[Double]>) {
    let upperEnd = noise.upperQuantile(at: exponential(-Precision.double.drop - 1))
    // More classes have no coarser step: each size begins with that of the one before.
    let coarsest = PerPrecision { precision in
      var step = Self.steps.count - 1
      return sizes.map { size in
        step = samples.integrands.coarsestStep(
          upTo: step, for: 1 << size, within: precision.stepTolerance, from: noise.quantile(at: 1e-18),
          to: noise.upperQuantile(at: Precision.double.tail / Double(1 << size)))
        return step
      }
    }
    let highest = PerPrecision { precision in
      sizes.map { size in
        let leaders = Double(1 << size)
        let highest = noise.upperQuantile(at: precision.tail / leaders)
        // Under a law with one hump nobody wins higher up than one of the leaders does.
        if samples.isLogConcave { return highest }
        let others = samples.integrands.highestNodes(leaders: leaders, depth: depth)
        return max(highest, others[precision], upperEnd)
      }
    }
    return (coarsest, highest)
  }

  /// A number of classes counts as the next power of two, 2ʲ: these are the j.
  static let sizes = 0...24

  /// What a row of so many classes gets.
  func choice(for count: Int, precision: Precision) -> LatticeChoice {
    choices[precision][min(Int.bitWidth - (count - 1).leadingZeroBitCount, Self.sizes.upperBound)]
  }

  /// r of single classes with probabilities, for a step, given its index.
  func reversedHazards(forStep index: Int) -> ReversedHazardIntervals { intervals[index]() }

  /// The samples for classes down to a gap.
  func samples(downTo gap: Double) -> LawSamples { gap >= -depth ? nearSamples : deepSamples() }

  /// Below all nodes that matter to classes down to a gap.
  func lowestNode(deepest: Double) -> Double { max(deepest + lowerEnd, samples(downTo: deepest).lowest) }
}

/// What the number of classes of a row decides.
struct LatticeChoice: Sendable {
  /// w in units.
  let stride: Int
  /// The index of the coarsest step in ``LatticeTable/steps``.
  let coarsestStepIndex: Int
  /// The node above which nobody wins.
  let highestNode: Double
}

/// The interpolation between grid points, by the digits wanted, and the equal parts of cells by which many classes go.
final class CellGrids: @unchecked Sendable {
  let bases = PerPrecision { precision in
    precision == .double ? CellBasis(taps: 16, terms: 8) : CellBasis(taps: 8, terms: 5)
  }
  private let parts = CellParts(16, terms: 8)
  /// What few digits need: cells as their only parts, and the matrix of coefficients that go with them.
  private let wholeCells: CellParts
  let shortMatrix: UnsafePointer<Double>
  private let memory = KeptMemory()

  init() {
    wholeCells = CellParts(1, terms: bases[.single].terms)
    shortMatrix = memory.keep(wholeCells.shortened(bases[.single]))
  }

  /// The parts of cells by which a row of `count` classes is deposited and evaluated, if that is worth it.
  func parts(for count: Int, cells: Int, precision: Precision) -> CellParts? {
    if count >= mostClassesInParts { return nil }
    if precision == .single { return count >= Policy.fewestFloatsByCells ? wholeCells : nil }
    return count >= Policy.fewestDoublesByParts * cells ? parts : nil
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
  /// A finer step is taken where −Δ² log of an integrand at its peak is above this. For a bell of variance σ² it is h²/σ²,
  /// and steps of h give the relative error 2·exp(−2π²σ²/h²); on a skewed integrand far more.
  var sharpness: Double { self == .double ? 0.25 : 1 }
}

// MARK: measurements

extension LatticeTable {
  /// The most samples of a law, some tens of megabytes.
  static let mostSamples = 1 << 18

  /// For up to 2ʲ classes the largest power of two up to `start` at which interpolation reproduces log F and log r.
  ///
  /// log G sums n values of log F. So an error of log F is compared with |log F| + 0.1/n, however small log F is.
  static func cells(
    for noise: some SmoothNoise, from low: Double, breadth: Double, startingAt start: Double,
    basis: CellBasis, precision: Precision
  ) -> [Double] {
    let high = noise.upperQuantile(at: 1e-9)
    let probes = [-1, -0.6, 0.3, 0.9].map { t in
      (t: t, shares: (0..<basis.taps).map { basis.share(ofTap: $0, at: t) })
    }
    /// The least s for which all errors of log F are within the tolerance times |log F| + s, and the point that decides it; ∞
    /// where log r is not reproduced.
    func finestShare(_ width: Double) -> (share: Double, point: Double) {
      var (x, share, point) = (low, 0.0, low)
      while x < high {
        for (function, isSum) in [(noise.logCumulative, true), (noise.logReversedHazard, false)] {
          let values = (0..<basis.taps).map { function(x + Double($0 - basis.taps / 2 + 1) * width) }
          for (t, shares) in probes {
            let truth = function(x + (t + 1) / 2 * width)
            var value = 0.0
            for tap in values.indices { value += shares[tap] * values[tap] }
            let error = (value - truth).magnitude
            let excess = error / precision.cellTolerance - truth.magnitude
            if !(excess <= (isSum ? share : 1)) {
              guard isSum, excess.isFinite else { return (.infinity, x) }
              (share, point) = (excess, x)
            }
          }
        }
        // Every seventh cell is enough: the features of a law are wider.
        x += 7 * width
      }
      return (share, point)
    }
    var (width, cells) = (start, [Double]())
    var finest = finestShare(width)
    for j in sizes {
      // What 2ʲ classes demand. A million and more demand the same.
      while !(finest.share <= max(1e-7, 0.1 / Double(1 << j))) {
        width /= 2
        require(
          breadth / (width / 2) <= Double(mostSamples),
          "\(noise) is not smooth enough for the lattice: near \(finest.point), where log F is"
            + " \(noise.logCumulative(at: finest.point)) and log f − log F \(noise.logReversedHazard(at: finest.point)), no"
            + " polynomial on \(2 * width) reproduces them, and for narrower ones \(mostSamples) samples do not reach"
        )
        finest = finestShare(width)
      }
      cells.append(width)
    }
    return cells
  }

  /// F⁻¹(1 − q) − F⁻¹(q) with q = 5e-305: a class further behind than this has a probability below 1e-300.
  static func breadth(of noise: some SmoothNoise, widestCell: Double) -> Double {
    let breadth = noise.upperQuantile(at: 5e-305) - noise.quantile(at: 5e-305)
    require(
      breadth / (widestCell / 2) <= Double(mostSamples),
      "the tails of \(noise) are too heavy for the lattice: its quantiles at 5e-305 and 1 − 5e-305 are \(breadth) apart, and"
        + " so many times \(widestCell / 2) that \(mostSamples) samples do not reach")
    return breadth
  }
}

/// Samples of a law a quarter of its quartiles' distance apart: enough to find the largest gap and the lowest node that matter,
/// before anything is known of the grid.
struct CoarseSamples {
  private let step: Double
  private let lowest: Double
  /// The number of the first sample, at first · step, and how many there are up to the highest node.
  private let first: Int
  private let nodes: Int
  private let logCumulative: [Double]
  private let logReversedHazard: [Double]

  /// For gaps down to the deepest.
  init(of noise: some SmoothNoise, quartiles: Double, deepest: Double) {
    let step = quartiles / 4
    (self.step, lowest) = (step, noise.quantile(at: 1e-20))
    let (first, last) = (
      Int(((lowest - deepest) / step).rounded(.down)),
      Int((noise.upperQuantile(at: 1e-20) / step).rounded(.up))
    )
    (self.first, nodes) = (first, last - first)
    let points = first...last + Int((deepest / step).rounded(.up))
    logCumulative = points.map { noise.logCumulative(at: Double($0) * step) }
    logReversedHazard = points.map { noise.logReversedHazard(at: Double($0) * step) }
  }

  /// log F(x) + log F(x + g) + log r(x + g): the logarithm of the integrand of a class g behind a single leader, g in steps,
  /// node by node. `first` is the number of the first node, below all that matter.
  private func logIntegrand(gap: Int) -> (first: Int, values: LazyMapSequence<Range<Int>, Double>) {
    let start = max(0, Int((lowest / step).rounded(.down)) - gap - first)
    let values = (start..<nodes).lazy.map { [logCumulative, logReversedHazard] in
      logCumulative[$0] + logCumulative[$0 + gap] + logReversedHazard[$0 + gap]
    }
    return (first + start, values)
  }

  /// How far behind a single leader a class is too rare for a normal number.
  func depth(within breadth: Double) -> Double {
    let gap = (1..<Int(breadth / step)).firstPlace { logIntegrand(gap: $0).values.allSatisfy { $0 < -700 } }
    return Double(gap) * step
  }

  /// The node below which the integrand of a class that far behind has fallen by e^−fall from its peak.
  func lowestNode(gap: Double, fall: Double) -> Double {
    let (first, values) = logIntegrand(gap: Int(gap / step))
    let top = values.reduce(-.infinity, max)
    let index = values.enumerated().first { $0.element > top - fall }?.offset ?? 0
    return Double(first + index - 1) * step
  }
}
