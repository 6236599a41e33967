internal import NoiseKernels

/// What the lattice knows of a law: samples of log F and of the reversed hazard on a fine grid, and how coarse a grid
/// a row may use. Everything here is measured on the law when the table is made.
///
/// Three lengths, all powers of two, so that scaling a row and its noise by a power of two changes no bit:
/// - the cell w: the distance of the grid points that classes are spread to, by the number of classes and the digits
///   wanted. Halved until interpolation between them reproduces log F and log r;
/// - `unit`, u: the distance of the samples, the finest step of the integral. Every w is a multiple of it;
/// - the step h of the trapezoid rule, some of these units, by the number of classes.
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
  let logHazard: UnsafePointer<Double>
  let logHazardCount: Int
  /// How many samples there are below the ones from which on r is no normal number.
  let normalHazards: Int
  /// Whether every integrand has one hump, and the rarest class has the sharpest.
  let isLogConcave: Bool
  /// Whether log r is concave, too: then the integrand of the rarest class is the last one to fall.
  let isHazardConcave: Bool
  /// The samples of log F, for every step.
  private let cumulatives: [LatticeSamples]
  /// Those of r in reversed rows, for every w, as far as a class at `depth` needs them.
  private let hazards: [LatticeSamples]

  /// The coarsest step for up to 2ʲ classes, as the index of it.
  private let coarsestSteps: PerPrecision<UnsafePointer<Int>>
  /// w/u for up to 2ʲ classes.
  private let strides: PerPrecision<UnsafePointer<Int>>
  /// The node above which up to 2ʲ classes have nothing left to win.
  private let highestNodes: PerPrecision<UnsafePointer<Double>>
  /// How far apart the quartiles are.
  let quartiles: Double
  /// Below this the noise hardly ever is, and that of a winner is more rarely still.
  private let lowerEnd: Double
  /// The lowest node that all classes have samples for.
  private let lowest: Double
  /// How far apart the ends of the noise are, as far as they matter.
  private let competition: PerPrecision<Double>

  /// The steps in units, the finest first.
  static let steps = [1, 2, 3, 4, 6, 8, 12, 16]

  init(_ noise: some SmoothNoise) {
    self.noise = noise
    let noise = MeasuredNoise(noise)
    wholeCells = CellParts(1, terms: bases[.single].terms)
    shortMatrix = memory.keep(wholeCells.shortened(bases[.single]))
    let quartiles = noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    require(quartiles > 0 && quartiles.isFinite, "the quartiles of \(noise) are \(quartiles) apart")
    let widest = Double(sign: .plus, exponent: (quartiles / 5).exponent, significand: 1)
    let breadth = Self.breadth(of: noise, widestCell: widest)
    depth = Self.depth(of: noise, breadth: breadth, quartiles: quartiles)
    let (bases, lowestFelt) = (bases, Self.lowestFeltNode(of: noise, depth: depth, quartiles: quartiles))
    let cells = PerPrecision { precision in
      Self.cells(
        for: noise, from: lowestFelt, breadth: breadth, startingAt: widest, basis: bases[precision],
        precision: precision)
    }
    cell = cells[.double][Self.sizes.upperBound]
    unit = cell / 2
    let unit = unit
    let memory = memory
    strides = PerPrecision { precision in memory.keep(cells[precision].map { Int($0 / unit) }) }
    logDepth = max(depth, min(384 * quartiles, 10 * depth))
    self.quartiles = quartiles

    // From the lowest node of the deepest class to where even 10⁹ factors F are 1; the hazard of a class at some
    // depth is needed that much further.
    lowerEnd = noise.quantile(at: exponential(-Precision.double.drop - 1))
    lowest = min(Self.lowestNode(of: noise, gap: logDepth, quartiles: quartiles), lowerEnd - depth)
    let highest = noise.upperQuantile(at: Precision.double.tail / 1e9)
    // Grid points reach beyond the classes, and blocks of nodes beyond those that matter.
    let margin = 16 * widest + 32 * Double(Self.steps[Self.steps.count - 1]) * unit
    let count = (highest + logDepth - lowest + 2 * margin) / unit
    require(
      count <= Double(Self.mostSamples),
      "the tails of \(noise) are too heavy for the lattice: only \(depth) behind another one a class is as rare as 1e-300,"
        + " which takes \(Int(count)) samples \(unit) apart, and \(Self.mostSamples) are the most")
    let integrands = SampledIntegrands(
      of: noise, unit: unit, first: Int(((lowest - margin) / unit).rounded(.down)), highest: highest + margin,
      highestHazard: highest + margin + logDepth + 2 * quartiles)
    firstIndex = integrands.first
    logHazard = memory.keep(integrands.logHazard)
    logHazardCount = integrands.logHazard.count
    normalHazards = (integrands.logHazard.lastIndex { $0 > -708 } ?? 0) + 1
    isLogConcave = integrands.areConcave
    isHazardConcave = integrands.areHazardsConcave
    let hazardSamples = integrands.logHazard.prefix(
      Int(((highest + depth + margin) / unit).rounded(.up)) - firstIndex
    )
    .map { exponential($0) }
    let widestStride = Int(widest / unit)
    hazards = (1...widestStride.trailingZeroBitCount).map {
      LatticeSamples(hazardSamples, step: 1 << $0, isReversed: true, in: memory)
    }
    let coarsest = PerPrecision { precision in
      Self.sizes.map { size in
        integrands.coarsestStep(
          for: 1 << size, within: precision.stepTolerance, from: noise.quantile(at: 1e-18),
          to: noise.upperQuantile(at: Precision.double.tail / Double(1 << size)))
      }
    }
    coarsestSteps = PerPrecision { memory.keep(coarsest[$0]) }
    // No row takes a coarser one.
    let last = (coarsest[.single] + coarsest[.double]).reduce(0, max)
    cumulatives = Self.steps[...last].map { LatticeSamples(integrands.logCumulative, step: $0, in: memory) }
    let upperEnd = noise.upperQuantile(at: exponential(-Precision.double.drop - 1))
    let (isLogConcave, depth) = (isLogConcave, depth)
    highestNodes = Self.kept(in: memory, Self.sizes.map { 1 << $0 }) { leaders in
      let highest = PerPrecision { noise.upperQuantile(at: $0.tail / Double(leaders)) }
      // Under a law with one hump nobody wins higher up than one of the leaders does.
      if isLogConcave { return highest }
      let others = integrands.highestNodes(leaders: Double(leaders), depth: depth)
      return PerPrecision { max(highest[$0], others[$0], upperEnd) }
    }
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

  /// The coarsest step for a row of `count` classes, as its index.
  func coarsestStep(for count: Int, precision: Precision) -> Int {
    coarsestSteps[precision][Self.size(of: count)]
  }

  /// The samples of log F for a step, given its index.
  func cumulatives(forStep index: Int) -> LatticeSamples { cumulatives[index] }

  /// The samples of r for grid points so many units apart, a power of two from 2 on.
  func hazards(forStride stride: Int) -> LatticeSamples { hazards[stride.trailingZeroBitCount - 1] }

  /// w in units, for a row of `count` classes.
  func stride(for count: Int, precision: Precision) -> Int { strides[precision][Self.size(of: count)] }

  /// The parts of cells by which a row of `count` classes is deposited and evaluated, if that is worth it.
  func parts(for count: Int, cells: Int, precision: Precision) -> CellParts? {
    if count >= mostClassesInParts { return nil }
    if precision == .single { return count >= Policy.fewestFloatsByCells ? wholeCells : nil }
    return count >= Policy.fewestDoublesByParts * cells ? parts : nil
  }

  /// The highest node that matters in a row of `count` classes.
  func highestNode(for count: Int, precision: Precision) -> Double {
    highestNodes[precision][Self.size(of: count)]
  }

  /// The width of the noise: how far below a node that matters a class has a factor F that differs from 1.
  func competition(_ precision: Precision) -> Double { competition[precision] }

  /// Below all nodes that matter to classes down to a gap.
  func lowestNode(deepest: Double) -> Double { max(deepest + lowerEnd, lowest) }
}

