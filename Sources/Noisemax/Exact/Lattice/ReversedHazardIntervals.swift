internal import NoiseKernels

/// The reversed hazard r at the nodes of a row, for classes of which each has its own: between every two samples a polynomial
/// in t ∈ −1…1. From where r is steep on, it is the polynomial of log r.
struct ReversedHazardIntervals: @unchecked Sendable {
  /// For each power of t a plane of coefficients. In it intervals with the same remainder by the step stand side by side, and
  /// behind the last of them zeros for what vectors read beyond.
  let coefficients: UnsafePointer<Double>
  let planeLength: Int
  private let rowLength: Int
  private let step: Int
  private let unit: Double
  /// The number of the first interval, which begins at first · unit; of the first one with a polynomial of log r; and of the one
  /// from which on r is no normal number.
  private let first, firstLogarithm, end: Int

  init(of samples: LawSamples, step: Int, basis: CellBasis, in memory: KeptMemory) {
    let (logarithms, margin) = (samples.logReversedHazard, basis.taps / 2 - 1)
    let count = samples.normalReversedHazards - basis.taps
    // Eight coefficients hold eˣ where x rises by so little from one end to the other.
    let plain =
      (0..<count).first { (logarithms[$0 + margin + 1] - logarithms[$0 + margin]).magnitude > 0.25 } ?? count
    let numbers = (0..<plain + basis.taps).map { exponential(logarithms[$0]) }
    let slots = Array(0..<count)
    var rows = [Double](repeating: 0, count: 8 * (count + 1))
    rows.withUnsafeMutableBufferPointer { rows in
      guard let rows = rows.baseAddress else { return }
      kernels.expandValues(
        numbers, cells: plain, slots: slots, matrix: basis.matrix, taps: basis.taps, rows: rows, stride: 8)
      kernels.expandValues(
        logarithms + plain, cells: count - plain, slots: slots, matrix: basis.matrix, taps: basis.taps,
        rows: rows + 8 * plain, stride: 8)
    }
    rowLength = count / step + 17
    planeLength = rowLength * step
    let coefficients = memory.reserve(8 * planeLength)
    for interval in 0..<count {
      let slot = interval % step * rowLength + interval / step
      for power in 0..<8 { coefficients[power * planeLength + slot] = rows[8 * interval + power] }
    }
    self.coefficients = UnsafePointer(coefficients)
    (self.step, unit, first) = (step, samples.integrands.unit, samples.firstIndex + margin)
    (firstLogarithm, end) = (first + plain, first + count)
  }

  /// A class that is wanted at some nodes, of which the first one of all is at firstNode · step · unit.
  func steepClass(at gap: Double, nodes: Range<Int>, firstNode: Int) -> SteepClass {
    let samples = -gap / unit
    let whole = samples.rounded(.down)
    let interval = firstNode * step + Int(whole)
    func count(before end: Int) -> Int { max(0, end - interval + step - 1) / step }
    let slot = interval - first
    let row = slot % step < 0 ? slot % step + step : slot % step
    return SteepClass(
      slot: row * rowLength + (slot - row) / step, t: 2 * (samples - whole) - 1, first: nodes.lowerBound,
      firstLogarithm: count(before: firstLogarithm), end: min(nodes.upperBound, count(before: end)))
  }
}
