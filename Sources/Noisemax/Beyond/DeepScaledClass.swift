/// One class whose probability of winning is too small for a Double, in logarithms.
///
/// log p_i = log ∫ e^L dx, L = log f_i + Σ_{j≠i} log F_j. Under laws with a log-concave density L has one peak. It is found by
/// cutting the line in the golden ratio; from there panels go to both sides until e^L is nothing. Cost: some 300
/// evaluations of every class.
struct DeepScaledClass {
  private let classes: ScaledClasses
  private let slot: Int
  /// What x is counted from.
  private let anchor: Double
  /// Where e^L is not 0.
  private let lower, upper: Double

  init(_ slot: Int, of classes: ScaledClasses) {
    (self.classes, self.slot) = (classes, slot)
    let law = classes.law
    anchor = (0..<classes.count).reduce(-.infinity) { Swift.max($0, classes.locations[$1]) }
    var lower = -Double.infinity
    for j in 0..<classes.count {
      let end = classes.scales[j] > 0 ? classes.scales[j] * (law.lowerEnd + law.location) : 0
      lower = Swift.max(lower, (classes.locations[j] - anchor) + end)
    }
    self.lower = lower
    let scale = classes.scales[slot]
    upper = (classes.locations[slot] - anchor) + (scale > 0 ? scale * (law.upperEnd + law.location) : 0)
  }

  /// (x − μ_j)/s_j in units of the standard law.
  private func z(_ j: Int, _ x: Double) -> Double {
    ((anchor - classes.locations[j]) + x) / classes.scales[j] - classes.law.location
  }

  /// Σ log F_j over the others, or all of them but one.
  private func logProduct(_ x: Double, without absent: Int? = nil) -> Double {
    var sum = CompensatedSum()
    for j in 0..<classes.noisy where j != slot && j != absent {
      sum.add(classes.law.logCumulative(at: z(j, x)))
    }
    return sum.value
  }

  private func logIntegrand(_ x: Double, without absent: Int? = nil) -> Double {
    classes.law.logDensity(at: z(slot, x)) - logarithm(classes.scales[slot])
      + logProduct(x, without: absent)
  }

  /// Passes on every node, with its share of p up to a common factor: the weight of the node times e^L over the largest e^L.
  ///
  /// - Returns: log p.
  func logProbability(_ body: (_ x: Double, _ share: Double) -> Void = { _, _ in }) -> Double {
    if slot >= classes.noisy { return logProduct(classes.locations[slot] - anchor) }
    guard let peak else { return -.infinity }
    let height = logIntegrand(peak)
    guard height > -.infinity else { return -.infinity }
    var sum = 0.0
    for direction in [1.0, -1] {
      walk(from: peak, direction, height: height) { x, share in
        sum += share
        body(x, share)
      }
    }
    return height + logarithm(sum)
  }

  // MARK: - The peak

  private var peak: Double? {
    guard lower < upper else { return nil }
    var (low, high) = (lower, upper)
    let start = Swift.min(Swift.max(0, low), high)
    var step = (0..<classes.noisy).reduce(0) { Swift.max($0, classes.scales[$1]) }
    // Out to where L falls on both sides.
    if low == -.infinity {
      low = start - step
      while logIntegrand(low) > logIntegrand(low + step / 2), step < 0x1p1000 {
        step *= 2
        low = start - step
      }
    }
    step =
      high - low < .infinity ? step : (0..<classes.noisy).reduce(0) { Swift.max($0, classes.scales[$1]) }
    if high == .infinity {
      high = start + step
      while logIntegrand(high) > logIntegrand(high - step / 2) || logIntegrand(high) == -.infinity,
        step < 0x1p1000
      {
        step *= 2
        high = start + step
      }
    }
    let ratio = 0.6180339887498949
    var (left, right) = (high - ratio * (high - low), low + ratio * (high - low))
    var (atLeft, atRight) = (logIntegrand(left), logIntegrand(right))
    for _ in 0..<90 where left < right {
      if atLeft >= atRight && atLeft > -.infinity {
        (high, right, atRight) = (right, left, atLeft)
        left = high - ratio * (high - low)
        atLeft = logIntegrand(left)
      } else {
        (low, left, atLeft) = (left, right, atRight)
        right = low + ratio * (high - low)
        atRight = logIntegrand(right)
      }
    }
    return atLeft >= atRight ? left : right
  }

  // MARK: - The panels

  private func walk(
    from start: Double, _ direction: Double, height: Double, _ body: (_ x: Double, _ share: Double) -> Void
  ) {
    let end = direction > 0 ? upper : lower
    let smallest = (0..<classes.noisy).reduce(Double.infinity) { Swift.min($0, classes.scales[$1]) }
    var (x, width) = (start, smallest * classes.law.deviation)
    var expected = 0.0
    for _ in 0..<2000 {
      width = Swift.min(width, distance(from: x, direction, to: end))
      guard width > 0 else { return }
      let nodes = width * PanelRule.shared.distances
      var values = Lanes()
      for m in 0..<Lanes.scalarCount {
        values[m] = exponential(logIntegrand(x + direction * nodes[m]) - height)
      }
      let content = total(values * PanelRule.shared.weights) * width / 2
      let rest =
        total(values * PanelRule.shared.last).magnitude
        + total(values * PanelRule.shared.nextToLast).magnitude
      if rest * width / 2 > 0x1p-25 * Swift.max(content, expected), width > 0x1p-50 * x.magnitude {
        width /= 2
        continue
      }
      for m in 0..<Lanes.scalarCount {
        body(x + direction * nodes[m], values[m] * PanelRule.shared.weights[m] * width / 2)
      }
      expected += content
      x += direction * width
      if content <= 0x1p-56 * expected || x == end { return }
      width *= 2
    }
  }

