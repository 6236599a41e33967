internal import NoiseKernels

/// The steps of the lattice for one row, in scratch memory.
///
/// Only grid points within reach of a class matter: they are listed side by side, the deepest first.
struct LatticePass {
  let table: LatticeTable
  let basis: CellBasis
  let precision: Precision
  /// How deep classes are evaluated, and the deepest gap among these.
  let depth: Double
  let rarest: Double
  /// Whether classes deeper than `depth` (not masked ones) are left out.
  let hasDeeperClasses: Bool

  let grid: CellGrid
  /// The width of a cell in units of the table.
  let stride: Int
  /// The number of gaps, padded to whole vectors.
  let count: Int
  /// The moments of the cells, and later the coefficients of log p on them.
  let rows: UnsafeMutablePointer<Double>
  /// log p in the middle of the cells.
  let logMiddles: UnsafeMutablePointer<Double>
  /// For every cell with a class, where in the list its first grid point stands; −1 for the others.
  let slots: UnsafeMutablePointer<Int>

  /// The length of the list of grid points, which are counted from the first one of the first cell.
  let pointCount: Int
  let points: UnsafeMutablePointer<Int>
  let weights: UnsafeMutablePointer<Double>
  /// Where the sample of the first node stands for every grid point, and how many nodes have one of log F and one of r.
  let starts: UnsafeMutablePointer<Int>
  private let cumulativeReaches: UnsafeMutablePointer<Int>
  let reaches: UnsafeMutablePointer<Int>
  /// H, and its logarithm as exponent·ln 2 + logarithm.
  let heights: UnsafeMutablePointer<Double>
  private let exponents: UnsafeMutablePointer<Double>
  private let logarithms: UnsafeMutablePointer<Double>
  /// What the loops over classes and cells need besides.
  let loopMemory: UnsafeMutablePointer<Double>
  /// The parts of cells by which classes are deposited and evaluated, if not by whole cells with all moments.
  private let parts: CellParts?
  /// Whether cells are their own parts, with four coefficients.
  var isShort: Bool { parts?.count == 1 }

  /// How many samples of log F there are below the highest node: beyond it no class is a competitor of one at the top.
  private let cumulativeCount: Int

  // Nodes are x_m = m·step·unit, m = firstNode + index.
  var stepExponent: Int
  private(set) var firstNode = 0
  var nodes = 0
  let logG: UnsafeMutablePointer<Double>
  let g: UnsafeMutablePointer<Double>

  private var step: Int { 1 << stepExponent }
  var h: Double { Double(step) * table.unit }
  private var samples: LatticeSamples { table.samples[stepExponent] }

