internal import NoiseKernels

/// The nodes of a row under uniform noise, from the upper end of the leader's support down, in time proportional to the row.
///
/// With y = how far a point is below that end, −log G(y) = −Σ log(1 − (y − d)) over the classes whose kinks d lie above, and
///
///     p_i = ∫ from d_i to 1 of G(y)/(1 − (y − d_i)) dy.
///
/// No kink may be skipped: an interval between two has nodes of its own. So the sums over the classes before are moved on:
/// - *segments* are at most ⅛ of the least F long. In one, all *early* classes, passed before, have F = u·(1 − t/u), u their
///   F at its start: log ∏ F is a polynomial of t by the sums of the powers of 1/u, found anew for every segment. But
///   up to ``mostNarrow`` *narrow* classes, of the least F, count one by one, so that segments do not shrink towards their ends.
/// - *blocks* have up to ``mostKinks`` kinks, which count one by one. *Late* classes, passed in the segment before the block,
///   count by the moments Σ (y − d)ᵏ, which are shifted from block to block: all terms are positive.
///
/// The weights of a block's nodes are relative to G at its base, whose logarithm is summed up: so nothing underflows
/// that matters, and log p is as easy as p.
///
/// The integrands are polynomials between kinks. ``KinkRules`` says how wide a panel is, with R = Σ 1/F where G is largest.
struct UniformNodes {
  let row: UniformRow
  var settings: UniformSettings
  /// y of the kinks less that of their block's base, and the vector of nodes after each.
  let depths: UnsafeMutablePointer<Double>
  let firstVectors: UnsafeMutablePointer<Int>
  /// Sums over the late classes, and what is made of them and of the early ones.
  let moments, late, early, rates: UnsafeMutablePointer<Double>
  let narrowReciprocals: UnsafeMutablePointer<Double>
  /// log G at the base of the block of every class.
  let units: UnsafeMutablePointer<Double>
  /// For the sums over the nodes and the classes.
  let sums: UnsafeMutablePointer<Double>

  /// Blocks and their nodes, one after the other.
  var list: UnsafeMutablePointer<Double>
  private var used = 0
  private var room = 0
  /// Where the last block begins.
  private(set) var last = -1

  /// log G at the base of the block that is laid next.
  private var logProduct = CompensatedSum()
  private var segment = UniformSegment()
  let rules = KinkRules.shared
  let series = UniformSeries.shared
  /// The panels of the interval that is being laid.
  var interval = UniformInterval()

  static var mostKinks: Int { 16 }
  static var mostNarrow: Int { 8 }
  /// The most ties of a kink in a block and of the narrow classes: the roundings of powers add up.
  private static var mostTies: Double { 8 }
  private static var mostNarrowTies: Double { 64 }

  static func memory(for count: Int) -> Int { 3 * (count + 1) + 8 * tailTerms + 16 + UniformSumsMemory.size }

  init(of row: UniformRow, settings: UniformSettings, in memory: inout Pieces) {
    (self.row, self.settings) = (row, settings)
    depths = memory.take(row.count + 1)
    firstVectors = memory.takeIntegers(row.count + 1)
    moments = memory.take(2 * tailTerms)
    late = memory.take(2 * tailTerms)
    early = memory.take(2 * tailTerms)
    rates = memory.take(2 * tailTerms)
    narrowReciprocals = memory.take(16)
    units = memory.take(row.count + 1)
    sums = memory.take(UniformSumsMemory.size)
    list = moments
  }

  var stride: Int { UniformNodeRow.stride(withSums: settings.withSums) }

  mutating func lay(scratch: inout Scratch) {
    (used, last, logProduct) = (0, -1, CompensatedSum())
    var base = UniformPoint(y: 0, x: 1)
    var next = 0
    defer { for k in next..<row.count { units[k] = -.infinity } }
    while true {
      let isFirst = next == 0 || segment.end.distance(to: base) >= 0
      if isFirst { beginSegment(at: base, open: next) }
      var block = beginBlock(at: base, next: next, scratch: &scratch)
      block.isFirstOfSegment = isFirst
      layIntervals(of: &block, at: base, scratch: &scratch)
      next = block.end
      let end = block.endsAtKink ? row.point(next) : segment.end
      finish(block, end: end)
      if end.x <= 0 || logProduct.value < settings.floor { return }
      if next == row.count && interval.isNegligible { return }
      base = end
    }
  }

  // MARK: segments