/// Samples of a function at first, first + 1, …, those with the same remainder by the step side by side: a walk along the
/// grid in steps reads consecutive memory. Zeros stand behind the last sample of each such row, as many as loops may read.
struct LatticeSamples: @unchecked Sendable {
  let values: UnsafePointer<Double>
  let layout: SampleLayout

  init(_ samples: [Double], step: Int, isReversed: Bool = false, in memory: KeptMemory) {
    let zeros = 96
    let last = isReversed ? samples.count / step + zeros : 0
    let rowLength = samples.count / step + 1 + zeros + (isReversed ? 16 : 0)
    layout = SampleLayout(step: step, rowLength: rowLength, lastOfRow: last, count: samples.count)
    var values = [Double](repeating: 0, count: rowLength * step)
    for (offset, sample) in samples.enumerated() {
      let index = offset / step
      values[offset % step * rowLength + (isReversed ? last - index : index)] = sample
    }
    self.values = memory.keep(values)
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
  /// −Δ² log of an integrand at its peak, above which a finer step is taken: a bell of variance σ² integrated in steps h
  /// has the relative error 2·exp(−2π²σ²/h²), and a skewed one far more.
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
    for noise: some SmoothNoise, from low: Double, breadth: Double, startingAt start: Double,
    basis: CellBasis, precision: Precision
  ) -> [Double] {
    let high = noise.upperQuantile(at: 1e-9)
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
    var (width, cells) = (start, [Double]())
    var finest = finestShare(width)
    for j in sizes {
      // What is left to reach at 2ʲ classes; a million and more are served alike.
      while !(finest.share <= max(1e-7, 0.1 / Double(1 << j))) {
        width /= 2
        require(
          breadth / (width / 2) <= Double(mostSamples),
          "\(noise) is not smooth enough for the lattice: near \(finest.place), where log F is"
            + " \(noise.logCumulative(at: finest.place)) and log f − log F \(noise.logReversedHazard(at: finest.place)), no"
            + " polynomial on \(2 * width) reproduces them, and for narrower ones \(mostSamples) samples do not reach"
        )
        finest = finestShare(width)
      }
      cells.append(width)
    }
    return cells
  }