  /// The gaps are followed by −∞ up to a whole number of vectors. For derivatives, functions steeper than log F and log r
  /// are interpolated, too, for which the widest cells do unless a class is very deep, or hazards over probabilities that
  /// no Float shows are asked for in Floats; and the nodes reach as far down as products of two hazards need them.
  init(
    _ gaps: UnsafeBufferPointer<Double>, depth: Double, table: LatticeTable, precision: Precision,
    derivativesOf quantity: Quantity? = nil, scratch: inout Scratch
  ) {
    self.table = table
    basis = table.bases[precision]
    self.precision = precision
    self.depth = depth
    count = padded(gaps.count)
    guard let gaps = gaps.baseAddress else { fatalError("a row of no classes has no lattice") }
    // A class below every wanted one still counts where it competes with them: as far as F differs from 1 at nodes
    // that matter.
    let competing = -depth - table.competition(precision)
    let survey = kernels.survey(gaps, count, competingFrom: competing, wantedFrom: -depth)
    rarest = survey.rarest
    hasDeeperClasses = survey.hasDeeper
    let widest = table.stride(for: survey.competitors, precision: precision)
    let isDeep = survey.rarest < -16 * table.quartiles
    let isSteep =
      quantity != nil && (precision == .double ? isDeep : quantity == .logProbabilities)
    stride = isSteep ? min(widest, Int(table.cell / table.unit)) : widest
    grid = CellGrid(lowest: survey.lowest, perUnit: 1 / (Double(stride) * table.unit))
    stepExponent = table.stepExponent(for: survey.competitors, precision: precision)

    let low = table.lowestNode(
      second: survey.leaders > 1 ? 0 : survey.second, deepest: survey.rarest, pairs: quantity != nil,
      precision: precision)
    let high = table.highestNode(for: survey.competitors, precision: precision)
    cumulativeCount = Int((high / table.unit).rounded(.up)) - table.firstIndex + 1
    // Memory for the finest step, should the row need it, for the first step's outer nodes, and for whole vectors.
    let most = padded(Int((high - low) / table.unit) + (4 << stepExponent) + 32)
    parts = table.parts(
      for: survey.competitors, cells: grid.count, precision: isSteep ? .double : precision)
    let length = 8 * (grid.count + 1)
    // At most so many grid points are in reach, and as many more for vectors that reach beyond them.
    let mostPoints = padded(min(grid.count + basis.taps - 1, basis.taps * survey.competitors) + 8)
    let cells = padded(grid.count + 1)
    let loopLength = 3 * length + 8 * (parts?.count ?? 0) * (grid.count + 2) + blockMemory
    var memory = Pieces(
      of: scratch.reserve(length + 2 * cells + 8 * mostPoints + 2 * most + loopLength))
    rows = memory.take(length)
    logMiddles = memory.take(cells)
    slots = memory.takeIntegers(cells)
    points = memory.takeIntegers(mostPoints)
    starts = memory.takeIntegers(mostPoints)
    cumulativeReaches = memory.takeIntegers(mostPoints)
    reaches = memory.takeIntegers(mostPoints)
    weights = memory.take(mostPoints)
    heights = memory.take(mostPoints)
    exponents = memory.take(mostPoints)
    logarithms = memory.take(mostPoints)
    logG = memory.take(most)
    g = memory.take(most)
    loopMemory = memory.take(loopLength)

    if let parts {
      kernels.depositParts(
        gaps, count, from: competing, grid: grid, parts: parts.count, shares: parts.momentShares,
        moments: rows, scratch: loopMemory)
    } else {
      kernels.deposit(gaps, count, from: competing, grid: grid, moments: rows, scratch: loopMemory)
    }
    pointCount = kernels.list(
      occupied: rows, cells: grid.count, taps: basis.taps, points: points, slots: slots)
    kernels.spread(
      rows, cells: grid.count, shares: basis.shares, taps: basis.taps, terms: basis.terms, points: points,
      count: pointCount, slots: slots, weights: weights)
    setNodes(from: low, to: high)
  }

  private mutating func setNodes(from low: Double, to high: Double) {
    firstNode = Int((low / h).rounded(.down))
    nodes = Int((high / h).rounded(.up)) - firstNode + 1
  }

  /// The place of the sample of x_m − μ_g for the node `index` and a grid point, counted from the first sample.
  func sampleOffset(node index: Int, point: Int) -> Int {
    let cells = point + grid.firstCell - (basis.taps / 2 - 1)
    return (firstNode + index) * step - cells * stride - table.firstIndex
  }

  /// The grid point nearest to a gap, and the gap of one.
  func point(nearest gap: Double) -> Int {
    Int((gap * grid.perUnit).rounded()) - grid.firstCell + basis.taps / 2 - 1
  }

  func gap(ofPoint point: Int) -> Double {
    Double(point + grid.firstCell - (basis.taps / 2 - 1)) / grid.perUnit
  }

  // MARK: nodes

  /// Log G and G at all nodes, at a step fine enough for the rarest class, over the window that matters.
  mutating func integrate() {
    sumLogarithms()
    while stepExponent > 0 && hasSharpIntegrand {
      let (low, high) = (Double(firstNode) * h, Double(firstNode + nodes - 1) * h)
      stepExponent -= 1
      setNodes(from: low, to: high)
      sumLogarithms()
    }
  }

  /// Probabilities of 1e-300 are sums of products that would be subnormal: G is multiplied by 2 to this power.
  static let inflation = 800.0
  /// Below this, an inflated height stands for less than 1e-298 and some of its factors have lost bits.
  static let inflatedLimit = 0x1p-190

  private func sumLogarithms() {
    let samples = samples
    kernels.locate(
      points, pointCount, in: samples.layout(upTo: cumulativeCount), from: sampleOffset(node: 0, point: 0),
      stride: stride,
      nodes: nodes, starts: starts, cumulativeReaches: cumulativeReaches, hazardReaches: reaches)
    kernels.weightedSums(
      weights, starts: starts, reaches: cumulativeReaches, count: pointCount, samples: samples.logCumulative,
      sums: logG, nodes: nodes)
    kernels.exponentials(of: logG, nodes, shift: Self.inflation, to: g)
  }

