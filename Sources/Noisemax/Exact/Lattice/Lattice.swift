/// Exact probabilities under a smooth law, by one trapezoid sum for all classes.
///
/// With G(x) = ∏ F(x − μ_j) and r = f/F, p_i = ∫ G(x) r(x − μ_i) dx. The integrand is analytic and vanishes at both
/// ends, so the trapezoid rule on a uniform grid converges exponentially. Classes are not visited one by one:
///
/// 1. deposit: the shares of every class in the grid points around its cell sum to their weights W (see ``CellBasis``);
/// 2. log G(x_m) = Σ_g W_g log F(x_m − μ_g), from samples of log F, node by node from the highest one down, until the
///    integrand of the rarest class no longer matters;
/// 3. H_g = Σ_m G(x_m) r(x_m − μ_g) h, from samples of r: the probability of a class at the grid point;
/// 4. evaluation: log H, interpolated to every class, is its log-probability.
///
/// Where each is done: 1 in ``LatticePass``, as are 2 and 3; 4 in `LatticePass+Classes.swift`, derivatives in
/// `LatticePass+Pullback.swift`. Where the grid of a row is chosen: ``LatticeShape``; the distance h of the nodes:
/// `LatticePass+Step.swift`. Where deep classes are handled: ``DeepClasses``. The mathematics: <doc:Mathematics#One-grid-for-all-classes>.
///
/// Cost: n·(taps) for steps 1 and 4, and (grid points near classes)·(nodes) for 2 and 3, which n and the law bound. Rows of
/// many classes go by equal parts of cells in 1 and 4 (see ``CellParts``), and rows of few without a grid (see
/// ``DirectSums``).
final class Lattice: RowMethod {
  let table: LatticeTable
  // What few rows need of the law is made when one first does.
  /// For excesses, and for sums over classes far below the leader.
  private let undershoots: LazyValue<UndershootSamples>
  private let tailScale, tailScaleOfMany: LazyValue<TailScale>
  /// Rows of two classes have a table of their own, and rows of few one of theirs. Both are measured on integrands with one
  /// hump.
  private let pairTable: LazyValue<PairTable?>?
  private let directSums: DirectSums?

  private init(_ table: LatticeTable, pairTable: LazyValue<PairTable?>?, directSums: DirectSums?) {
    (self.table, self.pairTable, self.directSums) = (table, pairTable, directSums)
    undershoots = LazyValue { UndershootSamples(table) }
    tailScale = LazyValue { TailScale(table, tolerance: 2e-13) }
    tailScaleOfMany = LazyValue { TailScale(table, tolerance: 1e-14) }
  }

  convenience init(_ table: LatticeTable) {
    let isLogConcave = table.nearSamples.isLogConcave
    let pairTable = LazyValue { PairTable(Lattice(table, pairTable: nil, directSums: nil)) }
    self.init(
      table, pairTable: isLogConcave ? pairTable : nil, directSums: isLogConcave ? DirectSums(table) : nil)
  }

  var pairs: PairTable? { pairTable?() }

  /// Whether the open classes would have a quicker way as a row of their own, which this row's masks keep them from: two
  /// classes ``PairTable``, few in a very long row ``DirectSums``.
  func hasTable(for classes: Int, besides slots: Int) -> Bool {
    classes == 2
      ? pairs != nil : directSums?.servesRows(of: classes) == true && slots > Policy.longestRowLookedThrough
  }

  private func makeDeepClasses(of row: UnsafeMutableBufferPointer<Double>) -> DeepClasses {
    let areMany = row.count > Policy.mostClassesOnLongPieces
    return DeepClasses(of: row, scale: areMany ? tailScaleOfMany() : tailScale())
  }

  func evaluate(
    _ row: UnsafeMutableBufferPointer<Double>, for request: Request, vectors: RowVectors,
    precision: Precision, scratch: inout Scratch
  ) -> RowSums {
    if !request.contains(.excess), let directSums,
      let defect = directSums.evaluate(
        row, for: request, vectors: vectors, precision: precision, scratch: &scratch)
    {
      return RowSums(defect: defect)
    }
    let areLogarithms = request.contains(.logarithms)
    var logFactors: UnsafeMutablePointer<Double>?
    if let tail = table.tail, let limit = tail.limit(of: row, areLogarithms: areLogarithms),
      let memory = scratch.reserveAside(row.count).baseAddress
    {
      tail.fold(row, at: limit, logFactors: memory)
      logFactors = memory
    }
    let sums: RowSums
    if request.contains([.pullback, .logarithms]) {
      sums = pullBackLogarithms(
        row, for: request, vectors: vectors, precision: precision, scratch: &scratch, logFactors: logFactors)
    } else {
      var classes: DeepClasses?
      sums = evaluateByPass(
        row, for: request, vectors: vectors, precision: precision, scratch: &scratch, logFactors: logFactors,
        deepClasses: &classes)
    }
    // Of folded classes values come without their factors, gradients with them.
    guard let logFactors, let values = row.baseAddress else { return sums }
    if areLogarithms {
      for index in row.indices { values[index] += logFactors[index] }
    } else if !request.contains(.pullback) {
      multiply(values, row.count, byExponentialsOf: logFactors)
    }
    return sums
  }

