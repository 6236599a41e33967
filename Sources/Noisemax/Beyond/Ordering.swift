/// log P(X_1 > X_2 > … > X_m > all others) of one row, and its gradient.
///
/// T_1 = S_1, T_a(x) = ∫_x^∞ f_a T_{a−1} dy is the probability that the first a are in order and above x, and
///
///     P = ∫ f_m T_{m−1} ∏_others F dx.
///
/// The integrals run along panels of 16 nodes, from the top down, by a matrix that integrates a panel's polynomial to
/// each of its nodes. Every T has an exponent of its own, so that long orderings do not underflow.
///
/// With B_m = ∏_others F, B_a(x) = ∫_{−∞}^x f_{a+1} B_{a+1} dy from below, the derivatives come without those of f: what P gains
/// as μ_a rises is ∫ T_{a−1} f_a f_{a+1} B_{a+1} dx, where X_a and X_{a+1} meet, and μ_{a+1} loses as much. So no entry is more
/// than a difference of two positive integrals.
struct Ordering {
  /// The classes of the ordering first.
  let classes: ScaledClasses
  /// m.
  let length: Int
  private let precision: Precision
  /// A panel, and T_1 … T_{m−1} at its nodes: mantissas, and their exponents behind them.
  private var panels: [Panel] = []
  private var tails: [Lanes] = []
  private var exponents: [Int] = []
  private(set) var logProbability = -Double.infinity

  private struct Panel {
    let upper: DoubleDouble
    let width: Double
  }

  init(_ length: Int, of classes: ScaledClasses, precision: Precision) {
    (self.classes, self.length, self.precision) = (classes, length, precision)
    // What the integrals come to decides where the panels must be fine: first about, then for good.
    let about = walk(expecting: nil)
    let total = walk(expecting: about)
    guard let last = total.last, last.mantissa > 0 else { return }
    logProbability = logarithm(last.mantissa) + Double(last.exponent) * Self.ln2
  }

  private static var ln2: Double { 0x1.62e42fefa39efp-1 }

  /// A number that may be too small for a Double.
  private struct Scaled {
    var mantissa = 0.0
    var exponent = 0

    /// The number times 2^−`other`.
    func relative(to other: Int) -> Double {
      let difference = exponent - other
      return difference < -2000 ? 0 : mantissa.scaled(byPowerOfTwo: Swift.min(difference, 2000))
    }

    /// Adds a number. The mantissa stays far from the ends of what a Double can hold.
    mutating func add(_ value: Double, exponent other: Int) {
      guard value > 0, value.isFinite else { return }
      let term = Scaled(mantissa: value.significand, exponent: other + Int(value.exponent))
      if mantissa == 0 || term.exponent > exponent + 200 {
        mantissa = term.mantissa + (mantissa == 0 ? 0 : relative(to: term.exponent))
        exponent = term.exponent
      } else {
        mantissa += term.relative(to: exponent)
      }
    }
  }

  // MARK: - Downwards

  /// Lays the panels and fills in every T.
  ///
  /// - Returns: T_1 … T_{m−1} at the lowest point, and P.
  private mutating func walk(expecting expected: [Scaled]?) -> [Scaled] {
    panels = []
    tails = []
    exponents = []
    var reached = [Scaled](repeating: Scaled(), count: length)
    let (cut, tolerance) = precision == .double ? (0x1p-57, 0x1p-27) : (0x1p-28, 0x1p-13)
    let steps = PanelSteps(of: classes, beyond: cut)
    let memory = UnsafeMutablePointer<Double>.allocate(
      capacity: KinkPoints.memory(for: classes.count, under: classes.law))
    defer { memory.deallocate() }
    var kinks = KinkPoints(of: classes, in: memory)
    var (x, width) = (steps.top, Double.infinity)
    for _ in 0..<20_000 {
      let step = steps.step(below: x, &kinks)
      let whole = Swift.min(step.width, step.distance, width)
      let isCut = whole == step.distance
      guard whole > 0, whole.isFinite else { break }
      classes.evaluate(at: PanelNodes(whole * PanelRule.shared.distances, below: x))
      let start = tails.count
      let (next, isResolved) = pass(from: reached, width: whole, expecting: expected, tolerance: tolerance)
      if expected != nil, !isResolved, whole > 0x1p-40 * step.width {
        tails.removeSubrange(start...)
        exponents.removeSubrange(start...)
        width = whole / 2
        continue
      }
      panels.append(Panel(upper: x, width: whole))
      x = isCut ? step.end : x - DoubleDouble(whole)
      width = isCut || expected == nil ? .infinity : 2 * whole
      let added = next[length - 1].mantissa - reached[length - 1].relative(to: next[length - 1].exponent)
      reached = next
      if isOver(reached, added: added, expecting: expected, cut: cut) { break }
    }
    return reached
  }

  /// Whether nothing below counts: the last of the ordering and the others must lie below.
  private func isOver(_ reached: [Scaled], added: Double, expecting expected: [Scaled]?, cut: Double) -> Bool
  {
    let lowest = Lanes.scalarCount - 1
    var rest = classes.cumulative[length - 1][lowest]
    for j in length..<classes.count { rest *= classes.cumulative[j][lowest] }
    if rest < 0x1p-1000 { return true }
    let total = reached[length - 1]
    guard total.mantissa > 0 else { return false }
    guard length > 1 else { return rest <= cut * total.mantissa.scaled(byPowerOfTwo: total.exponent) }
    // T_{m−1} further down, as far as it is known.
    var above = reached[length - 2]
    if let expected, expected[length - 2].relative(to: above.exponent) > above.mantissa {
      above = expected[length - 2]
    }
    let left = above.relative(to: total.exponent) * rest
    return left <= cut * total.mantissa && (expected != nil || added <= 0x1p-20 * total.mantissa)
  }

