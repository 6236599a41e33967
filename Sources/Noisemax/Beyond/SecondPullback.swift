internal import NoiseKernels

/// The gradient of Σ v_i ∂p_i/∂w, ∂/∂w = Σ w_k ∂/∂μ_k, for the probabilities p of winning.
///
/// With a_i = G r_i, R_i = Σ_{k≠i} r_k and D_i = Σ_{k≠i} (w_i − w_k) r_k it is ∂p_i/∂w = ∫ a_i D_i dx, and its gradient
///
///     v_j a_j (D_j R_j + Σ_k (w_j − w_k) r_k′) − r_j Σ_{i≠j} v_i a_i D_i − r_j′ Σ_{i≠j} v_i (w_i − w_j) a_i,
///
/// integrated. For Σ v_i ∂log p_i/∂w take v_i/p_i for v_i, and D_i less its mean ∂log p_i/∂w for D_i: the covariance that
/// log p has besides.
///
/// Where a law begins with a jump, r² and r′ are infinite and r² + r′ is not: they meet in one sum. What r′ has at a jump of
/// the density comes from ``addJumps(of:to:)``.
///
/// Values: what an entry is summed from; the entry; and Σ v_i a_i D_i.
struct SecondPullback: PanelIntegrand {
  let classCount: Int
  let rarest: Double?
  /// v, w and the means of D, and after them their magnitudes.
  private let numbers: UnsafeMutablePointer<Double>
  private let stride: Int
  /// r, r′, and what stands for r′ in what an entry is summed from: q − r², q = r/deviation about as large as |r² + r′|.
  private let reversedHazards, slopes, bounds: UnsafeMutablePointer<Lanes>
  /// Numbers of every class, and their sums over the others.
  private let own, others: UnsafeMutablePointer<Lanes>

  static func memory(for count: Int) -> Int { 6 * padded(count) + Lanes.scalarCount * 11 * count }

  init(of classes: ScaledClasses, rarest: Double, memory: inout Pieces) {
    classCount = classes.noisy
    self.rarest = rarest
    let n = classes.noisy
    reversedHazards = memory.takeLanes(n)
    slopes = memory.takeLanes(n)
    bounds = memory.takeLanes(n)
    own = memory.takeLanes(4 * n)
    others = memory.takeLanes(4 * n)
    stride = padded(n)
    numbers = memory.take(6 * stride)
  }

  /// Says what v, w and the mean of D are for the class of a slot.
  func set(_ slot: Int, weight: Double, direction: Double, mean: Double) {
    for (index, number) in [weight, direction, mean].enumerated() {
      numbers[index * stride + slot] = number
      numbers[(index + 3) * stride + slot] = number.magnitude
    }
  }

  var count: Int { 2 * classCount + 1 }
  var judged: Int { classCount }
  /// As that of ``LogPullback``.
  var leastContent: Double {
    0x1p-1015 * (0..<classCount).reduce(0) { Swift.max($0, numbers[3 * stride + $1]) }
  }
  /// What an entry is summed from is cut at 0.
  var isSmooth: Bool { false }

  func evaluate(_ classes: ScaledClasses, to values: UnsafeMutablePointer<Lanes>) -> Double {
    let n = classCount
    classes.law.writeSlopes(of: classes, to: slopes)
    let product = classes.product(of: 0..<n)
    for j in 0..<n {
      let r = classes.reversedHazard(j)
      reversedHazards[j] = r
      slopes[j] = r * (slopes[j] / classes.scales[j] - r)
      bounds[j] = r * (1 / (classes.law.deviation * classes.scales[j]) - r)
    }
    _ = write(Terms(numbers + 3 * stride, stride, bounds, sign: 1), product, to: values)
    for j in 0..<n { values[j] = values[j].replacing(with: 0, where: values[j] .< 0) }
    values[2 * n] = write(Terms(numbers, stride, slopes, sign: -1), product, to: values + n)
    return product[Lanes.scalarCount - 1]
  }

  /// What is summed: as it is, or all terms as positive numbers.
  private struct Terms {
    let weights, directions, means: UnsafePointer<Double>
    let slopes: UnsafePointer<Lanes>
    /// The sign of every term that is taken off.
    let sign: Double

