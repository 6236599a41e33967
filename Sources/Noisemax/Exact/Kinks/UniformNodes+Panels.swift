internal import NoiseKernels

/// The interval between two kinks that is being laid, from the upper one on.
struct UniformInterval {
  /// How far log G has fallen since its start, and how far beside the greatest 1/F of the integrands' classes, at least.
  private var fall = 0.0
  /// Whether nothing is left of any integrand from here to the next kink.
  private(set) var isNegligible = false

  /// Past a panel, with Σ 1/F at its upper end, where the leader's F is x: log G falls faster and faster, and so does G over some
  /// of its factors. What is left is no longer than x, and an integrand holds at least x/n times its value at the start: after a
  /// fall by the margin n·e^−margin of it remains.
  @inline(__always)
  mutating func pass(_ width: Double, rate: Double, x: Double, settings: UniformSettings) {
    fall += (rate - settings.reversedHazards / x) * width
    isNegligible = fall > settings.margin
  }
}

extension UniformNodes {
  /// Lays the panels of all intervals of a block.
  mutating func layIntervals(
    of block: inout UniformBlockRecord, at base: UniformPoint, scratch: inout Scratch
  ) {
    var nodes = 0
    var passed = 0.0
    // What the narrow classes add is found anew, as it grows.
    var rate = block.rate
    var k = block.start
    var upper = base
    if block.atBase == 1 {
      firstVectors[k] = 0
      interval = UniformInterval()
      k += 1
    }
    while true {
      let isLast = k == block.end
      let end = isLast ? block.width : depths[k]
      let lower = isLast ? (block.endsAtKink ? row.breaks[k] : block.segment.end.x) : row.breaks[k]
      layInterval(
        of: block, from: passed, to: end, upper: upper.x, lower: lower, rate: rate, nodes: &nodes,
        scratch: &scratch)
      if isLast { break }
      upper = row.point(k)
      passed = end
      firstVectors[k] = nodes / 8
      rate += row.ties[k]
      interval = UniformInterval()
      k += 1
    }
    pad(block, nodes)
    block.vectors = (nodes + 7) / 8
  }

  @inline(__always)
  private func narrowRate(_ segment: UniformSegment, at x: Double) -> Double {
    var rate = 0.0
    for k in 0..<segment.narrow { rate += row.ties[k] / (x + row.distances[k]) }
    return rate
  }

  /// Lays panels between two depths, from one x to another.
  @inline(__always)
  private mutating func layInterval(
    of block: UniformBlockRecord, from start: Double, to end: Double, upper: Double, lower: Double,
    rate: Double, nodes: inout Int, scratch: inout Scratch
  ) {
    var (rest, x, depth) = (end - start, upper, start)
    let limits = settings.precision.kinkLimits
    while rest > 0 && !interval.isNegligible {
      let narrow = narrowRate(block.segment, at: x)
      let least = rate + narrow
      let rate = 1.15 * rate + narrow
      let change = rate * rest
      let width = change <= limits.sixteen ? rest : Swift.min(rest, limits.sixteen / rate)
      let from = width == rest ? lower : x - width
      let (rule, count) =
        change <= limits.four
        ? (rules.four, 4) : change <= limits.eight ? (rules.eight, 8) : (rules.sixteen, 16)
      append(
        rule, count, to: block, from: from, width: width, depth: depth, nodes: &nodes, scratch: &scratch)
      interval.pass(width, rate: least, x: x, settings: settings)
      rest = width == rest ? 0 : rest - width
      depth += width
      x = from
    }
  }

  @inline(__always)
  private mutating func append(
    _ rule: UnsafePointer<Double>, _ count: Int, to block: UniformBlockRecord, from x: Double, width: Double,
    depth: Double, nodes: inout Int, scratch: inout Scratch
  ) {
    let memory = reserveNodes(of: block, nodes + count, scratch: &scratch)
    let stride = stride
    for m in 0..<count {
      let (distance, weight) = (rule[m], rule[panelNodes + m])
      let slot = memory + stride * (nodes >> 3) + (nodes & 7)
      slot[UniformNodeRow.points.offset] = x + width * (1 - distance)
      slot[UniformNodeRow.depths.offset] = depth + width * distance
      slot[UniformNodeRow.weights.offset] = width * weight
      nodes += 1
    }
  }

  /// Fills the last vector up with nodes of no weight.
  private func pad(_ block: UniformBlockRecord, _ nodes: Int) {
    guard nodes & 7 != 0 else { return }
    let memory = list + block.nodes(from: block.offset) + stride * (nodes >> 3)
    let last = (nodes & 7) - 1
    for lane in (nodes & 7)..<8 {
      for row in [UniformNodeRow.points, .depths] { memory[row.offset + lane] = memory[row.offset + last] }
      memory[UniformNodeRow.weights.offset + lane] = 0
    }
  }
}
