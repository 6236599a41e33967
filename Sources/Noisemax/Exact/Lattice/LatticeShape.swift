internal import NoiseKernels

/// What is chosen for a row on the lattice before anything is summed: its grid, its coarsest step, its window of nodes.
struct LatticeShape {
  /// The classes that are wanted, and those that compete.
  let survey: GapSurvey
  /// A class below this gap does not compete: its F is 1 at every node that matters to a wanted class.
  let competing: Double
  /// As far down as the row needs them.
  let samples: LawSamples
  /// The width of a cell in units of the table.
  let stride: Int
  let grid: CellGrid
  /// The parts of cells by which very many classes are deposited and evaluated; nil if each class goes by its own shares.
  let parts: CellParts?
  let coarsestStepIndex: Int
  /// Between these lie the nodes that matter: the walk down begins with the highest.
  let highestNode, lowestNode: Double

  /// Classes with gaps below −depth are not wanted. Derivatives need a grid that holds r/p, which may be steeper in μ than
  /// log F and log r. A row gets the finest cells if its rarest class is far behind. So does a Float row whose
  /// log-probabilities are pulled back: there p may be less than a Float shows.
  init(
    of gaps: UnsafePointer<Double>, _ count: Int, depth: Double, table: LatticeTable, precision: Precision,
    derivativesOf quantity: Quantity?
  ) {
    competing = -depth - table.competition[precision]
    survey = kernels.survey(gaps, count, competingFrom: competing, wantedFrom: -depth)
    samples = table.samples(downTo: survey.rarest)
    let (classes, isDeep) = (survey.competitors, survey.rarest < -16 * table.quartiles)
    let isSteep =
      quantity != nil && (precision == .double ? isDeep : quantity == .logProbabilities)
    let choice = table.choice(for: classes, precision: precision)
    stride = isSteep ? min(choice.stride, Int(table.cell / table.unit)) : choice.stride
    grid = CellGrid(lowest: survey.lowest, perUnit: 1 / (Double(stride) * table.unit))
    parts = table.grids.parts(for: classes, cells: grid.count, precision: isSteep ? .double : precision)
    (coarsestStepIndex, highestNode) = (choice.coarsestStepIndex, choice.highestNode)
    lowestNode = table.lowestNode(deepest: survey.rarest)
  }

  /// Few cells are all listed, with a class or without.
  var listsAllCells: Bool { grid.count <= 64 }

  /// The most grid points that are listed: of more cells a class lists its taps, in whole blocks of eight.
  func mostPoints(taps: Int) -> Int {
    padded(min(grid.count + taps + 16, listsAllCells ? .max : (taps + 16) * survey.competitors))
  }

  /// Enough nodes for the finest step, should the row need it.
  func mostNodes(unit: Double) -> Int { padded(Int((highestNode - lowestNode) / unit) + 80) }

  /// The slots for what every cell has if there are parts, and those for one number a cell.
  var rowLength: Int { parts == nil ? 0 : 8 * (grid.count + 1) }
  var cellLength: Int { padded(grid.count + 1) }
}

extension PlacedClasses {
  /// Places the classes of a row, and lists the grid points near them, or near all cells.
  ///
  /// - Returns: the length of the list.
  func list(
    _ points: UnsafeMutablePointer<Int>, of gaps: UnsafePointer<Double>, from competing: Double,
    on grid: CellGrid, nearAllCells: Bool = false
  ) -> Int {
    kernels.place(gaps, from: competing, grid: grid, as: self)
    slots.update(repeating: nearAllCells ? 0 : -1, count: grid.count)
    if !nearAllCells { for index in 0..<count { slots[cells[index]] = 0 } }
    return kernels.list(slots, cells: grid.count, taps: shares.points, points: points)
  }
}