    init(_ numbers: UnsafePointer<Double>, _ stride: Int, _ slopes: UnsafePointer<Lanes>, sign: Double) {
      (weights, directions, means) = (numbers, numbers + stride, numbers + 2 * stride)
      (self.slopes, self.sign) = (slopes, sign)
    }
  }

  /// Writes the entries.
  ///
  /// - Returns: Σ v_i a_i D_i.
  private func write(_ terms: Terms, _ product: Lanes, to values: UnsafeMutablePointer<Lanes>) -> Lanes {
    let (n, sign) = (classCount, terms.sign)
    for j in 0..<n {
      let (direction, r, slope) = (terms.directions[j], reversedHazards[j], terms.slopes[j])
      let own = own + 4 * j
      (own[0], own[1], own[2], own[3]) = (r, direction * r, slope, direction * slope)
    }
    writeSumsOverOthers(own, n, width: 4, to: others)
    var flow = Lanes()
    for j in 0..<n {
      let (direction, others) = (terms.directions[j], others + 4 * j)
      let difference = direction * others[0] + sign * others[1]
      let centred = difference + sign * terms.means[j]
      let share = terms.weights[j] * product * reversedHazards[j]
      let curvature = direction * others[2] + sign * others[3]
      values[j] = share * (centred * others[0] + curvature)
      flow += share * difference
      let own = own + 3 * j
      (own[0], own[1], own[2]) = (share, direction * share, share * centred)
    }
    writeSumsOverOthers(own, n, width: 3, to: others)
    for j in 0..<n {
      let (direction, others) = (sign * terms.directions[j], others + 3 * j)
      let moved = reversedHazards[j] * others[2] + terms.slopes[j] * (others[1] + direction * others[0])
      values[j] += sign * moved
    }
    return flow
  }
}

extension SecondPullback {
  /// Adds what r′ has at the jumps of the density: where that of k jumps by h, v_i (w_i − w_k) h f_i ∏ F moves from k to
  /// every other i, the product over all but the two. Where the densities of both jump, f_i is the mean of both sides.
  func addJumps(of classes: ScaledClasses, to entries: UnsafeMutablePointer<Double>) {
    let jumps = classes.law.jumps
    // A point on either side of every jump, as many at once as there are lanes.
    let atOnce = Lanes.scalarCount / 2
    let points = classCount * jumps.count
    for first in Swift.stride(from: 0, to: points, by: atOnce) {
      let slots = (0..<atOnce).map { Swift.min(first + $0, points - 1) / jumps.count }
      var nodes = PanelNodes(Lanes(), below: DoubleDouble(0))
      var heights = Lanes()
      for (pair, slot) in slots.enumerated() {
        let jump = jumps[Swift.min(first + pair, points - 1) % jumps.count]
        let scale = classes.scales[slot]
        let centre = classes.point(jump.kink + classes.law.location, of: slot)
        for (lane, side) in [(2 * pair, 0x1p-42), (2 * pair + 1, -0x1p-42)] {
          let point = centre + DoubleDouble(side * scale)
          (nodes.high[lane], nodes.low[lane]) = (point.high, point.low)
          heights[lane] = first + pair < points ? 0.5 * jump.height / scale : 0
        }
      }
      classes.evaluate(at: nodes)
      addJumps(heights, ofSlots: slots, of: classes, to: entries)
    }
  }

  private func addJumps(
    _ heights: Lanes, ofSlots slots: [Int], of classes: ScaledClasses,
    to entries: UnsafeMutablePointer<Double>
  ) {
    let (weights, directions) = (numbers, numbers + stride)
    var own = Lanes()
    for (lane, slot) in slots.flatMap({ [$0, $0] }).enumerated() {
      own[lane] = directions[slot]
      classes.cumulative[slot][lane] = 1
      classes.density[slot][lane] = 0
    }
    var product = heights
    for j in 0..<classCount { product *= classes.cumulative[j] }
    var moved = Lanes()
    for j in 0..<classCount {
      let flow = product * classes.reversedHazard(j) * (weights[j] * (directions[j] - own))
      entries[j] += total(flow)
      moved += flow
    }
    for (lane, slot) in slots.flatMap({ [$0, $0] }).enumerated() { entries[slot] -= moved[lane] }
  }
}
