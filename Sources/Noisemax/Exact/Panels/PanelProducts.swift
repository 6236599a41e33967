/// The integrals of a few classes under any law with kinks, by F and f of every class at every node:
///
///     p_i = ∫ f(x − μ_i) ∏_{j≠i} F(x − μ_j) dx.
///
/// Products of the F of the classes before i, and of those behind it, make all n integrands at a node with 3n
/// multiplications. F and f are evaluated once, and there are no logarithms.
///
/// The line is cut at the points μ_j + kink. Every interval is taken, from above down, with the fewest nodes that resolve
/// all integrands, or else halved. A panel resolves an integrand if the last two Legendre coefficients say that its error is nothing
/// beside what the integrand has so far.
struct PanelProducts {
  /// What a class has: its probability, and what derivatives want of it.
  struct Integrals {
    var probability = CompensatedSum()
    /// ∫ G·r(x − μ_i)·R dx and the same with V, as in ``Panels/pullBack``.
    var ofR = CompensatedSum()
    var ofV = CompensatedSum()
    /// The same with the r of the last class alone, by which derivatives are judged.
    var ofLast = CompensatedSum()
  }

  private let law: PanelLaw
  private let row: PanelRow
  private let settings: PanelSettings
  /// What of an integrand may be left out.
  private let negligible: Double
  /// Of every class, Σ v over its ties, if derivatives are wanted.
  private let cotangents: UnsafePointer<Double>?

  let integrals: UnsafeMutablePointer<Integrals>
  /// Those over one panel: four Doubles a class.
  private let added: UnsafeMutablePointer<Double>
  /// Four times as many Doubles a class as a panel has nodes: F^ties; f·F^(ties − 1); the product of all F before it; r.
  private let values: UnsafeMutablePointer<Double>
  /// At the nodes of a panel: the product of the F of some classes, R and V.
  private let products, reversedHazards, moved: UnsafeMutablePointer<Double>

  /// The classes whose support reaches up to the panel, the first ones of the row.
  private var open = 1
  /// At the last node: G and R.
  private var (product, rate) = (1.0, 0.0)
  /// Whether nothing of any integrand was seen in an interval.
  private var isLow = false
  private var panels = 0

  private static var most: Int { PanelProductRule.mostNodes }
  private static var stride: Int { 4 * most }

  /// How many Doubles of memory so many classes need.
  static func memory(for count: Int) -> Int { count * (8 + 4 + stride) + 3 * most }

  /// Bounds the work whatever the law.
  private static var mostPanels: Int { 1 << 14 }

