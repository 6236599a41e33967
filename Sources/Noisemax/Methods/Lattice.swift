/// Exact probabilities under a smooth law, by one trapezoid sum for all classes.
///
/// With G(x) = ∏ F(x − μ_j) and r = f/F, p_i = ∫ G(x) r(x − μ_i) dx. The integrand is analytic and vanishes at both
/// ends, so the trapezoid rule on a uniform grid converges exponentially. Classes are not visited one by one:
///
/// 1. deposit: classes in a cell of the logit axis are summed up as moments of their places in it, and the moments
///    of all cells spread onto grid points as weights W (see ``CellBasis``);
/// 2. log G(x_m) = Σ_g W_g log F(x_m − μ_g), from samples of log F;
/// 3. H_g = Σ_m G(x_m) r(x_m − μ_g) h, from samples of r: the probability of a class at the grid point;
/// 4. evaluation: log H, interpolated to every class's place in its cell, is its log-probability.
///
/// Cost: n·terms for steps 1 and 4, and (occupied grid points)·(nodes) for 2 and 3, which n and the law bound.
struct Lattice: RowMethod {
  let table: LatticeTable
  private let doubleBasis = CellBasis(taps: 16, terms: 8)
  private let singleBasis = CellBasis(taps: 8, terms: 5)
  let shortfalls: ShortfallSamples

  init(_ table: LatticeTable) {
    self.table = table
    shortfalls = ShortfallSamples(table)
  }

  func basis(for precision: Precision) -> CellBasis { precision == .double ? doubleBasis : singleBasis }

  func replace(
    _ row: UnsafeMutableBufferPointer<Double>, by quantity: Quantity, precision: Precision,
    scratch: inout Scratch
  ) -> Double {
    let depth = quantity == .probabilities ? table.depth : table.logDepth
    var pass = LatticePass(
      UnsafeBufferPointer(row), depth: depth, lattice: self, precision: precision, scratch: &scratch)
    pass.integrate()
    guard quantity == .logProbabilities && pass.hasDeeperClasses else { return pass.evaluate(row, quantity) }
    let deepClasses = DeepClasses(of: row, lattice: self, deeperThan: depth)
    let defect = pass.evaluate(row, quantity)
    deepClasses.writeLogProbabilities(to: row)
    return defect
  }

  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    precision: Precision, scratch: inout Scratch
  ) {
    var pass = LatticePass(
      UnsafeBufferPointer(row), depth: table.depth, pairs: true, lattice: self, precision: precision,
      scratch: &scratch)
    pass.integrate()
    pass.pullBack(cotangent, at: row, scratch: &scratch)
  }

  func pullBackLogarithms(
    _ cotangent: UnsafeMutableBufferPointer<Double>, logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) {
    // Far enough above 1e-298 that the heights around a class are numbers too.
    func isDeep(_ index: Int) -> Bool { logProbabilities[index] < -640 }
    let deep = row.indices.filter { isDeep($0) && cotangent[$0] != 0 }
    let gradients =
      deep.isEmpty
      ? nil
      : [Double](unsafeUninitializedCapacity: row.count) { result, count in
        count = row.count
        result.update(repeating: 0)
        let classes = DeepClasses(of: row, lattice: self, deeperThan: .infinity)
        for index in deep {
          classes.addGradient(ofLogProbabilityOf: index, times: cotangent[index], gaps: row, to: result)
        }
      }
    var pass = LatticePass(
      UnsafeBufferPointer(row), depth: table.depth, pairs: true, lattice: self, precision: precision,
      scratch: &scratch)
    pass.integrate()
    pass.pullBack(cotangent, at: row, of: .logProbabilities, isDeep: isDeep, scratch: &scratch)
    if let gradients { for index in row.indices { cotangent[index] += gradients[index] } }
  }

  func expectedMaximum(of gaps: UnsafeBufferPointer<Double>, scratch: inout Scratch) -> Double? {
    var pass = LatticePass(gaps, depth: 0, lattice: self, precision: .double, scratch: &scratch)
    pass.integrate()
    return pass.expectedMaximum()
  }
}

/// The four steps for one row, in scratch memory.
struct LatticePass {
  let table: LatticeTable
  let basis: CellBasis
  private let precision: Precision
  /// How deep classes are evaluated, and the deepest gap among these.
  let depth: Double
  private let rarest: Double
  /// Whether classes deeper than `depth` (not masked ones) are left out.
  let hasDeeperClasses: Bool

