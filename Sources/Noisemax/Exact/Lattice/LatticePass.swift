internal import NoiseKernels

/// One row on the lattice: its grid, its nodes and what ``Lattice`` sums over them, in scratch memory.
///
/// Only grid points within reach of a class matter: they are listed in blocks of eight, the lowest first.
struct LatticePass {
  let table: LatticeTable
  let basis: CellBasis
  let precision: Precision
  /// Whether probabilities below 1e-300 are wanted, too, by their logarithms.
  let isOfLogarithms: Bool
  /// Nodes with log G below this do not matter.
  private let leastLogarithm: Double
  /// How many reversed hazards an integrand has as factors: G·r has one, G·r·r of a derivative two.
  private let reversedHazardCount: Double
  /// Classes with gaps below −depth are not wanted.
  var depth: Double

  private let shape: LatticeShape
  let classes: PlacedClasses
  /// If there are parts, eight numbers a cell: first the moments Σ tᵏ of its classes, later the coefficients of log p. And
  /// log p in the middle of every cell.
  let rows: UnsafeMutablePointer<Double>
  let logMiddles: UnsafeMutablePointer<Double>

  /// The length of the list of grid points, which are counted from the first one of the first cell.
  private(set) var pointCount = 0
  let points: UnsafeMutablePointer<Int>
  let weights: UnsafeMutablePointer<Double>
  /// H·2^inflation at the grid points, log H, and H itself.
  let heights, logHeights, probabilities: UnsafeMutablePointer<Double>
  /// What the loops over classes and cells need besides.
  let loopMemory: UnsafeMutablePointer<Double>

  // `cumulativeSlots`: for every grid point the slot of its sample of log F at node 0. `reversedHazardSlots`: for every node
  // the slot of its sample of r at point 0.
  private let cumulativeSlots, reversedHazardSlots: UnsafeMutablePointer<Int>
  private let reversedHazards: LatticeSamples

  // Nodes are x_m = m·step·unit, m = firstNode + index.
  var stepIndex: Int
  private(set) var firstNode = 0
  private(set) var nodes = 0
  private let nodeMemory: UnsafeMutablePointer<Double>
  private(set) var logG: UnsafeMutablePointer<Double>
  let g: UnsafeMutablePointer<Double>

  /// The gap of the rarest wanted class, and whether some class below −depth is not masked.
  var rarest: Double { shape.survey.rarest }
  var hasDeeperClasses: Bool { shape.survey.hasDeeper }
  var samples: LawSamples { shape.samples }
  var stride: Int { shape.stride }
  var grid: CellGrid { shape.grid }
  var parts: CellParts? { shape.parts }
  /// The number of gaps, padded to whole vectors.
  var count: Int { classes.count }
  var slots: UnsafeMutablePointer<Int> { classes.slots }

  /// log r at every sample.
  var logReversedHazard: UnsafePointer<Double> { samples.logReversedHazard }

  /// The distance of the nodes in units of the table.
  var step: Int { LatticeTable.steps[stepIndex] }
  var h: Double { Double(step) * table.unit }

