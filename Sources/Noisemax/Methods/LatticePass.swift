internal import NoiseKernels

/// The steps of the lattice for one row, in scratch memory.
///
/// Only grid points within reach of a class matter: they are listed in blocks of eight, the deepest first.
struct LatticePass {
  let table: LatticeTable
  let basis: CellBasis
  let precision: Precision
  /// Whether probabilities below 1e-300 are wanted, too, by their logarithms.
  private let isOfLogarithms: Bool
  /// Where log G is less, nodes do not matter.
  private let leastLogarithm: Double
  /// The deepest gap that is wanted.
  let rarest: Double
  /// How deep classes are evaluated.
  private(set) var depth: Double
  /// Whether classes deeper than `depth` (not masked ones) are left out.
  let hasDeeperClasses: Bool

  let grid: CellGrid
  /// The width of a cell in units of the table.
  let stride: Int
  /// The number of gaps, padded to whole vectors.
  let count: Int
  /// For every class its cell, and its offset in it, if there are no parts.
  private let cells: UnsafeMutablePointer<Int>
  private let offsets: UnsafeMutablePointer<Double>
  /// The shares of grid points in the values of every class, if these are few enough for near memory.
  private let keptShares: UnsafeMutablePointer<Double>?
  /// The parts of cells by which many classes are deposited and get their probabilities, if not each by itself.
  private let parts: CellParts?
  /// The moments of the cells, and later the coefficients of log p on them and log p in the middle, if there are parts.
  private let rows: UnsafeMutablePointer<Double>
  private let logMiddles: UnsafeMutablePointer<Double>
  /// For every cell with a class, where in the list its first grid point stands; −1 for the others, and for the cell behind
  /// the last one, which has the classes that are not wanted, the end of the list.
  let slots: UnsafeMutablePointer<Int>

  /// The length of the list of grid points, which are counted from the first one of the first cell.
  let pointCount: Int
  let points: UnsafeMutablePointer<Int>
  let weights: UnsafeMutablePointer<Double>
  /// H·2^inflation at the grid points, log H, and H itself.
  let heights: UnsafeMutablePointer<Double>
  let logHeights: UnsafeMutablePointer<Double>
  private let probabilities: UnsafeMutablePointer<Double>
  /// What the loops over classes and cells need besides.
  let loopMemory: UnsafeMutablePointer<Double>

  // Where the samples of log F stand for every grid point, and those of r for every node.
  private let starts: UnsafeMutablePointer<Int>
  private let places: UnsafeMutablePointer<Int>
  private let hazards: LatticeSamples
  /// How many samples of log F there are below the highest node: beyond it no class is a competitor of one at the top.
  private let cumulativeCount: Int

  /// The highest node that matters, below which the walk begins.
  private let highest: Double
  /// How many hazards meet in an integrand.
  private let hazardCount: Double
  // Nodes are x_m = m·step·unit, m = firstNode + index.
  private var stepIndex: Int
  private(set) var firstNode = 0
  private(set) var nodes = 0
  private let nodeMemory: UnsafeMutablePointer<Double>
  private(set) var logG: UnsafeMutablePointer<Double>
  let g: UnsafeMutablePointer<Double>

  /// The distance of the nodes in units of the table.
  var step: Int { LatticeTable.steps[stepIndex] }
  var h: Double { Double(step) * table.unit }

