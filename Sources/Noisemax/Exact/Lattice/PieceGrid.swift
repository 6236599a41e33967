internal import NoiseKernels

/// The pieces of the logit axis on which sums are polynomials of degree 15: a power of two of them to a box.
struct PieceGrid: @unchecked Sendable {
  let length: Double
  private let boxExponent: Int
  /// How many pieces others are above a piece that are near its box and not below its limit.
  let distances: Range<Int>
  /// Two matrices for every piece of a box: from moments to weights of the box's points, with a row for each of sixteen; and
  /// from values at the points to coefficients.
  private let toBox: UnsafePointer<Double>
  private let fromBox: UnsafePointer<Double>
  private let memory = KeptMemory()

  /// Without a box there are no distances.
  init(length: Double, box: Double?, limit: Double) {
    (self.length, boxExponent) = (length, box.map { ($0 / length).exponent } ?? 0)
    let perBox = 1 << boxExponent
    let lowest = -Int((limit / length).rounded(.up))
    distances = box == nil ? 0..<0 : lowest..<max(lowest, 3 * perBox)
    let (terms, points) = (Piece.terms, BoxBasis.count)
    let toBox = memory.reserve(perBox * terms * terms)
    let fromBox = memory.reserve(perBox * points * terms)
    for piece in 0..<perBox {
      let shares = Piece.nodes.map { BoxBasis.shares(at: (Double(piece) + (1 + $0) / 2) / Double(perBox)) }
      for point in 0..<points {
        for (k, value) in Piece.coefficients(of: shares.map { $0[point] }).enumerated() {
          toBox[terms * (terms * piece + k) + point] = value
          fromBox[terms * (points * piece + point) + k] = value
        }
      }
    }
    (self.toBox, self.fromBox) = (UnsafePointer(toBox), UnsafePointer(fromBox))
  }

  /// The piece of a point.
  func index(of x: Double) -> Int { Int((x / length).rounded(.down)) }

  /// The box of a piece.
  func box(of piece: Int) -> Int { piece >> boxExponent }

  /// The pieces near a piece.
  func near(_ piece: Int) -> Range<Int> {
    let lowest = piece + distances.lowerBound
    return lowest..<max(lowest, (box(of: piece) + 3) << boxExponent)
  }

  private func place(of piece: Int) -> Int { piece & (1 << boxExponent - 1) }

  /// Adds a piece by its moments to the weights of the points of its box, and of four points that are none.
  func add(_ moments: UnsafePointer<Double>, of piece: Int, to weights: UnsafeMutablePointer<Double>) {
    let matrix = toBox + Piece.terms * Piece.terms * place(of: piece)
    kernels.addColumns(of: matrix, Piece.terms, stride: Piece.terms, times: moments, to: weights)
  }

  /// Adds the polynomial with some values at the points of a box, to the coefficients of the one on a piece.
  func add(_ values: UnsafePointer<Double>, to coefficients: UnsafeMutablePointer<Double>, of piece: Int) {
    let matrix = fromBox + BoxBasis.count * Piece.terms * place(of: piece)
    kernels.addColumns(of: matrix, BoxBasis.count, stride: Piece.terms, times: values, to: coefficients)
  }
}

/// The moments Σ w T_k(t), k = 0…15, of weighted points on a piece.
final class PieceMoments {
  /// A vector of sums for each, and sixteen numbers more.
  private let memory = UnsafeMutablePointer<Double>.allocate(capacity: 9 * Piece.terms)

  init() { memory.update(repeating: 0, count: 9 * Piece.terms) }

  deinit { memory.deallocate() }

  /// Adds points on low…high.
  func add(
    _ weights: UnsafePointer<Double>, at x: UnsafePointer<Double>, _ count: Int, from low: Double,
    to high: Double
  ) {
    let whole = count & ~7
    kernels.addMoments(of: weights, at: x, whole, from: low, to: high, to: memory)
    guard whole < count else { return }
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 16) { rest in
      guard let start = rest.baseAddress else { return }
      start.update(repeating: 0, count: 16)
      start.update(from: weights + whole, count: count - whole)
      (start + 8).update(from: x + whole, count: count - whole)
      kernels.addMoments(of: start, at: start + 8, 8, from: low, to: high, to: memory)
    }
  }

  /// Calls the body with the moments of what has been added, which is forgotten.
  func take(_ body: (UnsafePointer<Double>) -> Void) {
    let moments = memory + 8 * Piece.terms
    kernels.laneSums(of: memory, Piece.terms, to: moments)
    memory.update(repeating: 0, count: 8 * Piece.terms)
    body(moments)
  }
}
