internal import NoiseKernels

/// Rows of few, shallow classes without grid points: log F and r of every class at every node, p_i = h·Σ_m G(x_m) r(x_m − μ_i).
///
/// That is n evaluations of two functions where the lattice has some dozens of grid points, and a row of ten classes
/// has fewer. The functions are polynomials on narrow cells (see ``DirectTable``), whose coefficients stand in the
/// order in which a walk along the nodes meets them, so that eight nodes are one vector, or sixteen in Floats.
///
/// The values of r are kept, so that gradients take two sums over the classes more, R and V, and two over the nodes:
/// (J v)_i = v_i·∫ G R r(x − μ_i) dx − ∫ G V r(x − μ_i) dx. For log-probabilities v/p stands in the place of v.
///
/// Polynomials on cells do not follow r into its steep tail: rows with classes too deep for them are left to the lattice,
/// and so are rows whose rarest class has a sharper integrand than the step is made for.
final class DirectSums: Sendable {
  private let tables: PerPrecision<Tables>
  /// Whether rows of so many classes may be for this.
  func servesRows(of classes: Int) -> Bool { classes <= 1 << Tables.sizes.upperBound }

  init(_ table: LatticeTable) {
    let limit = min(10 * table.quartiles, table.depth)
    let law = SampledLaw(table, limit: limit)
    tables = PerPrecision { Tables(table, law, limit: limit, quartiles: table.quartiles, precision: $0) }
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
    let tables = tables[precision]
    guard row.count <= Policy.longestRowLookedThrough, tables.isUsable, let gaps = row.baseAddress,
      let memory = scratch.reserve(4 * padded(row.count) + tables.memoryForNodes).baseAddress
    else { return nil }
    return (gaps, memory, tables.table)
  }
}

/// The table for one precision, and the memory it refers to.
private final class Tables: @unchecked Sendable {
  let table: UnsafePointer<DirectTable>
  let memoryForNodes: Int
  let isUsable: Bool
  private let memory = KeptMemory()

  static let sizes = 2...7

  init(
    _ lattice: LatticeTable, _ law: SampledLaw, limit: Double, quartiles: Double, precision: Precision
  ) {
    let most = Double(1 << Self.sizes.upperBound)

    // Where the integrands end.
    func end(_ gap: Double) -> Double {
      law.end(gap: gap, leaders: most, drop: precision.drop, unit: lattice.unit)
    }
    let first = end(0)
    var slope = 0.0
    for index in 1...8 {
      let gap = limit * Double(index) / 8
      slope = max(slope, (end(gap) + gap - first) / gap)
    }

    // Gaps within i…i + 1 of these have the reach of the next one.
    let places = (0...Int(limit / quartiles) + 1).map { (Double($0) + 0.999) * quartiles }
    let reach = places.map { law.lowestNode(gap: $0, drop: precision.drop) }
    let leaderReach = places.map { law.lowestNode(gap: $0, ofLeader: true, drop: precision.drop) }
    let pairReach = places.map { law.lowestNode(gap: $0, rareClasses: 2, drop: precision.drop) }
    let low = (pairReach + leaderReach).reduce(0, min)
    let high = first + slope * limit

    // The peak of a class that deep below one leader is as far up the hazard's tail as peaks may be.
    let steepest = min(12 * quartiles, lattice.depth)
    let fit = CellFit(terms: precision == .double ? 12 : 6)
    var steps: [DirectStep] = []
    var mostNodes = 0
    for j in Self.sizes {
      let (h, sharpness) = law.step(
        for: 1 << j, coarsest: quartiles, steepest: steepest, precision: precision)
      var phases = precision == .double ? 2 : 4
      while phases <= 8
        && !(fit.error(
          of: law, width: h / Double(phases), low: low, high: high, steepest: steepest, most: most)
          <= precision.directTolerance)
      {
        phases *= 2
      }
      // Too steep a law is left to the lattice.
      guard phases <= 8 else { break }
      let width = h / Double(phases)
      let firstCell = Int((low / width).rounded(.down)) - 3 * phases
      let cellCount = Int((high / width).rounded(.up)) - firstCell
      // Behind every row there are zeros, as many as whole vectors may read.
      let rowLength = cellCount / phases + 1 + 32
      var coefficients = [Double](repeating: 0, count: rowLength * phases * fit.terms)
      for index in 0..<cellCount {
        for (k, coefficient) in fit.coefficients(of: law, cell: firstCell + index, width: width).enumerated()
        {
          coefficients[(index % phases * fit.terms + k) * rowLength + index / phases] = coefficient
        }
      }
      let highest = lattice.highestNode(for: 1 << j, precision: precision)
      mostNodes = max(mostNodes, Int((highest - low) / h) + 20)
      steps.append(
        DirectStep(
          width: h, phases: phases, firstCell: firstCell, highest: highest, sharpness: exponential(sharpness),
          coefficients: precision == .double
            ? UnsafeRawPointer(memory.keep(coefficients))
            : UnsafeRawPointer(memory.keep(coefficients.map { Float($0) })),
          rowLength: rowLength))
    }
    mostNodes = padded(mostNodes)
    let mostClasses = 1 << Self.sizes.upperBound
    memoryForNodes =
      Policy.mostDirectEvaluations(precision, pairs: true) + 16 * mostClasses + 4 * (mostNodes + 16)
    isUsable = steps.count == Self.sizes.count

    var table = DirectTable(
      reach: memory.keep(reach), pairReach: memory.keep(pairReach), leaderReach: memory.keep(leaderReach),
      steps: memory.keep(steps))
    table.terms = fit.terms
    table.mostNodes = mostNodes
    table.mostClasses = mostClasses
    table.mostEvaluations = Policy.mostDirectEvaluations(precision, pairs: false)
    table.mostPairEvaluations = Policy.mostDirectEvaluations(precision, pairs: true)
    table.stepCount = steps.count
    table.deepest = -limit
    table.ignored = -lattice.depth - lattice.competition(precision)
    table.end = first
    table.endSlope = slope
    table.peak = law.peak(gap: steepest) + steepest
    table.perReach = 1 / quartiles
    self.table = memory.keep([table])
  }
}

extension Precision {
  /// The error of the polynomials, relative to what an integrand is at its peak.
  fileprivate var directTolerance: Double { self == .double ? 2e-13 : 2e-6 }
}