  /// Every T at the nodes of one panel, for which the classes are evaluated.
  private mutating func pass(
    from reached: [Scaled], width: Double, expecting expected: [Scaled]?, tolerance: Double
  ) -> (reached: [Scaled], isResolved: Bool) {
    var next = reached
    var (lanes, exponent) = (classes.survival[0], 0)
    var isResolved = true
    next[0] = length > 1 ? Scaled(mantissa: 1, exponent: 0) : next[0]
    if length > 1 { keep(lanes, exponent) }
    for a in 1..<Swift.max(length, 2) {
      let isLast = a >= length - 1
      let place = Swift.min(a, length - 1)
      var integrand = classes.density[place]
      if length > 1 { integrand *= lanes }
      if isLast { for j in length..<classes.count { integrand *= classes.cumulative[j] } }
      let content = total(integrand * PanelRule.shared.weights) * (width / 2)
      let rest =
        (total(integrand * PanelRule.shared.last).magnitude
          + total(integrand * PanelRule.shared.nextToLast).magnitude) * (width / 2)
      if let expected {
        // Where T is far smaller than it becomes, what follows is nothing beside the rest.
        let slack = 0x1p-60.scaled(byPowerOfTwo: -2 * a)
        let known = Swift.max(
          reached[place].relative(to: exponent), expected[place].relative(to: exponent) * (isLast ? 1 : slack)
        )
        let whole = Swift.max(content, known)
        if !isAccurate(content, rest: rest, of: whole, tolerance: tolerance) { isResolved = false }
      }
      next[place].add(content, exponent: exponent)
      if isLast { break }
      let upper = reached[place].relative(to: next[place].exponent)
      let integral = PanelRule.shared.integral(downTo: integrand)
      lanes = upper + scaled(integral * (width / 2), byPowerOfTwo: exponent - next[place].exponent)
      exponent = next[place].exponent
      keep(lanes, exponent)
    }
    return (next, isResolved)
  }

  private mutating func keep(_ lanes: Lanes, _ exponent: Int) {
    tails.append(lanes)
    exponents.append(exponent)
  }

  // MARK: - Upwards

  /// Adds the gradient of `weight`·log P in the logits and in the scales, in the order of the classes.
  func addGradient(
    times weight: Double, toLogits logits: UnsafeMutablePointer<Double>,
    scales: UnsafeMutablePointer<Double>
  ) {
    guard logProbability > -.infinity else { return }
    let location = classes.law.location
    var reached = [Scaled](repeating: Scaled(), count: length)
    for (index, panel) in panels.enumerated().reversed() {
      classes.evaluate(at: PanelNodes(panel.width * PanelRule.shared.distances, below: panel.upper))
      let half = panel.width / 2
      let product = classes.product(of: length..<classes.count)
      // T_{a−1} of the panel, 1 before the first.
      func tail(before a: Int) -> (lanes: Lanes, exponent: Int) {
        let slot = index * (length - 1) + a - 1
        return a == 0 ? (Lanes(repeating: 1), 0) : (tails[slot], exponents[slot])
      }
      func move(_ flow: Lanes, _ exponent: Int, to one: Int, from other: Int) {
        let largest = flow.max()
        guard largest > 0, largest.isFinite else { return }
        // Over P it is a number, though the powers of two by themselves need not be.
        let power = Int(largest.exponent)
        let factor = exponential(Double(exponent + power) * Self.ln2 - logProbability)
        let flow = scaled(flow, byPowerOfTwo: -power) * (PanelRule.shared.weights * (half * weight * factor))
        logits[one] += total(flow)
        logits[other] -= total(flow)
        scales[one] += total(flow * (classes.z[one] + location))
        scales[other] -= total(flow * (classes.z[other] + location))
      }
      let last = tail(before: length - 1)
      let top = classes.density[length - 1] * last.lanes * product
      for j in length..<classes.count {
        move(top * classes.reversedHazard(j), last.exponent, to: length - 1, from: j)
      }
      var (lanes, exponent) = (product, 0)
      for a in (0..<length - 1).reversed() {
        // B_{a+1} is `lanes`.
        let before = tail(before: a)
        let integrand = classes.density[a + 1] * lanes
        move(before.lanes * classes.density[a] * integrand, before.exponent + exponent, to: a, from: a + 1)
        let content = total(integrand * PanelRule.shared.weights) * half
        let below = reached[a]
        reached[a].add(content, exponent: exponent)
        let integral = PanelRule.shared.integral(upTo: integrand)
        lanes =
          below.relative(to: reached[a].exponent)
          + scaled(integral * half, byPowerOfTwo: exponent - reached[a].exponent)
        exponent = reached[a].exponent
      }
    }
  }
}

/// Numbers times a power of two that may be beyond the exponents of a Double: 0 far below.
private func scaled(_ lanes: Lanes, byPowerOfTwo exponent: Int) -> Lanes {
  let exponent = Swift.min(Swift.max(exponent, -2000), 2000)
  let half = exponent / 2
  return lanes * Double(sign: .plus, exponent: half, significand: 1)
    * Double(sign: .plus, exponent: exponent - half, significand: 1)
}

extension Double {
  /// The number times a power of two that may be beyond the exponents of a Double.
  fileprivate func scaled(byPowerOfTwo exponent: Int) -> Double {
    let half = exponent / 2
    return self * Double(sign: .plus, exponent: half, significand: 1)
      * Double(sign: .plus, exponent: exponent - half, significand: 1)
  }
}
