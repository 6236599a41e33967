internal import NoiseKernels

/// What is integrated over the line for the classes of a row.
protocol PanelIntegrand {
  /// How many values there are. The first `judged` of them are never negative: by these it is judged where points are added.
  var count: Int { get }
  var judged: Int { get }
  /// Panels are laid at least down to where P(fewer than k classes above) is nothing beside this; nil: beside the least
  /// integral.
  var rarest: Double? { get }
  /// Whether it is 0 where k classes without noise are above.
  var endsAtFloor: Bool { get }
  /// Whether it has no kinks where the law has none.
  var isSmooth: Bool { get }
  /// Whether it is made of z and of 1 − F. Without 1 − F nothing counts that F is rounded by.
  var usesNoise: Bool { get }
  var usesSurvival: Bool { get }
  /// Judged integrals below this have no digits that a finer panel would show.
  var leastContent: Double { get }
  /// Whether classes that are certain to be below all nodes may be left out. Then there is a value of every kind for each
  /// class with noise, kind by kind, and the first kind is judged.
  var canLeaveOut: Bool { get }
  /// Says which classes are evaluated next, by their slots, where not all are.
  func select(_ slots: UnsafeBufferPointer<Int>)
  /// Writes the values at the nodes, for which the classes are evaluated.
  ///
  /// - Returns: the probability that fewer than k classes are above the lowest node. Nothing further down holds more of
  ///   any P(i among the k largest).
  func evaluate(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double
}

extension PanelIntegrand {
  var endsAtFloor: Bool { true }
  var isSmooth: Bool { true }
  var usesNoise: Bool { true }
  var usesSurvival: Bool { true }
  var leastContent: Double { 0 }
  var canLeaveOut: Bool { false }
  func select(_ slots: UnsafeBufferPointer<Int>) {}
}

/// Integrals over the line by Gauss–Legendre panels of 16 nodes.
///
/// First panels are laid from the top down. One ends where a class meets a kink, and is no wider than three deviations of
/// any class whose noise is felt in it. So they are narrow where a narrow class competes, and only there. Where two kinks follow
/// one another closely the panels between have 8 nodes each, and are evaluated together. Then panels are halved, and
/// halved again, where of some judged integrand the last two Legendre coefficients are not small beside its integral and what
/// the panel holds of it: their squares are the error.
///
/// Work: a class is felt over some 18 of its deviations, and no panel lies below k classes that are certain to be above.
/// So a row takes some ten panels for every scale among its topmost classes, one for every kink, and those that halving adds.
struct ClassPanels {
  let classes: ScaledClasses
  private let limits: IntegrationLimits
  private let steps: PanelSteps
  private let values: UnsafeMutablePointer<Lanes>
  /// About what every judged integral comes to, as far as panels have been laid.
  private let expected: UnsafeMutablePointer<Double>
  /// What the panel furthest out held.
  private let outermost: UnsafeMutablePointer<Double>
  private let pending: PendingPanels
  private let kinks: UnsafeMutablePointer<Double>
  private let selection: ClassSelection
  /// ∫ of every value.
  let sums: UnsafeMutablePointer<Double>

  /// The memory for integrals of so many values over so many classes, in Doubles.
  static func memory(forValues count: Int, of classes: Int, under law: ClassLaw) -> Int {
    (3 + Lanes.scalarCount) * padded(count) + PendingPanels.memory(forValues: count)
      + KinkPoints.memory(for: classes, under: law)
  }

  init(
    of classes: ScaledClasses, along steps: PanelSteps, values count: Int, limits: IntegrationLimits,
    selection: ClassSelection, memory: inout Pieces
  ) {
    (self.classes, self.steps, self.limits, self.selection) = (classes, steps, limits, selection)
    values = memory.takeLanes(padded(count))
    expected = memory.take(padded(count))
    outermost = memory.take(padded(count))
    sums = memory.take(padded(count))
    pending = PendingPanels(forValues: count, memory: &memory)
    kinks = memory.take(KinkPoints.memory(for: classes.count, under: classes.law))
  }