  init(
    of row: PanelRow, under law: PanelLaw, settings: PanelSettings, cotangents: UnsafePointer<Double>?,
    in memory: UnsafeMutablePointer<Double>
  ) {
    (self.law, self.row, self.settings, self.cotangents) = (law, row, settings, cotangents)
    negligible = exponential(0 - settings.margin)
    integrals = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Integrals.self)
    for k in 0..<row.count { integrals[k] = Integrals() }
    added = memory + 8 * row.count
    values = added + 4 * row.count
    products = values + Self.stride * row.count
    reversedHazards = products + Self.most
    moved = reversedHazards + Self.most
  }

  /// Σp before the probabilities are divided by it, and the least of them.
  var total: Double {
    CompensatedSum(of: (0..<row.count).lazy.map { row.classes[$0].weight * integrals[$0].probability.value })
      .value
  }
  var least: Double { (0..<row.count).reduce(.infinity) { Swift.min($0, integrals[$1].probability.value) } }

  // MARK: - The panels

  /// Lays panels from the top down over all breaks, stored as −x. The first classes are open up there.
  mutating func layPanels(
    below top: Double, open: Int, breaks: UnsafePointer<PanelPoint>, count: Int
  ) {
    self.open = open
    var upper = DoubleDouble(top)
    for k in 0..<count {
      let lower = -breaks[k].x
      if layInterval(from: lower, to: upper) { return }
      upper = lower
      if breaks[k].exponent == 1 { self.open = Swift.max(self.open, Int(breaks[k].weight) + 1) }
    }
    let end = law.lowerEnd > -.infinity ? law.lowerEnd : -.greatestFiniteMagnitude
    _ = layInterval(from: DoubleDouble(end), to: upper)
  }

  /// A wider panel might hold a peak that lies between its nodes.
  private var widest: Double { 4 * law.deviation }

  /// - Returns: whether there is nothing left below.
  private mutating func layInterval(from lower: DoubleDouble, to upper: DoubleDouble) -> Bool {
    var (upper, remaining) = (upper, (upper - lower).value)
    while remaining > 0 {
      let isLast = remaining <= widest
      let from = isLast ? lower : upper - DoubleDouble(widest)
      isLow = true
      layPanel(from: from, width: isLast ? remaining : widest)
      if isDone || panels > Self.mostPanels { return true }
      upper = from
      remaining = isLast ? 0 : (upper - lower).value
    }
    return false
  }

  /// Whether the integrands have nothing further down. Below x, a class has less than G(x). Under a law without a lower end
  /// each has one hump.
  private var isDone: Bool {
    if product == 0 || (isLow && law.lowerEnd == -.infinity) { return true }
    if pairs { return false }
    for k in 0..<row.count where product > integrals[k].probability.leading * negligible { return false }
    return true
  }

  private mutating func layPanel(from: DoubleDouble, width: Double) {
    panels += 1
    let mustDo = panels > Self.mostPanels || width <= from.high.ulp * 0x1p-50
    // How far off a singularity of the law is at least.
    let distance = Swift.min(from.value - law.lowerEnd, law.deviation / 2)
    for rule in PanelProductRule.all {
      let isLikely = width <= distance * rule.widest && rate * width <= rule.steepest
      guard isLikely || rule.count == PanelProductRule.mostNodes else { continue }
      evaluate(rule, from: from, width: width, under: law.noise)
      multiply(rule)
      if resolves(rule, width: width) || mustDo { return addContents() }
    }
    layPanel(from: from + DoubleDouble(width / 2), width: width / 2)
    layPanel(from: from, width: width / 2)
  }

  // MARK: - One panel

  private var pairs: Bool { cotangents != nil }

  /// F and f of every class at every node.
  private func evaluate(
    _ rule: PanelProductRule, from: DoubleDouble, width: Double, under noise: some PiecewiseNoise
  ) {
    for k in 0..<open {
      let (behind, ties) = (row.classes[k].x, row.classes[k].weight)
      let values = values + Self.stride * k
      for m in 0..<rule.count {
        let z = DoubleDouble(adding: behind, DoubleDouble(adding: from, DoubleDouble(width * rule.shares[m])))
        let density = noise.density(at: law.side(of: z))
        let cumulative = noise.cumulative(at: z.high) + z.low * density
        let others = ties == 1 ? 1 : repeated(cumulative, Int(ties) - 1)
        values[m] = cumulative * others
        values[Self.most + m] = density * others
        if pairs { values[3 * Self.most + m] = cumulative >= 0x1p-960 ? density / cumulative : 0 }
      }
    }
  }

  /// The product of the classes before each; R and V.
  private mutating func multiply(_ rule: PanelProductRule) {
    rate = 0
    for m in 0..<rule.count { (products[m], reversedHazards[m], moved[m]) = (1, 0, 0) }
    for k in 0..<open {
      let values = values + Self.stride * k
      for m in 0..<rule.count {
        values[2 * Self.most + m] = products[m]
        products[m] *= values[m]
      }
      let lowest = rule.count - 1
      if values[lowest] > 0 { rate += row.classes[k].weight * values[Self.most + lowest] / values[lowest] }
      guard let cotangents else { continue }
      let (ties, v) = (row.classes[k].weight, cotangents[k])
      for m in 0..<rule.count {
        reversedHazards[m] += ties * values[3 * Self.most + m]
        moved[m] += v * values[3 * Self.most + m]
      }
    }
    product = products[rule.count - 1]
  }

  /// What was seen of the integrands in a panel: whether all are resolved, and whether they have nothing in it.
  private struct Verdict {
    var isResolved = true
    var isLow: Bool
  }

  /// Sums up the integrands of all classes, from the last to the first.
  ///
  /// - Returns: whether every one is resolved, or has nothing here.
  private mutating func resolves(_ rule: PanelProductRule, width: Double) -> Bool {
    for m in 0..<rule.count { products[m] = 1 }
    let last = values + Self.stride * (row.count - 1) + 3 * Self.most
    let hasLast = pairs && open == row.count
    var verdict = Verdict(isLow: open == row.count)
    for k in (0..<open).reversed() {
      let values = values + Self.stride * k
      let (terms, added) = (values + Self.most, added + 4 * k)
      for m in 0..<rule.count {
        terms[m] *= values[2 * Self.most + m] * products[m]
        products[m] *= values[m]
      }
      let held = integrals[k]
      added[0] = content(of: terms, by: rule, width, beside: held.probability.leading, &verdict)
      guard pairs else { continue }
      (added[1], added[2], added[3]) = (0, 0, 0)
      for m in 0..<rule.count {
        let weighted = terms[m] * (rule.weights[m] * width)
        added[1] += weighted * reversedHazards[m]
        added[2] += weighted * moved[m]
      }
      guard hasLast else { continue }
      for m in 0..<rule.count { terms[m] *= last[m] }
      added[3] = content(of: terms, by: rule, width, beside: held.ofLast.leading, &verdict)
    }
    isLow = isLow && verdict.isLow
    return verdict.isResolved
  }

  /// What a panel has of an integrand, which has so much elsewhere.
  @inline(__always)
  private func content(
    of terms: UnsafeMutablePointer<Double>, by rule: PanelProductRule, _ width: Double, beside held: Double,
    _ verdict: inout Verdict
  ) -> Double {
    var (sum, last, nextToLast) = (0.0, 0.0, 0.0)
    for m in 0..<rule.count {
      sum += rule.weights[m] * terms[m]
      last += rule.lastCoefficients[m] * terms[m]
      nextToLast += rule.nextToLastCoefficients[m] * terms[m]
    }
    let content = sum * width
    // A narrow panel has little of an integrand that is not low at all.
    if sum * widest > held * negligible { verdict.isLow = false }
    if content <= held * negligible { return content }
    let rest = (last.magnitude + nextToLast.magnitude) * width
    // Subnormal numbers have no digits left to judge by.
    if rest <= 0x1p-1060 { return content }
    let whole = Swift.max(held, content)
    var isResolved = isAccurate(content, rest: rest, of: whole, tolerance: settings.tolerance)
    if rule.error > 0 {
      let ratio = rest / content
      isResolved = (ratio * ratio) * (ratio * ratio) * (content / whole) <= rule.error
    }
    if !isResolved { verdict.isResolved = false }
    return content
  }

  /// Takes what was summed up over a panel.
  private func addContents() {
    for k in 0..<open {
      let added = added + 4 * k
      integrals[k].probability.add(added[0])
      if pairs {
        integrals[k].ofR.add(added[1])
        integrals[k].ofV.add(added[2])
        integrals[k].ofLast.add(added[3])
      }
    }
  }
}

