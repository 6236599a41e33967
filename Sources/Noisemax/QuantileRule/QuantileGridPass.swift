internal import NoiseKernels

/// One row on the grid of the quantile rule: S at its places, and log K·t at its grid points.
struct QuantileGridPass {
  private let table: QuantileGrid
  private let grid: CellGrid
  private let count: Int
  /// The leader's log K·t, and whether classes that are not masked are too deep.
  let reference: Double
  let hasDeeper: Bool

  /// The grid points near classes, and from `firstPoint` on those near classes that are not too deep.
  private let points, slots, starts, reaches, hazardReaches: UnsafeMutablePointer<Int>
  private let pointCount, firstPoint, firstWanted: Int
  /// The places of S, and where those of a grid point begin.
  private let places, offset: Int
  /// The weights of the grid points, and log K·t there relative to the leader's.
  private let weights, logarithms: UnsafeMutablePointer<Double>
  private let sums: UnsafeMutablePointer<Double>
  /// A number for every class.
  let values: UnsafeMutablePointer<Double>
  /// A row of coefficients for every cell, and memory for the loops.
  private let rows, middles, zeros, loopMemory: UnsafeMutablePointer<Double>

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
    let cells = padded(grid.count + 1)
    let length = 8 * (grid.count + 1)
    let mostPoints = padded(min(grid.count + taps - 1, taps * survey.competitors)) + 16
    // The places x_m of S, from m = firstPlace on.
    firstWanted = max(0, grid.cell(of: -table.depth))
    let lowestPoint = grid.firstCell - (taps / 2 - 1)
    let firstPlace = max(
      Int((table.lowestPlace / table.cell).rounded(.down)), lowestPoint + firstWanted + shifts[0])
    places = grid.firstCell + grid.count + taps / 2 + shifts[shifts.count - 1] + taps - firstPlace
    offset = lowestPoint - firstPlace
    let loopLength = 3 * length + blockMemory
    var memory = Pieces(
      of: scratch.reserve(
        length + 2 * cells + 7 * mostPoints + padded(places) + 48 + count + loopLength))
    rows = memory.take(length)
    middles = memory.take(cells)
    slots = memory.takeIntegers(cells)
    points = memory.takeIntegers(mostPoints)
    starts = memory.takeIntegers(mostPoints)
    reaches = memory.takeIntegers(mostPoints)
    hazardReaches = memory.takeIntegers(mostPoints)
    weights = memory.take(mostPoints)
    zeros = memory.take(mostPoints)
    logarithms = memory.take(mostPoints)
    sums = memory.take(padded(places) + 48)
    values = memory.take(count)
    loopMemory = memory.take(loopLength)

    kernels.deposit(
      gaps, count, from: table.competing, grid: grid, moments: rows, scratch: loopMemory)
    pointCount = kernels.list(
      occupied: rows, cells: grid.count, taps: taps, points: points, slots: slots)
    kernels.spread(
      rows, cells: grid.count, shares: basis.shares, taps: taps, terms: basis.terms, points: points,
      count: pointCount, slots: slots, weights: weights)
    kernels.locate(
      points, pointCount, in: table.samples.layout, from: firstPlace - lowestPoint - table.firstIndex,
      stride: 1, nodes: places, starts: starts, cumulativeReaches: reaches, hazardReaches: hazardReaches)
    kernels.weightedSums(
      weights, starts: starts, reaches: reaches, count: pointCount, samples: table.samples.logCumulative,
      sums: sums, nodes: places)

    var firstPoint = 0
    while points[firstPoint] < firstWanted { firstPoint += 1 }
    self.firstPoint = firstPoint
    kernels.logQuantileSums(
      of: sums, at: points, from: firstPoint, to: pointCount, offset: offset, shifts: shifts,
      shares: table.shares, logCumulatives: table.logCumulatives, nodes: shifts.count,
      logarithms: logarithms)
    // The leader stands at the lower end of the last cell, whose grid points are the last ones.
    reference = logarithms[pointCount - taps / 2 - 1]
    for point in firstPoint..<pointCount {
      logarithms[point] -= reference
      zeros[point] = 0
    }
  }

  /// Replaces the gaps by the logarithms of K·t relative to the leader's, −∞ for classes deeper than the depth.
  func replaceByLogValues(_ gaps: UnsafeMutablePointer<Double>) {
    let basis = table.basis
    kernels.expand(
      from: firstWanted, cells: grid.count, slots: slots, exponents: zeros, logarithms: logarithms,
      shift: 0, matrix: basis.matrix, taps: basis.taps, rows: rows, middles: middles, scratch: loopMemory)
    (rows + 8 * grid.count).update(repeating: 0, count: 8)
    middles[grid.count] = -.infinity
    kernels.evaluateLogarithms(
      gaps, count, from: -table.depth, grid: grid, rows: rows, middles: middles, scratch: loopMemory)
  }

  /// Replaces u, the cotangents of log t, by their pullback to the gaps. That of classes that are too deep is 0, and so is
  /// the result of those too deep to compete.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    scratch: inout Scratch
  ) {
    guard let u = cotangent.baseAddress, let gaps = row.baseAddress else { return }
    let (basis, vectors) = (table.basis, padded(places) + 48)
    let listed = padded(pointCount) + 8
    var memory = Pieces(
      of: scratch.growList(
        to: 24 * (grid.count + 1) + 2 * count + 2 * vectors + 3 * listed, keeping: 0))
    let coefficients = memory.take(16 * (grid.count + 1))
    let moments = memory.take(8 * (grid.count + 1))
    let (competing, positions) = (memory.take(count), memory.take(count))
    let (slopes, spread) = (memory.take(vectors), memory.take(vectors))
    let (ofU, gains, losses) = (memory.take(listed), memory.take(listed), memory.take(listed))

    kernels.depositWeighted(
      u, at: gaps, count, from: -table.depth, grid: grid, moments: moments, scratch: loopMemory)
    kernels.spread(
      moments, cells: grid.count, shares: basis.shares, taps: basis.taps, terms: basis.terms,
      points: points, count: pointCount, slots: slots, weights: ofU)
    kernels.weightedSums(
      weights, starts: starts, reaches: hazardReaches, count: pointCount, samples: table.samples.hazard,
      sums: slopes, nodes: places)
    spread.update(repeating: 0, count: vectors)
    gains.update(repeating: 0, count: listed)
    kernels.spreadQuantileShares(
      of: sums, slopes: slopes, at: points, from: firstPoint, to: pointCount, offset: offset,
      shifts: table.shifts, shares: table.shares, logCumulatives: table.logCumulatives,
      nodes: table.shifts.count, logarithms: logarithms, reference: reference, weights: ofU,
      gains: gains, spread: spread)
    kernels.integrals(
      of: spread, starts: starts, reaches: hazardReaches, count: pointCount,
      samples: table.samples.hazard, factor: 1, results: losses)
    for (values, place) in [(gains, 0), (losses, 8)] {
      kernels.expandValues(
        values, cells: grid.count, slots: slots, matrix: basis.matrix, taps: basis.taps,
        rows: coefficients + place, stride: 16)
    }
    for index in 0..<count {
      (competing[index], positions[index]) = (gaps[index] >= table.competing ? 1 : 0, gaps[index])
    }
    kernels.evaluatePullback(
      positions, competing, u, count, from: table.competing, grid: grid, rows: coefficients,
      isShort: false, unit: 1, ofA: 1, ofB: 1, scratch: loopMemory)
  }
}
