/// Whether the panels of a row resolve every wanted integrand G(x)·r(x − μ_i).
///
/// A few classes are judged for all. Up to eight representatives stand evenly from the leader to the last class. Besides there
/// is the class whose kink is the upper end of the interval. And there is the last class whose support reaches up here: the
/// further behind a class is, the lower lies its integral, so of all that reach here it has the largest part of its own here.
///
/// Derivatives also want G·r(x − μ_i)·r(x − μ_j). It may lie far lower: of two rare classes behind two Laplace leaders, all the
/// way down to the two. The second factor shifts it most if j is the last class. So each judged class is paired with the last.
struct PanelJudge {
  let law: PanelLaw
  let sums: PanelSums
  /// log F counts as 0 from here on. What that leaves out of log G is below 2⁻⁷⁰.
  let ceiling: Double
  let settings: PanelSettings
  /// The last class whose support reaches up to the panels that are being judged.
  var deepest = 0

  private let representativeCount: Int
  private let representatives: UnsafeMutablePointer<Double>
  /// The logarithm of what every integrand is known to hold at least: first those of the classes, then those of their pairs
  /// with the last class.
  private let references: UnsafeMutablePointer<Double>
  /// At the nodes of a panel: log G, log r of the last class, and the logarithm of the integrand that is judged.
  private let products, lasts, values: UnsafeMutablePointer<DoubleDouble>

  /// How many Doubles of memory the judgement of so many distinct logits needs.
  static func memory(for count: Int) -> Int { 6 * rule.nodes.count + mostRepresentatives + 2 * count }

  private static var mostRepresentatives: Int { 8 }

  /// The rule that a panel is judged and taken by.
  static var rule: GaussLegendre { rules[2] }

