internal import NoiseKernels

/// One row on the lattice: its grid, its nodes and what ``Lattice`` sums over them, in scratch memory.
///
/// Only grid points within reach of a class matter: they are listed in blocks of eight, the lowest first.
struct LatticePass {
  let table: LatticeTable
  /// As far down as the row needs them.
  let samples: LawSamples
  let basis: CellBasis
  let precision: Precision
  /// Whether probabilities below 1e-300 are wanted, too, by their logarithms.
  let isOfLogarithms: Bool
  /// Nodes with log G below this do not matter.
  private let leastLogarithm: Double
  /// The gap of the rarest wanted class.
  let rarest: Double
  /// Classes with gaps below −depth are not wanted.
  var depth: Double
  /// Whether some class below −depth is not masked.
  let hasDeeperClasses: Bool

  let grid: CellGrid
  /// The width of a cell in units of the table.
  let stride: Int
  /// The number of gaps, padded to whole vectors.
  let count: Int
  /// For every class its cell, and its offset in it, if there are no parts.
  let cells: UnsafeMutablePointer<Int>
  let offsets: UnsafeMutablePointer<Double>
  /// For every class its shares of the grid points; nil if there are parts, or too many classes for the near caches.
  let keptShares: UnsafeMutablePointer<Double>?
  /// The parts of cells by which very many classes are deposited and evaluated; nil if each class goes by its own shares.
  let parts: CellParts?
  /// If there are parts, eight numbers a cell: first the moments Σ tᵏ of its classes, later the coefficients of log p. And
  /// log p in the middle of every cell.
  let rows: UnsafeMutablePointer<Double>
  let logMiddles: UnsafeMutablePointer<Double>
  /// For every cell with a class, the slot of its first grid point in the list; −1 for a cell without one. Behind the last
  /// cell stands one more, for the classes that do not compete: its slot is the end of the list.
  let slots: UnsafeMutablePointer<Int>

  /// The length of the list of grid points, which are counted from the first one of the first cell.
  let pointCount: Int
  let points: UnsafeMutablePointer<Int>
  let weights: UnsafeMutablePointer<Double>
  /// H·2^inflation at the grid points, log H, and H itself.
  let heights: UnsafeMutablePointer<Double>
  let logHeights: UnsafeMutablePointer<Double>
  let probabilities: UnsafeMutablePointer<Double>
  /// What the loops over classes and cells need besides.
  let loopMemory: UnsafeMutablePointer<Double>

  // `cumulativeSlots`: for every grid point the slot of its sample of log F at node 0. `reversedHazardSlots`: for every node
  // the slot of its sample of r at point 0.
  private let cumulativeSlots: UnsafeMutablePointer<Int>
  private let reversedHazardSlots: UnsafeMutablePointer<Int>
  private let reversedHazards: LatticeSamples
  /// How many samples of log F are read: for arguments above the highest node F counts as 1.
  private let cumulativeCount: Int

  /// The highest node that matters: the walk down begins here.
  private let highest: Double
  /// How many reversed hazards an integrand has as factors: G·r has one, G·r·r of a derivative two.
  private let reversedHazardCount: Double
  // Nodes are x_m = m·step·unit, m = firstNode + index.
  var stepIndex: Int
  private(set) var firstNode = 0
  private(set) var nodes = 0
  private let nodeMemory: UnsafeMutablePointer<Double>
  private(set) var logG: UnsafeMutablePointer<Double>
  let g: UnsafeMutablePointer<Double>

  /// log r at every sample.
  var logReversedHazard: UnsafePointer<Double> { samples.logReversedHazard }

  /// The distance of the nodes in units of the table.
  var step: Int { LatticeTable.steps[stepIndex] }
  var h: Double { Double(step) * table.unit }