  private mutating func beginSegment(at base: UniformPoint, open: Int) {
    var (narrow, total) = (0, 0.0)
    if base.x <= 0.5 {
      while narrow < Swift.min(open, Self.mostNarrow) && total + row.ties[narrow] <= Self.mostNarrowTies {
        total += row.ties[narrow]
        narrow += 1
      }
    }
    // The classes at this very point are late.
    let least = narrow < open ? base.x + row.distances[narrow] : 1
    let length = least / 8
    segment = UniformSegment(
      open: open, narrow: narrow, base: base, end: base.below(by: length), factor: 8 * length,
      logProduct: logProduct.value, leastShare: total > 0 ? exponential(-44 / total) : 0)
    for k in 0..<tailTerms { moments[k] = 0 }
    guard segment.hasEarly else { return }
    kernels.openPowerSums(
      of: row.distances + narrow, weights: row.ties + narrow, open - narrow, x: base.x,
      factor: segment.factor, to: rates)
    for k in 0..<tailTerms {
      early[k] = series.logarithm[k] * rates[k]
      rates[k] *= series.inverse[k] / segment.factor
    }
  }

  // MARK: blocks

  /// Chooses the kinks of a block, and writes what its loops need.
  private mutating func beginBlock(
    at base: UniformPoint, next: Int, scratch: inout Scratch
  ) -> UniformBlockRecord {
    var block = UniformBlockRecord(segment: segment)
    (block.start, block.y, block.x) = (next, base.y, base.x)
    block.previous = last
    block.logProduct = logProduct.value
    block.shift = segment.base.distance(to: base)
    let isAtKink = next < row.count && base.distance(to: row.point(next)) <= 0
    block.atBase = isAtKink ? 1 : 0
    if isAtKink {
      moments[0] += row.ties[next]
      depths[next] = 0
    }
    // Σ 1/F grows by less than ⅛ over the block, but for narrow classes.
    var rate = moments[0]
    if segment.hasEarly { rate += UniformSeries.value(of: rates, at: block.shift / segment.factor) }
    if moments[0] > 0 {
      let inverse = series.inverse
      for k in 1..<tailTerms { rate += inverse[k] * moments[k] }
      series.writeLogarithms(of: moments, to: late)
    }
    block.rate = rate
    for k in 0..<segment.narrow { narrowReciprocals[k] = 1 / (base.x + row.distances[k]) }
    var end = next + block.atBase
    let room = base.distance(to: segment.end)
    // What the kinks of a block see of G, times what is left, must be a number beside G at its base.
    let leastBreak = Swift.max(0x1p-200, base.x * segment.leastShare)
    while end < row.count && segment.end.distance(to: row.point(end)) <= 0 {
      let depth = base.distance(to: row.point(end))
      block.width = depth
      let isFull = end - next == Self.mostKinks || row.ties[end] > Self.mostTies
      if isFull || 1.2 * rate * depth > 200 || row.breaks[end] < leastBreak {
        block.endsAtKink = true
        break
      }
      depths[end] = depth
      rate += row.ties[end]
      end += 1
    }
    if !block.endsAtKink { block.width = room }
    block.end = end
    block.offset = used
    _ = reserveNodes(of: block, 0, scratch: &scratch)
    return block
  }

  /// Makes room for so many nodes of a block, and returns where they begin.
  @inline(__always)
  mutating func reserveNodes(
    of block: UniformBlockRecord, _ count: Int, scratch: inout Scratch
  ) -> UnsafeMutablePointer<Double> {
    let start = block.nodes(from: block.offset)
    let needed = start + ((count + 7) / 8) * stride
    if needed > room {
      // What is not used costs nothing, and moving costs twice.
      let memory = scratch.growList(to: Swift.max(needed, 16 * row.count), keeping: room)
      if let start = memory.baseAddress { (list, room) = (start, memory.count) }
    }
    return list + start
  }