  /// Replaces the sums by the integrals of an integrand.
  func integrate(_ integrand: some PanelIntegrand) {
    sums.update(repeating: 0, count: integrand.count)
    integrate(integrand, below: steps.top)
    if classes.law.upperEnd == .infinity { walkUp(integrand, from: steps.top) }
  }

  /// Adds the integrals below a point to the sums, which are those above it.
  func integrate(_ integrand: some PanelIntegrand, below top: DoubleDouble) {
    expected.update(from: sums, count: integrand.judged)
    walkDown(integrand, from: top)
  }

  // MARK: - The walks

  /// Bounds the work whatever the law.
  private var mostPanels: Int { 4096 + 4 * classes.count * (1 + classes.law.kinks.count) }

  private func walkDown(_ integrand: some PanelIntegrand, from top: DoubleDouble) {
    let floor = integrand.endsAtFloor ? classes.lowest : -.infinity
    var points = KinkPoints(of: classes, above: floor, in: kinks)
    var x = top
    var waiting = 0
    // How fast the logarithm of the probability rises that nothing is above.
    var (rate, bound) = (Double.infinity, 1.0)
    for index in 0..<mostPanels {
      x = steps.start(below: x)
      let step = steps.step(below: x, &points)
      let isCut = step.width >= step.distance
      let width = isCut ? step.distance : step.width
      guard width > 0, width.isFinite else { break }
      var panel = PendingPanels.Panel(upper: x, width: width)
      x = isCut ? step.end : x - DoubleDouble(width)
      let narrow = Swift.min(step.width / 4, 1 / rate)
      if isCut, width <= narrow {
        let second = steps.step(below: x, &points)
        if second.distance <= narrow {
          panel.lower = (x, second.distance)
          x = second.end
        }
      }
      let lowest = lay(integrand, panel, in: waiting)
      rate = (logarithm(bound) - logarithm(lowest)) / (width + (panel.lower?.width ?? 0))
      bound = lowest
      if index == 0 { outermost.update(from: pending.contents(of: 0), count: integrand.judged) }
      waiting += 1
      let isLast = isOver(integrand, bound: bound, below: x, contents: pending.contents(of: waiting - 1))
      if isLast || waiting == pending.capacity {
        let contents = settle(integrand, waiting)
        waiting = 0
        // What was expected of a panel that was halved may have been too much.
        if isLast, isOver(integrand, bound: bound, below: x, contents: contents) { break }
      }
    }
    _ = settle(integrand, waiting)
  }

  /// Whether nothing below counts.
  private func isOver(
    _ integrand: some PanelIntegrand, bound: Double, below x: DoubleDouble,
    contents: UnsafeMutablePointer<Double>
  ) -> Bool {
    if integrand.endsAtFloor, let floor = classes.floor, !(x - DoubleDouble(floor)).isAbove(0) { return true }
    return limits.isOver(integrand, bound: bound, expected: { expected[$0] }, contents: { contents[$0] })
  }

  /// Above all classes integrands fall, in panels that grow.
  private func walkUp(_ integrand: some PanelIntegrand, from top: DoubleDouble) {
    var (x, width) = (top, steps.width(below: top, enough: .infinity))
    // Below a class without noise at the top there is nothing: all begins here.
    var isFirst = (0..<integrand.judged).allSatisfy { sums[$0] == 0 }
    for _ in 0..<512 {
      let isOver = (0..<integrand.judged).allSatisfy { outermost[$0] <= limits.cut * sums[$0] }
      if isOver && !isFirst { return }
      isFirst = false
      width *= 2
      x = x + DoubleDouble(width)
      _ = lay(integrand, PendingPanels.Panel(upper: x, width: width), in: 0)
      outermost.update(from: settle(integrand, 1), count: integrand.judged)
    }
  }

  // MARK: - The panels

