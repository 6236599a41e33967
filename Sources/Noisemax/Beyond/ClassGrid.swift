internal import NoiseKernels

/// Integrals by sums over the points of a ``GridMap``: over the line under a smooth law, above all kinks under another.
///
/// Such sums converge faster than any power of the step: points p times as far apart are wrong by the spectrum of the integrand at
/// 1/p of its frequency. Eight sums over every eighth point hold the spectrum S at ⅛, ¼, ⅜ and ½, the first three whatever the
/// phase. If it falls exponentially or faster,
///
///     S(1) ≤ S(⅜)·(S(⅜)/S(¼))⁵,
///
/// which the sum is wrong by. S(½) tells whether it still falls like that. While these do not show that an integral is found,
/// points are added halfway between the others, over the stretch where such integrals have not faded.
///
/// Work: one scale takes some fifty points, and every factor of 10 between scales about fifty more.
struct ClassGrid {
  private let classes: ScaledClasses
  private let limits: IntegrationLimits
  private let selection: ClassSelection
  private let top: DoubleDouble
  private let values: UnsafeMutablePointer<Lanes>
  /// Eight sums for every value: sum i is that over the lanes i and 8 + i.
  private let sums, kept: UnsafeMutablePointer<Double>
  /// What each first block holds of every value, and behind that what others hold.
  private let contents: UnsafeMutablePointer<Double>
  /// Whether a judged value is found.
  private let isFound: UnsafeMutablePointer<Double>
  /// What the topmost point holds.
  private let outermost: UnsafeMutablePointer<Double>

  /// The most blocks of sixteen points: the first, and all.
  private static var mostFirstBlocks: Int { 48 }
  private static var mostBlocks: Int { 160 }

  static func memory(forValues count: Int) -> Int {
    (Lanes.scalarCount + 8 + 8 + 3 + mostFirstBlocks) * padded(count)
  }

  init(
    of classes: ScaledClasses, top: DoubleDouble, values count: Int, limits: IntegrationLimits,
    selection: ClassSelection, memory: inout Pieces
  ) {
    (self.classes, self.top, self.limits, self.selection) = (classes, top, limits, selection)
    values = memory.takeLanes(padded(count))
    sums = memory.take(8 * padded(count))
    kept = memory.take(8 * padded(count))
    contents = memory.take((Self.mostFirstBlocks + 1) * padded(count))
    isFound = memory.take(padded(count))
    outermost = memory.take(padded(count))
  }

  /// What of integrals is found.
  enum Found {
    case whole
    /// That above a point; something is below.
    case above(DoubleDouble)
    /// Nothing: the integrand is too sharp, or the points would be too many.
    case unknown
  }

  /// Replaces integrals by those of an integrand.
  func integrate(_ integrand: some PanelIntegrand, to integrals: UnsafeMutablePointer<Double>) -> Found {
    guard integrand.isSmooth, let map = GridMap(of: classes, top: top, spacing: limits.spacing),
      let (first, count, isOver) = walk(integrand, along: map)
    else { return .unknown }
    kept.update(from: sums, count: 8 * integrand.count)
    isFound.update(repeating: 0, count: integrand.judged)
    var (spacing, blocks) = (1.0, count)
    while !judge(integrand) {
      // Only the stretch of what is not found yet.
      let stretch = stretch(of: integrand, count)
      let times = Int(1 / spacing)
      blocks += stretch.count * times
      if blocks > Self.mostBlocks { return .unknown }
      let start = first - Double(Lanes.scalarCount * stretch.lowerBound) - spacing / 2
      refine(integrand, along: map, from: start, spacing, stretch.count * times)
      spacing /= 2
    }
    for value in 0..<integrand.count { integrals[value] = load(kept + 8 * value).sum() }
    if !isOver, let end = map.end { return .above(end) }
    return .whole
  }

  /// The judged value that a value goes with.
  private func judge(of value: Int, _ integrand: some PanelIntegrand) -> Int {
    value < integrand.judged ? value : value % integrand.judged
  }

  /// Whether every value belongs to a judged one.
  private func isTogether(_ integrand: some PanelIntegrand) -> Bool {
    integrand.judged > 0 && integrand.count % integrand.judged == 0
  }

  /// Adds the points halfway between those that there are.
  private func refine(
    _ integrand: some PanelIntegrand, along map: GridMap, from t: Double, _ spacing: Double, _ blocks: Int
  ) {
    sums.update(repeating: 0, count: 8 * integrand.count)
    for block in 0..<blocks {
      _ = add(
        integrand, along: map, at: t - Double(Lanes.scalarCount * block) * spacing, spacing,
        keeping: Self.mostFirstBlocks)
    }
    let isTogether = isTogether(integrand)
    for value in 0..<integrand.count where !isTogether || isFound[judge(of: value, integrand)] == 0 {
      let (old, new) = (load(kept + 8 * value), load(sums + 8 * value))
      let (even, odd) = (old.lowHalf + old.highHalf, new.lowHalf + new.highHalf)
      for i in 0..<4 {
        kept[8 * value + 2 * i] = even[i] / 2
        kept[8 * value + 2 * i + 1] = odd[i] / 2
      }
    }
  }