  /// The deepest gap, `depth` at most, whose integrand is not sharper than the finest step can follow.
  func resolvedDepth(_ depth: Double) -> Double {
    guard stepExponent == 0, isSharp(rarest) else { return depth }
    var (near, far) = (0.0, -rarest)
    while (far - near) * grid.perUnit > 1 {
      let middle = (near + far) / 2
      if isSharp(-middle) { far = middle } else { near = middle }
    }
    return near
  }

  /// Whether a class that is wanted has too sharp an integrand: the rarest, if any, under a law with one hump.
  private var hasSharpIntegrand: Bool {
    if table.isLogConcave { return isSharp(rarest) }
    return (firstWanted..<grid.count).contains { cell in
      slots[cell] >= 0 && isSharp(Double(cell + grid.firstCell) / grid.perUnit)
    }
  }

  /// Under a law with several humps the product of two broad hazards may be a narrow one.
  private func isSharp(_ gap: Double) -> Bool {
    sharpness(of: gap) > (table.isLogConcave ? precision : .double).sharpness
  }

  /// −Δ² of the logarithm of a class's integrand at its peak, or the largest of those of its humps.
  private func sharpness(of gap: Double) -> Double {
    let first = sampleOffset(node: 0, point: point(nearest: gap))
    func logIntegrand(_ index: Int) -> Double { logG[index] + table.logHazard[first + index * step] }
    func sharpness(at index: Int) -> Double {
      2 * logIntegrand(index) - logIntegrand(index - 1) - logIntegrand(index + 1)
    }
    guard table.isLogConcave else {
      let top = (0..<nodes).reduce(-Double.infinity) { max($0, logIntegrand($1)) }
      let humps = (1..<max(1, nodes - 1)).lazy.filter {
        logIntegrand($0) >= max(top - 25, logIntegrand($0 - 1), logIntegrand($0 + 1))
      }
      return humps.reduce(0) { max($0, sharpness(at: $1)) }
    }
    var peak = 0
    var height = 0.0
    if gap >= -table.depth {
      let (samples, reach) = (samples, min(nodes, (samples.layout.hazardCount - first + step - 1) / step))
      let hazard = samples.hazard + samples.position(of: first)
      peak = kernels.peak(of: g, times: hazard, reach)
      height = g[peak] * hazard[peak]
    }
    if height < Self.inflatedLimit {
      for index in 1..<nodes where logIntegrand(index) > logIntegrand(peak) { peak = index }
    }
    guard peak > 0, peak < nodes - 1 else { return 0 }
    return sharpness(at: peak)
  }

  /// Σ_m values(x_m) r(x_m − μ_g) h at all grid points, for values that are 0 behind the last node.
  func integrals(of values: UnsafeMutablePointer<Double>, to results: UnsafeMutablePointer<Double>) {
    kernels.integrals(
      of: values, starts: starts, reaches: reaches, count: pointCount, samples: samples.hazard, factor: h,
      results: results)
  }

  /// log H at a grid point that is too deep for H itself.
  private func logHeight(at point: Int) -> Double {
    let first = sampleOffset(node: 0, point: point)
    func logIntegrand(_ index: Int) -> Double { logG[index] + table.logHazard[first + index * step] }
    var top = -Double.infinity
    for index in 0..<nodes { top = max(top, logIntegrand(index)) }
    var sum = 0.0
    for index in 0..<nodes {
      let below = logIntegrand(index) - top
      if below > -precision.drop { sum += exponential(below) }
    }
    return top + logarithm(sum * h)
  }

  // MARK: classes

  /// The first cell whose classes are wanted.
  private var firstWanted: Int { max(0, grid.cell(of: -depth)) }

  /// The first point of the list that they need.
  var firstWantedPoint: Int { (0..<pointCount).first { points[$0] >= firstWanted } ?? pointCount }

  /// log H at a point of the list.
  func logHeight(of index: Int) -> Double {
    (exponents[index] - Self.inflation) * 0.6931471805599453 + logarithms[index]
  }