/// A Gauss–Legendre rule for panels, and where it will do.
private struct PanelProductRule: @unchecked Sendable {
  let count: Int
  /// How far up the panel a node lies, its weight as a share of the panel, and its factors in the last coefficients.
  let shares, weights, lastCoefficients, nextToLastCoefficients: UnsafePointer<Double>
  /// Up to how many times the distance of a singularity a panel may be wide, and up to which change of log G the rule is tried.
  ///
  /// Of an exponential whose logarithm changes by c on a panel, m nodes leave c^(2m+1)·m!⁴/((2m+1)·(2m)!³): below 2e-17 for m = 4,
  /// c = 1/8 and for m = 8, c = 2. Of a singularity at D from a panel of width 2h they leave ρ^(−2m), ρ about 2·(D + h)/h.
  let widest, steepest: Double
  /// How large the fourth power of the last two coefficients may be, beside what the panel holds, and times that: the error is
  /// smaller. At that change they are 1.3e-3 for m = 4, and 1e-4 for m = 8. With 0 it is their square.
  let error: Double

  init(count: Int, widest: Double, steepest: Double, error: Double) {
    let rule = GaussLegendre(count: count)
    self.count = count
    shares = Self.memory.keep(rule.nodes.map { 0.5 + 0.5 * $0 })
    weights = Self.memory.keep(rule.weights.map { $0 / 2 })
    lastCoefficients = Self.memory.keep(rule.lastCoefficients)
    nextToLastCoefficients = Self.memory.keep(rule.nextToLastCoefficients)
    (self.widest, self.steepest, self.error) = (widest, steepest, error)
  }

  static let mostNodes = 16

  private static let memory = KeptMemory()

  static let all = [
    PanelProductRule(count: 4, widest: 1.0 / 16, steepest: 0.125, error: 3e-12),
    PanelProductRule(count: 8, widest: 0.5, steepest: 2, error: 1e-16),
    PanelProductRule(count: mostNodes, widest: 0, steepest: 0, error: 0),
  ]
}

/// The product of so many equal factors.
private func repeated(_ factor: Double, _ count: Int) -> Double {
  var (rest, square, result) = (count, factor, 1.0)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