  // Cells are counted from the deepest one, grid points from the first tap of that.
  let firstCell: Int
  let cells: Int
  let moments: UnsafeMutableBufferPointer<Double>
  let weights: UnsafeMutableBufferPointer<Double>
  let heights: UnsafeMutableBufferPointer<Double>
  private let logHeights: UnsafeMutableBufferPointer<Double>
  let bases: UnsafeMutableBufferPointer<Double>

  // Nodes are x_m = m·step·unit, m = firstNode + index.
  var stepExponent: Int
  private(set) var firstNode = 0
  var nodes = 0
  private let logG: UnsafeMutableBufferPointer<Double>
  let g: UnsafeMutableBufferPointer<Double>

  private var step: Int { 1 << stepExponent }
  var h: Double { Double(step) * table.unit }

  /// With `pairs`, the nodes reach as far down as products of two hazards need them.
  init(
    _ gaps: UnsafeBufferPointer<Double>, depth: Double, pairs: Bool = false, lattice: Lattice,
    precision: Precision, scratch: inout Scratch
  ) {
    table = lattice.table
    basis = lattice.basis(for: precision)
    self.precision = precision
    // A class below every wanted one still counts where it competes with them: as far as F differs from 1 at nodes
    // that matter.
    let competing = -depth - table.competition(precision)
    var (lowest, rarest, count, deeper) = (0.0, 0.0, 0, false)
    var (leaders, second) = (0, -Double.infinity)
    for gap in gaps {
      if gap >= competing {
        count += 1
        lowest = min(lowest, gap)
      }
      if gap == 0 { leaders += 1 } else { second = max(second, gap) }
      if gap >= -depth { rarest = min(rarest, gap) } else if gap > -.infinity { deeper = true }
    }
    self.depth = depth
    self.rarest = rarest
    hasDeeperClasses = deeper
    firstCell = Int((lowest / table.cell).rounded(.down))
    cells = 1 - firstCell
    stepExponent = table.stepExponent(for: count, precision: precision)

    let (cells, terms, points) = (cells, basis.terms, cells + basis.taps - 1)
    let low = table.lowestNode(
      second: leaders > 1 ? 0 : second, deepest: rarest, pairs: pairs, precision: precision)
    let high = table.noise.upperQuantile(at: precision.tail / Double(count))
    // Memory for the finest step, should the row need it, and for the first step's outer nodes.
    let most = Int((high - low) / table.unit) + (4 << stepExponent)
    var memory = scratch.reserve(cells * (2 * terms + 1) + 3 * points + 2 * most)[...]
    func take(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
      defer { memory = memory.dropFirst(count) }
      return UnsafeMutableBufferPointer(rebasing: memory.prefix(count))
    }
    moments = take(cells * terms)
    weights = take(points)
    heights = take(points)
    logHeights = take(points)
    bases = take(cells)
    logG = take(most)
    g = take(most)

    deposit(gaps, from: competing, rests: take(cells * terms))
    setNodes(from: low, to: high)
  }

  private mutating func setNodes(from low: Double, to high: Double) {
    firstNode = Int((low / h).rounded(.down))
    nodes = Int((high / h).rounded(.up)) - firstNode + 1
  }

  // MARK: 1 deposit

  /// The cell of a gap, counted from the first, and the place t ∈ −1…1 in it.
  @inline(__always)
  func place(of gap: Double) -> (cell: Int, t: Double) {
    let position = gap / table.cell
    let whole = Int(position)
    let cell = position < Double(whole) ? whole - 1 : whole
    return (cell - firstCell, 2 * (position - Double(cell)) - 1)
  }

  /// The sums are exact, in two parts of coarser digits (up to 2²¹ classes), so that no bit depends on the order of
  /// the classes: a rare class hangs on a sum of hundreds, where a rounding would show.
  private func deposit(
    _ gaps: UnsafeBufferPointer<Double>, from competing: Double, rests: UnsafeMutableBufferPointer<Double>
  ) {
    let terms = basis.terms
    moments.update(repeating: 0)
    rests.update(repeating: 0)
    for gap in gaps where gap >= competing {
      let (cell, t) = place(of: gap)
      var power = 1.0
      for k in cell * terms..<(cell + 1) * terms {
        let head = (power + 0x1.8p26) - 0x1.8p26
        moments[k] += head
        rests[k] += ((power - head) + 0x1.8p-6) - 0x1.8p-6
        power *= t
      }
    }
    for k in moments.indices { moments[k] += rests[k] }
    spread(moments, to: weights)
  }