  /// Computes the coefficients of log p on every cell.
  func expand() {
    integrals(of: g, to: heights)
    kernels.splitLogarithms(of: heights, pointCount, exponents: exponents, logarithms: logarithms)
    let firstWanted = firstWanted
    for index in firstWantedPoint..<max(firstWantedPoint, firstNumber) {
      exponents[index] = Self.inflation
      logarithms[index] = logHeight(at: points[index])
    }
    kernels.expand(
      from: firstWanted, cells: grid.count, slots: slots, exponents: exponents, logarithms: logarithms,
      shift: Self.inflation, matrix: isShort ? table.shortMatrix : basis.matrix, taps: basis.taps,
      rows: rows, middles: logMiddles,
      scratch: loopMemory)
    // Behind the last cell stand the classes that are not wanted.
    (rows + 8 * grid.count).update(repeating: 0, count: 8)
    logMiddles[grid.count] = -.infinity
  }

  /// The first grid point of the list where H itself is known, not its logarithm alone: H grows from point to point.
  var firstNumber: Int {
    let deepest = grid.cell(of: -table.depth)
    var index = 0
    while index < pointCount && (points[index] < deepest || !(heights[index] > Self.inflatedLimit)) {
      index += 1
    }
    return index
  }

  /// Takes cells out of the list whose probabilities are not all far above 1e-300: their classes get 0.
  func dropTinyCells() {
    let (firstWanted, firstNumber) = (firstWanted, firstNumber)
    for cell in 0..<grid.count where slots[cell] >= 0 {
      if cell >= firstWanted && slots[cell] >= firstNumber { break }
      slots[cell] = -1
      rows[8 * cell] = 0
    }
  }

  /// Replaces the gaps by probabilities that sum to one; classes deeper than the depth of the pass get 0.
  ///
  /// - Returns: Σp − 1 before the normalisation.
  func evaluate(_ row: UnsafeMutableBufferPointer<Double>) -> Double {
    guard let p = row.baseAddress else { return 0 }
    let defect = replaceByProbabilities(p)
    if defect.magnitude > precision.defect { kernels.scaled(p, count, by: 1 / (1 + defect), to: p) }
    return defect
  }

  /// Replaces the gaps by probabilities as the sums gave them.
  ///
  /// - Returns: Σp − 1.
  func replaceByProbabilities(_ row: UnsafeMutablePointer<Double>) -> Double {
    guard let parts else {
      return kernels.evaluate(row, count, from: -depth, grid: grid, rows: rows, scratch: loopMemory)
    }
    if isShort {
      return kernels.evaluateFloats(row, count, from: -depth, grid: grid, rows: rows, scratch: loopMemory)
    }
    let partRows = loopMemory
    let scratch = partRows + 4 * parts.count * (grid.count + 1)
    kernels.divide(
      rows, from: firstWanted, cells: grid.count, slots: slots, parts: parts.count,
      shares: parts.coefficientShares, to: partRows, scratch: scratch)
    return kernels.evaluateParts(
      row, count, from: -depth, grid: grid, parts: parts.count, rows: partRows, scratch: scratch)
  }

  /// Replaces the gaps by log-probabilities, those of classes deeper than the depth of the pass by −∞.
  ///
  /// - Returns: Σp − 1 before the normalisation.
  func evaluateLogarithms(_ row: UnsafeMutableBufferPointer<Double>) -> Double {
    guard let logP = row.baseAddress else { return 0 }
    kernels.evaluateLogarithms(
      logP, count, from: -depth, grid: grid, rows: rows, middles: logMiddles, scratch: loopMemory)
    let likely = -0.6
    let sums = kernels.sumsOfExponentials(logP, count, split: likely)
    let defect = (sums.above - 1) + sums.below
    let shift = logarithmOfOnePlus(defect)
    // That of a class above ½ is taken from what the others leave to it, so that it has all its digits however near 0
    // it is.
    let leader = sums.above > 0 ? row.firstIndex { $0 > likely } : nil
    for index in row.indices { row[index] -= shift }
    if let leader { row[leader] = logarithmOfOnePlus(-sums.below / (1 + defect)) }
    return defect
  }

  /// E[max] by the trapezoid rule on 1 − G above the top and G below it, which together jump by 1 there.
  func expectedMaximum() -> Double {
    var sum = CompensatedSum()
    for index in 0..<nodes {
      let node = firstNode + index
      if node > 0 {
        sum.add(-exponentialMinusOne(logG[index]))
      } else {
        sum.add((node == 0 ? 0.5 : 0) - exponential(logG[index]))
      }
    }
    return h * sum.value
  }
}
