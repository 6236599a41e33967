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
}

/// Integrals over the line by Gauss–Legendre panels of 16 nodes.
///
/// First panels are laid from the top down. One ends where a class meets a kink, and is no wider than three deviations of
/// any class whose noise is felt in it. So they are narrow where a narrow class competes, and only there. Then those are
/// halved, and halved again, where of some judged integrand the last two of 16 Legendre coefficients are not small
/// beside its integral and what the panel holds of it: their squares are the error.
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
  /// ∫ of every value.
  let sums: UnsafeMutablePointer<Double>

  /// The memory for integrals of so many values, in Doubles.
  static func memory(forValues count: Int) -> Int {
    (3 + Lanes.scalarCount) * padded(count) + PendingPanels.memory(forValues: count)
  }

  init(
    of classes: ScaledClasses, along steps: PanelSteps, values count: Int, limits: IntegrationLimits,
    memory: inout Pieces
  ) {
    (self.classes, self.steps, self.limits) = (classes, steps, limits)
    values = memory.takeLanes(padded(count))
    expected = memory.take(padded(count))
    outermost = memory.take(padded(count))
    sums = memory.take(padded(count))
    pending = PendingPanels(forValues: count, memory: &memory)
  }

  /// Replaces the sums by the integrals of an integrand.
  func integrate(_ integrand: some PanelIntegrand) {
    sums.update(repeating: 0, count: integrand.count)
    expected.update(repeating: 0, count: integrand.judged)
    walkDown(integrand, from: steps.top)
    if classes.law.upperEnd == .infinity { walkUp(integrand, from: steps.top) }
  }

  // MARK: - The walks

  /// Bounds the work whatever the law.
  private var mostPanels: Int { 4096 + 4 * classes.count * (1 + classes.law.kinks.count) }

  private func walkDown(_ integrand: some PanelIntegrand, from top: DoubleDouble) {
    var x = top
    var waiting = 0
    for index in 0..<mostPanels {
      let step = steps.step(below: x)
      let isCut = step.width >= step.distance
      let width = isCut ? step.distance : step.width
      guard width > 0, width.isFinite else { break }
      let bound = lay(integrand, below: x, width: width, in: waiting)
      if index == 0 { outermost.update(from: pending.contents(of: 0), count: integrand.judged) }
      waiting += 1
      x = isCut ? step.end : x - DoubleDouble(width)
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
    var (x, width) = (top, steps.step(below: top).width)
    for _ in 0..<512 {
      if (0..<integrand.judged).allSatisfy({ outermost[$0] <= limits.cut * sums[$0] }) { return }
      width *= 2
      x = x + DoubleDouble(width)
      _ = lay(integrand, below: x, width: width, in: 0)
      outermost.update(from: settle(integrand, 1), count: integrand.judged)
    }
  }

  // MARK: - The panels

  /// Evaluates a panel, and keeps it in a slot until it is judged.
  private func lay(
    _ integrand: some PanelIntegrand, below upper: DoubleDouble, width: Double, in slot: Int
  ) -> Double {
    pending.place(upper, width, in: slot)
    classes.evaluate(
      at: PanelNodes(width * PanelRule.shared.distances, below: upper), withNoise: integrand.usesNoise,
      withSurvival: integrand.usesSurvival)
    let bound = integrand.evaluate(classes, to: values)
    let (contents, rests) = (pending.contents(of: slot), pending.rests(of: slot))
    for value in 0..<integrand.count {
      contents[value] = total(values[value] * PanelRule.shared.weights) * (width / 2)
    }
    for value in 0..<integrand.judged {
      let last = total(values[value] * PanelRule.shared.last).magnitude
      rests[value] = (last + total(values[value] * PanelRule.shared.nextToLast).magnitude) * (width / 2)
      expected[value] += contents[value]
    }
    return bound
  }

  /// Adds the panels that wait to the sums, halved as far as it takes.
  ///
  /// - Returns: what the last of them held.
  private func settle(_ integrand: some PanelIntegrand, _ waiting: Int) -> UnsafeMutablePointer<Double> {
    for slot in 0..<waiting where !isResolved(integrand, slot) { halve(integrand, slot) }
    for slot in 0..<waiting {
      let contents = pending.contents(of: slot)
      for value in 0..<integrand.count { sums[value] += contents[value] }
    }
    return pending.contents(of: Swift.max(waiting - 1, 0))
  }

  private func isResolved(_ integrand: some PanelIntegrand, _ slot: Int) -> Bool {
    let (contents, rests) = (pending.contents(of: slot), pending.rests(of: slot))
    let least = integrand.leastContent
    for value in 0..<integrand.judged {
      let whole = Swift.max(expected[value], limits.floor)
      // What is no number is none in the parts of the panel either.
      if !contents[value].isFinite || !rests[value].isFinite { continue }
      if expected[value] <= least && rests[value] <= least { continue }
      if !isAccurate(contents[value], rest: rests[value], of: whole, tolerance: limits.tolerance) {
        return false
      }
    }
    return true
  }

  /// Some eighty lead to a point that no panel resolves. Where noise underflows no part is resolved.
  private static var mostEvaluations: Int { 1024 }

  /// Halves a panel until its parts are resolved, and replaces what it holds by what they hold.
  private func halve(_ integrand: some PanelIntegrand, _ slot: Int) {
    let spare = pending.capacity
    let contents = pending.contents(of: slot)
    var (upper, rest) = (pending.upper(of: slot), pending.width(of: slot))
    var width = rest / 2
    let least = rest * 0x1p-40
    var evaluations = 0
    for value in 0..<integrand.judged { expected[value] -= contents[value] }
    contents.update(repeating: 0, count: integrand.count)
    while rest > 0 {
      _ = lay(integrand, below: upper, width: width, in: spare)
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

/// Panels that wait to be judged until it is known about what the integrals come to.
private struct PendingPanels {
  /// How many; there is room for one more.
  let capacity: Int
  private let count: Int
  private let memory: UnsafeMutablePointer<Double>

  private static func capacity(forValues count: Int) -> Int {
    Swift.min(32, Swift.max(4, 1 << 20 / (count + 1)))
  }

  static func memory(forValues count: Int) -> Int { (capacity(forValues: count) + 1) * (3 + 2 * count) }

  init(forValues count: Int, memory: inout Pieces) {
    capacity = Self.capacity(forValues: count)
    self.count = count
    self.memory = memory.take(Self.memory(forValues: count))
  }

  private func start(of slot: Int) -> UnsafeMutablePointer<Double> { memory + slot * (3 + 2 * count) }

  func place(_ upper: DoubleDouble, _ width: Double, in slot: Int) {
    let start = start(of: slot)
    (start[0], start[1], start[2]) = (upper.high, upper.low, width)
  }

  func upper(of slot: Int) -> DoubleDouble { DoubleDouble(start(of: slot)[0], start(of: slot)[1]) }
  func width(of slot: Int) -> Double { start(of: slot)[2] }
  /// What the panel holds of every value, and the last coefficients of the judged ones.
  func contents(of slot: Int) -> UnsafeMutablePointer<Double> { start(of: slot) + 3 }
  func rests(of slot: Int) -> UnsafeMutablePointer<Double> { start(of: slot) + 3 + count }
}
