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
  /// log F, log r and r where boxes do not reach, between samples.
  let logCumulative: SampledFunction
  let logReversedHazard: SampledFunction
  let reversedHazard: SampledFunction

  init(_ table: LatticeTable) {
    let noise = table.noise
    limit = noise.upperQuantile(at: 1e-26)
    lowerEnd = noise.quantile(at: 1e-20)
    unit = table.quartiles
    func reversedHazard(_ x: Double) -> Double { exponential(noise.logReversedHazard(at: x)) }
    let (unit, low, high) = (unit, -8 * unit, limit)
    /// Whether polynomials on pieces of some length reproduce a function, to a tolerance relative to it or to a size.
    func reproduces(_ function: (Double) -> Double, on length: Double, size: Double) -> Bool {
      stride(from: (low / length).rounded(.down) * length, to: high, by: length).allSatisfy { start in
        let piece = Piece(from: start, to: start + length, function)
        return [0.02, 0.3, 0.55, 0.9].map { start + $0 * length }.allSatisfy {
          (piece.value(at: $0) - function($0)).magnitude <= 2e-13 * max(size, function($0).magnitude)
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
    logCumulative = SampledFunction(noise.logCumulative, from: lowest, to: limit, table: table)
    logReversedHazard = SampledFunction(noise.logReversedHazard, from: lowest, to: limit, table: table)
    self.reversedHazard = SampledFunction(
      { exponential(noise.logReversedHazard(at: $0)) }, from: lowest, to: limit, table: table)
  }
}

/// A function of which samples are kept, with a polynomial between every two of them.
struct SampledFunction {
  private let function: @Sendable (Double) -> Double
  private let intervals: SampledIntervals
  private let count: Int
  /// Whether there are samples up to the end.
  private let isWhole: Bool
  private let memory = KeptMemory()

  init(
    _ function: @escaping @Sendable (Double) -> Double, from low: Double, to high: Double, table: LatticeTable
  ) {
    let (unit, basis) = (table.cell, table.bases[.double])
    self.function = function
    let first = (low / unit).rounded(.down)
    let wanted = (high / unit).rounded(.down) + 2 - first
    let count = Int(min(wanted, Double(LatticeTable.mostSamples)))
    isWhole = wanted == Double(count)
    let samples = (0..<count + basis.taps).map { function((first + basis.position(of: $0)) * unit) }
    let coefficients = (0..<count).flatMap { index in basis.coefficients { samples[index + $0] } }
    self.count = count
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

/// Interpolation between equally spaced points of a box, its ends among them.
struct BoxBasis {
  static let shared = BoxBasis()
  static let count = 12

  /// halves[s][count·i + j]: the share of point j of a box in the value at point i of its lower or upper half.
  let halves: [[Double]]
  /// The coefficients of Chebyshev polynomials from the values at the points: count rows.
  let coefficients: [Double]

  private init() {
    let count = Self.count
    let nodes = Chebyshev.zeros(count)
    let values = nodes.map { Self.shares(at: ($0 + 1) / 2) }
    halves = [0.0, 1].map { (half: Double) -> [Double] in
      (0..<count).flatMap { (point: Int) -> [Double] in
        let position: Double = half + Double(point) / Double(count - 1)
        return Self.shares(at: position / 2)
      }
    }
    coefficients = (0..<count).flatMap { k in
      (0..<count).map { j in
        nodes.indices.reduce(0) { $0 + Chebyshev.share(ofZero: $1, in: k, of: count) * values[$1][j] }
      }
    }
  }

  /// The shares of the points in the value at t ∈ 0…1.
  static func shares(at t: Double) -> [Double] {
    [Double](unsafeUninitializedCapacity: count) { shares, initialized in
      initialized = count
      let position = t * Double(count - 1)
      var product = 1.0
      for j in 0..<count {
        shares[j] = product * reciprocals[j]
        product *= position - Double(j)
      }
      product = 1
      for j in (0..<count).reversed() {
        shares[j] *= product
        product *= position - Double(j)
      }
    }
  }

  /// 1/∏ (j − k) over all other points k.
  private static let reciprocals: [Double] = (0..<count).map { j in
    let others = (0..<count).filter { $0 != j }
    return 1 / others.reduce(1.0) { product, k in product * Double(j - k) }
  }

  /// Whether a polynomial through the points reproduces a function from −3 to −2 lengths.
  func reproduces(_ function: (Double) -> Double, onLength length: Double) -> Bool {
    let last = Double(Self.count - 1)
    let values = (0..<Self.count).map { function((Double($0) / last - 3) * length) }
    return [0.5, 1.5, 5.5, last - 0.5].allSatisfy { position in
      let truth = function((position / last - 3) * length)
      let value = zip(Self.shares(at: position / last), values).reduce(0) { $0 + $1.0 * $1.1 }
      return (value - truth).magnitude <= 4e-13 * truth.magnitude
    }
  }
}
