/// The nodes of the integral ∫ G(x)·r(x − μ_i) dx for every class of a row, G = ∏ F(x − μ_j).
///
/// The line is cut where a class meets a kink, and every interval into panels on which each wanted integrand
/// G·r(· − μ_i) is resolved, from the top down. A panel is
/// - taken with few nodes, unseen, where log G and the law change too little to matter;
/// - left out where it holds nothing of any wanted integrand, each judged against what that integrand has elsewhere;
/// - else halved until, for every wanted integrand, the last two of 16 Legendre coefficients are small.
///
/// The wanted integrands are judged by representatives: the leader, the last class, a few between, the class whose
/// kink ends the interval above, and the deepest class whose support reaches up here: the further behind a class
/// is, the lower lies its integral, so that no class has more of its own here.
///
/// Derivatives also want G·r(· − μ_i)·r(· − μ_j), which may lie far below G·r(· − μ_i): under two Laplace leaders, for
/// two rare classes, all the way down to them. What a second factor shifts, that of the last class shifts most, so the
/// pairs are judged by those of every representative with the last.
struct PanelGrid<Noise: PiecewiseNoise> {
  let law: PanelLaw<Noise>
  let sums: PanelSums<Noise>
  let workplace: Workplace
  /// log F counts as 0 from here on: what is left out of log G is below 2⁻⁷⁰.
  let ceiling: Double
  let settings: Settings
  private(set) var nodeCount = 0
  /// The last class whose support reaches above the panels that are being laid.
  var deepest = 0

  /// What precision is worth.
  struct Settings {
    /// Where G < e^`floor`, no class has anything the result can show.
    var floor: Double
    /// A panel that holds e^`margin` less of an integrand than other panels do is left out.
    var margin: Double
    /// How small the last Legendre coefficients of an integrand must be: their squares are the error.
    var tolerance: Double
    /// Whether the products of two r are wanted as well.
    var pairs = false
  }

  /// Memory for one row of `count` distinct logits, apart from the nodes.
  struct Workplace {
    let stack, samples, references, representatives: UnsafeMutablePointer<Double>

    /// How many panels may wait for the one above them.
    static var depth: Int { 256 }
    static func memory(for count: Int) -> Int { 5 * (depth + 2) + 48 + 2 * count + 16 }

    init(in memory: UnsafeMutablePointer<Double>) {
      stack = memory
      samples = stack + 5 * (Self.depth + 2)
      representatives = samples + 48
      references = representatives + 16
    }
  }

  /// Bounds the work for one interval whatever the law: an interval of the whole range of Double, with the
  /// integral near one end, is halved 2100 times.
  private static var mostHalvings: Int { 4096 }

  /// An integrand is known by its class, or as a pair with the last class, by the number of classes and its class.
  private var representativeCount = 0
  private var pending = 0

  init(
    of sums: PanelSums<Noise>, under law: PanelLaw<Noise>, ceiling: Double, settings: Settings,
    in workplace: Workplace
  ) {
    self.sums = sums
    self.law = law
    self.ceiling = ceiling
    self.settings = settings
    self.workplace = workplace
    for index in 0..<2 * sums.count { workplace.references[index] = -.infinity }
    let last = sums.count - 1
    representativeCount = Swift.min(sums.count, 8)
    for k in 0..<representativeCount {
      workplace.representatives[k] = Double(last * k / Swift.max(representativeCount - 1, 1))
    }
    if hasPairs {
      for k in 0..<representativeCount {
        workplace.representatives[representativeCount + k] = Double(sums.count) + workplace.representatives[k]
      }
      representativeCount *= 2
    }
  }

  /// log G(x) in two parts.
  @inline(__always)
  func logProduct(at x: DoubleDouble) -> CompensatedSum { sums.logProduct(at: x, ceiling: ceiling) }

  private func logProduct(at x: Double) -> Double { logProduct(at: DoubleDouble(x)).value }

  /// A single place has ties only, or no other class that can win: their pair could be singular, and lies where the
  /// integrand of one does.
  private var hasPairs: Bool { settings.pairs && sums.count > 1 }

