/// The classes of a row, with scales of their own, whose probability of winning is too small for a Double, in logarithms.
///
/// log p_i = log ∫ e^L dx, L = M + log r_i, where M = Σ log F_j is common to all classes (``LogProduct``) and r_i = f_i/F_i.
/// Under laws with a log-concave density L has one peak. It is found by cutting the line in the golden ratio. From there
/// Gauss panels go to both sides, on cells of M, until e^L is nothing.
///
/// Cost: some 100 values of M, which are those of a polynomial, and 20 panels with r_i at sixteen nodes. M itself takes some
/// 16 evaluations of every class for each cell; classes with peaks near each other have cells in common. Equal classes are
/// integrated once.
final class DeepScaledClasses {
  let classes: ScaledClasses
  let logProduct: LogProduct
  /// What was found of classes, by logit and scale.
  private var known: [Known: Integral] = [:]

  private struct Known: Hashable {
    let location, scale: Double
  }

  /// log p, and for every panel what it has of p.
  struct Integral {
    var logProbability = -Double.infinity
    var shares: [(cell: Int, share: Lanes)] = []
  }

  init(of classes: ScaledClasses) {
    self.classes = classes
    logProduct = LogProduct(of: classes)
  }

  /// log p of a class.
  func logProbability(of slot: Int) -> Double {
    // Without noise it wins where all others are below.
    slot < classes.noisy
      ? integral(of: slot).logProbability : logProduct.evaluate(at: DoubleDouble(classes.locations[slot]))
  }

  /// log p of a class with noise, and what the panels have of p.
  func integral(of slot: Int) -> Integral {
    let key = Known(location: classes.locations[slot], scale: classes.scales[slot])
    if let integral = known[key] { return integral }
    let integral = integrate(slot)
    known[key] = integral
    return integral
  }

  // MARK: - The integrand

  /// L at a point where M is known.
  func logIntegrand(of slot: Int, at x: DoubleDouble, _ logM: Double) -> Double {
    logM > -.infinity ? logM + logReversedHazard(of: slot, at: x) : logM
  }

  private func logReversedHazard(of slot: Int, at x: DoubleDouble) -> Double {
    classes.law.logReversedHazard(at: z(of: slot, at: x)) - logarithm(classes.scales[slot])
  }

  /// (x − μ)/s in units of the standard law.
  func z(of slot: Int, at x: DoubleDouble) -> Double {
    ((x.high - classes.locations[slot]) + x.low) / classes.scales[slot] - classes.law.location
  }

  /// L at the nodes of a cell, less a height.
  private func logIntegrand(of slot: Int, over cell: Int, height: Double) -> Lanes {
    let logM = logProduct.values(of: cell)
    let own = classes.law.logReversedHazards(of: slot, classes, at: logProduct.nodes(of: cell))
    let sum = (logM + own) - (logarithm(classes.scales[slot]) + height)
    return sum.replacing(with: -.infinity, where: logM .== -.infinity)
  }

  // MARK: - The peak

  /// L at a point that was tried.
  private struct Probe {
    let x: DoubleDouble
    var value = -Double.infinity
    /// Where L is −∞: whether the point lies below all that counts, or above it.
    var isBelow = false
    var isAbove = false
  }

  private func probe(_ slot: Int, _ x: DoubleDouble) -> Probe {
    let own = logReversedHazard(of: slot, at: x)
    guard own > -.infinity else { return Probe(x: x, isAbove: true) }
    let logM = logProduct.value(at: x)
    return logM > -.infinity ? Probe(x: x, value: logM + own) : Probe(x: x, isBelow: true)
  }

  /// Between which points the peak lies: at the mode of f or higher, for M rises; and no higher than where f falls and all
  /// others lie below.
  private func bracket(of slot: Int) -> (low: DoubleDouble, high: DoubleDouble) {
    let law = classes.law
    var (low, high) = (classes.point(law.farBelow, of: slot), logProduct.top)
    if low < logProduct.lower { low = logProduct.lower }
    if law.upperEnd < .infinity {
      let end = classes.point(law.upperEnd + law.location, of: slot)
      if end < high { high = end }
    }
    return (low, high)
  }

