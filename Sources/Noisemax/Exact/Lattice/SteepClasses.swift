internal import NoiseKernels

/// The classes of a row whose reversed hazard is too steep for its cells where derivatives need it.
///
/// A pullback interpolates r(x − μ)/p(μ) as a function of μ. Where the integrand of p is large this ratio varies little, as
/// p(μ) is as steep as r there. But products of two reversed hazards are large further down, where r may be hardly steep at
/// all: there the ratio is as steep as p. How well the cells hold it is measured at the lowest node that a derivative depends
/// on, by its differences from grid point to grid point. Classes in cells that do not hold it get their r at every node
/// where it matters.
struct SteepClasses {
  /// How many there are.
  private(set) var count = 0
  /// Whether the interpolation errors of the other classes would show where their terms cancel.
  private(set) var areOthersRough = false

  private let indices: UnsafeMutablePointer<Int>
  /// v, or v/p, and the entries of the gradient.
  private let ratios: UnsafeMutablePointer<Double>
  private let entries: UnsafeMutablePointer<Double>
  /// The nodes at which they meet others: the first one, and the end.
  private let firstNodes: UnsafeMutablePointer<Int>
  private let lastNodes: UnsafeMutablePointer<Int>
  /// How many nodes of a block there are with an r.
  private let reaches: UnsafeMutablePointer<Int>
  /// Between which nodes classes at a grid point meet others, the upper end −1 where that is not known yet.
  private let lowerEnds: UnsafeMutablePointer<Int>
  private let upperEnds: UnsafeMutablePointer<Int>
  private var firstPoint = 0
  /// A grid point below all classes that have a part in a derivative.
  private var rarestPoint = 0
  /// r of one class at all nodes, or of all classes at the nodes of a block.
  private let reversedHazards: UnsafeMutablePointer<Double>
  /// At the nodes of a block Σ r and Σ ratio·r over the classes after one.
  private let sums: UnsafeMutablePointer<Double>
  private let otherSums: UnsafeMutablePointer<Double>

  /// log r where the classes need it: samples with the same remainder by the step stand side by side.
  private let samples: UnsafeMutablePointer<Double>
  private var rowLength = 0
  private var firstSample = 0

  /// How much memory they take.
  static func memory(for pass: LatticePass) -> Int {
    6 * pass.count + 2 * points(for: pass) + hazards(for: pass) + 2 * slots(for: pass) + samples(for: pass)
  }

  private static func hazards(for pass: LatticePass) -> Int {
    max(slots(for: pass), min(256 * pass.count, max(mostKept, 16 * pass.count)))
  }

  /// The nodes of a block: as many as leave r of all classes in the near caches, or sixteen.
  private static func blockLength(for count: Int) -> Int { max(16, min(mostKept / count, 256) & ~15) }

  /// How many values of r are kept from one pass over the classes to the next, unless there are more classes than that.
  private static let mostKept = 1 << 16

  /// The slots for a number at every node, and for what vectors read beyond.
  private static func slots(for pass: LatticePass) -> Int { padded(pass.nodes) + 32 }

  /// The grid points between which they lie.
  private static func points(for pass: LatticePass) -> Int { Int(-pass.rarest * pass.grid.perUnit) + 4 }

  private static func samples(for pass: LatticePass) -> Int {
    let gaps = Int(-pass.rarest / pass.table.unit) + 2 * pass.basis.taps * pass.stride
    return padded(gaps + slots(for: pass) * pass.step)
  }

  /// Without classes: `find` looks for them, in rows whose digits would show it.
  init(for pass: LatticePass, memory: inout Pieces) {
    indices = memory.takeIntegers(pass.count)
    ratios = memory.take(pass.count)
    entries = memory.take(pass.count)
    firstNodes = memory.takeIntegers(pass.count)
    lastNodes = memory.takeIntegers(pass.count)
    reaches = memory.takeIntegers(pass.count)
    lowerEnds = memory.takeIntegers(Self.points(for: pass))
    upperEnds = memory.takeIntegers(Self.points(for: pass))
    reversedHazards = memory.take(Self.hazards(for: pass))
    sums = memory.take(Self.slots(for: pass))
    otherSums = memory.take(Self.slots(for: pass))
    samples = memory.take(Self.samples(for: pass))
  }

  /// Finds the classes, in a pass that knows the heights.
  mutating func find(in pass: LatticePass, gaps: UnsafePointer<Double>, count n: Int) {
    guard let range = range(in: pass) else { return }
    // Below the rarest class there may be points of classes that are not wanted.
    let lowest = max(pass.gap(ofPoint: range.lowerBound), pass.rarest)
    let highest = pass.gap(ofPoint: range.upperBound)
    firstPoint = pass.point(below: lowest)
    upperEnds.update(repeating: -1, count: pass.point(below: highest) + 2 - firstPoint)
    for index in 0..<n where gaps[index] >= lowest && gaps[index] <= highest {
      indices[count] = index
      let nodes = nodesOfPairs(withClassAt: gaps[index], in: pass)
      (firstNodes[count], lastNodes[count]) = (nodes.lowerBound, nodes.upperBound)
      count += 1
    }
    let step = pass.step
    firstSample = Self.firstSample(of: highest, in: pass).first
    let end =
      Self.firstSample(of: lowest, in: pass).first + pass.table.bases[.double].taps + pass.nodes * step
    rowLength = (end - firstSample) / step + 17
    for offset in 0..<rowLength * step {
      // Vectors read beyond the last node.
      let sample = min(firstSample + offset, pass.samples.logReversedHazardCount - 1)
      samples[offset % step * rowLength + offset / step] = pass.logReversedHazard[sample]
    }
  }

