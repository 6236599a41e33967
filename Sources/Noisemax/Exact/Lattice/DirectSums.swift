internal import NoiseKernels

/// Rows of few classes, none far behind the leader, without grid points: p_i = h·Σ_m G(x_m) r(x_m − μ_i), with log F and r
/// of every class at every node.
///
/// That is n evaluations of two functions where the lattice has some dozens of grid points, and a row of ten classes
/// has fewer. The functions are polynomials on narrow cells (see `DirectTable`). Their coefficients stand in the order in
/// which a walk along the nodes meets them: so eight nodes are one vector, or sixteen in Floats.
///
/// The values of r are kept, so that gradients take two sums over the classes more, R and V, and two over the nodes:
/// (J v)_i = v_i·∫ G R r(x − μ_i) dx − ∫ G V r(x − μ_i) dx. For log-probabilities it is v/p instead of v.
///
/// Some rows are left to the lattice: those with a class so far behind that the polynomials do not follow r into its steep
/// tail, and those whose rarest class has a sharper integrand than any of the steps is made for.
///
/// What this needs of the law is made for each precision when a row first asks for it.
final class DirectSums: Sendable {
  private let tables: PerPrecision<LazyValue<DirectTables>>
  private let memory = KeptMemory()
  /// Whether rows of so many classes may be for this.
  func servesRows(of classes: Int) -> Bool { classes <= 1 << DirectTables.sizes.upperBound }

  init(_ table: LatticeTable) {
    let memory = memory
    tables = PerPrecision { precision in
      LazyValue { DirectTables(of: table.noise, table, precision, in: memory) }
    }
  }

  /// Evaluates a row for anything but its excess.
  ///
  /// - Returns: Σp − 1 before the normalisation, or nil where the row is not one for this, and is left as it is.
  @inline(__always)
  func evaluate(
    _ row: UnsafeMutableBufferPointer<Double>, for request: Request, vectors: RowVectors,
    precision: Precision, scratch: inout Scratch
  ) -> Double? {
    guard let (gaps, memory, table) = prepare(row, precision, &scratch) else { return nil }
    let count = padded(row.count)
    let isOfLogarithms = request.contains(.logarithms)
    guard request.contains(.pullback) else {
      let defect =
        isOfLogarithms
        ? kernels.directLogProbabilities(gaps, count, table: table, memory: memory)
        : kernels.directProbabilities(gaps, count, table: table, memory: memory)
      return defect.isNaN ? nil : defect
    }
    guard let v = vectors.cotangent.baseAddress else { return nil }
    if !isOfLogarithms {
      return kernels.directPullback(v, at: gaps, count, ofLogarithms: false, table: table, memory: memory)
        ? 0 : nil
    }
    vectors.spare.update(from: gaps, count: count)
    let defect = kernels.directLogProbabilities(gaps, count, table: table, memory: memory)
    if defect.isNaN { return nil }
    vectors.dropCotangents(ofLogarithms: row)
    if kernels.directPullback(
      v, at: vectors.spare, count, ofLogarithms: true, table: table, memory: memory)
    {
      return defect
    }
    gaps.update(from: vectors.spare, count: count)
    return nil
  }

  @inline(__always)
  private func prepare(
    _ row: UnsafeMutableBufferPointer<Double>, _ precision: Precision, _ scratch: inout Scratch
  ) -> (
    gaps: UnsafeMutablePointer<Double>, memory: UnsafeMutablePointer<Double>,
    table: UnsafePointer<DirectTable>
  )? {
    let tables = tables[precision]()
    guard row.count <= Policy.longestRowLookedThrough, tables.isUsable, let gaps = row.baseAddress,
      let memory = scratch.reserve(4 * padded(row.count) + tables.memoryForNodes).baseAddress
    else { return nil }
    return (gaps, memory, tables.table)
  }
}

/// The table for one precision.
private struct DirectTables: @unchecked Sendable {
  let table: UnsafePointer<DirectTable>
  let memoryForNodes: Int
  let isUsable: Bool

  /// Up to 2ʲ classes have a step of their own.
  static let sizes = 2...5

