internal import NoiseKernels

/// The lengths of a law that ``TailSums`` go by, measured when a row first needs them.
struct TailScale {
  /// From here on log F and r count as 0, even summed over very many classes.
  let limit: Double
  /// The noise is hardly ever below this.
  let lowerEnd: Double
  /// How far apart the quartiles are.
  let unit: Double
  /// On a piece of the logit axis this long a polynomial of degree 15 is log F, and another one r.
  let piece: Double
  /// The shortest boxes: a quarter of the limit or more. With two boxes in between, the classes of one are a polynomial on
  /// another, at this length and any power of two times it; nil if under this law they are not.
  let box: Double?
  /// The pieces of the boxes.
  let grid: PieceGrid
  /// log F and r, the kernels of sums.
  let logCumulative: TailKernel
  let reversedHazard: TailKernel
  /// log r between samples.
  let logReversedHazard: SampledFunction

  /// The polynomials on pieces may be wrong by a tolerance relative to the function, or to 1 where it is less.
  init(_ table: LatticeTable, tolerance: Double) {
    let noise = table.noise
    limit = noise.upperQuantile(at: 1e-26)
    lowerEnd = noise.quantile(at: 1e-20)
    unit = table.quartiles
    @Sendable func reversedHazard(_ x: Double) -> Double { exponential(noise.logReversedHazard(at: x)) }
    let (unit, low, high) = (unit, -8 * unit, limit)
    /// Whether polynomials on pieces of some length reproduce a function, relative to it or to a size.
    func reproduces(_ function: (Double) -> Double, on length: Double, size: Double) -> Bool {
      stride(from: (low / length).rounded(.down) * length, to: high, by: length).allSatisfy { start in
        let coefficients = Piece.coefficients { function(start + length * (1 + $0) / 2) }
        return coefficients.withUnsafeBufferPointer { coefficients in
          let piece = Piece(
            low: start, high: start + length, coefficients: coefficients.baseAddress, count: Piece.terms)
          return [0.02, 0.3, 0.55, 0.9].map { start + $0 * length }.allSatisfy {
            (piece.value(at: $0) - function($0)).magnitude <= tolerance * max(size, function($0).magnitude)
          }
        }
      }
    }
    let shortest = 4 * table.cell
    piece =
      [16, 8, 4, 2].map { $0 * shortest }.first { length in
        reproduces(noise.logCumulative, on: length, size: 1)
          && reproduces(reversedHazard, on: length, size: 1 / unit)
      } ?? shortest
    var length = piece
    while length < limit / 4 { length *= 2 }
    let candidates = (0..<8).map { length * Double(1 << $0) }
    box = candidates.first { length in
      [1, 2, 4, 64, 0x1p20].allSatisfy { factor in
        BoxBasis.shared.reproduces(noise.logCumulative, onLength: factor * length)
          && BoxBasis.shared.reproduces(reversedHazard, onLength: factor * length)
      }
    }
    let lowest = -4 * max(box ?? 16 * length, limit)
    func sampled(_ function: @escaping @Sendable (Double) -> Double) -> SampledFunction {
      SampledFunction(function, from: lowest, to: high, table: table)
    }
    grid = PieceGrid(length: piece, box: box, limit: limit)
    logCumulative = TailKernel(sampled(noise.logCumulative), on: grid)
    self.reversedHazard = TailKernel(sampled(reversedHazard), on: grid)
    logReversedHazard = SampledFunction(
      noise.logReversedHazard, from: lowest, to: high + 16 * unit, checkedFrom: high, table: table)
  }
}

/// A function of which samples are kept, with a polynomial between every two of them.
struct SampledFunction {
  let function: @Sendable (Double) -> Double
  private let intervals: SampledIntervals
  private let count: Int
  /// Whether there are samples up to the end.
  private let isWhole: Bool
  private let memory = KeptMemory()

  /// Samples it up to where they reproduce it, if that is to be seen.
  init(
    _ function: @escaping @Sendable (Double) -> Double, from low: Double, to high: Double,
    checkedFrom start: Double = .infinity, table: LatticeTable
  ) {
    let (unit, basis) = (table.cell, table.bases[.double])
    self.function = function
    let first = (low / unit).rounded(.down)
    let wanted = (high / unit).rounded(.down) + 2 - first
    let most = Int(min(wanted, Double(LatticeTable.mostSamples)))
    let samples = (0..<most + basis.taps).map { function((first + basis.position(of: $0)) * unit) }
    let coefficients = (0..<most).flatMap { index in basis.coefficients { samples[index + $0] } }
    let checked = Int(min(Double(most), max(0, start / unit - first)))
    count =
      (checked..<most).first { index in
        let truth = function((first + Double(index) + 0.7) * unit)
        let value = (0..<8).reversed().reduce(0) { 0.4 * $0 + coefficients[8 * index + $1] }
        return !((value - truth).magnitude <= 1e-14 * max(1, truth.magnitude))
      } ?? most
    isWhole = wanted == Double(count)
    intervals = SampledIntervals(first: first, perUnit: 1 / unit, coefficients: memory.keep(coefficients))
  }

  func callAsFunction(_ x: Double) -> Double {
    let position = x * intervals.perUnit - intervals.first
    guard position >= 0 && position < Double(count) else { return function(x) }
    let interval = Int(position)
    let (t, c) = (2 * (position - Double(interval)) - 1, intervals.coefficients + 8 * interval)
    let s = t * t
    let even = c[0] + s * (c[2] + s * (c[4] + s * c[6]))
    let value = even + t * (c[1] + s * (c[3] + s * (c[5] + s * c[7])))
    return value.isFinite ? value : function(x)
  }

  /// Writes K(x − gap) at whole vectors of points in rising order.
  func write(
    at x: UnsafePointer<Double>, _ count: Int, gap: Double, to values: UnsafeMutablePointer<Double>
  ) {
    let isKnown = isSampled(at: x[0] - gap) && isSampled(at: x[count - 1] - gap)
    if isKnown && kernels.values(at: x, count, gap: gap, intervals: intervals, values: values) { return }
    for index in 0..<count { values[index] = self(x[index] - gap) }
  }

  private func isSampled(at x: Double) -> Bool {
    let position = x * intervals.perUnit - intervals.first
    return position >= 0 && position < Double(count)
  }

  /// Whether there are samples from an argument on up to the end.
  func isSampled(from x: Double) -> Bool { isWhole && x * intervals.perUnit >= intervals.first }

  /// Σ_j w_j·K(x − μ_j) over classes with samples for all of their arguments; not finite where K is not.
  func sum(_ weights: [Double], at gaps: [Double], _ classes: Range<Int>, node x: Double) -> Double {
    weights.withUnsafeBufferPointer { weights in
      gaps.withUnsafeBufferPointer { gaps in
        guard let weights = weights.baseAddress, let gaps = gaps.baseAddress else { return 0 }
        return kernels.sum(
          weights + classes.lowerBound, at: gaps + classes.lowerBound, classes.count, node: x,
          intervals: intervals)
      }
    }
  }
}
