internal import NoiseKernels

/// The classes of a row whose reversed hazard is too steep for its cells where derivatives need it.
///
/// A pullback interpolates r(x − μ)/p(μ) as a function of μ. Where the integrand of p is large this ratio varies little, as
/// p(μ) is as steep as r is there. But products of two hazards are large further down, where r may be hardly steep at all:
/// there the ratio is as steep as p. How well the cells hold it is measured, by its differences from grid point to grid
/// point at the lowest node that a derivative depends on. Classes in cells that do not hold it get their r at every node.
struct SteepClasses {
  /// The classes themselves, and how many there are.
  private(set) var count = 0
  let indices: UnsafeMutablePointer<Int>
  /// Whether errors of the other classes would show where many of them cancel.
  private(set) var areOthersRough = false

  /// log r where the classes need it, by its remainders by the step.
  private let samples: UnsafeMutablePointer<Double>
  private var rowLength = 0
  private var firstSample = 0

  /// How much memory the samples take in a pass.
  static func memory(for pass: LatticePass) -> Int {
    let gaps = Int(-pass.rarest / pass.table.unit) + 2 * pass.basis.taps * pass.stride
    return padded(gaps + (padded(pass.nodes) + 32) << pass.stepExponent)
  }

  /// None, for rows whose digits do not show it.
  init(indices: UnsafeMutablePointer<Int>, samples: UnsafeMutablePointer<Double>) {
    (self.indices, self.samples) = (indices, samples)
  }

  /// Finds the classes, in a pass that knows the heights.
  mutating func find(in pass: LatticePass, gaps: UnsafePointer<Double>, count n: Int) {
    guard let range = range(in: pass) else { return }
    let (lowest, highest) = (pass.gap(ofPoint: range.lowerBound), pass.gap(ofPoint: range.upperBound))
    for index in 0..<n where gaps[index] >= lowest && gaps[index] <= highest {
      indices[count] = index
      count += 1
    }
    let step = 1 << pass.stepExponent
    firstSample = Self.firstSample(of: highest, in: pass).first
    let end =
      Self.firstSample(of: lowest, in: pass).first + pass.table.bases[.double].taps + pass.nodes * step
    rowLength = (end - firstSample) / step + 17
    for offset in 0..<rowLength * step {
      // Vectors read beyond the last node.
      let sample = min(firstSample + offset, pass.table.logHazard.count - 1)
      samples[offset % step * rowLength + offset / step] = pass.table.logHazard[sample]
    }
  }

  /// The grid points that the classes lie between.
  private mutating func range(in pass: LatticePass) -> ClosedRange<Int>? {
    // Rarer classes have no derivative above 1e-300, and no part in one.
    var first = pass.firstWantedPoint
    while first < pass.pointCount, !(pass.logHeight(of: first) > -740) { first += 1 }
    guard first < pass.pointCount else { return nil }
    var range: ClosedRange<Int>?
    func add(_ point: Int) {
      range = min(range?.lowerBound ?? point, point)...max(range?.upperBound ?? point, point)
    }
    let (basis, points, slots) = (pass.basis, pass.points, pass.slots)
    if first < pass.firstNumber {
      // Heights are not numbers there.
      add(points[first])
      add(points[min(pass.firstNumber + basis.taps / 2, pass.pointCount - 1)])
      areOthersRough = true
    }
    // Where the lower end of a cell's points is not steep nothing else is.
    func isSuspect(_ cell: Int) -> Bool {
      let point = slots[cell]
      return point >= first && (pass.logHeight(of: point + 1) - pass.logHeight(of: point)).magnitude > 0.25
    }
    var suspects = 0
    for cell in 0..<pass.grid.count where isSuspect(cell) { suspects = cell + 1 }
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

  /// The number of the first sample that the first node takes for a class, and the place of the class among samples.
  private static func firstSample(of gap: Double, in pass: LatticePass) -> (first: Int, t: Double) {
    let samples = -gap / pass.table.unit
    let whole = samples.rounded(.down)
    let margin = pass.table.bases[.double].taps / 2 - 1
    return (
      pass.firstNode << pass.stepExponent + Int(whole) - margin - pass.table.firstIndex,
      2 * (samples - whole) - 1
    )
  }

  /// Writes r(x − gap) of one of the classes at the nodes, 0 behind the last one up to whole vectors.
  ///
  /// - Returns: how many nodes there are below those where r is not a normal number.
  func writeHazards(ofClassAt gap: Double, in pass: LatticePass, to values: UnsafeMutablePointer<Double>)
    -> Int
  {
    let (first, t) = Self.firstSample(of: gap, in: pass)
    let basis = pass.table.bases[.double]
    let reach = min(pass.nodes, max(0, (pass.table.normalHazards - first - basis.taps) >> pass.stepExponent))
    withUnsafeTemporaryAllocation(of: Double.self, capacity: basis.taps) { shares in
      guard let shares = shares.baseAddress else { return }
      basis.writeShares(at: t, to: shares)
      kernels.interpolatedExponentials(
        of: samples, rowLength: rowLength, stepExponent: pass.stepExponent, from: first - firstSample,
        shares: shares, taps: basis.taps, to: values, reach)
    }
    return reach
  }
}

extension LatticePass {
  /// About the errors of r/p in the cells, at the node where the product of G and two hazards of the rarest class is
  /// largest; 0 in cells before the slot `first`.
  fileprivate func ratioErrors(from first: Int, cells: Int) -> UnsafePointer<Double> {
    let start = sampleOffset(node: 0, point: point(nearest: rarest))
    let step = 1 << stepExponent
    let node = table.logHazard.withUnsafeBufferPointer { logHazard in
      func logIntegrand(_ node: Int) -> Double { logG[node] + 2 * logHazard[start + node * step] }
      var (node, top) = (0, -Double.infinity)
      for other in 0..<nodes {
        let value = logIntegrand(other)
        if value > top { (node, top) = (other, value) }
      }
      return node
    }
    let sample = sampleOffset(node: node, point: 0)
    func logRatio(_ index: Int) -> Double {
      table.logHazard[sample - points[index] * stride] - logHeight(of: index)
    }
    let (ratios, errors) = (loopMemory, loopMemory + padded(pointCount))
    let reference = logRatio(pointCount - 1)
    for index in 0..<pointCount { ratios[index] = logRatio(index) - reference }
    kernels.exponentials(of: ratios, pointCount, shift: 0, to: ratios)
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