  init(
    of sums: PanelSums, under law: PanelLaw, ceiling: Double, settings: PanelSettings,
    in memory: UnsafeMutablePointer<Double>
  ) {
    self.law = law
    self.sums = sums
    self.ceiling = ceiling
    self.settings = settings
    let nodes = Self.rule.nodes.count
    products = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: DoubleDouble.self)
    lasts = products + nodes
    values = lasts + nodes
    representatives = memory + 6 * nodes
    references = representatives + Self.mostRepresentatives
    for index in 0..<2 * sums.count { references[index] = -.infinity }
    representativeCount = Swift.min(sums.count, Self.mostRepresentatives)
    for k in 0..<representativeCount {
      representatives[k] = Double((sums.count - 1) * k / Swift.max(representativeCount - 1, 1))
    }
  }

  // MARK: - The integrands

  /// log G(x) in two parts.
  @inline(__always)
  func logG(at x: DoubleDouble) -> CompensatedSum { sums.logG(at: x, ceiling: ceiling) }

  /// log r of a class.
  @inline(__always)
  private func logReversedHazard(of index: Int, at x: DoubleDouble) -> DoubleDouble {
    law.logReversedHazard(at: DoubleDouble(adding: x, sums.points[index].x))
  }

  private var last: Int { sums.count - 1 }

  /// Whether pairs are judged. If all logits are equal they are not: r² could be singular, and lies where r does.
  private var hasPairs: Bool { settings.pairs && sums.count > 1 }

  /// Class k of those that a panel is judged by; nil if it was one before. The class `owner` has its kink at the upper end of
  /// the interval.
  @inline(__always)
  private func judgedClass(_ k: Int, owner: Int) -> Int? {
    if k < representativeCount { return Int(representatives[k]) }
    let index = k == representativeCount ? owner : deepest
    let isKnown = representativeCount == sums.count || index == 0 || index == last
    return isKnown || (k > representativeCount && index == owner) ? nil : index
  }

  private var judgedCount: Int { representativeCount + 2 }

  /// Passes on log(G·r) of a class at a point, and if pairs are judged log(G·r·r) with the last class, each with its slot
  /// among the references.
  @inline(__always)
  private func forEachIntegrand(
    of index: Int, at x: DoubleDouble, logG: Double, _ body: (_ integrand: Int, _ value: Double) -> Void
  ) {
    let value = logG + logReversedHazard(of: index, at: x).value
    body(index, value)
    if hasPairs { body(sums.count + index, value + logReversedHazard(of: last, at: x).value) }
  }

  // MARK: - What the integrands hold

  /// log ∫ e^L ≥ min(L(lower), L(upper)) + log(upper − lower), if the integrand e^L has one hump: what the representatives hold
  /// at least between two points around the median of the maximum.
  func expect(from lower: Double, to upper: Double) {
    let width = logarithm(upper - lower)
    let (x, y) = (DoubleDouble(lower), DoubleDouble(upper))
    let (logGBelow, logGAbove) = (logG(at: x).value, logG(at: y).value)
    for k in 0..<representativeCount {
      let index = Int(representatives[k])
      forEachIntegrand(of: index, at: x, logG: logGBelow) { references[$0] = $1 }
      forEachIntegrand(of: index, at: y, logG: logGAbove) { integrand, value in
        let least = Swift.min(references[integrand], value)
        references[integrand] = least > -.infinity && width > -.infinity ? least + width : -.infinity
      }
    }
  }

  /// log ∫ e^L is at least about L(x) − log(Σ r + 1/deviation): what a judged integrand e^L holds around a point, over the
  /// length on which it changes little. Raises the references to it.
  func look(at x: DoubleDouble, logG: Double, owner: Int) {
    // The logarithm of an integrand changes as fast as log G, by Σ r, and as log r.
    let extent = 0 - logarithm(sums.reversedHazards(at: x).sum.value + 1 / law.deviation)
    for k in 0..<judgedCount {
      guard let index = judgedClass(k, owner: owner) else { continue }
      forEachIntegrand(of: index, at: x, logG: logG) { integrand, value in
        let held = value + extent
        if held > references[integrand] && held < .infinity { references[integrand] = held }
      }
    }
  }

  /// Whether, on a way down, the integrands of all representatives have become negligible at a point beside their peaks.
  /// `isFirst` at the first point of the way.
  func isLow(at x: DoubleDouble, logG: Double, isFirst: Bool) -> Bool {
    // The highest values on the way: a peak may lie below the median.
    let highest = UnsafeMutableRawPointer(values).assumingMemoryBound(to: Double.self)
    var isLow = true
    for k in 0..<representativeCount {
      var slot = k
      forEachIntegrand(of: Int(representatives[k]), at: x, logG: logG) { integrand, value in
        highest[slot] = isFirst ? value : Swift.max(highest[slot], value)
        let peak = Swift.max(highest[slot], references[integrand])
        if !isNegligible(value + 8, beside: peak) { isLow = false }
        slot += representativeCount
      }
    }
    return isLow
  }

  /// Whether e^value is nothing beside e^reference, whatever the rounding of the reference.
  private func isNegligible(_ value: Double, beside reference: Double) -> Bool {
    value < reference - settings.margin - 0x1p-48 * reference.magnitude
  }

  // MARK: - The panels

  /// A panel with log G at its ends.
  struct Panel {
    let from, to: DoubleDouble
    let above, below: Double
    let width: Double

    init(from: DoubleDouble, to: DoubleDouble, above: Double, below: Double) {
      (self.from, self.to, self.above, self.below) = (from, to, above, below)
      width = (to - from).value
    }

    @inline(__always)
    func x(ofNode node: Double) -> DoubleDouble {
      DoubleDouble(adding: from, DoubleDouble(width * (0.5 + 0.5 * node)))
    }
  }

  /// A rule that is known to resolve a panel without a look at it, or nil.
  ///
  /// Two errors of m nodes count. Of an exponential whose logarithm changes by c they leave c^(2m+1)·m!⁴/((2m+1)·(2m)!³),
  /// below 2e-17 for m = 4, c = 1/8 and for m = 8, c = 2. Of a singularity at the distance D from a panel of width 2h they
  /// leave ρ^(−2m), ρ about 2·(D + h)/h. log F is singular at the lower end of the support; for what other singularities the
  /// law may have, D is half a deviation at most.
  func ruleUnseen(for panel: Panel, owner: Int) -> GaussLegendre? {
    let distance = Swift.min(panel.from.value - law.lowerEnd, law.deviation / 2)
    let rise = panel.above - panel.below
    guard rise <= 2, panel.width <= distance / 2 else { return nil }
    let near = DoubleDouble(panel.width / 16)
    let (lower, upper) = (panel.from + near, panel.to - near)
    func change(of index: Int) -> Double {
      let change =
        (logReversedHazard(of: index, at: upper).value - logReversedHazard(of: index, at: lower).value)
        .magnitude
      return change < .infinity ? change : 0
    }
    let changeOfLast = change(of: last)
    var largest = Swift.max(changeOfLast, change(of: 0))
    if owner != 0 && owner != last { largest = Swift.max(largest, change(of: owner)) }
    if deepest != owner && deepest != 0 && deepest != last {
      largest = Swift.max(largest, change(of: deepest))
    }
    largest += rise + (hasPairs ? changeOfLast : 0)
    if largest <= 0.125 && panel.width <= distance / 16 { return rules[0] }
    return largest <= 2 ? rules[1] : nil
  }

  enum Verdict {
    case resolved, negligible, unresolved
  }

  /// Samples log G at the 16 nodes of a panel, and judges the integrands of a few classes by them.
  func verdict(on panel: Panel, owner: Int) -> Verdict {
    let nodes = Self.rule.nodes
    for m in nodes.indices {
      let x = panel.x(ofNode: nodes[m])
      let product = logG(at: x)
      products[m] = DoubleDouble(product.leading, product.lost)
      if hasPairs { lasts[m] = logReversedHazard(of: last, at: x) }
    }
    var verdict = Verdict.negligible
    for k in 0..<judgedCount {
      guard let index = judgedClass(k, owner: owner) else { continue }
      for m in nodes.indices {
        values[m] = sumOfLogarithms(
          products[m], logReversedHazard(of: index, at: panel.x(ofNode: nodes[m])))
      }
      for factor in 0..<(hasPairs ? 2 : 1) {
        let isPair = factor == 1
        if isPair { for m in nodes.indices { values[m] = sumOfLogarithms(values[m], lasts[m]) } }
        switch self.verdict(onIntegrandOf: index, isPair: isPair, over: panel) {
        case .unresolved: return .unresolved
        case .resolved: verdict = .resolved
        case .negligible: break
        }
      }
    }
    return verdict
  }

  /// log G at node m of the panel that was judged last.
  func sample(_ m: Int) -> CompensatedSum {
    var sample = CompensatedSum(products[m].high)
    sample.add(products[m].low)
    return sample
  }

  /// Judges one integrand, by its logarithm at the nodes.
  private func verdict(onIntegrandOf index: Int, isPair: Bool, over panel: Panel) -> Verdict {
    let rule = Self.rule
    var peak = values[0]
    var peakNode = 0
    for m in rule.nodes.indices where peak < values[m] { (peak, peakNode) = (values[m], m) }
    // Where logarithms are large, differences smaller than their rounding tell nothing.
    let product = products[peakNode].high
    let noise =
      0x1p-48 * product.magnitude + law.roundingOfLogReversedHazard * (peak.high - product).magnitude
    // At the ends of the panel r is taken from the outermost nodes: at an end itself it may jump.
    var highest = Swift.max(peak.high, values[0].value + (panel.above - products[0].high))
    if panel.below > -.infinity {
      highest = Swift.max(highest, values[15].value + (panel.below - products[15].high))
    }
    guard highest > -.infinity else { return .negligible }
    if highest > peak.high + Swift.max(1, noise) {
      // r may fall as G rises. Then that is too high, and r is taken from just inside the ends.
      func value(at x: DoubleDouble, logG: Double) -> Double {
        let pair = isPair ? logReversedHazard(of: self.last, at: x).value : 0
        return logG + logReversedHazard(of: index, at: x).value + pair
      }
      let inside = DoubleDouble(0x1p-20 * Swift.min(panel.width, law.deviation))
      highest = Swift.max(peak.high, value(at: panel.to - inside, logG: panel.above))
      highest = Swift.max(highest, value(at: panel.from + inside, logG: panel.below))
    }
    let integrand = isPair ? sums.count + index : index
    let reference = references[integrand]
    let logWidth = logarithm(panel.width)
    if isNegligible(highest + logWidth, beside: reference) { return .negligible }
    if highest > peak.high + Swift.max(1, noise) { return .unresolved }
    var (sum, last, nextToLast) = (0.0, 0.0, 0.0)
    for m in rule.nodes.indices {
      let value = exponential((values[m].high - peak.high) + (values[m].low - peak.low))
      sum += rule.weights[m] * value
      last += rule.lastCoefficients[m] * value
      nextToLast += rule.nextToLastCoefficients[m] * value
    }
    let whole = Swift.max(peak.high + logWidth + logarithm(sum / 2), reference)
    let allowed = exponential(Swift.min(whole - peak.high - logWidth, 700)) * settings.tolerance
    if last.magnitude + nextToLast.magnitude > allowed + noise { return .unresolved }
    references[integrand] = whole
    return .resolved
  }
}

/// How accurate panels are.
struct PanelSettings {
  /// Where log G is below this, no class has anything that the result can show.
  var floor: Double
  /// A panel that holds less than e^−margin of each integrand is left out.
  var margin: Double
  /// How small the last Legendre coefficients of an integrand must be: their squares are the error.
  var tolerance: Double
  /// Whether products of two reversed hazards are wanted, too.
  var pairs = false

  init(for precision: Precision, floor: Double = -.infinity, pairs: Bool = false) {
    (self.floor, self.pairs) = (floor, pairs)
    (margin, tolerance) = precision == .single ? (24, 0x1p-17) : (46, 0x1p-36)
  }
}

/// a + b, which may be −∞.
@inline(__always)
private func sumOfLogarithms(_ a: DoubleDouble, _ b: DoubleDouble) -> DoubleDouble {
  let sum = DoubleDouble(sumOf: a.high, and: b.high)
  return DoubleDouble(sum.high, sum.high.isFinite ? sum.low + (a.low + b.low) : 0)
}

/// The rules of panels. Those that are judged have the last one.
private let rules = [4, 8, 16].map { GaussLegendre(count: $0) }