  init(of noise: some SmoothNoise, _ lattice: LatticeTable, _ precision: Precision, in memory: KeptMemory) {
    let (unit, quartiles) = (lattice.unit, lattice.quartiles)
    let integrands = lattice.nearSamples.integrands
    let mostClasses = 1 << Self.sizes.upperBound
    // Two gaps, counted in samples: the largest that is served, and the one whose peak, beside one leader, lies as far up the
    // tail of r as the polynomials follow it.
    let deepest = Int(min(10 * quartiles, lattice.depth) / unit)
    let steepest = Int(min(12 * quartiles, lattice.depth) / unit)
    let limit = Double(deepest) * unit

    // Where the integrands end.
    let ends = (0...8).map {
      integrands.highestNode(gap: deepest * $0 / 8, leaders: Double(mostClasses), drop: precision.drop)
    }
    let slope = (1...8).reduce(0) { slope, index in
      let gap = Double(deepest * index / 8) * unit
      return max(slope, (ends[index] + gap - ends[0]) / gap)
    }
    // Gaps within i…i + 1 quartile distances get the nodes of the far end.
    let gaps = (0...Int(limit / quartiles) + 1).map {
      Int(((Double($0) + 0.999) * quartiles / unit).rounded(.up))
    }
    let reach = gaps.map { integrands.lowestNode(gap: $0, drop: precision.drop) }
    let leaderReach = gaps.map { integrands.lowestNode(gap: $0, ofLeader: true, drop: precision.drop) }
    let pairReach = gaps.map { integrands.lowestNode(gap: $0, rareClasses: 2, drop: precision.drop) }
    let low = (pairReach + leaderReach).reduce(0, min)

    let maker = StepMaker(
      noise: noise, lattice: lattice, precision: precision, low: low, high: ends[0] + slope * limit,
      steepest: steepest)
    var steps: [DirectStep] = []
    for size in Self.sizes {
      // Too steep a law is left to the lattice.
      guard let step = maker.step(for: 1 << size, in: memory) else { break }
      steps.append(step)
    }
    isUsable = steps.count == Self.sizes.count
    let mostNodes = padded(steps.reduce(0) { max($0, Int(($1.highest - low) / $1.width) + 20) })
    memoryForNodes =
      Policy.mostDirectEvaluations(precision, pairs: true) + 16 * mostClasses + 4 * (mostNodes + 16)

    var table = DirectTable(
      reach: memory.keep(reach), pairReach: memory.keep(pairReach), leaderReach: memory.keep(leaderReach),
      steps: memory.keep(steps))
    table.terms = maker.fit.terms
    table.mostNodes = mostNodes
    table.mostClasses = mostClasses
    table.mostEvaluations = Policy.mostDirectEvaluations(precision, pairs: false)
    table.mostPairEvaluations = Policy.mostDirectEvaluations(precision, pairs: true)
    table.stepCount = steps.count
    table.deepest = -limit
    table.ignored = -lattice.depth - lattice.competition(precision)
    table.end = ends[0]
    table.endSlope = slope
    table.peak = Double(integrands.peak(gap: steepest) + steepest) * unit
    table.perReach = 1 / quartiles
    self.table = memory.keep([table])
  }
}

/// Makes the polynomials for rows of one size.
private struct StepMaker<Noise: SmoothNoise> {
  let noise: Noise
  let lattice: LatticeTable
  let precision: Precision
  /// Where the nodes of all rows lie.
  let low: Double
  let high: Double
  let steepest: Int
  let fit: CellFit

  init(
    noise: Noise, lattice: LatticeTable, precision: Precision, low: Double, high: Double, steepest: Int
  ) {
    (self.noise, self.lattice, self.precision) = (noise, lattice, precision)
    (self.low, self.high, self.steepest) = (low, high, steepest)
    fit = CellFit(terms: precision == .double ? 12 : 6)
  }

  /// - Returns: nil where no cells are narrow enough for the law.
  func step(for classes: Int, in memory: KeptMemory) -> DirectStep? {
    let (h, sharpness) = lattice.nearSamples.integrands.directStep(
      for: classes, upTo: Int(lattice.quartiles / lattice.unit), steepest: steepest, precision: precision)
    let most = Double(1 << DirectTables.sizes.upperBound)
    let heights = [(gap: 0, leaders: most), (gap: steepest, leaders: 1)].map { gap, leaders in
      (
        gap: Double(gap) * lattice.unit,
        height: { (x: Double) in
          lattice.nearSamples.integrands.logIntegrand(
            Int((x / lattice.unit).rounded()), gap: gap, leaders: leaders)
        }
      )
    }
    func isFine(_ phases: Int) -> Bool {
      let error = fit.error(
        of: noise, width: h / Double(phases), low: low, high: high, leaders: most, heights: heights)
      return error <= precision.directTolerance
    }
    guard let phases = (precision == .double ? [2, 4, 8] : [4, 8]).first(where: isFine) else { return nil }
    let width = h / Double(phases)
    let firstCell = Int((low / width).rounded(.down)) - 3 * phases
    let cellCount = Int((high / width).rounded(.up)) - firstCell
    // Behind every row of coefficients there are zeros, as many as whole vectors may read.
    let rowLength = cellCount / phases + 1 + 32
    var coefficients = [Double](repeating: 0, count: rowLength * phases * fit.terms)
    for index in 0..<cellCount {
      let own = fit.coefficients(of: noise, cell: firstCell + index, width: width)
      for k in own.indices {
        coefficients[(index % phases * fit.terms + k) * rowLength + index / phases] = own[k]
      }
    }
    return DirectStep(
      width: h, phases: phases, firstCell: firstCell,
      highest: lattice.highestNode(for: classes, precision: precision), sharpness: exponential(sharpness),
      coefficients: precision == .double
        ? UnsafeRawPointer(memory.keep(coefficients))
        : UnsafeRawPointer(memory.keep(coefficients.map { Float($0) })),
      rowLength: rowLength)
  }
}

extension Precision {
  /// The error of the polynomials, relative to what an integrand is at its peak.
  fileprivate var directTolerance: Double { self == .double ? 2e-13 : 2e-6 }
}
