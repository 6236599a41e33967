import Noisemax

/// A function f of a random point z, as the estimators of ∇E[f(z)] see it: its value, and its gradient where the
/// estimator needs one.
///
/// ```swift
/// let weights = [3.0, 1, -2]
/// let f = Objective(
///   value: { z in zip(weights, z).reduce(0) { $0 + $1.0 * $1.1 } },
///   gradient: { _ in weights })
/// ```
///
/// A continuous z is a vector. A discrete one is a row of numbers too: the one-hot of its index, or those of several
/// indices one after the other, so that the same function takes a relaxed z between the corners.
///
/// The functions may be called from any thread.
public struct Objective: Sendable {
  /// f(z).
  public let value: @Sendable ([Double]) -> Double
  /// ∇f(z), as many numbers as z has: nil where only values are known.
  public let gradient: (@Sendable ([Double]) -> [Double])?

  /// A function with its gradient: serves every estimator.
  public init(
    value: @escaping @Sendable ([Double]) -> Double, gradient: @escaping @Sendable ([Double]) -> [Double]
  ) {
    self.value = value
    self.gradient = gradient
  }

  /// A function without a gradient, a black box: serves score functions and the exact gradient.
  public init(value: @escaping @Sendable ([Double]) -> Double) {
    self.value = value
    gradient = nil
  }

  /// A function of indices, one for each row of `rowLength` classes: nil for a row where no class is open.
  ///
  /// - Precondition: `rowLength` is at least 1.
  public init(ofIndicesInRowsOf rowLength: Int, value: @escaping @Sendable ([Int?]) -> Double) {
    require(rowLength >= 1, "a row has at least 1 class, not \(rowLength)")
    self.init { point in
      value(
        stride(from: 0, to: point.count, by: rowLength).map { start in
          point[start..<start + rowLength].firstIndex(of: 1).map { $0 - start }
        })
    }
  }

  /// ∇f at a point, for an estimator that cannot do without.
  func requiredGradient(at point: [Double]) -> [Double] {
    guard let gradient else {
      fatalError("this estimator follows the slope of f: make the Objective with its gradient")
    }
    let slope = gradient(point)
    require(
      slope.count == point.count, "the gradient of f has \(slope.count) elements at a point of \(point.count)"
    )
    return slope
  }
}
