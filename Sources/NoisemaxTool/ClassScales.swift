import CommandLineConventions
import Noisemax

/// What the noise of each class is multiplied by, in every row.
struct ClassScales<Scalar: DecimalScalar>: Sendable {
  let values: [Scalar]
  /// The classes without noise.
  private let fixed: [Int]

  /// A list such as `0.5,2,1`, of factors of the scale that all classes have.
  init(_ list: String, times scale: Double) throws(Failure) {
    var values: [Scalar] = []
    let bytes = Array(list.utf8)
    if let error = bytes.withUnsafeBufferPointer({ LogitRow.append($0, to: &values) }) {
      throw Failure(.usage, "--scales, byte \(error.column): \(error.message)")
    }
    for value in values {
      guard value >= 0, value.isFinite else {
        throw Failure(
          .usage, "--scales takes finite numbers of 0 or more, not \(shortestDecimal(Double(value)))")
      }
      let product = Double(value) * scale
      guard value == 0 || (product.isFinite && product >= .leastNormalMagnitude) else {
        throw Failure(
          .usage,
          "\(shortestDecimal(Double(value))) of --scales times --scale \(shortestDecimal(scale)) is out of range"
        )
      }
    }
    self.values = values
    fixed = values.indices.filter { values[$0] == 0 }
  }

  /// Complains where an ordering is asked for: all its classes need noise.
  func requireNoise(for option: String) throws(Failure) {
    if let index = fixed.first {
      throw Failure(.usage, "with \(option) every scale is above 0, not that of class \(index)")
    }
  }

  /// Why a row does not go with the scales; nil where it does.
  func complaint(about row: [Scalar], tiesAreFine: Bool) -> String? {
    if row.count != values.count {
      return "\(row.count) classes, but \(values.count) in --scales"
    }
    guard !tiesAreFine, let (one, other) = tie(ofStill: fixed, in: row) else { return nil }
    return "classes \(one) and \(other) have scale 0 and the same logit"
  }
}