  private func logHazard(of integrand: Int, at x: DoubleDouble) -> Double {
    if integrand < sums.count { return logHazard(ofClass: integrand, at: x) }
    return logHazard(ofClass: integrand - sums.count, at: x) + logHazard(ofClass: sums.count - 1, at: x)
  }

  private func logHazard(ofClass index: Int, at x: DoubleDouble) -> Double {
    law.logReversedHazard(at: DoubleDouble(adding: x, sums.points[index].place))
  }

  // MARK: - The window

  /// Where the integrals begin: the lower end of the support above the leader, or as far down as any integrand
  /// counts.
  ///
  /// Also sets what the representatives hold around the median of the maximum, so that the first panels, far out in
  /// the upper tail, are judged against it.
  mutating func lowerEnd(below top: Double) -> Double {
    var step = law.deviation
    var bottom = Swift.max(law.lowerEnd, -step)
    while bottom > law.lowerEnd && logProduct(at: bottom) > -2 {
      step *= 2
      bottom = Swift.max(law.lowerEnd, -step)
    }
    let lower = place(ofLogProduct: -2 ... -0.7, from: bottom, to: top)
    let upper = place(ofLogProduct: -0.6 ... -0.1, from: lower, to: top)
    let width = logarithm(upper - lower)
    for k in 0..<representativeCount {
      let index = Int(workplace.representatives[k])
      let least = Swift.min(logIntegrand(of: index, at: lower), logIntegrand(of: index, at: upper))
      workplace.references[index] = least > -.infinity && width > -.infinity ? least + width : -.infinity
    }
    guard law.lowerEnd == -.infinity else {
      if logProduct(at: law.lowerEnd.nextUp) > settings.floor || settings.floor == -.infinity {
        return law.lowerEnd
      }
      // Bisection to a place a little below the floor.
      return place(ofLogProduct: settings.floor - 8...settings.floor, from: law.lowerEnd, to: lower)
    }
    // No lower end: the density is log-concave, so every integrand has one hump, and once it has fallen it stays low.
    step = law.deviation
    var x = Swift.min(lower, 0)
    while true {
      var isLow = true
      for k in 0..<representativeCount {
        let index = Int(workplace.representatives[k])
        let value = logIntegrand(of: index, at: x)
        // The peak may be lower than the median: what counts is the highest value met.
        workplace.samples[k] = x == Swift.min(lower, 0) ? value : Swift.max(workplace.samples[k], value)
        let peak = Swift.max(workplace.samples[k], workplace.references[index])
        if value > peak - settings.margin - 8 { isLow = false }
      }
      if isLow || logProduct(at: x) < settings.floor { return x }
      x -= step
      step *= 2
      if x < -.greatestFiniteMagnitude / 4 { return x }
    }
  }

  private func logIntegrand(of index: Int, at x: Double) -> Double {
    logProduct(at: x) + logHazard(of: index, at: DoubleDouble(x))
  }

  /// A place where log G is in a range, or the last one a bisection of that many steps gets to.
  private func place(ofLogProduct range: ClosedRange<Double>, from lower: Double, to upper: Double) -> Double
  {
    var (lower, upper) = (lower, upper)
    for _ in 0..<64 {
      let middle = lower / 2 + upper / 2
      let value = logProduct(at: middle)
      if range.contains(value) { return middle }
      if value < range.lowerBound { lower = middle } else { upper = middle }
    }
    return lower
  }

  // MARK: - The panels