  /// The gaps are followed by −∞ up to a whole number of vectors. For derivatives, functions steeper than log F and log r
  /// are interpolated, too, for which the widest cells do unless a class is very deep, or hazards over probabilities that
  /// no Float shows are asked for in Floats; and the nodes reach as far down as products of two hazards need them.
  init(
    _ gaps: UnsafeBufferPointer<Double>, depth: Double, table: LatticeTable, precision: Precision,
    isOfLogarithms: Bool = false, derivativesOf quantity: Quantity? = nil, scratch: inout Scratch
  ) {
    self.isOfLogarithms = isOfLogarithms
    leastLogarithm =
      isOfLogarithms
      ? -.infinity : quantity == .logProbabilities ? Self.leastLogarithmOfProducts : Self.leastLogarithm
    self.table = table
    basis = table.bases[precision]
    self.precision = precision
    self.depth = depth
    hazardCount = quantity == nil ? 1 : 2
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
    hazards = table.hazards(forStride: stride)
    grid = CellGrid(lowest: survey.lowest, perUnit: 1 / (Double(stride) * table.unit))
    stepIndex = table.coarsestStep(for: survey.competitors, precision: precision)
    parts = table.parts(for: survey.competitors, cells: grid.count, precision: isSteep ? .double : precision)

    highest = table.highestNode(for: survey.competitors, precision: precision)
    let lowest = table.lowestNode(deepest: survey.rarest)
    cumulativeCount = Int((highest / table.unit).rounded(.up)) - table.firstIndex + 1
    // Memory for the finest step, should the row need it.
    let most = padded(Int((highest - lowest) / table.unit) + 80)
    let length = parts == nil ? 0 : 8 * (grid.count + 1)
    // In short lists all cells count as having classes. Every class has 16 points at most, in blocks that it may not fill.
    let isShort = grid.count <= 64
    let mostPoints = padded(
      min(grid.count + basis.taps + 16, isShort ? .max : (basis.taps + 16) * survey.competitors))
    let cellMemory = padded(grid.count + 1)
    let loopLength =
      6 * (mostPoints + 16) + cellMemory + 3 * length + 8 * (parts?.count ?? 0) * (grid.count + 2)
      + blockMemory
    let keepsShares = parts == nil && count <= Self.mostKeptShares
    var memory = Pieces(
      of: scratch.reserve(
        2 * count + (keepsShares ? basis.taps * count : 0) + length + 2 * cellMemory + 6 * (mostPoints + 16)
          + 3
          * most + loopLength))
    cells = memory.takeIntegers(parts == nil ? count : 0)
    offsets = memory.take(parts == nil ? count : 0)
    keptShares = keepsShares ? memory.take(basis.taps * count) : nil
    rows = memory.take(length)
    logMiddles = memory.take(parts == nil ? 0 : cellMemory)
    slots = memory.takeIntegers(cellMemory)
    points = memory.takeIntegers(mostPoints + 16)
    starts = memory.takeIntegers(mostPoints + 16)
    weights = memory.take(mostPoints + 16)
    heights = memory.take(mostPoints + 16)
    logHeights = memory.take(mostPoints + 16)
    probabilities = memory.take(mostPoints + 16)
    places = memory.takeIntegers(most)
    nodeMemory = memory.take(most)
    g = memory.take(most)
    loopMemory = memory.take(loopLength)
    logG = nodeMemory

    if let parts {
      kernels.depositParts(
        gaps, count, from: competing, grid: grid, parts: parts.count, shares: parts.momentShares,
        moments: rows, scratch: loopMemory)
      for cell in 0..<grid.count { slots[cell] = rows[8 * cell] > 0 ? 0 : -1 }
    } else {
      kernels.place(gaps, count, from: competing, grid: grid, cells: cells, offsets: offsets)
      slots.update(repeating: isShort ? 0 : -1, count: grid.count)
      if !isShort { for index in 0..<count { slots[cells[index]] = 0 } }
    }
    pointCount = kernels.list(slots, cells: grid.count, taps: basis.taps, points: points)
    if parts != nil {
      kernels.spread(
        rows, cells: grid.count, shares: basis.shares, terms: basis.terms, points: points, count: pointCount,
        slots: slots, weights: weights)
    } else {
      kernels.deposit(
        cells, offsets, count, slots: slots, shares: basis.shares, kept: keptShares, points: pointCount,
        weights: weights, scratch: loopMemory)
    }
    setNodes(from: lowest)
  }

  private mutating func setNodes(from low: Double) {
    let last = Int((highest / h).rounded(.up))
    nodes = (last - Int((low / h).rounded(.down)) + 32) & ~31
    firstNode = last - nodes + 1
  }

  /// The number of the sample of x_m − μ_g for the node `index` and a grid point, counted from the first one.
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

  /// Log G and G at all nodes that matter, and H at the grid points, at a step fine enough for the rarest class.
  mutating func integrate() {
    walk()
    while refineStep() { walk() }
    kernels.exponentials(of: logG, nodes, shift: Self.inflation, to: g)
    kernels.locate(nodes: nodes + 3, on: nodeGrid, in: hazards.layout, places: places)
    integrals(of: g, to: heights)
  }

  /// Rows of so many classes keep the shares: more would need far memory, and computing them again takes less time.
  private static let mostKeptShares = 4096

