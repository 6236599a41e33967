/// A polynomial on a part of the logit axis, by its Chebyshev coefficients.
struct Piece {
  let low: Double
  let high: Double
  let coefficients: [Double]

  /// 0 everywhere.
  static let empty = Piece(low: .infinity, high: .infinity, coefficients: [])

  func contains(_ x: Double) -> Bool { x >= low && x < high }

  func value(at x: Double) -> Double {
    if coefficients.isEmpty { return 0 }
    let t = ((x - low) - (high - x)) / (high - low)
    return coefficients.withUnsafeBufferPointer { coefficients in
      var (first, second) = (0.0, 0.0)
      for k in (1..<coefficients.count).reversed() {
        (first, second) = (2 * t * first - second + coefficients[k], first)
      }
      return t * first - second + coefficients[0]
    }
  }
}

extension Piece {
  /// That of degree 15 through a function.
  init(from low: Double, to high: Double, _ function: (Double) -> Double) {
    let values = nodes.map { function(low + (high - low) * (1 + $0) / 2) }
    let count = values.count
    coefficients = (0..<count).map { k in
      var sum = 0.0
      for j in 0..<count { sum += matrix[count * k + j] * values[j] }
      return sum
    }
    (self.low, self.high) = (low, high)
  }
}

private let nodes = Chebyshev.zeros(16)

/// The coefficients from the values at the nodes: a row for each.
private let matrix = (0..<16).flatMap { k in (0..<16).map { Chebyshev.share(ofZero: $0, in: k, of: 16) } }