  /// The grid points that the classes lie between.
  private mutating func range(in pass: LatticePass) -> ClosedRange<Int>? {
    // Rarer classes have no derivative above 1e-300, and no part in one.
    var first = pass.firstWantedPoint
    while first < pass.pointCount, !(pass.logHeights[first] > -740) { first += 1 }
    guard first < pass.pointCount else { return nil }
    rarestPoint = max(pass.points[first] - 1, pass.point(below: pass.rarest))
    var range: ClosedRange<Int>?
    func add(_ point: Int) {
      range = min(range?.lowerBound ?? point, point)...max(range?.upperBound ?? point, point)
    }
    let (basis, points, slots) = (pass.basis, pass.points, pass.slots)
    guard pass.samples.isLogConcave else {
      // Products of reversed hazards are large wherever two humps meet.
      areOthersRough = true
      return points[first]...points[pass.pointCount - 1]
    }
    if first < pass.firstNumber {
      // Heights are not numbers there.
      add(points[first])
      add(points[min(pass.firstNumber + basis.taps / 2, pass.pointCount - 1)])
      areOthersRough = true
    }
    // log p is concave: where the points of a cell are not steep at their lower end, no higher ones are.
    var suspects = 0
    for cell in 0..<pass.grid.count where slots[cell] >= first {
      let gain = pass.logHeights[slots[cell] + 1] - pass.logHeights[slots[cell]]
      if gain.magnitude <= 0.25 { break }
      suspects = cell + 1
    }
    guard suspects > 0 else { return range }
    let errors = pass.ratioErrors(from: first, cells: suspects)
    let middle = basis.taps / 2 - 1
    for cell in 0..<suspects where !(errors[cell] <= pass.precision.ratioTolerance) {
      add(points[slots[cell] + middle])
      add(points[slots[cell] + middle + 1])
      areOthersRough = true
    }
    return range
  }

  /// The number of the first sample that the first node takes for a class, and the offset of the class between samples.
  private static func firstSample(of gap: Double, in pass: LatticePass) -> (first: Int, t: Double) {
    let samples = -gap / pass.table.unit
    let whole = samples.rounded(.down)
    let margin = pass.table.bases[.double].taps / 2 - 1
    return (
      pass.firstNode * pass.step + Int(whole) - margin - pass.samples.firstIndex,
      2 * (samples - whole) - 1
    )
  }

  /// Writes r(x − gap) of a class at some nodes, 0 from where it is no normal number.
  ///
  /// - Returns: how many of the nodes there are below.
  private func write(
    ofClassAt gap: Double, at nodes: Range<Int>, in pass: LatticePass, to result: UnsafeMutablePointer<Double>
  ) -> Int {
    let (first, t) = Self.firstSample(of: gap, in: pass)
    let basis = pass.table.bases[.double]
    let reach = (pass.samples.normalReversedHazards - first - basis.taps) / pass.step
    let count = max(0, min(nodes.upperBound, reach) - nodes.lowerBound)
    guard count > 0 else { return 0 }
    kernels.interpolatedExponentials(
      of: samples, rowLength: rowLength, step: pass.step,
      from: first - firstSample + nodes.lowerBound * pass.step, at: t, shares: basis.shares, to: result, count
    )
    return count
  }

  /// The nodes at which a class meets others: where G r r_j of any other class j is more than nothing beside its peak.
  ///
  /// All these products have fallen at the end of G r itself. The one that begins lowest is that of the rarest class. Either end
  /// rises with the gap: between two grid points it lies between theirs.
  private func nodesOfPairs(withClassAt gap: Double, in pass: LatticePass) -> Range<Int> {
    guard pass.hasOneHump else { return 0..<pass.nodes }
    let point = pass.point(below: gap)
    let (low, high) = (nodesOfPairs(at: point, in: pass), nodesOfPairs(at: point + 1, in: pass))
    return low.lowerBound..<max(low.lowerBound, high.upperBound)
  }

  private func nodesOfPairs(at point: Int, in pass: LatticePass) -> Range<Int> {
    let slot = point - firstPoint
    if upperEnds[slot] < 0 {
      // Whole vectors: loops may read no node beyond the last.
      lowerEnds[slot] = pass.nodesThatMatter(at: point, and: rarestPoint).lowerBound & ~7
      upperEnds[slot] = max(lowerEnds[slot], pass.nodesThatMatter(at: point).upperBound)
    }
    return lowerEnds[slot]..<upperEnds[slot]
  }

  // MARK: entries of a gradient

