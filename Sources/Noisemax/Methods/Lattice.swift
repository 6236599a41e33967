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
/// Cost: n·(taps) for steps 1 and 4, and (grid points near classes)·(nodes) for 2 and 3, which n and the law bound. Rows of
/// many classes go by equal parts of cells in 1 and 4 (see ``CellParts``), and rows of few without a grid (see
/// ``DirectSums``).
final class Lattice: RowMethod {
  let table: LatticeTable
  let shortfalls: ShortfallSamples
  /// What the sums over classes far below the leader go by.
  private let tailScale: TailScale
  /// Rows of two classes have a table of their own.
  let pairs: PairTable?
  /// And so have rows of few classes.
  private let directSums: DirectSums?

  private init(
    _ table: LatticeTable, shortfalls: ShortfallSamples, tailScale: TailScale, pairs: PairTable? = nil,
    directSums: DirectSums? = nil
  ) {
    (self.table, self.shortfalls, self.pairs, self.directSums) = (table, shortfalls, pairs, directSums)
    self.tailScale = tailScale
  }

  /// Whether so few classes have a table that they would miss among as many places with masks.
  func hasTable(for classes: Int, besides places: Int) -> Bool {
    classes == 2 ? pairs != nil : directSums?.servesRows(of: classes) == true && places > DirectSums.longest
  }

  convenience init(_ table: LatticeTable) {
    let (shortfalls, tailScale) = (ShortfallSamples(table), TailScale(table))
    if table.isLogConcave {
      let lattice = Lattice(table, shortfalls: shortfalls, tailScale: tailScale)
      self.init(
        table, shortfalls: shortfalls, tailScale: tailScale, pairs: PairTable(lattice),
        directSums: DirectSums(table))
    } else {
      // Those tables are measured on integrands with one hump.
      self.init(table, shortfalls: shortfalls, tailScale: tailScale)
    }
  }

  func replace(
    _ row: UnsafeMutableBufferPointer<Double>, by quantity: Quantity, precision: Precision,
    scratch: inout Scratch
  ) -> Double {
    if let defect = directSums?.replace(row, by: quantity, precision: precision, scratch: &scratch) {
      return defect
    }
    let depth = quantity == .probabilities ? table.depth : table.logDepth
    var pass = LatticePass(
      UnsafeBufferPointer(row), depth: depth, table: table, precision: precision,
      isOfLogarithms: quantity == .logProbabilities, scratch: &scratch)
    pass.integrate()
    pass.takeLogarithms()
    guard quantity == .logProbabilities else { return pass.evaluate(row) }
    let resolved = pass.resolvedDepth(depth)
    let deep =
      pass.hasDeeperClasses || resolved < depth
      ? DeepClasses(of: row, table: table, scale: tailScale).logProbabilities(in: row, deeperThan: resolved)
      : []
    let defect = pass.evaluateLogarithms(row)
    for (index, value) in deep { row[index] = value }
    return defect
  }

  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    precision: Precision, scratch: inout Scratch
  ) {
    if directSums?.pullBack(
      cotangent, at: row, of: .probabilities, precision: precision, scratch: &scratch) == true
    {
      return
    }
    var pass = LatticePass(
      UnsafeBufferPointer(row), depth: table.depth, table: table, precision: precision,
      derivativesOf: .probabilities, scratch: &scratch)
    pass.integrate()
    pass.pullBack(cotangent, at: row, scratch: &scratch)
  }

  func pullBackLogarithms(
    _ cotangent: UnsafeMutableBufferPointer<Double>, logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) {
    if directSums?.pullBack(
      cotangent, at: row, of: .logProbabilities, precision: precision, scratch: &scratch) == true
    {
      return
    }
    // Far enough above 1e-300 that no class without a probability has a part in the derivatives.
    func isDeep(_ index: Int) -> Bool { logProbabilities[index] < -680 }
    let deep = row.indices.filter { isDeep($0) && cotangent[$0] != 0 }
    let gradients =
      deep.isEmpty
      ? nil
      : [Double](unsafeUninitializedCapacity: row.count) { result, count in
        count = row.count
        result.update(repeating: 0)
        DeepClasses(of: row, table: table, scale: tailScale)
          .addGradient(of: deep.map { ($0, cotangent[$0]) }, in: row, to: result)
      }
    var pass = LatticePass(
      UnsafeBufferPointer(row), depth: table.depth, table: table, precision: precision,
      derivativesOf: .logProbabilities, scratch: &scratch)
    pass.integrate()
    pass.pullBack(cotangent, at: row, of: .logProbabilities, isDeep: isDeep, scratch: &scratch)
    if let gradients { for index in row.indices { cotangent[index] += gradients[index] } }
  }

  func expectedMaximum(of gaps: UnsafeBufferPointer<Double>, scratch: inout Scratch) -> Double? {
    var pass = LatticePass(gaps, depth: 0, table: table, precision: .double, scratch: &scratch)
    pass.integrate()
    return pass.expectedMaximum()
  }

  func seconds(forRowOf count: Int) -> Double { min(6e-8 * Double(count), 4e-6) + 3e-9 * Double(count) }
}
