internal import NoiseKernels

/// Interpolation between equally spaced points of a box, its ends among them.
struct BoxBasis: @unchecked Sendable {
  static let shared = BoxBasis()
  static let count = 12
  /// Numbers at the points of a box have room for so many.
  static let room = 16

  /// For the lower and the upper half of a box: from values at the points of the box to those at the points of the half, and
  /// from weights of these to weights of those.
  private let toHalves: [UnsafePointer<Double>]
  private let fromHalves: [UnsafePointer<Double>]
  /// From values to the coefficients of Chebyshev polynomials.
  private let coefficients: UnsafePointer<Double>
  private let memory = KeptMemory()

  private init() {
    let (count, memory) = (Self.count, memory)
    /// A matrix by its columns.
    func keep(_ rows: [[Double]], isTransposed: Bool = false) -> UnsafePointer<Double> {
      memory.keep(
        (0..<count).flatMap { column in
          (0..<Self.room).map { row in
            if row >= count { return 0 }
            return isTransposed ? rows[column][row] : rows[row][column]
          }
        })
    }
    let halves = [0.0, 1].map { (half: Double) -> [[Double]] in
      (0..<count).map { (point: Int) -> [Double] in
        let position: Double = half + Double(point) / Double(count - 1)
        return Self.shares(at: position / 2)
      }
    }
    toHalves = halves.map { keep($0) }
    fromHalves = halves.map { keep($0, isTransposed: true) }
    let nodes = Chebyshev.zeros(count)
    let values = nodes.map { Self.shares(at: ($0 + 1) / 2) }
    coefficients = keep(
      (0..<count).map { k in
        (0..<count).map { j in
          nodes.indices.reduce(0) { $0 + Chebyshev.share(ofZero: $1, in: k, of: count) * values[$1][j] }
        }
      })
  }

  private func add(
    _ matrix: UnsafePointer<Double>, times numbers: UnsafePointer<Double>,
    to sums: UnsafeMutablePointer<Double>
  ) {
    kernels.addColumns(of: matrix, Self.count, stride: Self.room, times: numbers, to: sums)
  }

  /// Adds the polynomial with some values at the points of a box to the values at those of its lower or upper half.
  func add(_ values: UnsafePointer<Double>, toHalf half: Int, _ sums: UnsafeMutablePointer<Double>) {
    add(toHalves[half], times: values, to: sums)
  }

  /// Adds the weights of the points of the lower or upper half of a box to those of its own.
  func add(_ weights: UnsafePointer<Double>, ofHalf half: Int, to sums: UnsafeMutablePointer<Double>) {
    add(fromHalves[half], times: weights, to: sums)
  }

  /// Adds the coefficients of the polynomial with some values at the points.
  func addCoefficients(of values: UnsafePointer<Double>, to sums: UnsafeMutablePointer<Double>) {
    add(coefficients, times: values, to: sums)
  }

  /// The shares of the points in the value at t ∈ 0…1.
  static func shares(at t: Double) -> [Double] {
    var shares = [Double](repeating: 0, count: count)
    shares.withUnsafeMutableBufferPointer { shares in
      if let start = shares.baseAddress { add(1, at: t, to: start) }
    }
    return shares
  }

  /// Adds the shares of the points in a weight at t ∈ 0…1.
  static func add(_ weight: Double, at t: Double, to sums: UnsafeMutablePointer<Double>) {
    let position = t * Double(count - 1)
    withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { factors in
      // The products of all factors further up.
      var product = weight
      for j in (0..<count).reversed() {
        factors[j] = product
        product *= position - Double(j)
      }
      product = 1
      reciprocals.withUnsafeBufferPointer { reciprocals in
        for j in 0..<count {
          sums[j] += factors[j] * product * reciprocals[j]
          product *= position - Double(j)
        }
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