  /// Evaluates a panel, and keeps it in a slot until it is judged.
  private func lay(_ integrand: some PanelIntegrand, _ panel: PendingPanels.Panel, in slot: Int) -> Double {
    pending.place(panel, in: slot)
    let (contents, errors) = (pending.contents(of: slot), pending.errors(of: slot))
    let found = selection.evaluate(
      integrand, of: classes, at: panel.nodes, above: panel.end, to: values)
    // Nothing of classes that are left out.
    if found.slots != nil {
      contents.update(repeating: 0, count: integrand.count)
      errors.update(repeating: 0, count: integrand.judged)
    }
    withUnsafeBytes(of: panel.factors) { factors in
      guard let factors = factors.baseAddress else { return }
      for kind in 0..<found.kinds {
        kernels.panelContents(
          doubles(values + kind * found.count), found.count, at: found.slots,
          judged: kind == 0 ? Swift.min(found.count, integrand.judged) : 0,
          rule: factors.assumingMemoryBound(to: Double.self), isPair: panel.lower != nil,
          to: contents + kind * classes.noisy, errors: errors, expected: expected)
      }
    }
    return found.bound
  }

  /// Adds the panels that wait to the sums, halved as far as it takes.
  ///
  /// - Returns: what the last of them held.
  private func settle(_ integrand: some PanelIntegrand, _ waiting: Int) -> UnsafeMutablePointer<Double> {
    for slot in 0..<waiting where !isResolved(integrand, slot) { refine(integrand, slot) }
    for slot in 0..<waiting {
      let contents = pending.contents(of: slot)
      for value in 0..<integrand.count { sums[value] += contents[value] }
    }
    return pending.contents(of: Swift.max(waiting - 1, 0))
  }

  private func isResolved(_ integrand: some PanelIntegrand, _ slot: Int) -> Bool {
    let errors = pending.errors(of: slot)
    let tolerance = limits.tolerance * limits.tolerance
    let least = integrand.leastContent
    for value in 0..<integrand.judged {
      // What is no number is none in the parts of the panel either.
      if expected[value] <= least && errors[value] <= least { continue }
      let isTooLarge = errors[value] > tolerance * Swift.max(expected[value], limits.floor)
      if isTooLarge, errors[value] < .infinity { return false }
    }
    return true
  }

  /// Replaces what a panel holds by what its parts hold: two of 8 nodes as panels of 16, or one halved.
  private func refine(_ integrand: some PanelIntegrand, _ slot: Int) {
    let (panel, contents) = (pending.panel(in: slot), pending.contents(of: slot))
    for value in 0..<integrand.judged { expected[value] -= contents[value] }
    contents.update(repeating: 0, count: integrand.count)
    if let lower = panel.lower {
      add(integrand, below: panel.upper, panel.width, from: panel.width, to: contents)
      add(integrand, below: lower.upper, lower.width, from: lower.width, to: contents)
    } else {
      add(integrand, below: panel.upper, panel.width, from: panel.width / 2, to: contents)
    }
  }

  /// Some eighty lead to a point that no panel resolves. Where noise underflows no part is resolved.
  private static var mostEvaluations: Int { 1024 }

  /// Adds what panels hold, the first so wide, halved until they are resolved.
  private func add(
    _ integrand: some PanelIntegrand, below top: DoubleDouble, _ whole: Double, from first: Double,
    to contents: UnsafeMutablePointer<Double>
  ) {
    let spare = pending.capacity
    var (upper, rest, width) = (top, whole, first)
    let least = rest * 0x1p-40
    var evaluations = 0
    while rest > 0 {
      _ = lay(integrand, PendingPanels.Panel(upper: upper, width: width), in: spare)
      let part = pending.contents(of: spare)
      evaluations += 1
      guard isResolved(integrand, spare) || width <= least || evaluations > Self.mostEvaluations else {
        for value in 0..<integrand.judged { expected[value] -= part[value] }
        width /= 2
        continue
      }
      for value in 0..<integrand.count { contents[value] += part[value] }
      upper = upper - DoubleDouble(width)
      rest -= width
      width = Swift.min(2 * width, rest)
    }
  }
}

/// rest² ≤ tolerance²·content·whole: the error of a panel is about the square of its last Legendre coefficients, `rest`, over
/// what it holds, and must be nothing beside the whole. In a panel that holds next to nothing, `rest` itself must be.
func isAccurate(_ content: Double, rest: Double, of whole: Double, tolerance: Double) -> Bool {
  rest <= tolerance * tolerance * whole
    || rest <= tolerance * Swift.min(content, whole).squareRoot() * whole.squareRoot()
}
