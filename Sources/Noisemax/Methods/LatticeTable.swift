/// What the lattice knows of a law: samples of log F and of the reversed hazard on a fine grid, and how coarse a grid
/// a row may use. Everything here is measured on the law when the table is made.
///
/// Three lengths, all powers of two, so that scaling a row and its noise by a power of two changes no bit:
/// - `cell`, w: the distance of the grid points that classes are spread to. Halved until interpolation between them
///   reproduces log F and log r;
/// - `unit`, u: the distance of the samples, the finest step of the integral. w is a multiple of it;
/// - the step h = 1, 2, 4, … u of the trapezoid rule, by the number of classes.
struct LatticeTable: Sendable {
  let noise: any SmoothNoise
  let cell: Double
  let unit: Double
  /// w/u.
  let stride: Int
  /// The deepest gap at which a class can still have a probability of 1e-300: deeper ones get 0.
  let depth: Double
  /// The deepest gap for which log-probabilities come from the samples.
  let logDepth: Double

  /// The sample index of the first sample, at firstIndex · u.
  let firstIndex: Int
  /// log r at every sample, from `firstIndex` on, as far as a class at `logDepth` needs it.
  let logHazard: [Double]
  /// For every step k = 1, 2, 4, … (in units) the samples of log F, those with the same remainder by k together.
  let logCumulative: [DecimatedSamples]
  /// Likewise r, as far as a class at `depth` needs it.
  let hazard: [DecimatedSamples]

  /// For every tolerance, the exponent of the coarsest step for up to 2ʲ classes.
  private let stepExponents: [Precision: [Int]]
  /// The lowest node that matters to a class at the gap −j · `reachSpacing` beside one leader, and to that leader.
  private let reach: [Precision: [Double]]
  private let leaderReach: [Precision: [Double]]
  /// Likewise for two classes at that gap in one integrand, as derivatives have them.
  private let pairReach: [Precision: [Double]]
  private let reachSpacing: Double
  /// How far apart the ends of the noise are, as far as they matter.
  private let competition: [Precision: Double]

  static let stepCount = 5

  init(_ noise: some SmoothNoise) {
    self.noise = noise
    let quartiles = noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    require(quartiles > 0 && quartiles.isFinite, "the quartiles of \(noise) are \(quartiles) apart")
    cell = Self.cell(for: noise, startingAt: quartiles / 8)
    stride = 2
    unit = cell / Double(stride)
    depth = Self.depth(of: noise, startingAt: quartiles)
    logDepth = max(depth, 384 * quartiles)
    reachSpacing = quartiles

    // From the lowest node of the deepest class to where even 10⁹ factors F are 1; the hazard of a class at some
    // depth is needed that much further.
    let lowest = min(
      Self.lowestNode(of: noise, gap: logDepth, drop: Precision.double.drop),
      noise.quantile(at: exponential(-Precision.double.drop - 1)))
    let highest = noise.upperQuantile(at: Precision.double.tail / 1e9)
    let margin = 16 * cell
    let unit = unit
    let first = Int(((lowest - margin) / unit).rounded(.down))
    firstIndex = first
    func samples(to end: Double, _ function: (Double) -> Double) -> [Double] {
      (first...Int((end / unit).rounded(.up))).map { function(Double($0) * unit) }
    }
    let cumulativeSamples = samples(to: highest + margin) { noise.logCumulative(at: $0) }
    logHazard = samples(to: highest + logDepth + margin) { noise.logReversedHazard(at: $0) }
    let hazardSamples = logHazard.prefix(Int(((highest + depth + margin) / unit).rounded(.up)) - first)
      .map { exponential($0) }
    logCumulative = (0..<Self.stepCount).map {
      DecimatedSamples(cumulativeSamples, first: first, step: 1 << $0)
    }
    hazard = (0..<Self.stepCount).map { DecimatedSamples(hazardSamples, first: first, step: 1 << $0) }

    var stepExponents: [Precision: [Int]] = [:]
    var reach: [Precision: [Double]] = [:]
    var leaderReach: [Precision: [Double]] = [:]
    var pairReach: [Precision: [Double]] = [:]
    for precision in [Precision.single, .double] {
      stepExponents[precision] = (0...24).map {
        Self.stepExponent(of: noise, classes: 1 << $0, unit: unit, precision: precision)
      }
      reach[precision] = (0...Int(logDepth / quartiles) + 1).map {
        Self.lowestNode(of: noise, gap: Double($0) * quartiles, drop: precision.drop)
      }
      pairReach[precision] = (0...Int(depth / quartiles) + 1).map {
        Self.lowestNode(of: noise, gap: Double($0) * quartiles, rareClasses: 2, drop: precision.drop)
      }
      leaderReach[precision] = (0...Int(depth / quartiles) + 1).map {
        // The leader's integrand is that of a class above its competitor.
        Self.lowestNode(of: noise, gap: -Double($0) * quartiles, drop: precision.drop) - Double($0)
          * quartiles
      }
    }
    self.stepExponents = stepExponents
    self.reach = reach
    self.leaderReach = leaderReach
    self.pairReach = pairReach
    competition = Dictionary(
      uniqueKeysWithValues: [Precision.single, .double].map {
        ($0, noise.upperQuantile(at: $0.tail) - noise.quantile(at: $0.tail))
      })
  }

