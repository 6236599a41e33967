internal import NoiseKernels

/// The classes of a row whose reversed hazard is too steep for its cells where derivatives need it.
///
/// A pullback interpolates r(x − μ)/p(μ) as a function of μ. Where the integrand of p is large this ratio varies little, as
/// p(μ) is as steep as r there. But products of two reversed hazards are large further down, where r may be hardly steep at
/// all: there the ratio is as steep as p. How well the cells hold it is measured at the lowest node that a derivative depends
/// on, by its differences from grid point to grid point. Classes in cells that do not hold it get their r at every node
/// where it matters.
struct SteepClasses {
  private let count: Int
  private let indices: UnsafeMutablePointer<Int>
  private let classes: UnsafeMutablePointer<SteepClass>
  /// Between which nodes classes at a grid point meet others, the upper end −1 where that is not known yet.
  private let lowerEnds: UnsafeMutablePointer<Int>
  private let upperEnds: UnsafeMutablePointer<Int>
  private let firstPoint, rarestPoint: Int
  private let scratch: UnsafeMutablePointer<Double>

  /// Lists the classes.
  init(
    at steep: SteepGaps, in pass: LatticePass, gaps: UnsafePointer<Double>,
    logFactors: UnsafePointer<Double>?, memory: inout Pieces
  ) {
    (count, rarestPoint) = (steep.count, steep.rarestPoint)
    firstPoint = steep.points.lowerBound
    let points = steep.points.count
    indices = memory.takeIntegers(count)
    classes = memory.take(count, of: SteepClass.self)
    lowerEnds = memory.takeIntegers(points)
    upperEnds = memory.takeIntegers(points)
    scratch = memory.take(16 * count)
    upperEnds.update(repeating: -1, count: points)
    // Nothing lies beyond the last node, but loops read there.
    (pass.g + pass.nodes).update(repeating: 0, count: 16)
    let hazards = pass.table.reversedHazards(forStep: pass.stepIndex)
    var (k, index) = (0, 0)
    while k < count {
      if steep.contains(index, gaps, logFactors) {
        indices[k] = index
        classes[k] = hazards.steepClass(
          at: gaps[index], nodes: nodesOfPairs(withClassAt: gaps[index], in: pass), firstNode: pass.firstNode)
        k += 1
      }
      index += 1
    }
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
      lowerEnds[slot] = pass.nodesThatMatter(at: point, and: rarestPoint).lowerBound
      upperEnds[slot] = max(lowerEnds[slot], pass.nodesThatMatter(at: point).upperBound)
    }
    return lowerEnds[slot]..<upperEnds[slot]
  }

  // MARK: entries of a gradient

  /// Writes the probabilities of classes that are too rare for heights to tell.
  func writeProbabilities(in pass: LatticePass, to p: UnsafeMutablePointer<Double>) {
    for k in 0..<count where p[indices[k]] == 0 {
      // Beside R = 1 and V = 0 the entry is the probability.
      classes[k].ratio = 1
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 32) { memory in
        guard let sums = memory.baseAddress else { return }
        for start in stride(from: classes[k].first & ~15, to: classes[k].end, by: 16) {
          sums.update(repeating: 1, count: 16)
          (sums + 16).update(repeating: 0, count: 16)
          integrate(k..<k + 1, from: start, in: pass, r: sums, v: sums + 16)
        }
      }
      p[indices[k]] = pass.h * classes[k].entry / pullbackInflation
    }
  }

  /// Takes the classes out of numbers that are deposited.
  func remove(from numbers: UnsafeMutablePointer<Double>) {
    for k in 0..<count { numbers[indices[k]] = 0 }
  }

  /// Keeps u/p of the classes, both inflated or neither.
  func keepRatios(of u: UnsafePointer<Double>, to p: UnsafePointer<Double>) {
    for k in 0..<count {
      let (u, p) = (u[indices[k]], p[indices[k]])
      classes[k].ratio = p > 0 ? u / (p * pullbackInflation) : 0
    }
  }

  /// R += Σ r_k and V += Σ ratio_k·r_k over the steep classes, and their entries of the gradient, which are kept.
  func integrate(
    over nodes: Int, in pass: LatticePass, r: UnsafeMutablePointer<Double>, v: UnsafeMutablePointer<Double>
  ) {
    for k in 0..<count { classes[k].entry = 0 }
    // Nothing lies beyond the last node, but loops read there.
    (r + nodes).update(repeating: 0, count: 16)
    (v + nodes).update(repeating: 0, count: 16)
    for start in stride(from: 0, to: nodes, by: 16) {
      integrate(0..<count, from: start, in: pass, r: r + start, v: v + start)
    }
    for k in 0..<count { classes[k].entry *= pass.h }
  }

  private func integrate(
    _ range: Range<Int>, from node: Int, in pass: LatticePass, r: UnsafeMutablePointer<Double>,
    v: UnsafeMutablePointer<Double>
  ) {
    let hazards = pass.table.reversedHazards(forStep: pass.stepIndex)
    kernels.integratePairs(
      of: classes + range.lowerBound, range.count, from: node, coefficients: hazards.coefficients,
      planeLength: hazards.planeLength, weights: pass.g + node, sums: r, otherSums: v, scratch: scratch)
  }

  /// Writes the entries of classes that have a probability, times a factor.
  func writeEntries(
    times factor: Double, where p: UnsafePointer<Double>, to result: UnsafeMutablePointer<Double>
  ) {
    for k in 0..<count where p[indices[k]] > 0 { result[indices[k]] = factor * classes[k].entry }
  }
}

/// Between which gaps the classes of a row are steep.
struct SteepGaps {
  private var bounds = 0.0...0.0
  /// The grid points around them.
  private(set) var points = 0..<0
  /// How many there are.
  private(set) var count = 0
  /// A grid point below all classes that have a part in a derivative.
  private(set) var rarestPoint = 0
  /// Whether the interpolation errors of the other classes would show where their terms cancel.
  private(set) var areOthersRough = false

  /// Looks for them in a pass that knows the heights, among so many classes; nil if there are none, and the others are smooth
  /// enough.
  init?(
    in pass: LatticePass, _ gaps: UnsafePointer<Double>, _ n: Int, logFactors: UnsafePointer<Double>?
  ) {
    guard let range = range(in: pass) else { return nil }
    // Below the rarest class there may be points of classes that are not wanted.
    let lowest = max(pass.gap(ofPoint: range.lowerBound), pass.rarest)
    bounds = lowest...max(lowest, pass.gap(ofPoint: range.upperBound))
    points = pass.point(below: bounds.lowerBound)..<pass.point(below: bounds.upperBound) + 2
    for index in 0..<n where contains(index, gaps, logFactors) { count += 1 }
    guard count > 0 || areOthersRough else { return nil }
  }

  /// Whether a class is one of them. Those that are folded into an exponential tail are none: there r/p does not vary.
  @inline(__always)
  func contains(
    _ index: Int, _ gaps: UnsafePointer<Double>, _ logFactors: UnsafePointer<Double>?
  ) -> Bool {
    bounds.contains(gaps[index]) && !(logFactors.map { $0[index] < 0 } ?? false)
  }

  /// How much memory they take.
  var memory: Int {
    (17 + MemoryLayout<SteepClass>.stride / MemoryLayout<Double>.stride) * count + 2 * points.count
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