  /// Weighs the nodes of a block by G, and goes on to its end.
  private mutating func finish(_ block: UniformBlockRecord, end: UniformPoint) {
    let hasLate = moments[0] > 0
    if block.vectors > 0 {
      kernels.weighUniformNodes(
        of: self.block(block, early: segment.hasEarly ? early : nil, late: hasLate ? late : nil))
    }
    used = block.nodes(from: block.offset) + stride * block.vectors
    defer {
      block.write(to: list)
      last = block.offset
    }
    for k in block.start..<block.end { units[k] = block.logProduct }
    guard end.x > 0 else { return }
    let width = block.width
    if segment.hasEarly {
      let (start, finish) = (block.shift / segment.factor, (block.shift + width) / segment.factor)
      logProduct.add(start * UniformSeries.value(of: early, at: start))
      logProduct.add(-finish * UniformSeries.value(of: early, at: finish))
    }
    if hasLate {
      logProduct.add(-width * UniformSeries.value(of: late, at: width))
      series.shift(moments, by: width)
    }
    var loss = 0.0
    for k in block.start + block.atBase..<block.end {
      let (distance, ties) = (width - depths[k], row.ties[k])
      var power = ties
      for m in 0..<tailTerms {
        moments[m] += power
        power *= distance
        loss += series.logarithm[m] * power
      }
    }
    logProduct.add(-loss)
    var product = 1.0
    for k in 0..<segment.narrow {
      let ratio = (end.x + row.distances[k]) * narrowReciprocals[k]
      // Powers of small numbers may underflow.
      if ratio < 0x1p-32 || row.ties[k] != 1 {
        logProduct.add(row.ties[k] * logarithm(ratio))
      } else {
        product *= ratio
      }
    }
    if product < 1 { logProduct.add(logarithm(product)) }
  }

  /// What the loops over a block take.
  func block(
    _ record: UniformBlockRecord, early: UnsafePointer<Double>?, late: UnsafePointer<Double>?,
    weights: UnsafePointer<Double>? = nil
  ) -> UniformBlock {
    UniformBlock(
      nodes: list + record.nodes(from: record.offset), vectors: record.vectors, stride: stride,
      depths: depths + record.start, ties: row.ties + record.start,
      firstVectors: firstVectors + record.start, count: record.end - record.start, atBase: record.atBase,
      narrowDistances: row.distances, narrowTies: weights ?? UnsafePointer(row.ties),
      narrowReciprocals: narrowReciprocals,
      narrowCount: record.segment.narrow, early: early, shift: record.shift,
      factor: 1 / record.segment.factor, late: late)
  }
}

/// What is wanted of the nodes.
struct UniformSettings {
  let precision: Precision
  /// Where log G is below this, nothing is wanted any more.
  var floor: Double
  /// How many reversed hazards 1/F of classes near the leader the integrands have besides G: one for probabilities, two for
  /// derivatives, none for the excess, where the leader is not among the classes.
  var reversedHazards: Double
  /// Whether the nodes have sums over the classes.
  var withSums: Bool

  /// What is left out relative to what there is, as a logarithm.
  var margin: Double { precision == .single ? 30 : 46 }
}

/// A part of the leader's support that is short beside the F of all but a few narrow classes.
struct UniformSegment {
  /// How many classes were passed before it, and how many of them are narrow.
  var open = 0, narrow = 0
  var base = UniformPoint(y: 0, x: 1), end = UniformPoint(y: 0, x: 1)
  /// An early class counts by powers of q = factor/u, and t by those of τ = t/factor; q·τ ≤ ⅛.
  var factor = 1.0

  /// log G at its start.
  var logProduct = 0.0
  /// How far x may fall in a block for the narrow classes to keep 2⁻⁶⁴ of their product.
  var leastShare = 0.0

  var hasEarly: Bool { open > narrow }
}

/// What is kept of a block, in front of its nodes.
struct UniformBlockRecord {
  var segment: UniformSegment
  /// Its classes, and whether the first has its kink at the base, as it has unless the base is amid an interval.
  var start = 0, end = 0, atBase = 0
  /// y and x at the base, how far that is from the start of the segment, and how far the end from it.
  var y = 0.0, x = 1.0, shift = 0.0, width = 0.0
  var endsAtKink = false, isFirstOfSegment = false
  /// log G and Σ 1/F of all but the narrow classes at the base.
  var logProduct = 0.0, rate = 0.0
  var vectors = 0
  /// Where it stands in the list, and where the block before.
  var offset = 0, previous = -1

  init(segment: UniformSegment) { self.segment = segment }

  /// The places that a block takes before its nodes: whole vectors.
  private static let size = (MemoryLayout<UniformBlockRecord>.stride + 63) / 64 * 8

  @inline(__always)
  func nodes(from offset: Int) -> Int { offset + Self.size }

  func write(to list: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(list + offset).storeBytes(of: self, as: UniformBlockRecord.self)
  }

  init(at offset: Int, in list: UnsafeMutablePointer<Double>) {
    self = UnsafeMutableRawPointer(list + offset).load(as: UniformBlockRecord.self)
  }
}