  /// log₂ of the coarsest step, in units, for a row of `count` classes.
  func stepExponent(for count: Int, precision: Precision) -> Int {
    let exponents = stepExponents[precision] ?? [0]
    let j = Int.bitWidth - (count - 1).leadingZeroBitCount
    return exponents[min(j, exponents.count - 1)]
  }

  /// The width of the noise: how far below a node that matters a class has a factor F that differs from 1.
  func competition(_ precision: Precision) -> Double { competition[precision] ?? 0 }

  /// The lowest node that matters where the second and the deepest class wanted have these gaps.
  func lowestNode(second: Double, deepest: Double, pairs: Bool = false, precision: Precision) -> Double {
    let (reach, leaderReach) = ((pairs ? pairReach : reach)[precision] ?? [], leaderReach[precision] ?? [])
    // The deepest class needs the node of the next gap below, the leader likewise.
    let deep = min(-deepest / reachSpacing + 1, Double(reach.count - 1))
    let shallow = min(-second / reachSpacing + 1, Double(leaderReach.count - 1))
    return min(reach[Int(deep)], leaderReach[Int(shallow)])
  }
}

/// Samples at firstIndex, firstIndex + 1, …, those with the same remainder by the step side by side: a walk along the
/// grid in steps reads consecutive memory.
struct DecimatedSamples: Sendable {
  let step: Int
  /// The sample index behind the last one.
  let end: Int
  private let first: Int
  private let rowLength: Int
  let values: [Double]

  init(_ samples: [Double], first: Int, step: Int) {
    self.step = step
    self.first = first
    end = first + samples.count
    let rowLength = (samples.count + step - 1) / step
    self.rowLength = rowLength
    var values = [Double](repeating: 0, count: rowLength * step)
    for (offset, sample) in samples.enumerated() {
      values[offset % step * rowLength + offset / step] = sample
    }
    self.values = values
  }

  /// Where the sample stands; index + step stands one place further.
  @inline(__always)
  func position(of index: Int) -> Int {
    let offset = index - first
    return (offset & (step - 1)) * rowLength + offset / step
  }
}

extension Precision {
  /// How far the logarithm of an integrand falls below its maximum before what lies beyond no longer matters.
  var drop: Double { self == .double ? 41 : 20 }
  /// The share of the mass above the highest node.
  var tail: Double { self == .double ? 0x1p-58 : 0x1p-30 }
  /// The error of the trapezoid rule at its coarsest step.
  var stepTolerance: Double { self == .double ? 2e-15 : 1e-8 }
  /// −Δ² log of an integrand at its peak, above which the step is halved: a bell of variance σ² integrated in steps h
  /// has the relative error 2·exp(−2π²σ²/h²), and a skewed one more.
  var sharpness: Double { self == .double ? 0.2 : 0.7 }
}

// MARK: measurements

extension LatticeTable {
  /// The largest power of two up to `start` at which interpolation reproduces log F and log r.
  ///
  /// log F enters with up to 10⁶ classes, so it must be right relative to 10⁻⁶ even where it is far smaller.
  private static func cell(for noise: some SmoothNoise, startingAt start: Double) -> Double {
    let basis = CellBasis(taps: 16, terms: 8)
    let (low, high) = (noise.quantile(at: 1e-40), noise.upperQuantile(at: 1e-9))
    // Far enough for any exponential tail, and near enough to be walked through.
    require(high - low < start * 1e5, "the tails of \(noise) are too heavy for the lattice")
    func isFine(_ width: Double) -> Bool {
      var x = low
      while x < high {
        for (function, floor) in [(noise.logCumulative, 1e-7), (noise.logReversedHazard, 1)] {
          let values = (0..<basis.taps).map { function(x + Double($0 - basis.taps / 2 + 1) * width) }
          for t in [-1, -0.6, 0.3, 0.9] {
            let estimate = basis.value(of: values, at: t)
            let truth = function(x + (t + 1) / 2 * width)
            if !((estimate - truth).magnitude <= 1e-13 * (truth.magnitude + floor)) { return false }
          }
        }
        x += 7 * width
      }
      return true
    }
    var width = Double(sign: .plus, exponent: start.exponent, significand: 1)
    while !isFine(width) {
      width /= 2
      require(width > start / 1024, "\(noise) is not smooth: no grid reproduces log F and log f − log F")
    }
    return width
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
      sum = sum * t + (0..<taps).reduce(0) { $0 + matrix[$1 * terms + k] * values[$1] }
    }
    return sum
  }
}