  /// Spreads the moments of all cells onto the grid points.
  func spread(_ moments: UnsafeMutableBufferPointer<Double>, to weights: UnsafeMutableBufferPointer<Double>) {
    let terms = basis.terms
    weights.update(repeating: 0)
    basis.matrix.withUnsafeBufferPointer { matrix in
      for cell in 0..<cells where self.moments[cell * terms] > 0 {
        for tap in 0..<basis.taps {
          var sum = 0.0
          for k in 0..<terms { sum += matrix[tap * terms + k] * moments[cell * terms + k] }
          weights[cell + tap] += sum
        }
      }
    }
  }

  /// The sample index of x_m − μ_g for the node `index` and the grid point `point`.
  @inline(__always)
  private func sampleIndex(node index: Int, point: Int) -> Int {
    (firstNode + index) * step - (point + firstCell - basis.taps / 2 + 1) * table.stride
  }

  // MARK: 2 log G

  /// Log G and G at all nodes, at a step fine enough for the rarest class, over the window that matters.
  mutating func integrate() {
    sumLogarithms()
    while stepExponent > 0 && sharpness() > precision.sharpness {
      let (low, high) = (Double(firstNode) * h, Double(firstNode + nodes - 1) * h)
      stepExponent -= 1
      setNodes(from: low, to: high)
      sumLogarithms()
    }
    for index in 0..<nodes { g[index] = exponential(logG[index]) * Self.inflation }
  }

  /// Probabilities of 1e-300 are sums of products that would be subnormal.
  static let inflation = 0x1p800
  /// Below this, an inflated height stands for less than 1e-298 and some of its factors have lost bits.
  private static let inflatedLimit = 0x1p-190

  private func sumLogarithms() { sum(table.logCumulative[stepExponent], weightedBy: weights, to: logG) }

  /// Σ_g weight_g · sample(x_m − μ_g) at all nodes; samples beyond the last one are zero.
  func sum(
    _ samples: DecimatedSamples, weightedBy weights: UnsafeMutableBufferPointer<Double>,
    to sums: UnsafeMutableBufferPointer<Double>
  ) {
    UnsafeMutableBufferPointer(rebasing: sums[..<nodes]).update(repeating: 0)
    samples.values.withUnsafeBufferPointer { values in
      for point in weights.indices where weights[point] != 0 {
        let (reached, start) = overlap(of: point, with: samples)
        guard reached > 0, let values = values.baseAddress, let sums = sums.baseAddress else { continue }
        addMultiple(weights[point], of: values + start, to: sums, count: reached)
      }
    }
  }

  /// −Δ² of the logarithm of the rarest class's integrand at its peak.
  private func sharpness() -> Double {
    let point = Int((rarest / table.cell).rounded()) - firstCell + basis.taps / 2 - 1
    func logIntegrand(_ index: Int) -> Double {
      logG[index] + table.logHazard[sampleIndex(node: index, point: point) - table.firstIndex]
    }
    var (peak, value) = (0, logIntegrand(0))
    for index in 1..<nodes {
      let next = logIntegrand(index)
      if next > value { (peak, value) = (index, next) }
    }
    guard peak > 0, peak < nodes - 1 else { return 0 }
    return 2 * value - logIntegrand(peak - 1) - logIntegrand(peak + 1)
  }

  // MARK: 3 heights

  /// How many nodes, from the first, have a sample for a grid point, and where the first of these stands.
  func overlap(of point: Int, with samples: DecimatedSamples) -> (nodes: Int, start: Int) {
    let first = sampleIndex(node: 0, point: point)
    guard first < samples.end else { return (0, 0) }
    return (min(nodes, (samples.end - first + samples.step - 1) / samples.step), samples.position(of: first))
  }

  /// H at a grid point, inflated; −1 stands for one not computed yet.
  func height(at point: Int) -> Double {
    if heights[point] < 0 { heights[point] = integral(of: g, at: point) }
    return heights[point]
  }

  /// Σ_m values(x_m) r(x_m − μ_g) h at a grid point.
  func integral(of values: UnsafeMutableBufferPointer<Double>, at point: Int) -> Double {
    let samples = table.hazard[stepExponent]
    let (count, start) = overlap(of: point, with: samples)
    return samples.values.withUnsafeBufferPointer { hazards in
      guard count > 0, let hazards = hazards.baseAddress, let values = values.baseAddress else { return 0 }
      return h * dotProduct(values, hazards + start, count: count)
    }
  }