  /// Lays panels from one break to another, the upper of which is a kink of the class `owner`, and returns log G at
  /// the lower.
  mutating func layPanels(
    from lower: DoubleDouble, to upper: DoubleDouble, logProductAbove: Double, owner: Int,
    scratch: inout Scratch
  ) -> Double {
    let logProductBelow = logProduct(at: lower).value
    push(lower, upper, logProductBelow)
    var halvings = 0
    var above = logProductAbove
    while pending > 0 {
      pending -= 1
      let panel = workplace.stack + 5 * pending
      let (from, to, below) = (DoubleDouble(panel[0], panel[1]), DoubleDouble(panel[2], panel[3]), panel[4])
      let width = (to - from).value
      guard width > 0, above >= settings.floor else {
        above = below
        continue
      }
      if let rule = ruleUnseen(from: from, to: to, width: width, rise: above - below, owner: owner) {
        append(rule, from: from, width: width, scratch: &scratch)
        above = below
        continue
      }
      switch judge(from: from, width: width, above: above, below: below, owner: owner) {
      case .resolved:
        appendSamples(from: from, width: width, scratch: &scratch)
        above = below
      case .negligible:
        above = below
      case .unresolved where pending > Workplace.depth || halvings > Self.mostHalvings:
        appendSamples(from: from, width: width, scratch: &scratch)
        above = below
      case .unresolved:
        halvings += 1
        let middle = from + DoubleDouble(width / 2)
        push(from, middle, below)
        push(middle, to, logProduct(at: middle).value)
      }
    }
    return logProductBelow
  }

  private mutating func push(_ from: DoubleDouble, _ to: DoubleDouble, _ below: Double) {
    let panel = workplace.stack + 5 * pending
    panel[0] = from.high
    panel[1] = from.low
    panel[2] = to.high
    panel[3] = to.low
    panel[4] = below
    pending += 1
  }

  /// The rule that is known to do without looking, or nil.
  ///
  /// With h half the width, D the distance from the lower end of the support, where log F is
  /// singular (at most half a deviation, for what other singularities the law may have) and c the change
  /// of the logarithm of the integrand, m nodes leave c^(2m+1)·m!⁴/((2m+1)·(2m)!³) for an exponential, below 2e-17
  /// for m = 4, c = 1/8 and for m = 8, c = 2, and ρ^(−2m), ρ about 2·(D + h)/h, for a singularity at distance D.
  private func ruleUnseen(
    from: DoubleDouble, to: DoubleDouble, width: Double, rise: Double, owner: Int
  ) -> GaussLegendre? {
    let distance = Swift.min(from.value - law.lowerEnd, law.deviation / 2)
    guard rise <= 2, width <= distance / 2 else { return nil }
    var change = rise
    let near = DoubleDouble(width / 16)
    for k in 0..<representativeCount + 2 where k == 0 || k >= representativeCount - 1 {
      if k > representativeCount && isJudged(deepest, owner: owner) { continue }
      // The last representative is the steepest pair, if there are pairs.
      let index =
        k < representativeCount
        ? Int(workplace.representatives[k])
        : k > representativeCount ? deepest : hasPairs ? sums.count + owner : owner
      let difference = logHazard(of: index, at: to - near) - logHazard(of: index, at: from + near)
      if difference.magnitude < .infinity { change = Swift.max(change, rise + difference.magnitude) }
    }
    if change <= 0.125 && width <= distance / 16 { return rules[0] }
    return change <= 2 ? rules[1] : nil
  }

  /// Whether a class is the owner or the last, which every panel is judged by anyway.
  @inline(__always)
  private func isJudged(_ index: Int, owner: Int) -> Bool { index == owner || index == sums.count - 1 }

  private enum Verdict {
    case resolved, negligible, unresolved
  }