  /// How far apart the outermost quantiles are that bound what classes at 1e-300 need.
  static func breadth(of noise: some SmoothNoise, widestCell: Double) -> Double {
    let breadth = noise.upperQuantile(at: 5e-305) - noise.quantile(at: 5e-305)
    require(
      breadth / (widestCell / 2) <= Double(mostSamples),
      "the tails of \(noise) are too heavy for the lattice: its quantiles at 5e-305 and 1 − 5e-305 are \(breadth) apart, and"
        + " so many times \(widestCell / 2) that \(mostSamples) samples do not reach")
    return breadth
  }

  /// The lowest node whose share in some probability can be felt, and no lower than noise hardly ever is.
  private static func lowestFeltNode(of noise: some SmoothNoise, depth: Double, quartiles: Double) -> Double {
    let nodes = (0...16).map { k in
      let (first, values) = logIntegrand(of: noise, gap: depth * Double(k * k) / 256, quartiles: quartiles)
      let top = values.reduce(-.infinity, max)
      return first + Double(values.firstIndex { $0 > top - 25 } ?? 0) * quartiles / 4
    }
    return max(noise.quantile(at: 1e-40), nodes.reduce(.infinity, min))
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
  private static func depth(of noise: some SmoothNoise, breadth: Double, quartiles: Double) -> Double {
    var (low, high) = (0.0, breadth)
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
