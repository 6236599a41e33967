internal import NoiseKernels

/// The nodes of a row under a law with an exponential tail, from the top down: Gauss–Legendre panels of eight nodes or
/// sixteen.
///
/// Above all kinks they lie in t from 0 to 1, where the integrands are polynomials of a degree below the number of open
/// classes. Below a kink they lie in x: see `TailNodes+Kinks.swift`. ``KinkRules`` says how wide a panel is, with R = Σ r/t
/// where G is largest.
///
/// Every wanted integrand is G·t times a ψ between 1 and 2 (1 and 1/(1 − t) above all kinks), so that panels end where G·t
/// has nothing left for any class, however rare.
struct TailNodes {
  let classes: TailClasses
  let precision: Precision
  /// Whether pairs of classes are wanted, G·t²: what two rare classes move each other by lies further down.
  let withPairs: Bool
  /// Blocks, as the loops take them.
  private(set) var start: UnsafeMutablePointer<Double>
  private(set) var blocks = 0
  /// Σ w and Σ w·t over the nodes.
  private(set) var integral = 0.0, pairIntegral = 0.0
  /// Where the nodes end, and whether that is above all kinks or above some.
  var lastT = 1.0, endsAboveKinks = true
  /// The share of ∫ F of the leader below the last node that is another class's.
  var shareBelow = 1.0

  /// Whether there are classes whose kinks are below all nodes, and whose logarithms are wanted.
  let waitsForDeep: Bool

  @inline(__always)
  init(of classes: TailClasses, precision: Precision, request: Request) {
    (self.classes, self.precision) = (classes, precision)
    withPairs = request.contains(.pullback)
    waitsForDeep = classes.hasDeep && request.contains(.logarithms)
    start = classes.powerSums
  }

  mutating func lay(scratch: inout Scratch) {
    if classes.isLone {
      layBelowLoneLeader(scratch: &scratch)
    } else if classes.form.hasKinks {
      let t = layAboveKinks(scratch: &scratch)
      if t == 1 && classes.end > 1 { layBelowKinks(scratch: &scratch) }
    } else {
      layAboveKinks(scratch: &scratch)
    }
  }

  // MARK: above all kinks

  /// Lays panels in t from 0 on, and returns where they end: at 1, or where nothing is left.
  @discardableResult
  private mutating func layAboveKinks(scratch: inout Scratch) -> Double {
    let hasKinks = classes.form.hasKinks
    let end = Swift.min(classes.end, 1)
    var (t, rest) = (0.0, end)
    while rest > 0 {
      let (width, vectors) = panel(in: rest, from: t, constant: hasKinks ? 1 : 1 - t)
      let next = width == rest ? 0 : rest - width
      // 1 − t at the lower end, exact where the panels end with it.
      let below = end == 1 ? next : 1 - (t + width)
      let block = append(vectors, scratch: &scratch)
      let sums = kernels.layPanel(
        at: block, blocks: vectors, rule: KinkRules.of(vectors: vectors),
        panel: TailPanel(
          from: t, width: width, next: hasKinks ? 1 : below, fall: hasKinks ? 0 : width, hasKinks: hasKinks),
        slopes: classes.nearSlopes, classes.nearCount, logarithms: classes.logarithmSeries,
        perFactor: classes.perFactor)
      add(sums)
      t = next == 0 ? end : t + width
      rest = next
      // Where G is as small as that, R is far above 2.
      let left = sums.lastProduct * (hasKinks ? 1 : below)
      if left <= precision.leftOut * integral && (!withPairs || left * t <= precision.leftOut * pairIntegral)
      {
        break
      }
    }
    lastT = t
    return rest == 0 && t == 1 ? 1 : Swift.min(t, 1.0.nextDown)
  }

  /// The next panel of what remains of 0…1 from t on: its width, and how many vectors of nodes it has.
  private func panel(in rest: Double, from t: Double, constant: Double) -> (width: Double, vectors: Int) {
    if classes.open <= 16 { return (rest, 1) }
    if classes.open <= 32 { return (rest, 2) }
    let rate = classes.rate(at: constant, t)
    if rest * rate <= precision.kinkLimits.eight { return (rest, 1) }
    return (Swift.min(rest, precision.kinkLimits.sixteen / rate), 2)
  }

  // MARK: blocks of nodes

  /// Appends a block with one node: all others have no weight.
  mutating func appendNode(
    at t: Double, weight: Double, reversedHazard: Double, passed: Int, scratch: inout Scratch
  ) {
    let block = append(1, scratch: &scratch)
    block.update(repeating: 0, count: TailNodeRow.blockSize)
    (block + TailNodeRow.constants.offset).update(repeating: 1, count: 8)
    (block + TailNodeRow.factors.offset).update(repeating: t, count: 8)
    (block + TailNodeRow.reversedHazards.offset).update(repeating: reversedHazard, count: 8)
    (block + TailNodeRow.passed.offset).update(repeating: Double(passed), count: 8)
    block[TailNodeRow.weights.offset] = weight
    var sums = TailPanelSums()
    (sums.integral, sums.pairIntegral) = (weight, weight * t)
    add(sums)
  }

  /// Makes room for more blocks, behind which there is room for a number for each of them.
  mutating func append(_ vectors: Int, scratch: inout Scratch) -> UnsafeMutablePointer<Double> {
    let size = TailNodeRow.blockSize
    let memory = scratch.growList(to: (size + 1) * Swift.max(blocks + vectors, 16), keeping: size * blocks)
    guard let memory = memory.baseAddress else { fatalError("no memory for nodes") }
    start = memory
    blocks += vectors
    return start + size * (blocks - vectors)
  }

  mutating func add(_ sums: TailPanelSums) {
    integral += sums.integral
    pairIntegral += sums.pairIntegral
  }

  // MARK: the excess

  /// E[max(gap + ε)] − E[ε] = ∫ F₀·(1 − ∏ F_j) dx, over all classes but a leader in the product.
  ///
  /// The chance that another class is above x is put together from those of the classes, 1 − F, without a difference.
  func excess() -> Double {
    let leader = classes.nearIndexOfLeader
    let sum = kernels.survivals(
      at: start, blocks: blocks, tails: classes.nearTails, classes.nearCount, without: leader ?? -1,
      farLeader: leader == nil && !classes.isLone ? classes.form.factor : 0,
      logarithms: classes.logarithmSeries, perFactor: classes.perFactor)
    let total = sum + excessBelow
    guard classes.isLone else { return total }
    return (total + classes.sum * loneWeight) * exponential(-classes.origin)
  }

  /// ∫ F of the leader from the last node down, where another class is above for certain, or with a known chance.
  private var excessBelow: Double {
    guard endsAboveKinks else { return shareBelow * 0.5 / lastT }
    if classes.form.hasKinks { return lastT / 2 - logarithm(lastT) }
    return lastT == 1 ? 0 : -logarithm(lastT) - (1 - lastT)
  }

  /// ∫ G·t dx from above down to where t is 1 of a row with a lone leader, where no other class matters.
  var loneWeight: Double { 0.75 + classes.origin / 2 }
}