  /// Samples log G at 16 nodes and looks at the integrands of the representatives.
  private mutating func judge(
    from: DoubleDouble, width: Double, above: Double, below: Double, owner: Int
  ) -> Verdict {
    let rule = rules[2]
    let samples = workplace.samples
    for m in rule.nodes.indices {
      let sample = logProduct(at: place(rule.nodes[m], from: from, width: width))
      samples[m] = sample.leading
      samples[16 + m] = sample.lost
    }
    let logs = samples + 32
    let logWidth = logarithm(width)
    var verdict = Verdict.negligible
    for k in 0..<representativeCount + (hasPairs ? 3 : 2) {
      if k == representativeCount + 1 && isJudged(deepest, owner: owner) { continue }
      let index =
        k < representativeCount
        ? Int(workplace.representatives[k])
        : k == representativeCount ? owner : k == representativeCount + 1 ? deepest : sums.count + owner
      var peak = -Double.infinity
      var peakNode = 0
      for m in rule.nodes.indices {
        let hazard = logHazard(of: index, at: place(rule.nodes[m], from: from, width: width))
        logs[m] = samples[m] + samples[16 + m] + hazard
        if logs[m] > peak {
          peak = logs[m]
          peakNode = m
        }
      }
      // Where logarithms are large, their rounding is all that is seen.
      let noise = 0x1p-48 * (samples[peakNode].magnitude + (logs[peakNode] - samples[peakNode]).magnitude)
      // At the ends r is taken from the outermost nodes: it may jump at the ends themselves.
      let rise = Swift.max(
        logs[0] + (above - samples[0]), below == -.infinity ? below : logs[15] + (below - samples[15]))
      let highest = Swift.max(peak, rise)
      guard highest > -.infinity else { continue }
      let reference = workplace.references[index]
      if highest + logWidth < reference - settings.margin { continue }
      if highest > peak + 1 && !(highest <= peak + noise) { return .unresolved }
      var (sum, last, nextToLast) = (0.0, 0.0, 0.0)
      for m in rule.nodes.indices {
        let value = exponential(logs[m] - peak)
        sum += rule.weights[m] * value
        last += rule.lastCoefficients[m] * value
        nextToLast += rule.nextToLastCoefficients[m] * value
      }
      let held = peak + logWidth + logarithm(sum / 2)
      let whole = Swift.max(held, reference)
      let allowed = exponential(Swift.min(whole - peak - logWidth, 700)) * settings.tolerance
      if last.magnitude + nextToLast.magnitude > allowed + noise { return .unresolved }
      verdict = .resolved
      workplace.references[index] = whole
    }
    return verdict
  }

  @inline(__always)
  private func place(_ node: Double, from: DoubleDouble, width: Double) -> DoubleDouble {
    DoubleDouble(adding: from, DoubleDouble(width * (0.5 + 0.5 * node)))
  }

  // MARK: - The nodes

  private mutating func append(
    _ rule: GaussLegendre, from: DoubleDouble, width: Double, scratch: inout Scratch
  ) {
    let nodes = Self.nodes(nodeCount + rule.nodes.count, keeping: nodeCount, in: &scratch)
    for m in rule.nodes.indices {
      let x = place(rule.nodes[m], from: from, width: width)
      write(rule.weights[m] * width / 2, at: x, logProduct: logProduct(at: x), to: nodes)
    }
  }

  private mutating func appendSamples(from: DoubleDouble, width: Double, scratch: inout Scratch) {
    let rule = rules[2]
    let nodes = Self.nodes(nodeCount + rule.nodes.count, keeping: nodeCount, in: &scratch)
    for m in rule.nodes.indices {
      var sample = CompensatedSum()
      sample.add(workplace.samples[m])
      let x = place(rule.nodes[m], from: from, width: width)
      sample.add(workplace.samples[16 + m])
      write(rule.weights[m] * width / 2, at: x, logProduct: sample, to: nodes)
    }
  }

  private mutating func write(
    _ weight: Double, at x: DoubleDouble, logProduct: CompensatedSum,
    to nodes: UnsafeMutablePointer<PanelPoint>
  ) {
    let step = PanelPoint.exponentStep
    let exponent = (logProduct.leading / step).rounded(.up) * step
    guard exponent > -.infinity else { return }
    let value = exponential(logProduct.leading - exponent)
    nodes[nodeCount] = PanelPoint(
      place: x, weight: weight * (value + value * logProduct.lost), exponent: Swift.min(exponent, 0))
    nodeCount += 1
  }

  /// The list of nodes, with room for so many.
  static func nodes(
    _ count: Int, keeping kept: Int, in scratch: inout Scratch
  ) -> UnsafeMutablePointer<PanelPoint> {
    points(in: scratch.growList(to: 4 * count, keeping: 4 * kept).baseAddress)
  }

  /// Memory for Doubles as memory for points, which are four Doubles each.
  @inline(__always)
  static func points(in memory: UnsafeMutablePointer<Double>?) -> UnsafeMutablePointer<PanelPoint> {
    guard let memory else { fatalError("no memory reserved") }
    return UnsafeMutableRawPointer(memory).assumingMemoryBound(to: PanelPoint.self)
  }
}

private let rules = [4, 8, 16].map { GaussLegendre(count: $0) }
