/// Whether the panels of a row resolve every wanted integrand G·r(· − μ_i).
///
/// The wanted integrands are judged by representatives: the leader, the last class, a few between, the class whose
/// kink ends the interval above, and the deepest class whose support reaches up here: the further behind a class
/// is, the lower lies its integral, so that no class has more of its own here.
///
/// Derivatives also want G·r(· − μ_i)·r(· − μ_j), which may lie far below G·r(· − μ_i): under two Laplace leaders, for
/// two rare classes, all the way down to them. What a second factor shifts, that of the last class shifts most, so the
/// pairs are judged by those of every representative with the last.
struct PanelJudge {
  let law: PanelLaw
  let sums: PanelSums
  /// log F counts as 0 from here on: what is left out of log G is below 2⁻⁷⁰.
  let ceiling: Double
  let settings: PanelSettings
  /// The last class whose support reaches above the panels that are being judged.
  var deepest = 0

  private let representativeCount: Int
  private let representatives: UnsafeMutablePointer<Double>
  /// What every integrand is known to hold: first those of the classes, then those of the pairs.
  private let references: UnsafeMutablePointer<Double>
  /// At the nodes of a panel: log G, log r of the last class, and the logarithm of the integrand that is looked at.
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
  func logProduct(at x: DoubleDouble) -> CompensatedSum { sums.logProduct(at: x, ceiling: ceiling) }

  /// log r of a class.
  @inline(__always)
  private func logHazard(of index: Int, at x: DoubleDouble) -> DoubleDouble {
    law.logReversedHazard(at: DoubleDouble(adding: x, sums.points[index].place))
  }

  private var last: Int { sums.count - 1 }

  /// A single place has ties only, or no other class that can win: their pair could be singular, and lies where the
  /// integrand of one does.
  private var hasPairs: Bool { settings.pairs && sums.count > 1 }

  /// The classes that panels below a kink of the class `owner` are judged by, nil for a repetition.
  @inline(__always)
  private func judgedClass(_ k: Int, owner: Int) -> Int? {
    if k < representativeCount { return Int(representatives[k]) }
    let index = k == representativeCount ? owner : deepest
    let isKnown = representativeCount == sums.count || index == 0 || index == last
    return isKnown || (k > representativeCount && index == owner) ? nil : index
  }

  private var judgedCount: Int { representativeCount + 2 }

  /// Passes on the logarithms of the integrands of a class at a place, by their places among the references.
  @inline(__always)
  private func forEachIntegrand(
    of index: Int, at x: DoubleDouble, logProduct: Double, _ body: (_ integrand: Int, _ value: Double) -> Void
  ) {
    let value = logProduct + logHazard(of: index, at: x).value
    body(index, value)
    if hasPairs { body(sums.count + index, value + logHazard(of: last, at: x).value) }
  }

  // MARK: - What the integrands hold

  /// Lets the representatives hold what they have at least between two places around the median of the maximum.
  func expect(from lower: Double, to upper: Double) {
    let width = logarithm(upper - lower)
    let (x, y) = (DoubleDouble(lower), DoubleDouble(upper))
    let (logProductBelow, logProductAbove) = (logProduct(at: x).value, logProduct(at: y).value)
    for k in 0..<representativeCount {
      let index = Int(representatives[k])
      forEachIntegrand(of: index, at: x, logProduct: logProductBelow) { references[$0] = $1 }
      forEachIntegrand(of: index, at: y, logProduct: logProductAbove) { integrand, value in
        let least = Swift.min(references[integrand], value)
        references[integrand] = least > -.infinity && width > -.infinity ? least + width : -.infinity
      }
    }
  }

  /// Lets the integrands hold at least what they have around a place, as far as they change little.
  func look(at x: DoubleDouble, logProduct: Double, owner: Int) {
    // The logarithm of an integrand changes as fast as log G, by Σ r, and as log r.
    let extent = 0 - logarithm(sums.reversedHazards(at: x).sum.value + 1 / law.deviation)
    for k in 0..<judgedCount {
      guard let index = judgedClass(k, owner: owner) else { continue }
      forEachIntegrand(of: index, at: x, logProduct: logProduct) { integrand, value in
        let held = value + extent
        if held > references[integrand] && held < .infinity { references[integrand] = held }
      }
    }
  }

  /// Whether the representatives have become negligible on the way down to a place, the first one of which
  /// `isFirst`.
  func isLow(at x: DoubleDouble, logProduct: Double, isFirst: Bool) -> Bool {
    // The highest values met: the peak may be lower than the median.
    let highest = UnsafeMutableRawPointer(values).assumingMemoryBound(to: Double.self)
    var isLow = true
    for k in 0..<representativeCount {
      var place = k
      forEachIntegrand(of: Int(representatives[k]), at: x, logProduct: logProduct) { integrand, value in
        highest[place] = isFirst ? value : Swift.max(highest[place], value)
        let peak = Swift.max(highest[place], references[integrand])
        if !isNegligible(value + 8, beside: peak) { isLow = false }
        place += representativeCount
      }
    }
    return isLow
  }