  /// Probabilities of 1e-300 are sums of products that would be subnormal: G is multiplied by 2 to this power.
  static let inflation = 800.0
  /// Below this, an inflated height stands for less than 1e-298 and some of its factors have lost bits.
  static let inflatedLimit = 0x1p-190
  /// All probabilities below a node sum to G there: where this is log G they are nothing beside 1e-300. Derivatives of a
  /// logarithm need products of two of them over one.
  private static let leastLogarithm = -725.0
  private static let leastLogarithmOfProducts = -850.0

  /// How the nodes from the first one on and the grid points lie to each other.
  private var nodeGrid: NodeGrid {
    NodeGrid(
      start: sampleOffset(node: 0, point: 0), step: step, strideExponent: stride.trailingZeroBitCount)
  }

  private mutating func walk() {
    let samples = table.cumulatives(forStep: stepIndex)
    let grid = nodeGrid
    logG = nodeMemory
    kernels.locate(points, pointCount, on: grid, in: samples.layout, starts: starts)
    // The rarest class's integrand is the last one to fall, if log r is concave.
    let hasEnd = table.isLogConcave && table.isHazardConcave
    let end = WalkEnd(
      logHazards: hasEnd
        ? table.logHazard + sampleOffset(node: 0, point: point(nearest: rarest)) : nil,
      factor: hazardCount, drop: precision.drop,
      leastLogarithm: leastLogarithm)
    let first = kernels.walkDown(
      from: nodes, on: grid, weights: weights, points: points, starts: starts, pointCount,
      samples: samples.values, below: min(cumulativeCount, samples.layout.count), until: end,
      logarithms: logG)
    firstNode += first
    nodes -= first
    logG += first
  }

  // MARK: the step

  /// Takes a finer step, if the rarest class that is wanted has too sharp an integrand for this one.
  private mutating func refineStep() -> Bool {
    guard stepIndex > 0, case let excess = sharpness / sharpnessLimit, excess > 1 else { return false }
    let low = Double(firstNode - 1) * h
    let finer = LatticeTable.steps[..<stepIndex].lastIndex { Double($0 * $0) * excess <= Double(step * step) }
    stepIndex = finer ?? 0
    setNodes(from: low)
    return true
  }

  /// Under a law with several humps the product of two broad hazards may be a narrow one.
  private var sharpnessLimit: Double { (table.isLogConcave ? precision : .double).sharpness }

  /// The sharpness of the integrand of the rarest class, if any, under a law with one hump.
  private var sharpness: Double {
    if table.isLogConcave { return sharpness(of: rarestWithProbability) }
    return (firstWantedCell..<grid.count).reduce(0) { sharpest, cell in
      slots[cell] < 0
        ? sharpest : max(sharpest, sharpness(of: Double(cell + grid.firstCell) / grid.perUnit))
    }
  }

  /// The deepest gap that is wanted and has a probability, if these are wanted.
  private var rarestWithProbability: Double {
    func hasProbability(_ gap: Double) -> Bool { logIntegrandAtPeak(of: gap) > -700 }
    if isOfLogarithms || hasProbability(rarest) { return rarest }
    var (near, far) = (0.0, rarest)
    while (near - far) * grid.perUnit > 1 {
      let middle = (near + far) / 2
      if hasProbability(middle) { near = middle } else { far = middle }
    }
    return near
  }

  /// The deepest gap, `depth` at most, whose integrand is not sharper than the finest step can follow.
  func resolvedDepth(_ depth: Double) -> Double {
    func isSharp(_ gap: Double) -> Bool { sharpness(of: gap) > sharpnessLimit }
    guard stepIndex == 0, isSharp(rarest) else { return depth }
    var (near, far) = (0.0, -rarest)
    while (far - near) * grid.perUnit > 1 {
      let middle = (near + far) / 2
      if isSharp(-middle) { far = middle } else { near = middle }
    }
    return near
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
    let peak = firstFall(of: logIntegrand)
    guard peak > 0, peak < nodes - 1 else { return 0 }
    return sharpness(at: peak)
  }

  private func logIntegrandAtPeak(of gap: Double) -> Double {
    let first = sampleOffset(node: 0, point: point(nearest: gap))
    func logIntegrand(_ index: Int) -> Double { logG[index] + table.logHazard[first + index * step] }
    return logIntegrand(firstFall(of: logIntegrand))
  }

  /// The node from which on a function with one hump falls.
  func firstFall(of function: (Int) -> Double) -> Int {
    var (first, last) = (0, nodes - 1)
    while first < last {
      let middle = (first + last) / 2
      if function(middle) < function(middle + 1) { first = middle + 1 } else { last = middle }
    }
    return first
  }

