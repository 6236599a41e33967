internal import NoiseKernels

// From the grid points to the classes, and back.

extension LatticePass {
  /// The first cell whose classes are wanted.
  var firstWantedCell: Int { max(0, grid.cell(of: -depth)) }

  /// The slot of the first grid point that wanted classes need.
  var firstWantedPoint: Int {
    for cell in firstWantedCell..<grid.count where slots[cell] >= 0 { return slots[cell] }
    return pointCount
  }

  /// The slot from which on H itself has all its bits, not its logarithm alone. H grows from point to point.
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
      // Below 1e-300 a probability may be 0.
      if !isOfLogarithms && logHeights[first] < -691 { break }
    }
    guard first > firstWanted else { return }
    // Classes below this grid point are left out. Those above it are interpolated from some points below it, too.
    depth = min(depth, -gap(ofPoint: points[first]))
    for index in max(firstWanted, first - basis.taps / 2)..<first { take(index) }
  }

  /// Leaves out classes with a grid point where H has lost bits: derivatives divide by H. All others have probabilities far
  /// above 1e-300.
  mutating func leaveOutTinyProbabilities() {
    let first = firstNumber
    if first > firstWantedPoint { depth = min(depth, -Double(points[first] + grid.firstCell) / grid.perUnit) }
  }

  /// Replaces the gaps by probabilities that sum to one; classes below −depth get 0.
  ///
  /// - Returns: Σp − 1 before the normalisation.
  func evaluate(_ row: UnsafeMutableBufferPointer<Double>) -> Double {
    guard let p = row.baseAddress else { return 0 }
    let defect = replaceByProbabilities(p)
    // A class that is certain must not go above 1 by a rounding.
    if defect > 0 || defect < -precision.defect { kernels.scaled(p, count, by: 1 / (1 + defect), to: p) }
    return defect
  }

  /// Whether a cell has four coefficients: enough for Floats, of very many classes.
  private var isOfShortCells: Bool { parts?.count == 1 }

  /// Computes the coefficients of log p on every cell.
  private func expand() {
    kernels.expand(
      logHeights, from: firstWantedCell, cells: grid.count, slots: slots,
      matrix: isOfShortCells ? table.grids.shortMatrix : basis.matrix, taps: basis.taps, rows: rows,
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
        row, of: classes, from: -depth, logarithms: logHeights, numbers: probabilities)
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

  /// Replaces the gaps by log-probabilities; classes below −depth get −∞.
  ///
  /// - Returns: Σp − 1 before the normalisation.
  func evaluateLogarithms(_ row: UnsafeMutableBufferPointer<Double>) -> Double {
    guard let logP = row.baseAddress else { return 0 }
    if parts == nil {
      kernels.evaluateLogarithms(logP, of: classes, from: -depth, logarithms: logHeights)
    } else {
      expand()
      kernels.evaluateLogarithmsOfCells(
        logP, count, from: -depth, grid: grid, rows: rows, middles: logMiddles, scratch: loopMemory)
    }
    let likely = -0.6
    let sums = kernels.sumsOfExponentials(logP, count, split: likely)
    let defect = (sums.above - 1) + sums.below
    let shift = logarithmOfOnePlus(defect)
    // A class with more than ½ has log p = log(1 − Σ of the others): it keeps its digits however near 0 it is.
    let leader = sums.above > 0 ? row.firstIndex { $0 > likely } : nil
    for index in row.indices { row[index] -= shift }
    if let leader { row[leader] = logarithmOfOnePlus(-sums.below / (1 + defect)) }
    return defect
  }

  /// How much memory the steps below need.
  var pullbackMemory: Int { parts == nil ? 0 : 16 * (grid.count + 1) + count }

  /// W_g = Σ_j v_j L_g(μ_j): spreads numbers v of the classes onto the grid points, by their shares L. Behind the weights
  /// there are 16 slots more.
  func spread(
    _ numbers: UnsafePointer<Double>, at gaps: UnsafePointer<Double>,
    to weights: UnsafeMutablePointer<Double>, memory: UnsafeMutablePointer<Double>
  ) {
    if parts == nil {
      return kernels.depositWeighted(
        numbers, of: classes, points: pointCount, weights: weights, scratch: loopMemory)
    }
    kernels.depositMoments(
      numbers, at: gaps, count, from: -depth, grid: grid, moments: memory, scratch: loopMemory)
    spreadMoments(memory, to: weights)
  }

  /// Replaces u by unit·(ofA·u·a − ofB·p·b), with a and b interpolated from the grid points; 0 where p is 0.
  func evaluatePullback(
    _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>, at gaps: UnsafePointer<Double>,
    a: UnsafeMutablePointer<Double>, b: UnsafeMutablePointer<Double>, unit: Double, ofA: Double, ofB: Double,
    memory: UnsafeMutablePointer<Double>
  ) {
    if parts == nil {
      (a + pointCount).update(repeating: 0, count: 16)
      (b + pointCount).update(repeating: 0, count: 16)
      return kernels.evaluatePullback(
        p, u, of: classes, a: a, b: b, unit: unit, ofA: ofA, ofB: ofB)
    }
    let ownGaps = memory + 16 * (grid.count + 1)
    if isOfShortCells {
      kernels.expandPairs(
        a, b, cells: grid.count, slots: slots, matrix: table.grids.shortMatrix, taps: basis.taps, rows: memory
      )
    } else {
      for (ratios, column) in [(a, 0), (b, 8)] {
        kernels.expandValues(
          ratios, cells: grid.count, slots: slots, matrix: basis.matrix, taps: basis.taps,
          rows: memory + column, stride: 16)
      }
    }
    ownGaps.update(from: gaps, count: count)
    kernels.evaluatePullbackOfCells(
      ownGaps, p, u, count, from: -depth, grid: grid, rows: memory, isShort: isOfShortCells, unit: unit,
      ofA: ofA, ofB: ofB, scratch: loopMemory)
  }
}
