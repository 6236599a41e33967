/// The nodes of the integral ∫ G(x)·r(x − μ_i) dx for every class of a row, G = ∏ F(x − μ_j).
///
/// The line is cut at the points μ_j + kink. Every interval is cut into panels, from above down, on which each wanted integrand
/// G(x)·r(x − μ_i) is resolved. A panel is
/// - taken with few nodes, unseen, where log G and the law change too little to matter;
/// - left out where it holds nothing of any wanted integrand, each judged against what that integrand has elsewhere;
/// - else halved until, for every wanted integrand, the last two of 16 Legendre coefficients are small.
///
/// Between classes that are far apart the integrands are flat or exponential, except near the ends. So a wide interval is
/// first cut near its ends, and its panels are also judged against what the integrands hold there. An integrand that rises
/// all the way down then needs no panels on the way.
struct PanelGrid {
  private(set) var judge: PanelJudge
  private(set) var nodeCount = 0
  private let stack: UnsafeMutablePointer<Double>
  private var pending = 0

  /// How many panels may wait for the one above them.
  private static var depth: Int { 256 }

  /// How many Doubles of memory a row of so many distinct logits needs, apart from the nodes.
  static func memory(for count: Int) -> Int { 5 * (depth + 2) + PanelJudge.memory(for: count) }

  /// Bounds the work for one interval whatever the law.
  private static var mostHalvings: Int { 4096 }

  init(
    of sums: PanelSums, under law: PanelLaw, ceiling: Double, settings: PanelSettings,
    in memory: UnsafeMutablePointer<Double>
  ) {
    stack = memory
    judge = PanelJudge(
      of: sums, under: law, ceiling: ceiling, settings: settings, in: memory + 5 * (Self.depth + 2))
  }

  var law: PanelLaw { judge.law }
  var sums: PanelSums { judge.sums }

  /// The last class whose support reaches up to the panels that are being laid.
  var deepest: Int {
    get { judge.deepest }
    set { judge.deepest = newValue }
  }

  /// log G(x) in two parts.
  @inline(__always)
  func logG(at x: DoubleDouble) -> CompensatedSum { judge.logG(at: x) }

  private func logG(at x: Double) -> Double { logG(at: DoubleDouble(x)).value }

  // MARK: - The window

  /// Where the integrals begin: at the lower end of the leader's support, or as far down as any integrand counts.
  ///
  /// It also finds what the representatives hold around the median of the maximum: the first panels, far out in the upper
  /// tail, are judged against that.
  func lowerEnd(below top: Double) -> Double {
    let floor = judge.settings.floor
    var step = law.deviation
    var bottom = Swift.max(law.lowerEnd, -step)
    while bottom > law.lowerEnd && logG(at: bottom) > -2 {
      step *= 2
      bottom = Swift.max(law.lowerEnd, -step)
    }
    let lower = point(whereLogG: -2 ... -0.7, from: bottom, to: top)
    let upper = point(whereLogG: -0.6 ... -0.1, from: lower, to: top)
    judge.expect(from: lower, to: upper)
    guard law.lowerEnd == -.infinity else {
      if logG(at: law.lowerEnd.nextUp) > floor || floor == -.infinity { return law.lowerEnd }
      // A point a little below the floor.
      return point(whereLogG: floor - 8...floor, from: law.lowerEnd, to: lower)
    }
    // No lower end: the density is log-concave, so every integrand has one hump, and once it has fallen it stays low.
    step = law.deviation
    var x = Swift.min(lower, 0)
    var isFirst = true
    while true {
      let value = logG(at: x)
      if judge.isLow(at: DoubleDouble(x), logG: value, isFirst: isFirst) || value < floor { return x }
      isFirst = false
      x -= step
      step *= 2
      if x < -.greatestFiniteMagnitude / 4 { return x }
    }
  }

  /// A point where log G is in a range, or where 64 bisections end.
  private func point(whereLogG range: ClosedRange<Double>, from lower: Double, to upper: Double) -> Double {
    var (lower, upper) = (lower, upper)
    for _ in 0..<64 {
      let middle = lower / 2 + upper / 2
      let value = logG(at: middle)
      if range.contains(value) { return middle }
      if value < range.lowerBound { lower = middle } else { upper = middle }
    }
    return lower
  }

  // MARK: - The panels