  /// Writes the probabilities of classes that are too rare for heights to tell.
  func writeProbabilities(
    in pass: LatticePass, gaps: UnsafePointer<Double>, to p: UnsafeMutablePointer<Double>
  ) {
    for k in 0..<count where p[indices[k]] == 0 {
      let gap = gaps[indices[k]]
      let nodes = firstNodes[k]..<lastNodes[k]
      let reach = write(ofClassAt: gap, at: nodes, in: pass, to: reversedHazards)
      p[indices[k]] =
        pass.h * kernels.sum(of: pass.g + nodes.lowerBound, reach, times: reversedHazards) / pullbackInflation
    }
  }

  /// Takes the classes out of numbers that are deposited.
  func remove(from numbers: UnsafeMutablePointer<Double>) {
    for k in 0..<count { numbers[indices[k]] = 0 }
  }

  /// Keeps u/p of the classes, both inflated or neither.
  func keepRatios(of u: UnsafePointer<Double>, to p: UnsafePointer<Double>) {
    for k in 0..<count {
      ratios[k] = p[indices[k]] > 0 ? u[indices[k]] / (p[indices[k]] * pullbackInflation) : 0
    }
  }

  /// R += Σ r_k and V += Σ ratio_k·r_k over the steep classes, and their entries of the gradient, which are kept.
  ///
  /// No class meets itself: the first pass has the sums of all other classes and of the steep ones before it, the second one of
  /// those after it.
  func integrate(
    over nodes: Int, in pass: LatticePass, gaps: UnsafePointer<Double>, r: UnsafeMutablePointer<Double>,
    v: UnsafeMutablePointer<Double>
  ) {
    guard count > 0 else { return }
    entries.update(repeating: 0, count: count)
    let length = Self.blockLength(for: count)
    for start in stride(from: 0, to: nodes, by: length) {
      integrate(over: start..<min(start + length, nodes), in: pass, gaps: gaps, r: r + start, v: v + start)
    }
    for k in 0..<count { entries[k] *= pass.h }
  }

  private func integrate(
    over nodes: Range<Int>, in pass: LatticePass, gaps: UnsafePointer<Double>,
    r: UnsafeMutablePointer<Double>, v: UnsafeMutablePointer<Double>
  ) {
    let (g, length) = (pass.g + nodes.lowerBound, Self.blockLength(for: count))
    for k in 0..<count {
      let matter = (firstNodes[k]..<lastNodes[k]).clamped(to: nodes)
      let (start, own) = (matter.lowerBound - nodes.lowerBound, reversedHazards + k * length)
      reaches[k] = write(ofClassAt: gaps[indices[k]], at: matter, in: pass, to: own)
      let sums = kernels.integrateAndAdd(
        own, reaches[k], weights: g + start, to: r + start, times: ratios[k], to: v + start)
      entries[k] += ratios[k] * sums.integral - sums.otherIntegral
    }
    sums.update(repeating: 0, count: nodes.count + 16)
    otherSums.update(repeating: 0, count: nodes.count + 16)
    for k in (0..<count).reversed() where reaches[k] > 0 {
      let start = max(0, firstNodes[k] - nodes.lowerBound)
      let own = kernels.integrateAndAdd(
        reversedHazards + k * length, reaches[k], weights: g + start, to: sums + start, times: ratios[k],
        to: otherSums + start)
      entries[k] += ratios[k] * own.integral - own.otherIntegral
    }
  }

  /// Writes the entries of classes that have a probability, times a factor.
  func writeEntries(
    times factor: Double, where p: UnsafePointer<Double>, to result: UnsafeMutablePointer<Double>
  ) {
    for k in 0..<count where p[indices[k]] > 0 { result[indices[k]] = factor * entries[k] }
  }
}

extension LatticePass {
  /// About the errors of r/p in the first cells, at the node where G·r² of the rarest class is largest; 0 in cells before the
  /// slot `first`. The last cell has a slot.
  fileprivate func ratioErrors(from first: Int, cells: Int) -> UnsafePointer<Double> {
    let start = sampleOffset(node: 0, point: point(nearest: rarest))
    let (ratios, errors) = (loopMemory, loopMemory + padded(pointCount))
    let end = slots[cells - 1] + basis.taps
    let node = firstFall { logG[$0] + 2 * logReversedHazard[start + $0 * step] }
    let sample = sampleOffset(node: node, point: 0)
    func logRatio(_ index: Int) -> Double {
      logReversedHazard[sample - points[index] * stride] - logHeights[index]
    }
    let reference = logRatio(end - 1)
    for index in first..<end { ratios[index] = logRatio(index) - reference }
    kernels.exponentials(of: ratios + first, end - first, shift: 0, to: ratios + first)
    kernels.interpolationErrors(
      of: ratios, from: first, cells: cells, slots: slots, differences: basis.differences, taps: basis.taps,
      errors: errors)
    return UnsafePointer(errors)
  }
}

extension Precision {
  /// The error of r/p that an entry of a gradient may have.
  fileprivate var ratioTolerance: Double { self == .double ? 5e-13 : 1e-6 }
}
