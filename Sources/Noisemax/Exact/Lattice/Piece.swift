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
  /// Writes the values at points of the part, eight at a time.
  func write(at x: UnsafePointer<Double>, _ count: Int, to values: UnsafeMutablePointer<Double>) {
    var index = 0
    coefficients.withUnsafeBufferPointer { coefficients in
      while !coefficients.isEmpty && index + 8 <= count {
        let points = UnsafeRawPointer(x + index).loadUnaligned(as: SIMD8<Double>.self)
        let t = ((points - low) - (high - points)) / (high - low)
        var (first, second) = (SIMD8<Double>(), SIMD8<Double>())
        for k in (1..<coefficients.count).reversed() {
          (first, second) = (2 * t * first - second + coefficients[k], first)
        }
        let value = t * first - second + coefficients[0]
        UnsafeMutableRawPointer(values + index).storeBytes(of: value, as: SIMD8<Double>.self)
        index += 8
      }
    }
    for index in index..<count { values[index] = value(at: x[index]) }
  }

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
