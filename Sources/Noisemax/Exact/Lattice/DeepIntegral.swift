internal import NoiseKernels

// The integral ∫ G(x) r(x − μ) dx of one class far behind the leader, in logarithms.

extension DeepClasses {
  /// The logarithm of a class's integrand.
  func logIntegrand(of gap: Double, at x: Double) -> Double {
    let logReversedHazard = scale.logReversedHazard(x - gap)
    return logReversedHazard == -.infinity ? logReversedHazard : logReversedHazard + logG.value(at: x)
  }

  /// Log p of one class: from the cell of its peak on to both sides, until nothing matters any more. What it has in a cell is
  /// kept in the values there.
  func integrate(_ gap: Double) -> Double {
    peakAlone = nil
    visited.removeAll(keepingCapacity: true)
    if cells.isFull { forgetCells() }
    guard let (middle, top) = middle(of: gap) else { return peakAlone?.value ?? -.infinity }
    // An integrand as small as e^top has lost digits.
    least = min(0.01, max(1e-13, 5e-16 * top.magnitude))
    let (endAbove, endBelow) = (end(of: middle, above: true), end(of: middle, above: false))
    var sum = addPart(of: middle, top: top)
    walk(from: middle, above: true, of: gap, top: top, end: endAbove, to: &sum)
    walk(from: middle, above: false, of: gap, top: top, end: endBelow, to: &sum)
    total = sum
    return top + logarithm(sum)
  }

  // MARK: the middle

  /// The cell of a class's peak, so narrow that its nodes resolve it, with the integrand at these in its values; and the
  /// largest of them. Nil if log p is no more than the logarithm of the peak.
  private func middle(of gap: Double) -> (cell: Int, top: Double)? {
    let expected = expectedPeak(of: gap)
    if let expected {
      let start = cell(around: expected.x, exponent: expected.exponent)
      if let found = climb(from: start, of: gap, atMost: 5, moves: true) { return found }
    }
    let (peak, top) = highest(of: gap)
    // log p is the logarithm of the peak plus that of a width: the larger the first, the fewer digits of the second show.
    guard top.magnitude < 1e14 else {
      if top > -.infinity { peakAlone = (peak, top) }
      return nil
    }
    let start = cell(around: peak, top: top, of: gap, exponent: expected?.exponent ?? scale.unit.exponent)
    if let found = climb(from: start, of: gap, atMost: 200, moves: false) { return found }
    peakAlone = (peak, top)
    return nil
  }

  /// A cell around a peak about as wide as the logarithm allows, by its ends. The search begins with some width.
  private func cell(around peak: Double, top: Double, of gap: Double, exponent: Int) -> Int {
    var cell = cell(around: peak, exponent: exponent)
    var isNarrowed = false
    for _ in 0..<400 {
      let this = cells[cell]
      let low = max(0, top - logIntegrand(of: gap, at: this.low)).squareRoot()
      let high = max(0, top - logIntegrand(of: gap, at: this.high)).squareRoot()
      let room = DeepCells.steepest / max((low + high) * (low + high), 1e-3)
      if room < 1 && !this.isPoint {
        let change = room > 0 ? min(40, max(1, -room.exponent / 2)) : 40
        (cell, isNarrowed) = (self.cell(around: peak, exponent: this.exponent - change), true)
      } else {
        let wider = self.cell(around: peak, exponent: this.exponent + max(0, room.exponent / 2))
        if isNarrowed || room < 4.5 || cells[wider].exponent <= this.exponent { break }
        cell = wider
      }
    }
    return cell
  }

  /// From a cell to one as wide as the logarithm allows, in so many steps at the most; and to that of the peak, unless the
  /// cell is known to reach near its height.
  private func climb(
    from start: Int, of gap: Double, atMost steps: Int, moves: Bool
  ) -> (cell: Int, top: Double)? {
    let last = DeepCells.nodeCount - 1
    var (cell, isNarrowed, direction) = (start, false, 0)
    for _ in 0..<steps {
      writeValues(of: gap, in: cell)
      let values = cells.nodes(of: cell).values
      var (top, best) = (values[0], 0)
      for node in 1...last where values[node] > top { (top, best) = (values[node], node) }
      let this = cells[cell]
      let x = cells.nodes(of: cell).x[best]
      guard top > -.infinity else {
        // Much too wide.
        if this.exponent <= scale.unit.exponent { return nil }
        cell = self.cell(around: x, exponent: scale.unit.exponent)
        continue
      }
      guard top.magnitude < 1e14 else { return nil }
      let (low, high) = ((top - values[0]).squareRoot(), (top - values[last]).squareRoot())
      let spread = (low + high) * (low + high)
      // Far from the peak a search finds it sooner.
      if moves && spread > DeepCells.steepest / 2 && (best == 0 || best == last) { return nil }
      if spread > DeepCells.steepest && !this.isPoint {
        let change = min(4, max(1, (spread / DeepCells.steepest).exponent / 2))
        (cell, isNarrowed, direction) = (self.cell(around: x, exponent: this.exponent - change), true, 0)
      } else if moves && best == 0 && direction <= 0 {
        (cell, direction) = (beside(cell, above: false, exponent: this.exponent), -1)
      } else if moves && best == last && direction >= 0 {
        (cell, direction) = (beside(cell, above: true, exponent: this.exponent), 1)
      } else {
        let room = DeepCells.steepest / max(spread, 1e-3)
        if !isNarrowed && room > 4.5 {
          let wider = self.cell(around: x, exponent: this.exponent + room.exponent / 2)
          if cells[wider].exponent > this.exponent {
            cell = wider
            continue
          }
        }
        keep(Peak(gap: gap, x: x, exponent: this.exponent))
        return (cell, top)
      }
    }
    return nil
  }