  /// Lays panels from one break to another, the upper of which is a kink of the class `owner`, and returns log G at
  /// the lower.
  mutating func layPanels(
    from lower: DoubleDouble, to upper: DoubleDouble, logGAbove: Double, owner: Int,
    scratch: inout Scratch
  ) -> Double {
    let logGBelow = logG(at: lower).value
    pushInterval(from: lower, to: upper, above: logGAbove, below: logGBelow, owner: owner)
    var halvings = 0
    var above = logGAbove
    while pending > 0 {
      let panel = pop(above: above)
      above = panel.below
      guard panel.width > 0, panel.above >= judge.settings.floor else { continue }
      if let rule = judge.ruleUnseen(for: panel, owner: owner) {
        append(rule, on: panel, scratch: &scratch)
        continue
      }
      switch judge.verdict(on: panel, owner: owner) {
      case .resolved:
        appendSamples(on: panel, scratch: &scratch)
      case .negligible:
        break
      case .unresolved where pending > Self.depth || halvings > Self.mostHalvings:
        appendSamples(on: panel, scratch: &scratch)
      case .unresolved:
        halvings += 1
        let middle = panel.from + DoubleDouble(panel.width / 2)
        let value = logG(at: middle).value
        if isWide(panel.width) { judge.look(at: middle, logG: value, owner: owner) }
        push(panel.from, middle, panel.below)
        push(middle, panel.to, value)
        above = panel.above
      }
    }
    return logGBelow
  }

  /// Wide enough that a look at its ends may save panels.
  private func isWide(_ width: Double) -> Bool { width > 32 * law.deviation }

  private mutating func pushInterval(
    from lower: DoubleDouble, to upper: DoubleDouble, above: Double, below: Double, owner: Int
  ) {
    let width = (upper - lower).value
    guard isWide(width) else { return push(lower, upper, below) }
    judge.look(at: upper, logG: above, owner: owner)
    judge.look(at: lower, logG: below, owner: owner)
    // An integrand that falls by a factor of e per deviation is negligible from here on, over all of the width.
    let reach = law.deviation * (judge.settings.margin + 16 + logarithm(width / law.deviation))
    guard width > 4 * reach else { return push(lower, upper, below) }
    let (first, second) = (lower + DoubleDouble(reach), upper - DoubleDouble(reach))
    push(lower, first, below)
    push(first, second, logG(at: first).value)
    push(second, upper, logG(at: second).value)
  }

  private mutating func push(_ from: DoubleDouble, _ to: DoubleDouble, _ below: Double) {
    let panel = stack + 5 * pending
    panel[0] = from.high
    panel[1] = from.low
    panel[2] = to.high
    panel[3] = to.low
    panel[4] = below
    pending += 1
  }

  private mutating func pop(above: Double) -> PanelJudge.Panel {
    pending -= 1
    let panel = stack + 5 * pending
    return PanelJudge.Panel(
      from: DoubleDouble(panel[0], panel[1]), to: DoubleDouble(panel[2], panel[3]), above: above,
      below: panel[4])
  }

  // MARK: - The nodes

  private mutating func append(
    _ rule: GaussLegendre, on panel: PanelJudge.Panel, scratch: inout Scratch
  ) {
    let nodes = Self.nodes(nodeCount + rule.nodes.count, keeping: nodeCount, in: &scratch)
    for m in rule.nodes.indices {
      let x = panel.x(ofNode: rule.nodes[m])
      write(rule.weights[m] * panel.width / 2, at: x, logG: logG(at: x), to: nodes)
    }
  }

  /// Appends the nodes that a panel was judged at.
  private mutating func appendSamples(on panel: PanelJudge.Panel, scratch: inout Scratch) {
    let rule = PanelJudge.rule
    let nodes = Self.nodes(nodeCount + rule.nodes.count, keeping: nodeCount, in: &scratch)
    for m in rule.nodes.indices {
      let x = panel.x(ofNode: rule.nodes[m])
      write(rule.weights[m] * panel.width / 2, at: x, logG: judge.sample(m), to: nodes)
    }
  }

  private mutating func write(
    _ weight: Double, at x: DoubleDouble, logG: CompensatedSum,
    to nodes: UnsafeMutablePointer<PanelPoint>
  ) {
    let step = PanelPoint.exponentStep
    let exponent = (logG.leading / step).rounded(.up) * step
    guard exponent > -.infinity else { return }
    let value = exponential(logG.leading - exponent)
    // Beyond 2⁵³ the terms themselves are rounded by more than 1.
    let lost = logG.lost.magnitude < 1 ? logG.lost : 0
    nodes[nodeCount] = PanelPoint(
      x: x, weight: weight * (value + value * lost), exponent: Swift.min(exponent, 0))
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
