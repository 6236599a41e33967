internal import NoiseKernels

/// A polynomial on a part of the logit axis, by its Chebyshev coefficients, whose number is even. They stand in memory of whoever
/// made it.
struct Piece {
  let low: Double
  let high: Double
  let coefficients: UnsafePointer<Double>?
  let count: Int

  /// 0 everywhere.
  static var empty: Piece { Piece(low: .infinity, high: .infinity, coefficients: nil, count: 0) }

  func contains(_ x: Double) -> Bool { x >= low && x < high }

  func value(at x: Double) -> Double {
    guard let coefficients else { return 0 }
    let t = ((x - low) - (high - x)) / (high - low)
    var (first, second) = (0.0, 0.0)
    var k = count - 1
    while k > 0 {
      (first, second) = (2 * t * first - second + coefficients[k], first)
      k -= 1
    }
    return t * first - second + coefficients[0]
  }

  /// Writes the values at points of the part.
  func write(at x: UnsafePointer<Double>, _ count: Int, to values: UnsafeMutablePointer<Double>) {
    guard let coefficients, count >= 8 else {
      for index in 0..<count { values[index] = value(at: x[index]) }
      return
    }
    func write(_ first: Int, _ points: Int) {
      kernels.polynomial(
        coefficients, self.count, from: low, to: high, at: x + first, points, values: values + first)
    }
    write(0, count & ~7)
    if count % 8 > 0 { write(count - 8, 8) }
  }
}

// MARK: degree 15

extension Piece {
  static let terms = 16
  /// The nodes in −1…1.
  static let nodes = Chebyshev.zeros(terms)

  /// The coefficients of the polynomial through a function of t ∈ −1…1.
  static func coefficients(_ function: (Double) -> Double) -> [Double] {
    coefficients(of: nodes.map(function))
  }

  /// … and of that with some values at the nodes.
  static func coefficients(of values: [Double]) -> [Double] {
    (0..<terms).map { k in
      var sum = 0.0
      for j in 0..<terms { sum += matrix[terms * k + j] * values[j] }
      return sum
    }
  }

  /// The weights at the nodes with some moments Σ w T_k.
  static func weights(of moments: UnsafePointer<Double>) -> [Double] {
    var weights = [Double](repeating: 0, count: terms)
    weights.withUnsafeMutableBufferPointer { weights in
      matrix.withUnsafeBufferPointer { matrix in
        guard let weights = weights.baseAddress, let matrix = matrix.baseAddress else { return }
        kernels.addColumns(of: matrix, terms, stride: terms, times: moments, to: weights)
      }
    }
    return weights
  }
}

/// The coefficients from the values at the nodes: a row for each.
private let matrix = (0..<Piece.terms).flatMap { k in
  (0..<Piece.terms).map { Chebyshev.share(ofZero: $0, in: k, of: Piece.terms) }
}
