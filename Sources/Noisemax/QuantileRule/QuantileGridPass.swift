internal import NoiseKernels

/// One row on the grid of the quantile rule: S at its places, and log K·t at its grid points.
struct QuantileGridPass {
  private let table: QuantileGrid
  private let grid: CellGrid
  private let count: Int
  /// The leader's log K·t, and whether classes that are not masked are too deep.
  let reference: Double
  let hasDeeper: Bool

  private let classes: PlacedClasses
  /// The grid points near classes, and from `firstPoint` on those near classes that are not too deep.
  private let points, starts: UnsafeMutablePointer<Int>
  private let pointCount, firstPoint: Int
  /// The nodes of S, and where those of a grid point begin.
  private let nodeCount, offset: Int
  /// The weights of the grid points, and log K·t there relative to the leader's.
  private let weights, logarithms: UnsafeMutablePointer<Double>
  private let sums: UnsafeMutablePointer<Double>
  /// A number for every class.
  let values: UnsafeMutablePointer<Double>
  private let loopMemory: UnsafeMutablePointer<Double>

  /// Nil where other ways take less time: `seconds` says how much, from the number of classes that compete, and this way
  /// takes so many times that of values.
  init?(
    _ table: QuantileGrid, gaps row: UnsafeMutableBufferPointer<Double>, passes: Double = 1,
    scratch: inout Scratch, unless seconds: (_ classes: Int) -> Double
  ) {
    guard let gaps = row.baseAddress else { return nil }
    let count = padded(row.count)
    let survey = kernels.survey(
      gaps, count, competingFrom: table.competing, wantedFrom: -table.depth)
    let grid = CellGrid(lowest: survey.lowest, perUnit: 1 / table.cell)
    let ownSeconds = passes * table.seconds(classes: survey.competitors, cells: grid.count)
    guard ownSeconds < seconds(survey.competitors) else { return nil }
    (self.table, self.grid, self.count, hasDeeper) = (table, grid, count, survey.hasDeeper)

    let (taps, basis, shifts) = (table.basis.taps, table.basis, table.shifts)
    let cellMemory = padded(grid.count + 1)
    let mostPoints = padded(min(grid.count + taps + 16, (taps + 16) * survey.competitors)) + 16
    // The first point of a block of the list: only classes deeper than the depth lie below it.
    let firstWanted = max(0, grid.cell(of: -table.depth)) & ~7
    let lowestPoint = grid.firstCell - (taps / 2 - 1)
    // The nodes x_m of S, from m = firstNode on.
    let firstNode = max(
      Int((table.lowestNode / table.cell).rounded(.down)), lowestPoint + firstWanted + shifts[0])
    nodeCount = grid.firstCell + grid.count + taps / 2 + 16 + shifts[shifts.count - 1] + taps - firstNode
    offset = lowestPoint - firstNode
    let vectors = padded(nodeCount) + 48
    var memory = Pieces(
      of: scratch.reserve(3 * count + cellMemory + 10 * mostPoints + vectors))
    classes = PlacedClasses(
      count: count, cells: memory.takeIntegers(count), offsets: memory.take(count),
      slots: memory.takeIntegers(cellMemory), shares: basis.shares)
    points = memory.takeIntegers(mostPoints)
    starts = memory.takeIntegers(mostPoints)
    weights = memory.take(mostPoints)
    logarithms = memory.take(mostPoints)
    sums = memory.take(vectors)
    values = memory.take(count)
    loopMemory = memory.take(6 * mostPoints)

    pointCount = classes.list(points, of: gaps, from: table.competing, on: grid)
    kernels.deposit(classes, points: pointCount, weights: weights, scratch: loopMemory)
    let nodes = NodeGrid(start: -offset - table.firstIndex, step: 1, strideExponent: 0)
    kernels.locate(points, pointCount, on: nodes, in: table.cumulatives.layout, starts: starts)
    kernels.weightedSums(
      weights, points: points, starts: starts, pointCount, on: nodes, samples: table.cumulatives.values,
      below: table.cumulatives.layout.count, sums: sums, nodes: nodeCount)

    var firstPoint = 0
    while points[firstPoint] < firstWanted { firstPoint += 8 }
    self.firstPoint = firstPoint
    kernels.logQuantileSums(
      of: sums, at: points, from: firstPoint, to: pointCount, offset: offset, shifts: shifts,
      shares: table.shares, logCumulatives: table.logCumulatives, nodes: shifts.count,
      logarithms: logarithms)
    // The leader stands at the lower end of the last cell.
    reference = logarithms[classes.slots[grid.count - 1] + taps / 2 - 1]
    for point in firstPoint..<pointCount { logarithms[point] -= reference }
    (logarithms + pointCount).update(repeating: 0, count: 16)
  }

  /// Replaces the gaps by the logarithms of K·t relative to the leader's, −∞ for classes deeper than the depth.
  func replaceByLogValues(_ gaps: UnsafeMutablePointer<Double>) {
    kernels.evaluateLogarithms(gaps, of: classes, from: -table.depth, logarithms: logarithms)
  }

  /// Replaces u, the cotangents of log t, by their pullback to the gaps. That of classes that are too deep is 0, and so is
  /// the result of those too deep to compete.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    scratch: inout Scratch
  ) {
    guard let u = cotangent.baseAddress, let gaps = row.baseAddress else { return }
    let vectors = padded(nodeCount) + 48
    let listed = padded(pointCount) + 16
    var memory = Pieces(
      of: scratch.growList(to: 2 * count + 10 * vectors + 3 * listed, keeping: 0))
    let (wanted, competing) = (memory.take(count), memory.take(count))
    let (slopes, spread) = (memory.take(vectors), memory.take(8 * vectors))
    let (ofU, gains, losses) = (memory.take(listed), memory.take(listed), memory.take(listed))
    let sampleSlots = memory.takeIntegers(vectors)

    for index in 0..<count {
      wanted[index] = gaps[index] >= -table.depth ? u[index] : 0
      competing[index] = gaps[index] >= table.competing ? 1 : 0
    }
    kernels.depositWeighted(
      wanted, of: classes, points: pointCount, weights: ofU, scratch: loopMemory)
    let (nodes, reversedHazardCount) = (
      NodeGrid(start: -offset - table.firstIndex, step: 1, strideExponent: 0),
      table.reversedHazards.layout.count
    )
    kernels.locate(points, pointCount, on: nodes, in: table.reversedHazards.layout, starts: starts)
    kernels.weightedSums(
      weights, points: points, starts: starts, pointCount, on: nodes, samples: table.reversedHazards.values,
      below: reversedHazardCount, sums: slopes, nodes: nodeCount)
    gains.update(repeating: 0, count: listed)
    losses.update(repeating: 0, count: listed)
    kernels.spreadQuantileShares(
      of: sums, slopes: slopes, at: points, from: firstPoint, to: pointCount, offset: offset,
      shifts: table.shifts, shares: table.shares, logCumulatives: table.logCumulatives,
      nodes: table.shifts.count, logarithms: logarithms, reference: reference, weights: ofU,
      gains: gains, spread: spread, places: vectors)
    kernels.locate(nodes: nodeCount, on: nodes, in: table.mirroredReversedHazards.layout, slots: sampleSlots)
    kernels.integrals(
      of: spread, nodeCount, on: nodes, slots: sampleSlots, points: points, pointCount,
      samples: table.mirroredReversedHazards.values, below: reversedHazardCount, factor: 1, results: losses)
    kernels.evaluatePullback(
      competing, u, of: classes, a: gains, b: losses, unit: 1, ofA: 1, ofB: 1)
  }
}