  /// A point near the peak, how wide that is, and L there: no more than 2 below the peak, if L is concave.
  private func peak(of slot: Int) -> (x: DoubleDouble, width: Double, height: Double)? {
    var (low, high) = bracket(of: slot)
    guard low < high else { return nil }
    // To twice the precision: an error of the points grows beside the shrinking line between them.
    let golden = DoubleDouble(0.6180339887498949, -5.43211520368251e-17)
    let ratio = golden.high
    var span = high - low
    var left = probe(slot, high - golden * span)
    var right = probe(slot, low + golden * span)
    var (atLow, atHigh) = (-Double.infinity, -Double.infinity)
    // A few hundred reach the narrowest peak between the widest numbers.
    for _ in 0..<3000 where left.x < right.x {
      // Where the class has a density at last, some other one is certain to be above.
      if left.isBelow, right.isAbove, logProduct.value(at: right.x) == -.infinity { return nil }
      let goesLeft = right.isAbove || (!left.isBelow && !right.isBelow && left.value >= right.value)
      let (best, other) = goesLeft ? (left, right) : (right, left)
      if best.value > -.infinity {
        // L lies below the chords that lead to a point from either side.
        let between = Swift.min(
          left.value + ratio * (left.value - atLow), right.value + ratio * (right.value - atHigh))
        let beyond = best.value + (1 + ratio) * (best.value - other.value)
        if Swift.max(between, beyond) <= best.value + 2 + 0x1p-46 * best.value.magnitude { break }
      }
      if goesLeft {
        (high, atHigh, right) = (right.x, right.value, left)
        span = high - low
        left = probe(slot, high - golden * span)
      } else {
        (low, atLow, left) = (left.x, left.value, right)
        span = high - low
        right = probe(slot, low + golden * span)
      }
    }
    let best = left.value >= right.value ? left : right
    return best.value > -.infinity ? (best.x, span.value, best.value) : nil
  }

  // MARK: - The panels

  private func integrate(_ slot: Int) -> Integral {
    guard let (x, width, height) = peak(of: slot) else { return Integral() }
    let cell = logProduct.cell(around: x, noWiderThan: width)
    // A peak may be narrower than points of its size are told apart.
    let isSharp = logProduct.width(of: cell) > width
    let logWidth = isSharp ? logarithm(width) : 0
    var integral = Integral(logProbability: Swift.min(0, height + logWidth))
    // L is the logarithm of the peak plus that of a width: the larger the first, the fewer digits of the second show.
    guard height.magnitude < 1e14 && !isSharp else {
      // Where steps no longer tell points apart, the peak may be at the edge of a class of next to no noise.
      for edge in logProduct.edges(around: x) {
        let logL = logIntegrand(of: slot, at: edge, logProduct.evaluate(at: edge))
        integral.logProbability = Swift.max(integral.logProbability, Swift.min(0, logL + logWidth))
      }
      var share = Lanes()
      share[0] = 1
      integral.shares.append((cell, share))
      return integral
    }
    let tolerance = Swift.max(0x1p-25, 0x1p-48 * height.magnitude)
    var sum = 0.0
    let start = walk(slot, from: cell, height, tolerance, around: x, to: &integral, &sum)
    for above in [true, false] {
      walk(slot, beside: start, above: above, height, tolerance, to: &integral, &sum)
    }
    integral.logProbability = height + logarithm(sum)
    for index in integral.shares.indices { integral.shares[index].share /= Lanes(repeating: sum) }
    return integral
  }

  /// What a panel on a cell has of p, if it is resolved beside what there is.
  private func panel(
    _ slot: Int, on cell: Int, _ height: Double, _ tolerance: Double, of sum: Double
  ) -> (share: Lanes, content: Double, values: Lanes)? {
    guard logProduct.isSmooth(cell) else { return nil }
    let logs = logIntegrand(of: slot, over: cell, height: height)
    var values = Lanes()
    for lane in logs.indices { values[lane] = exponential(logs[lane]) }
    let half = logProduct.width(of: cell) / 2
    let share = values * PanelRule.shared.weights * half
    let content = total(share)
    let rest =
      total(values * PanelRule.shared.last).magnitude + total(values * PanelRule.shared.nextToLast).magnitude
    let isResolved = rest * half <= tolerance * Swift.max(content, sum) || logProduct.isPoint(cell)
    return isResolved ? (share, content, values) : nil
  }

  /// The first panel.
  ///
  /// - Returns: its cell.
  private func walk(
    _ slot: Int, from cell: Int, _ height: Double, _ tolerance: Double, around x: DoubleDouble,
    to integral: inout Integral, _ sum: inout Double
  ) -> Int {
    var cell = cell
    while true {
      if let (share, content, _) = panel(slot, on: cell, height, tolerance, of: 0) {
        integral.shares.append((cell, share))
        sum += content
        return cell
      }
      cell = logProduct.half(of: cell, around: x)
    }
  }

  /// All further panels to one side.
  private func walk(
    _ slot: Int, beside start: Int, above: Bool, _ height: Double, _ tolerance: Double,
    to integral: inout Integral, _ sum: inout Double
  ) {
    var width = 2 * logProduct.width(of: start)
    var distance = width
    var next = logProduct.cell(next: start, above: above, noWiderThan: width)
    for _ in 0..<4000 {
      guard let cell = next else { return }
      guard let (share, content, values) = panel(slot, on: cell, height, tolerance, of: sum) else {
        next = logProduct.half(of: cell, upper: !above)
        continue
      }
      if content > 0 { integral.shares.append((cell, share)) }
      sum += content
      // Where L is concave, beyond the cell there is less than e^L at its end times the way to there. The cell itself may be
      // narrow.
      distance += logProduct.width(of: cell)
      let end = above ? values[0] : values[Lanes.scalarCount - 1]
      if Swift.max(content, end * distance) <= 0x1p-56 * sum { return }
      width = 2 * logProduct.width(of: cell)
      next = logProduct.cell(next: cell, above: above, noWiderThan: width)
    }
  }
}