  /// Chooses the grid and the coarsest step of a row, divides the memory, and deposits the classes.
  ///
  /// Behind the gaps stands −∞ up to a whole number of vectors. `quantity` says of what derivatives are wanted, if of any.
  /// They need nodes further down, as far as products of two reversed hazards matter.
  init(
    _ gaps: UnsafeBufferPointer<Double>, depth: Double, table: LatticeTable, precision: Precision,
    isOfLogarithms: Bool = false, derivativesOf quantity: Quantity? = nil, scratch: inout Scratch
  ) {
    guard let start = gaps.baseAddress else { fatalError("a row of no classes has no lattice") }
    (self.table, self.precision, self.depth) = (table, precision, depth)
    self.isOfLogarithms = isOfLogarithms
    basis = table.bases[precision]
    reversedHazardCount = quantity == nil ? 1 : 2
    leastLogarithm =
      isOfLogarithms
      ? -.infinity : quantity == .logProbabilities ? Self.leastLogarithmOfProducts : Self.leastLogarithm
    let count = padded(gaps.count)
    shape = LatticeShape(
      of: start, count, depth: depth, table: table, precision: precision, derivativesOf: quantity)
    reversedHazards = shape.samples.reversedHazards(forStride: shape.stride)
    stepIndex = shape.coarsestStepIndex

    // The memory: `listed` slots for a number at every grid point, `most` for one at every node.
    let (hasParts, taps) = (shape.parts != nil, basis.taps)
    let (listed, most) = (shape.mostPoints(taps: taps) + 16, shape.mostNodes(unit: table.unit))
    let (rowLength, cellLength) = (shape.rowLength, shape.cellLength)
    let loopLength =
      6 * listed + 5 * cellLength + 3 * rowLength + 8 * (shape.parts?.count ?? 0) * (shape.grid.count + 2)
      + blockMemory
    let sharesLength = !hasParts && count <= Policy.mostClassesWithKeptShares ? taps * count : 0
    var memory = Pieces(
      of: scratch.reserve(
        2 * count + sharesLength + rowLength + 2 * cellLength + 6 * listed + 3 * most + loopLength))
    classes = PlacedClasses(
      count: count, cells: memory.takeIntegers(hasParts ? 0 : count),
      offsets: memory.take(hasParts ? 0 : count), slots: memory.takeIntegers(cellLength),
      shares: basis.shares, kept: sharesLength > 0 ? memory.take(sharesLength) : nil)
    rows = memory.take(rowLength)
    logMiddles = memory.take(hasParts ? cellLength : 0)
    points = memory.takeIntegers(listed)
    cumulativeSlots = memory.takeIntegers(listed)
    weights = memory.take(listed)
    heights = memory.take(listed)
    logHeights = memory.take(listed)
    probabilities = memory.take(listed)
    reversedHazardSlots = memory.takeIntegers(most)
    nodeMemory = memory.take(most)
    g = memory.take(most)
    loopMemory = memory.take(loopLength)
    logG = nodeMemory
    deposit(start)
    setNodes(from: shape.lowestNode)
  }

  /// Lists the grid points near classes, and gives them their weights.
  private mutating func deposit(_ gaps: UnsafePointer<Double>) {
    let (grid, competing) = (shape.grid, shape.competing)
    guard let parts = shape.parts else {
      pointCount = classes.list(
        points, of: gaps, from: competing, on: grid, nearAllCells: shape.listsAllCells)
      return kernels.deposit(classes, points: pointCount, weights: weights, scratch: loopMemory)
    }
    kernels.depositParts(
      gaps, count, from: competing, grid: grid, parts: parts.count, shares: parts.momentShares, moments: rows,
      scratch: loopMemory)
    for cell in 0..<grid.count { slots[cell] = rows[8 * cell] > 0 ? 0 : -1 }
    pointCount = kernels.list(slots, cells: grid.count, taps: basis.taps, points: points)
    spreadMoments(rows, to: weights)
  }

  /// Spreads the moments of the cells onto the grid points.
  func spreadMoments(_ moments: UnsafePointer<Double>, to weights: UnsafeMutablePointer<Double>) {
    kernels.spread(
      moments, cells: grid.count, shares: basis.shares, terms: basis.terms, points: points, count: pointCount,
      slots: slots, weights: weights)
  }

  mutating func setNodes(from low: Double) {
    let low = max(low, shape.lowestNode)
    let last = Int((shape.highestNode / h).rounded(.up))
    nodes = (last - Int((low / h).rounded(.down)) + 32) & ~31
    firstNode = last - nodes + 1
  }

  /// The index of the sample at x_m − μ_g, for node `index` and a grid point. Points are counted from the first one.
  func sampleOffset(node index: Int, point: Int) -> Int {
    let cells = point + grid.firstCell - (basis.taps / 2 - 1)
    return (firstNode + index) * step - cells * stride - samples.firstIndex
  }

  /// The grid point nearest to a gap, the one below it, and the gap of one.
  func point(nearest gap: Double) -> Int {
    Int((gap * grid.perUnit).rounded()) - grid.firstCell + basis.taps / 2 - 1
  }

  func point(below gap: Double) -> Int {
    Int((gap * grid.perUnit).rounded(.down)) - grid.firstCell + basis.taps / 2 - 1
  }

  func gap(ofPoint point: Int) -> Double {
    Double(point + grid.firstCell - (basis.taps / 2 - 1)) / grid.perUnit
  }

