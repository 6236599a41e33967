internal import NoiseKernels

/// How far panels between kinks have come.
private struct KinkWalk {
  /// How far x is below the place where t = 1, and t.
  var depth = 0.0, t = 1.0
  /// ∏ F of the classes above, times t.
  var above = 1.0
  /// How many classes are above, a lone leader too.
  var passed = 0.0
  /// The next class to pass.
  var next = 0
}

extension TailNodes {
  /// So that t of the panel that passes it is finite.
  private static var largestT: Double { 0x1p1000 }

  /// From the kink of the leader down.
  mutating func layBelowKinks(scratch: inout Scratch) {
    var walk = KinkWalk()
    lay(&walk, scratch: &scratch)
  }

  /// All that a lone leader has above the others is one node; then from kink to kink.
  mutating func layBelowLoneLeader(scratch: inout Scratch) {
    // The leader's r is t/(2 − t) above its kink and 1 below it.
    appendNode(
      at: 0, weight: loneWeight, reversedHazard: (0.25 + classes.origin / 2) / loneWeight, passed: 0,
      scratch: &scratch)
    var walk = KinkWalk(above: 0.5, passed: 1)
    lay(&walk, scratch: &scratch)
  }

  private mutating func lay(_ walk: inout KinkWalk, scratch: inout Scratch) {
    endsAboveKinks = false
    let count = classes.nearCount
    // Σ c of a class and all deeper ones: their memory is free until the derivatives.
    let deeper = classes.otherSums
    deeper[count] = classes.farSum
    for k in (0..<count).reversed() { deeper[k] = deeper[k + 1] + classes.nearTails[k] }
    while true {
      while walk.next < count && classes.kink(walk.next) <= walk.depth {
        classes.nearEnds[walk.next] = blocks
        walk.passed += 1
        walk.above /= 2
        walk.next += 1
      }
      if deeper[walk.next] == 0 && !waitsForDeep { return layBelowAllKinks(walk, scratch: &scratch) }
      let isDone = layPanel(deeper: deeper[walk.next], &walk, scratch: &scratch)
      if isDone || walk.t >= classes.end {
        lastT = walk.t
        return
      }
    }
  }

  /// Where G falls as a power of t it is one node.
  private mutating func layBelowAllKinks(_ walk: KinkWalk, scratch: inout Scratch) {
    let weight = walk.above / walk.passed
    appendNode(at: walk.t, weight: weight, reversedHazard: walk.passed, passed: walk.next, scratch: &scratch)
    (lastT, shareBelow) = (walk.t, 1 - 2 * weight)
  }

  /// Lays the next panel, and returns whether no class has anything left below it.
  private mutating func layPanel(
    deeper: Double, _ walk: inout KinkWalk, scratch: inout Scratch
  ) -> Bool {
    let (passed, t, above) = (walk.passed, walk.t, walk.above)
    let limits = precision.kinkLimits
    // Down to the next kink, or where all nodes end, or as far as the rule reaches.
    let kink = walk.next < classes.nearCount ? classes.kink(walk.next) : .infinity
    let lowest = Swift.min(kink, classes.endDepth)
    let remaining = lowest - walk.depth
    var width = Swift.min(remaining, limits.sixteen)
    var end = lowest == kink ? 0.5 / classes.nearTails[walk.next] : classes.end
    if width < remaining { end = t * exponential(width) }
    while width * (Swift.max(passed, 1) + 2 * deeper * end) > limits.sixteen {
      width /= 2
      end = t * exponential(width)
    }
    let vectors = width * (Swift.max(passed, 1) + 2 * deeper * end) > limits.eight ? 2 : 1
    let block = append(vectors, scratch: &scratch)
    let sums = kernels.layPanel(
      at: block, blocks: vectors, rule: KinkRules.of(vectors: vectors),
      panel: KinkPanel(
        from: t, width: width, above: above, power: 1 - passed, passed: walk.next, reversedHazard: passed),
      slopes: classes.nearSlopes, classes.nearCount, logarithms: classes.logarithmSeries,
      perFactor: classes.perFactor)
    add(sums)
    let others = sums.lastProduct
    walk.above = passed == 1 ? above : above * exponential((1 - passed) * width)
    walk.depth = width == remaining ? lowest : walk.depth + width
    walk.t = end
    // R only grows on the way down, and G·t falls at the rate R − 1, G·t² at R − 2.
    let (value, rate) = (walk.above * others, passed - others)
    // Below that nothing is a number any more, nor is t.
    if value <= (classes.isLone ? 0x1p-880 : 0x1p-980) * integral || end >= Self.largestT { return true }
    if withPairs && value * end > precision.leftOut * pairIntegral * (rate - 1) { return false }
    return value <= precision.leftOut * integral * rate
  }
}