  /// … by one pass. It leaves the deep classes, if there were any.
  private func evaluateByPass(
    _ row: UnsafeMutableBufferPointer<Double>, for request: Request, vectors: RowVectors,
    precision: Precision, scratch: inout Scratch, logFactors: UnsafePointer<Double>?,
    deepClasses: inout DeepClasses?
  ) -> RowSums {
    let gaps = UnsafeMutableBufferPointer(start: vectors.spare, count: row.count)
    let wantsExcess = request.contains(.excess)
    if wantsExcess { copyPadded(row, to: gaps) }
    let isOfLogarithms = request.contains(.logarithms)
    let takesAllLogarithms = isOfLogarithms && !isTooWide(row)
    let depth = takesAllLogarithms ? table.logDepth : table.depth
    var pass = LatticePass(
      UnsafeBufferPointer(row), depth: depth, table: table, precision: precision,
      isOfLogarithms: takesAllLogarithms,
      derivativesOf: request.contains(.pullback) ? .probabilities : nil, scratch: &scratch)
    pass.integrate()
    pass.takeLogarithms()
    var sums = RowSums()
    if request.contains(.pullback) {
      sums.defect = pass.pullBack(vectors.cotangent, at: row, logFactors: logFactors, scratch: &scratch)
    } else if isOfLogarithms {
      let resolved = pass.resolvedDepth(Swift.min(depth, pass.depth))
      var deep: [(index: Int, value: Double)] = []
      if pass.hasDeeperClasses || resolved < depth {
        let classes = makeDeepClasses(of: row)
        deep = DeepLogarithms.values(
          of: row, at: row.indices.filter { row[$0] < -resolved && row[$0] > -.infinity }, in: classes)
        deepClasses = classes
      }
      sums.defect = pass.evaluateLogarithms(row)
      for (index, value) in deep { row[index] = value }
    } else {
      sums.defect = pass.evaluate(row)
    }
    if wantsExcess {
      sums.excess = pass.excess(
        ofWinning: row, areLogarithms: isOfLogarithms, at: gaps, undershoots: undershoots(), scratch: &scratch
      )
    }
    return sums
  }

  /// Whether log-probabilities below 1e-300 come sooner by ``DeepClasses``: a pass for all of them walks over the whole row,
  /// whatever its classes win there.
  private func isTooWide(_ row: UnsafeMutableBufferPointer<Double>) -> Bool {
    guard table.nearSamples.isLogConcave else { return false }
    var (lowest, open) = (0.0, 0)
    for gap in row where gap > -.infinity {
      lowest = Swift.min(lowest, gap)
      open += 1
    }
    let range = Swift.min(-lowest, table.logDepth)
    let taps = table.bases[.double].taps
    let points = Swift.min(range / table.cell, Double(taps * open))
    return points * (range / table.unit) > Policy.mostDeepProducts * Double(open)
  }

  /// Log-probabilities and the gradient of some: from one pass, if none of them is deep.
  private func pullBackLogarithms(
    _ row: UnsafeMutableBufferPointer<Double>, for request: Request, vectors: RowVectors,
    precision: Precision, scratch: inout Scratch, logFactors: UnsafePointer<Double>?
  ) -> RowSums {
    // −680 is far enough above log 1e-300 that no class without a probability has a part in the derivatives.
    func isDeep(_ index: Int) -> Bool { row[index] < -680 }
    let cotangent = vectors.cotangent
    let gaps = UnsafeMutableBufferPointer(start: vectors.spare, count: row.count)
    copyPadded(row, to: gaps)
    var pass = LatticePass(
      UnsafeBufferPointer(gaps), depth: table.depth, table: table, precision: precision,
      derivativesOf: .logProbabilities, scratch: &scratch)
    pass.integrate()
    pass.takeLogarithms()
    var sums = RowSums()
    var gradients: [Double]?
    sums.defect = pass.evaluateLogarithms(row)
    // What the pass leaves out has −∞.
    if row.indices.contains(where: { isDeep($0) && gaps[$0] > -.infinity }) {
      copyPadded(gaps, to: row)
      // The pass is still needed, and what it has in its memory. Values beside a gradient have the bits of those alone.
      var scratch = Scratch()
      var classes: DeepClasses?
      sums = evaluateByPass(
        row, for: .logarithms, vectors: vectors, precision: precision, scratch: &scratch,
        logFactors: logFactors, deepClasses: &classes)
      let deep = row.indices.filter { isDeep($0) && cotangent[$0] != 0 && row[$0] > -.infinity }
      if !deep.isEmpty {
        gradients = [Double](repeating: 0, count: row.count)
        let classes = classes ?? makeDeepClasses(of: gaps)
        gradients?.withUnsafeMutableBufferPointer { gradients in
          classes.addGradient(
            of: deep.map { ($0, cotangent[$0]) }, in: gaps, logFactors: logFactors, to: gradients)
        }
      }
    }
    vectors.dropCotangents(ofLogarithms: row)
    if request.contains(.excess) {
      sums.excess = pass.excess(
        ofWinning: row, areLogarithms: true, at: gaps, undershoots: undershoots(), scratch: &scratch)
    }
    _ = pass.pullBack(
      cotangent, at: gaps, of: .logProbabilities, logFactors: logFactors, isDeep: isDeep, scratch: &scratch)
    if let gradients { for index in row.indices { cotangent[index] += gradients[index] } }
    return sums
  }

  func seconds(forRowOf count: Int) -> Double { min(6e-8 * Double(count), 4e-6) + 3e-9 * Double(count) }
}