  // MARK: integrals

  /// Σ_m values(x_m) r(x_m − μ_g) h at all grid points.
  func integrals(of values: UnsafeMutablePointer<Double>, to results: UnsafeMutablePointer<Double>) {
    kernels.integrals(
      of: values, nodes, on: nodeGrid, places: places, points: points, pointCount, samples: hazards.values,
      below: hazards.layout.count, factor: h, results: results)
  }

  /// Likewise of two functions.
  func integrals(
    of values: UnsafeMutablePointer<Double>, _ others: UnsafeMutablePointer<Double>,
    to results: UnsafeMutablePointer<Double>, _ otherResults: UnsafeMutablePointer<Double>
  ) {
    kernels.integrals(
      of: values, others, nodes, on: nodeGrid, places: places, points: points, pointCount,
      samples: hazards.values, below: hazards.layout.count, factor: h, results: results,
      otherResults: otherResults)
  }

  /// Σ_g weights_g r(x_m − μ_g) at all nodes, for two weights.
  func hazardSums(
    _ weights: UnsafeMutablePointer<Double>, _ others: UnsafeMutablePointer<Double>,
    to sums: UnsafeMutablePointer<Double>, _ otherSums: UnsafeMutablePointer<Double>
  ) {
    kernels.weightedSums(
      weights, others, points: points, pointCount, on: nodeGrid, places: places, samples: hazards.values,
      below: hazards.layout.count, sums: sums, otherSums: otherSums, nodes: nodes)
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
  private var firstWantedCell: Int { max(0, grid.cell(of: -depth)) }

  /// The first point of the list that they need.
  var firstWantedPoint: Int {
    for cell in firstWantedCell..<grid.count where slots[cell] >= 0 { return slots[cell] }
    return pointCount
  }

  /// The first grid point of the list where H itself is known, not its logarithm alone: H grows from point to point.
  var firstNumber: Int {
    let deepest = grid.cell(of: -table.depth)
    var index = firstWantedPoint
    while index < pointCount - 1 && (points[index] < deepest || !(heights[index] > Self.inflatedLimit)) {
      index += 1
    }
    return index
  }

  /// Computes log H at the grid points that wanted classes need. Of probabilities, those far below 1e-300 are left out.
  mutating func takeLogarithms() {
    kernels.logarithms(of: heights, pointCount, shift: Self.inflation, to: logHeights)
    kernels.scaled(heights, pointCount, by: 1 / pullbackInflation, to: probabilities)
    (logHeights + pointCount).update(repeating: 0, count: 16)
    (probabilities + pointCount).update(repeating: 0, count: 16)
    func take(_ index: Int) {
      logHeights[index] = logHeight(at: points[index])
      probabilities[index] = exponential(logHeights[index])
    }
    let firstWanted = firstWantedPoint
    var first = firstNumber
    while first > firstWanted {
      first -= 1
      take(first)
      if !isOfLogarithms && logHeights[first] < -700 { break }
    }
    guard first > firstWanted else { return }
    // A class has this grid point in the middle, or a higher one, and some below.
    depth = min(depth, -gap(ofPoint: points[first]))
    for index in max(firstWanted, first - basis.taps / 2)..<first { take(index) }
  }

  /// From here on no class has a probability that is not far above 1e-300.
  mutating func leaveOutTinyProbabilities() {
    let first = firstNumber
    if first > firstWantedPoint { depth = min(depth, -Double(points[first] + grid.firstCell) / grid.perUnit) }
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

  /// What few coefficients on a cell do, where Floats are wanted of many classes.
  private var isOfShortCells: Bool { parts?.count == 1 }

  /// Computes the coefficients of log p on every cell.
  private func expand() {
    kernels.expand(
      logHeights, from: firstWantedCell, cells: grid.count, slots: slots,
      matrix: isOfShortCells ? table.shortMatrix : basis.matrix, taps: basis.taps, rows: rows,
      middles: logMiddles, scratch: loopMemory)
    // Behind the last cell stand the classes that are not wanted.
    (rows + 8 * grid.count).update(repeating: 0, count: 8)
    logMiddles[grid.count] = -.infinity
  }

  /// Replaces the gaps by probabilities as the sums gave them.
  ///
  /// - Returns: Σp − 1.
  func replaceByProbabilities(_ row: UnsafeMutablePointer<Double>) -> Double {
    guard let parts else {
      return kernels.evaluate(
        row, cells, offsets, count, from: -depth, slots: slots, shares: basis.shares, kept: keptShares,
        logarithms: logHeights, numbers: probabilities)
    }
    expand()
    if parts.count == 1 {
      return kernels.evaluateFloats(row, count, from: -depth, grid: grid, rows: rows, scratch: loopMemory)
    }
    let partRows = loopMemory
    let scratch = partRows + 4 * parts.count * (grid.count + 1)
    kernels.divide(
      rows, from: firstWantedCell, cells: grid.count, slots: slots, parts: parts.count,
      shares: parts.coefficientShares, to: partRows, scratch: scratch)
    return kernels.evaluateParts(
      row, count, from: -depth, grid: grid, parts: parts.count, rows: partRows, scratch: scratch)
  }

  /// Replaces the gaps by log-probabilities, those of classes deeper than the depth of the pass by −∞.
  ///
  /// - Returns: Σp − 1 before the normalisation.
  func evaluateLogarithms(_ row: UnsafeMutableBufferPointer<Double>) -> Double {
    guard let logP = row.baseAddress else { return 0 }
    if parts == nil {
      kernels.evaluateLogarithms(
        logP, cells, offsets, count, from: -depth, slots: slots, shares: basis.shares, kept: keptShares,
        logarithms: logHeights)
    } else {
      expand()
      kernels.evaluateLogarithmsOfCells(
        logP, count, from: -depth, grid: grid, rows: rows, middles: logMiddles, scratch: loopMemory)
    }
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

  /// How much memory the steps below need.
  var pullbackMemory: Int { parts == nil ? 0 : 16 * (grid.count + 1) + count }

  /// Spreads numbers of the classes onto the grid points; there are 16 more behind the list.
  func spread(
    _ numbers: UnsafePointer<Double>, at gaps: UnsafePointer<Double>,
    to weights: UnsafeMutablePointer<Double>,
    memory: UnsafeMutablePointer<Double>
  ) {
    if parts == nil {
      return kernels.depositWeighted(
        numbers, cells, offsets, count, slots: slots, shares: basis.shares, points: pointCount,
        weights: weights, scratch: loopMemory)
    }
    kernels.depositMoments(
      numbers, at: gaps, count, from: -depth, grid: grid, moments: memory, scratch: loopMemory)
    kernels.spread(
      memory, cells: grid.count, shares: basis.shares, terms: basis.terms, points: points, count: pointCount,
      slots: slots, weights: weights)
  }

  /// Replaces u by unit·(ofA·u·a − ofB·p·b), 0 where p is, for a and b at the grid points.
  func evaluatePullback(
    _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>, at gaps: UnsafePointer<Double>,
    a: UnsafeMutablePointer<Double>, b: UnsafeMutablePointer<Double>, unit: Double, ofA: Double, ofB: Double,
    memory: UnsafeMutablePointer<Double>
  ) {
    if parts == nil {
      (a + pointCount).update(repeating: 0, count: 16)
      (b + pointCount).update(repeating: 0, count: 16)
      return kernels.evaluatePullback(
        p, u, cells, offsets, count, slots: slots, shares: basis.shares, a: a, b: b, unit: unit, ofA: ofA,
        ofB: ofB)
    }
    let places = memory + 16 * (grid.count + 1)
    if isOfShortCells {
      kernels.expandPairs(
        a, b, cells: grid.count, slots: slots, matrix: table.shortMatrix, taps: basis.taps, rows: memory)
    } else {
      for (ratios, place) in [(a, 0), (b, 8)] {
        kernels.expandValues(
          ratios, cells: grid.count, slots: slots, matrix: basis.matrix, taps: basis.taps,
          rows: memory + place, stride: 16)
      }
    }
    places.update(from: gaps, count: count)
    kernels.evaluatePullbackOfCells(
      places, p, u, count, from: -depth, grid: grid, rows: memory, isShort: isOfShortCells, unit: unit,
      ofA: ofA, ofB: ofB, scratch: loopMemory)
  }

  /// E[max] by the trapezoid rule on 1 − G above the top and G below it, which together jump by 1 there.
  func expectedMaximum() -> Double {
    var sum = CompensatedSum()
    // Below the nodes that matter G is 0.
    if firstNode > 0 { sum.add(Double(firstNode) - 0.5) }
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