  // MARK: cells

  /// Adds the part of a class in a cell, with the integrand there in its values.
  ///
  /// - Returns: the sum of it.
  private func addPart(of cell: Int, top: Double) -> Double {
    let (count, width, values) = (DeepCells.nodeCount, cells[cell].width, cells.nodes(of: cell).values)
    // No less than the exponential takes.
    for node in 0..<count { values[node] = max(values[node] - top, -1e3) }
    kernels.exponentials(of: values, count, shift: 0, to: values)
    var sum = 0.0
    DeepCells.shares.withUnsafeBufferPointer { shares in
      for node in 0..<count {
        values[node] *= width * shares[node]
        sum += values[node]
      }
    }
    visited.append(cell)
    return sum
  }

  /// The logarithm at the last node of a cell, which has it in its values, and how much it falls for each unit, at least, from
  /// there on.
  private func end(of cell: Int, above: Bool) -> (value: Double, slope: Double) {
    let (far, inner) = above ? (DeepCells.nodeCount - 1, DeepCells.nodeCount - 7) : (0, 6)
    let (x, values) = (cells.nodes(of: cell).x, cells.nodes(of: cell).values)
    return (values[far], (values[inner] - values[far]) / (x[inner] - x[far]).magnitude)
  }

  /// Adds cells from the middle on, upwards or downwards, as wide as the logarithm and the nearest class allow.
  private func walk(
    from middle: Int, above: Bool, of gap: Double, top: Double, end: (value: Double, slope: Double),
    to sum: inout Double
  ) {
    let (near, far) = above ? (0, DeepCells.nodeCount - 1) : (DeepCells.nodeCount - 1, 0)
    var (cell, end, slope) = (middle, end.value, end.slope)
    // Some hundred at the most, if the logarithm is concave.
    for _ in 0..<4000 {
      // Beyond, a concave logarithm has no more than eᵉⁿᵈ over its slope.
      if exponential(end - top) <= least * sum * max(slope, 0) { break }
      let known = above ? cells[cell].above : cells[cell].below
      var next = known
      let widest = cells[cell].exponent + 1
      if known < 0 || (cells[known].exponent < widest && slope * cells[known].width < DeepCells.steepest / 8)
      {
        next = beside(cell, above: above, exponent: widest, slope: slope)
      }
      while true {
        // One node is asked before all of them, if that takes time.
        let isSteep =
          slope * cells[next].width > DeepCells.steepest
          || logG.isOneByOne && !cells[next].isKnown
            && (end - logIntegrand(of: gap, at: cells.nodes(of: next).x[far])).magnitude > DeepCells.steepest
        if !isSteep || cells[next].isPoint {
          writeValues(of: gap, in: next)
          let values = cells.nodes(of: next).values
          if (values[near] - values[far]).magnitude <= DeepCells.steepest || cells[next].isPoint { break }
        }
        next = beside(cell, above: above, exponent: cells[next].exponent - 1, slope: slope)
      }
      if next != known { if above { cells[cell].above = next } else { cells[cell].below = next } }
      (end, slope) = self.end(of: next, above: above)
      sum += addPart(of: next, top: top)
      cell = next
    }
  }

  /// The cell around a point, of some width at the most, that is narrow beside what sources are near.
  private func cell(around x: Double, exponent: Int) -> Int {
    var cell = cells.cell(around: x, exponent: exponent)
    while hasFeatures(cell) { cell = cells.cell(around: x, exponent: cells[cell].exponent - 1) }
    return cell
  }

  /// … and that begins where another one ends.
  private func beside(_ cell: Int, above: Bool, exponent: Int, slope: Double = 0) -> Int {
    var next = cells.cell(beside: cell, above: above, exponent: exponent)
    while hasFeatures(next)
      || (slope * cells[next].width > DeepCells.steepest && !cells[next].isPoint)
    {
      next = cells.cell(beside: cell, above: above, exponent: cells[next].exponent - 1)
    }
    return next
  }

  /// Whether a source lies near a cell that is wider than the noise.
  private func hasFeatures(_ cell: Int) -> Bool {
    if let answer = cells[cell].hasFeatures { return answer }
    let width = cells[cell].width
    var answer = false
    if width > 2 * scale.unit, !cells[cell].isPoint {
      let (x, distance) = (cells[cell].low + width / 2, 1.5 * width)
      let first = sources.indices.firstPlace { sources[$0].gap <= x + distance }
      answer = first < sources.count && sources[first].gap >= x - distance
    }
    cells[cell].hasFeatures = answer
    return answer
  }

  /// Writes the logarithm of a class's integrand at the nodes of a cell to its values.
  private func writeValues(of gap: Double, in cell: Int) {
    let (count, nodes) = (DeepCells.nodeCount, cells.nodes(of: cell))
    if !cells[cell].isKnown {
      logG.write(at: nodes.x, count, to: nodes.logG)
      cells[cell].isKnown = true
    }
    let (logG, values) = (nodes.logG, nodes.values)
    scale.logReversedHazard.write(at: nodes.x, count, gap: gap, to: values)
    for node in 0..<count where values[node] > -.infinity { values[node] += logG[node] }
  }
}