  /// Whether what has a logarithm is nothing beside what has another, whatever its rounding.
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
    func place(ofNode node: Double) -> DoubleDouble {
      DoubleDouble(adding: from, DoubleDouble(width * (0.5 + 0.5 * node)))
    }
  }

  /// The rule that is known to do without looking, or nil.
  ///
  /// With h half the width, D the distance from the lower end of the support, where log F is
  /// singular (at most half a deviation, for what other singularities the law may have) and c the change
  /// of the logarithm of the integrand, m nodes leave c^(2m+1)·m!⁴/((2m+1)·(2m)!³) for an exponential, below 2e-17
  /// for m = 4, c = 1/8 and for m = 8, c = 2, and ρ^(−2m), ρ about 2·(D + h)/h, for a singularity at distance D.
  func ruleUnseen(for panel: Panel, owner: Int) -> GaussLegendre? {
    let distance = Swift.min(panel.from.value - law.lowerEnd, law.deviation / 2)
    let rise = panel.above - panel.below
    guard rise <= 2, panel.width <= distance / 2 else { return nil }
    let near = DoubleDouble(panel.width / 16)
    let (lower, upper) = (panel.from + near, panel.to - near)
    func change(of index: Int) -> Double {
      let change = (logHazard(of: index, at: upper).value - logHazard(of: index, at: lower).value).magnitude
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

  /// Samples log G at 16 nodes and looks at the integrands of the representatives.
  func verdict(on panel: Panel, owner: Int) -> Verdict {
    let nodes = Self.rule.nodes
    for m in nodes.indices {
      let x = panel.place(ofNode: nodes[m])
      let product = logProduct(at: x)
      products[m] = DoubleDouble(product.leading, product.lost)
      if hasPairs { lasts[m] = logHazard(of: last, at: x) }
    }
    var verdict = Verdict.negligible
    for k in 0..<judgedCount {
      guard let index = judgedClass(k, owner: owner) else { continue }
      for m in nodes.indices {
        values[m] = sumOfLogarithms(products[m], logHazard(of: index, at: panel.place(ofNode: nodes[m])))
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

  /// log G at the nodes of the panel that was judged last.
  func sample(_ m: Int) -> CompensatedSum {
    var sample = CompensatedSum(products[m].high)
    sample.add(products[m].low)
    return sample
  }

  /// Looks at one integrand, by its logarithm at the nodes.
  private func verdict(onIntegrandOf index: Int, isPair: Bool, over panel: Panel) -> Verdict {
    let rule = Self.rule
    var peak = values[0]
    var peakNode = 0
    for m in rule.nodes.indices where peak < values[m] { (peak, peakNode) = (values[m], m) }
    // Where logarithms are large, their rounding is all that is seen.
    let product = products[peakNode].high
    let noise =
      0x1p-48 * product.magnitude + law.roundingOfLogHazard * (peak.high - product).magnitude
    // At the ends r is taken from the outermost nodes: it may jump at the ends themselves.
    var highest = Swift.max(peak.high, values[0].value + (panel.above - products[0].high))
    if panel.below > -.infinity {
      highest = Swift.max(highest, values[15].value + (panel.below - products[15].high))
    }
    guard highest > -.infinity else { return .negligible }
    if highest > peak.high + Swift.max(1, noise) {
      // Unless r falls as G rises: then from just inside the ends.
      func value(at x: DoubleDouble, logProduct: Double) -> Double {
        let pair = isPair ? logHazard(of: self.last, at: x).value : 0
        return logProduct + logHazard(of: index, at: x).value + pair
      }
      let inside = DoubleDouble(0x1p-20 * Swift.min(panel.width, law.deviation))
      highest = Swift.max(peak.high, value(at: panel.to - inside, logProduct: panel.above))
      highest = Swift.max(highest, value(at: panel.from + inside, logProduct: panel.below))
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

/// What precision is worth.
struct PanelSettings {
  /// Where G < e^`floor`, no class has anything the result can show.
  var floor: Double
  /// A panel that holds e^`margin` less of an integrand than other panels do is left out.
  var margin: Double
  /// How small the last Legendre coefficients of an integrand must be: their squares are the error.
  var tolerance: Double
  /// Whether the products of two r are wanted as well.
  var pairs = false
}

/// a + b, which may be −∞.
@inline(__always)
private func sumOfLogarithms(_ a: DoubleDouble, _ b: DoubleDouble) -> DoubleDouble {
  let sum = DoubleDouble(sumOf: a.high, and: b.high)
  return DoubleDouble(sum.high, sum.high.isFinite ? sum.low + (a.low + b.low) : 0)
}

/// The rules of the panels, the last of which is the one that is looked at.
private let rules = [4, 8, 16].map { GaussLegendre(count: $0) }