  private func load(_ sums: UnsafeMutablePointer<Double>) -> SIMD8<Double> {
    SIMD8(sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7])
  }

  /// Marks the judged values that are found.
  ///
  /// - Returns: whether all are.
  private func judge(_ integrand: some PanelIntegrand) -> Bool {
    var areFound = true
    for value in 0..<integrand.judged where isFound[value] == 0 {
      if isResolved(load(kept + 8 * value)) { isFound[value] = 1 } else { areFound = false }
    }
    return areFound
  }

  /// Whether a spectrum falls fast enough.
  private func isResolved(_ sums: SIMD8<Double>) -> Bool {
    let whole = Swift.max(sums.sum(), limits.floor)
    let differences = (sums.lowHalf - sums.highHalf) / whole
    let pairs = (sums.lowHalf + sums.highHalf) / whole
    let root = 0.5.squareRoot()
    let third = (
      differences.x - root * (differences.y - differences.w),
      differences.z - root * (differences.y + differences.w)
    )
    let second = (pairs.x - pairs.z, pairs.y - pairs.w)
    let fourth = (pairs.x - pairs.y) + (pairs.z - pairs.w)
    // Squares of S(¼), S(⅜) and S(½).
    let quarter = second.0 * second.0 + second.1 * second.1
    let threeEighths = third.0 * third.0 + third.1 * third.1
    let half = fourth * fourth
    let ratio = Swift.min(threeEighths / quarter, 1)
    let rest = threeEighths * (ratio * ratio) * (ratio * ratio) * ratio
    let limit = limits.spectrum * limits.spectrum
    // What is no number is none on a finer grid either.
    return !(rest > limit || (half > limit && half * quarter > 16 * threeEighths * threeEighths))
  }

  /// The first blocks that hold something of values that are not found.
  private func stretch(of integrand: some PanelIntegrand, _ count: Int) -> Range<Int> {
    guard isTogether(integrand) else { return 0..<count }
    var (lower, upper) = (count, 0)
    for value in 0..<integrand.judged where isFound[value] == 0 {
      let least = 0x1p-56 * load(kept + 8 * value).sum()
      var (first, last) = (0, count - 1)
      while first < lower, contents[first * integrand.count + value] <= least { first += 1 }
      while last >= upper, contents[last * integrand.count + value] <= least { last -= 1 }
      (lower, upper) = (Swift.min(lower, first), Swift.max(upper, last + 1))
    }
    return lower..<Swift.max(lower, upper)
  }

  // MARK: - The walks

  /// Goes down from the top until nothing counts, or to the highest kink, and starts higher up if something counts there.
  ///
  /// - Returns: the first point, the number of blocks, and whether nothing counts further down.
  private func walk(
    _ integrand: some PanelIntegrand, along map: GridMap
  ) -> (first: Double, blocks: Int, isOver: Bool)? {
    var above = 0
    while above < Self.mostFirstBlocks {
      let first = map.top + Double(Lanes.scalarCount * above)
      guard let (blocks, isOver) = walkDown(integrand, along: map, from: first) else { return nil }
      let isAbove =
        classes.law.upperEnd == .infinity
        && !(0..<integrand.judged).allSatisfy { outermost[$0] <= limits.cut * load(sums + 8 * $0).sum() }
      if !isAbove { return (first, blocks, isOver) }
      above = 2 * above + 1
    }
    return nil
  }

  private func walkDown(
    _ integrand: some PanelIntegrand, along map: GridMap, from first: Double
  ) -> (blocks: Int, isOver: Bool)? {
    sums.update(repeating: 0, count: 8 * integrand.count)
    for block in 0..<Self.mostFirstBlocks {
      let t = first - Double(Lanes.scalarCount * block)
      let bound = add(integrand, along: map, at: t, 1, keeping: block)
      let content = contents + block * integrand.count
      let isOver = limits.isOver(
        integrand, bound: bound, expected: { load(sums + 8 * $0).sum() },
        contents: { t > map.near ? content[$0] : .infinity })
      if isOver { return (block + 1, true) }
      // Where a class ends at its kink nothing is below.
      if t - Double(Lanes.scalarCount) < map.bottom { return (block + 1, bound <= limits.floor) }
    }
    return nil
  }

  /// Adds a block of points. The first one says what the topmost point holds.
  private func add(
    _ integrand: some PanelIntegrand, along map: GridMap, at t: Double, _ spacing: Double, keeping block: Int
  ) -> Double {
    let (nodes, weights) = map.points(below: t, apart: spacing)
    let found = selection.evaluate(
      integrand, of: classes, at: nodes, above: nodes.lowest, to: values)
    let contents = contents + block * integrand.count
    if found.slots != nil { contents.update(repeating: 0, count: integrand.count) }
    withUnsafeBytes(of: weights) { weights in
      guard let weights = weights.baseAddress else { return }
      for kind in 0..<found.kinds {
        kernels.addWeighted(
          doubles(values + kind * found.count), found.count, at: found.slots,
          weights: weights.assumingMemoryBound(to: Double.self), to: sums + 8 * kind * classes.noisy,
          contents: contents + kind * classes.noisy)
      }
    }
    if block == 0 {
      outermost.update(repeating: 0, count: integrand.judged)
      for value in 0..<Swift.min(found.count, integrand.judged) {
        outermost[found.slots?[value] ?? value] = values[value][0] * weights[0]
      }
    }
    return found.bound
  }
}