  // MARK: nodes

  /// Computes log G and G at all nodes that matter, at a step fine enough for the rarest class, and H at the grid points.
  mutating func integrate() {
    walk()
    while refineStep() { walk() }
    kernels.exponentials(of: logG, nodes, shift: Self.inflation, to: g)
    kernels.locate(nodes: nodes + 3, on: nodeGrid(), in: reversedHazards.layout, slots: reversedHazardSlots)
    takeHeights()
  }

  /// G is multiplied by 2⁸⁰⁰: the products that sum to a probability of 1e-300 would be subnormal.
  static let inflation = 800.0
  /// An inflated height below this stands for less than 1e-298, and some of the products in it have lost bits.
  static let inflatedLimit = 0x1p-190
  /// What all classes together win below a node is G there: with log G below this it is nothing beside 1e-300. Derivatives of
  /// log p divide by p, and need nodes further down.
  private static let leastLogarithm = -725.0
  private static let leastLogarithmOfProducts = -850.0

  /// How the nodes from one on and the grid points lie to each other.
  private func nodeGrid(from index: Int = 0) -> NodeGrid {
    NodeGrid(
      start: sampleOffset(node: index, point: 0), step: step, strideExponent: stride.trailingZeroBitCount)
  }

  private mutating func walk() {
    let cumulatives = samples.cumulatives(forStep: stepIndex)
    let grid = nodeGrid()
    logG = nodeMemory
    kernels.locate(points, pointCount, on: grid, in: cumulatives.layout, starts: cumulativeSlots)
    // For arguments above the highest node F counts as 1.
    let cumulativeCount = Int((shape.highestNode / table.unit).rounded(.up)) - samples.firstIndex + 1
    // The rarest class's integrand is the last one to fall, if log r is concave.
    let end = WalkEnd(
      logReversedHazards: hasOneHump
        ? logReversedHazard + sampleOffset(node: 0, point: point(nearest: rarest)) : nil,
      factor: reversedHazardCount, drop: precision.drop, leastLogarithm: leastLogarithm)
    let first = kernels.walkDown(
      from: nodes, on: grid, weights: weights, points: points, starts: cumulativeSlots, pointCount,
      samples: cumulatives.values, below: min(cumulativeCount, cumulatives.layout.count), until: end,
      logarithms: logG)
    firstNode += first
    nodes -= first
    logG += first
  }

  // MARK: integrals

  /// Σ_m values(x_m) r(x_m − μ_g) h over some nodes, at so many grid points of the list.
  func integrals(
    of values: UnsafeMutablePointer<Double>, over range: Range<Int>, at first: Int, _ count: Int,
    to results: UnsafeMutablePointer<Double>
  ) {
    kernels.integrals(
      of: values + range.lowerBound, range.count, on: nodeGrid(from: range.lowerBound),
      slots: reversedHazardSlots + range.lowerBound, points: points + first, count,
      samples: reversedHazards.values, below: reversedHazards.layout.count, factor: h,
      results: results + first)
  }

  /// Likewise of two functions, over the first nodes and at all grid points.
  func integrals(
    of values: UnsafeMutablePointer<Double>, _ others: UnsafeMutablePointer<Double>, nodes: Int,
    to results: UnsafeMutablePointer<Double>, _ otherResults: UnsafeMutablePointer<Double>
  ) {
    kernels.integrals(
      of: values, others, nodes, on: nodeGrid(), slots: reversedHazardSlots, points: points, pointCount,
      samples: reversedHazards.values, below: reversedHazards.layout.count, factor: h, results: results,
      otherResults: otherResults)
  }

  /// Σ_g weights_g r(x_m − μ_g) at the first nodes, for two weights.
  func reversedHazardSums(
    _ weights: UnsafeMutablePointer<Double>, _ others: UnsafeMutablePointer<Double>,
    to sums: UnsafeMutablePointer<Double>, _ otherSums: UnsafeMutablePointer<Double>, nodes: Int
  ) {
    kernels.weightedSums(
      weights, others, points: points, pointCount, on: nodeGrid(), slots: reversedHazardSlots,
      samples: reversedHazards.values, below: reversedHazards.layout.count, sums: sums, otherSums: otherSums,
      nodes: nodes)
  }
}