  /// Chooses the grid and the coarsest step of a row, divides the memory, and deposits the classes.
  ///
  /// Behind the gaps stands −∞ up to a whole number of vectors. `quantity` says of what derivatives are wanted, if of any.
  /// They need more:
  /// - nodes further down, as far as products of two reversed hazards matter;
  /// - a grid that holds r/p, which may be steeper in μ than log F and log r. A row gets the finest cells if its rarest class
  ///   is far behind. So does a Float row whose log-probabilities are pulled back: there p may be less than a Float shows.
  init(
    _ gaps: UnsafeBufferPointer<Double>, depth: Double, table: LatticeTable, precision: Precision,
    isOfLogarithms: Bool = false, derivativesOf quantity: Quantity? = nil,
    scratch: inout Scratch
  ) {
    self.isOfLogarithms = isOfLogarithms
    leastLogarithm =
      isOfLogarithms
      ? -.infinity : quantity == .logProbabilities ? Self.leastLogarithmOfProducts : Self.leastLogarithm
    self.table = table
    basis = table.bases[precision]
    self.precision = precision
    self.depth = depth
    reversedHazardCount = quantity == nil ? 1 : 2
    count = padded(gaps.count)
    guard let gaps = gaps.baseAddress else { fatalError("a row of no classes has no lattice") }
    // A class that is not wanted still competes with those that are, if its F differs from 1 at a node that matters.
    let competing = -depth - table.competition(precision)
    let survey = kernels.survey(gaps, count, competingFrom: competing, wantedFrom: -depth)
    rarest = survey.rarest
    samples = table.samples(downTo: rarest)
    hasDeeperClasses = survey.hasDeeper
    let widest = table.stride(for: survey.competitors, precision: precision)
    let isDeep = survey.rarest < -16 * table.quartiles
    let isSteep =
      quantity != nil && (precision == .double ? isDeep : quantity == .logProbabilities)
    stride = isSteep ? min(widest, Int(table.cell / table.unit)) : widest
    reversedHazards = samples.reversedHazards(forStride: stride)
    grid = CellGrid(lowest: survey.lowest, perUnit: 1 / (Double(stride) * table.unit))
    stepIndex = table.coarsestStepIndex(for: survey.competitors, precision: precision)
    parts = table.grids.parts(
      for: survey.competitors, cells: grid.count, precision: isSteep ? .double : precision)

    highest = table.highestNode(for: survey.competitors, precision: precision)
    let lowest = table.lowestNode(deepest: survey.rarest)
    cumulativeCount = Int((highest / table.unit).rounded(.up)) - samples.firstIndex + 1
    // Enough nodes for the finest step, should the row need it.
    let most = padded(Int((highest - lowest) / table.unit) + 80)
    let length = parts == nil ? 0 : 8 * (grid.count + 1)
    // Up to 64 cells are all listed, with a class or without. Of more cells a class lists its taps, in whole blocks of eight.
    let isShort = grid.count <= 64
    let mostPoints = padded(
      min(grid.count + basis.taps + 16, isShort ? .max : (basis.taps + 16) * survey.competitors))
    let cellMemory = padded(grid.count + 1)
    let loopLength =
      6 * (mostPoints + 16) + 5 * cellMemory + 3 * length + 8 * (parts?.count ?? 0) * (grid.count + 2)
      + blockMemory
    let keepsShares = parts == nil && count <= Policy.mostClassesWithKeptShares
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
    cumulativeSlots = memory.takeIntegers(mostPoints + 16)
    weights = memory.take(mostPoints + 16)
    heights = memory.take(mostPoints + 16)
    logHeights = memory.take(mostPoints + 16)
    probabilities = memory.take(mostPoints + 16)
    reversedHazardSlots = memory.takeIntegers(most)
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

  mutating func setNodes(from low: Double) {
    let last = Int((highest / h).rounded(.up))
    nodes = (last - Int((low / h).rounded(.down)) + 32) & ~31
    firstNode = last - nodes + 1
  }

  /// The index of the sample at x_m − μ_g, for node `index` and a grid point. Points are counted from the first one.
  func sampleOffset(node index: Int, point: Int) -> Int {
    let cells = point + grid.firstCell - (basis.taps / 2 - 1)
    return (firstNode + index) * step - cells * stride - samples.firstIndex
  }

  /// The grid point nearest to a gap, and the gap of one.
  func point(nearest gap: Double) -> Int {
    Int((gap * grid.perUnit).rounded()) - grid.firstCell + basis.taps / 2 - 1
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
    // The rarest class's integrand is the last one to fall, if log r is concave.
    let hasEnd = samples.isLogConcave && samples.isReversedHazardConcave
    let end = WalkEnd(
      logReversedHazards: hasEnd
        ? logReversedHazard + sampleOffset(node: 0, point: point(nearest: rarest)) : nil,
      factor: reversedHazardCount, drop: precision.drop,
      leastLogarithm: leastLogarithm)
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
      slots: reversedHazardSlots + range.lowerBound,
      points: points + first, count, samples: reversedHazards.values, below: reversedHazards.layout.count,
      factor: h, results: results + first)
  }

  /// Likewise of two functions, over all nodes and at all grid points.
  func integrals(
    of values: UnsafeMutablePointer<Double>, _ others: UnsafeMutablePointer<Double>,
    to results: UnsafeMutablePointer<Double>, _ otherResults: UnsafeMutablePointer<Double>
  ) {
    kernels.integrals(
      of: values, others, nodes, on: nodeGrid(), slots: reversedHazardSlots, points: points, pointCount,
      samples: reversedHazards.values, below: reversedHazards.layout.count, factor: h, results: results,
      otherResults: otherResults)
  }

  /// Σ_g weights_g r(x_m − μ_g) at all nodes, for two weights.
  func reversedHazardSums(
    _ weights: UnsafeMutablePointer<Double>, _ others: UnsafeMutablePointer<Double>,
    to sums: UnsafeMutablePointer<Double>, _ otherSums: UnsafeMutablePointer<Double>
  ) {
    kernels.weightedSums(
      weights, others, points: points, pointCount, on: nodeGrid(), slots: reversedHazardSlots,
      samples: reversedHazards.values,
      below: reversedHazards.layout.count, sums: sums, otherSums: otherSums, nodes: nodes)
  }
}