  /// How far it is to the next kink of a class, or to the end.
  private func distance(from x: Double, _ direction: Double, to end: Double) -> Double {
    var distance = (end - x).magnitude
    let law = classes.law
    for j in 0..<classes.noisy {
      for kink in law.kinks {
        let point = (classes.locations[j] - anchor) + classes.scales[j] * (kink + law.location)
        let ahead = direction * (point - x)
        if ahead > 0x1p-48 * x.magnitude, ahead < distance { distance = ahead }
      }
    }
    return distance
  }
}

extension DeepScaledClass {
  /// Adds the gradient of `weight`·log p_i in the logits and the scales, in the order of the classes.
  func addGradient(
    times weight: Double, toLogits logits: UnsafeMutablePointer<Double>,
    scales: UnsafeMutablePointer<Double>
  ) {
    let law = classes.law
    var nodes: [(x: Double, share: Double)] = []
    let logProbability = logProbability { nodes.append(($0, $1)) }
    guard logProbability > -.infinity else { return }
    func add(_ j: Int, _ flow: Double, _ noise: Double, _ own: Double) {
      // What moves from the class to j as the logit of j rises.
      logits[j] -= flow
      scales[j] -= flow * noise
      logits[slot] += flow
      scales[slot] += flow * own
    }
    if slot >= classes.noisy {
      let x = classes.locations[slot] - anchor
      for j in 0..<classes.noisy {
        let z = z(j, x)
        add(
          j, weight * law.reversedHazard(at: z) / classes.scales[j], z + law.location, law.mean + law.location
        )
      }
      return
    }
    let total = nodes.reduce(0) { $0 + $1.share }
    for (x, share) in nodes {
      let own = z(slot, x) + law.location
      for j in 0..<classes.noisy where j != slot {
        let z = z(j, x)
        let r = law.reversedHazard(at: z) / classes.scales[j]
        add(j, weight * share / total * r, z + law.location, own)
      }
    }
    if classes.count > classes.noisy {
      let x = classes.locations[classes.noisy] - anchor
      let flow = weight * exponential(logIntegrand(x) - logProbability)
      add(classes.noisy, flow, law.mean + law.location, z(slot, x) + law.location)
    }
  }
}

extension DeepScaledClass {
  /// Adds the gradient of `weight`·∂log p_i/∂w, in the order of the classes, where every class has noise.
  ///
  /// With D = Σ (w_i − w_k) r_k and means under e^L, ∂log p_i/∂w = E[D], and from every other class j to i moves
  /// E[r_j (D − E[D])] + (w_i − w_j) E[r_j′].
  ///
  /// - Returns: ∂log p_i/∂w.
  func addSecondGradient(
    times weight: Double, along direction: (_ slot: Int) -> Double, to entries: UnsafeMutablePointer<Double>
  ) -> Double {
    let law = classes.law
    var nodes: [(x: Double, share: Double)] = []
    let logProbability = logProbability { nodes.append(($0, $1)) }
    guard logProbability > -.infinity else { return 0 }
    let others = (0..<classes.noisy).filter { $0 != slot }
    let steps = (0..<classes.noisy).map { direction(slot) - direction($0) }
    // Node by node, of all others.
    let reversedHazards = nodes.map { node in
      others.map { law.reversedHazard(at: z($0, node.x)) / classes.scales[$0] }
    }
    let differences = reversedHazards.map { zip(others, $0).reduce(0) { $0 + steps[$1.0] * $1.1 } }
    let total = nodes.reduce(0) { $0 + $1.share }
    let mean = zip(nodes, differences).reduce(0) { $0 + $1.0.share * $1.1 } / total
    func move(_ flow: Double, from j: Int) {
      entries[j] -= flow
      entries[slot] += flow
    }
    for (index, node) in nodes.enumerated() {
      let difference = differences[index]
      for (j, r) in zip(others, reversedHazards[index]) {
        let slope = r * (law.logDensityDerivative(at: z(j, node.x)) / classes.scales[j] - r)
        move(weight * node.share / total * (r * (difference - mean) + steps[j] * slope), from: j)
      }
    }
    for j in others {
      for jump in law.jumps {
        let scale = classes.scales[j]
        let centre = (classes.locations[j] - anchor) + scale * (jump.kink + law.location)
        for point in [centre + 0x1p-36 * scale, centre - 0x1p-36 * scale] {
          let share = exponential(logIntegrand(point, without: j) - logProbability)
          move(weight * steps[j] * 0.5 * jump.height / scale * share, from: j)
        }
      }
    }
    return mean
  }
}