  /// log H at a grid point that is too deep for H itself; 1 stands for one not computed yet.
  private func logHeight(at point: Int) -> Double {
    if logHeights[point] > 0 {
      func logIntegrand(_ index: Int) -> Double {
        logG[index] + table.logHazard[sampleIndex(node: index, point: point) - table.firstIndex]
      }
      var top = -Double.infinity
      for index in 0..<nodes { top = max(top, logIntegrand(index)) }
      var sum = 0.0
      for index in 0..<nodes {
        let below = logIntegrand(index) - top
        if below > -precision.drop { sum += exponential(below) }
      }
      logHeights[point] = top + logarithm(sum * h)
    }
    return logHeights[point]
  }

  // MARK: 4 evaluation

  /// Replaces the gaps by the quantity; classes deeper than the depth of the pass get 0 or −∞.
  ///
  /// - Returns: Σp − 1 before the normalisation, by which the probabilities are then divided.
  mutating func evaluate(_ row: UnsafeMutableBufferPointer<Double>, _ quantity: Quantity) -> Double {
    expandCells()
    var total = CompensatedSum(-1)
    for index in row.indices {
      let gap = row[index]
      guard gap >= -depth else {
        row[index] = quantity == .probabilities ? 0 : -.infinity
        continue
      }
      let (cell, t) = place(of: gap)
      var sum = 0.0
      for k in (cell * basis.terms..<(cell + 1) * basis.terms).reversed() { sum = sum * t + moments[k] }
      // The base is a probability, or a logarithm where that would underflow.
      let base = bases[cell]
      let p = base > 0 ? base * exponential(sum) : exponential(base + sum)
      total.add(p)
      row[index] = quantity == .probabilities ? p : (base > 0 ? logarithm(base) : base) + sum
    }
    let defect = total.value
    switch quantity {
    case .probabilities: for index in row.indices { row[index] /= 1 + defect }
    case .logProbabilities: subtractLogarithm(of: defect, from: row)
    }
    return defect
  }

  /// Normalises log-probabilities; that of a class above ½ is taken from what the others leave to it, so that it has
  /// all its digits however near 0 it is.
  private func subtractLogarithm(of defect: Double, from row: UnsafeMutableBufferPointer<Double>) {
    let shift = logarithmOfOnePlus(defect)
    var leader: Int?
    var rest = CompensatedSum()
    for index in row.indices {
      row[index] -= shift
      if row[index] > -0.6 { leader = index } else { rest.add(exponential(row[index])) }
    }
    if let leader { row[leader] = logarithmOfOnePlus(0 - rest.value) }
  }

  /// Puts in the place of a cell's moments the coefficients of log p, relative to one of its grid points, and in
  /// `bases` p at that point, or log p where p would underflow at any of its grid points.
  func expandCells() {
    let terms = basis.terms
    let reference = basis.taps / 2 - 1
    let (linearFrom, wantedFrom) = (cell(below: table.depth), cell(below: depth))
    bases.update(repeating: 0)
    heights.update(repeating: -1)
    logHeights.update(repeating: 1)
    guard let coefficients = moments.baseAddress else { return }
    basis.matrix.withUnsafeBufferPointer { matrix in
      guard let matrix = matrix.baseAddress else { return }
      for cell in max(0, wantedFrom)..<cells where moments[cell * terms] > 0 {
        for k in cell * terms..<(cell + 1) * terms { moments[k] = 0 }
        let isLinear =
          cell >= linearFrom && (0..<basis.taps).allSatisfy { height(at: cell + $0) > Self.inflatedLimit }
        let base = isLinear ? height(at: cell + reference) : logHeight(at: cell + reference)
        for tap in 0..<basis.taps where tap != reference {
          let logRatio =
            isLinear ? logarithm(height(at: cell + tap) / base) : logHeight(at: cell + tap) - base
          addMultiple(logRatio, of: matrix + tap * terms, to: coefficients + cell * terms, count: terms)
        }
        bases[cell] = isLinear ? base / Self.inflation : base
      }
    }
  }

  /// The cell of the gap −depth, counted from the first.
  private func cell(below depth: Double) -> Int { Int((-depth / table.cell).rounded(.down)) - firstCell }

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
