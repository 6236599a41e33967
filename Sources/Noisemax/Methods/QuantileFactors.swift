internal import NoiseKernels

/// The factors of the quantile rule, F and r = f/F at a difference of gaps plus every node.
protocol QuantileFactors: Sendable {
  /// About how long F and r take, in seconds.
  var seconds: (factor: Double, hazard: Double) { get }

  /// F(x).
  func cumulative(at x: Double) -> Double

  /// log F(x), for single values.
  func logCumulative(at x: Double) -> Double

  /// Multiplies the product of every node q by F(d + q) for every difference d. The differences ascend, and their list may
  /// be changed.
  func multiply(_ products: inout QuantileProducts, by differences: QuantileList)

  /// Σ_q term · r(d + q) for every difference, from the terms of products that are settled.
  func sumHazards(
    of terms: UnsafePointer<Double>, at differences: QuantileList, to sums: UnsafeMutablePointer<Double>)
}

/// A list of differences, with memory for two more numbers for each.
struct QuantileList {
  let values, rising, falling: UnsafeMutablePointer<Double>
  var count = 0

  init(capacity: Int, in memory: inout Pieces) {
    values = memory.take(padded(capacity))
    rising = memory.take(padded(capacity))
    falling = memory.take(padded(capacity))
  }

  mutating func append(_ value: Double) {
    values[count] = value
    count += 1
  }
}
