internal import NoiseKernels

/// The terms of a sum of the rule, for every node a product of factors, too small for a Double: mantissa · 2^exponent ·
/// e^logarithm.
struct QuantileTerms {
  /// Once they are summed, the products relative to a power of two.
  let mantissas: UnsafeMutablePointer<Double>
  private let exponents, logarithms: UnsafeMutablePointer<Double>
  let count: Int
  private var hasLogarithms = false

  /// The memory that `count` products need.
  static func memory(for count: Int) -> Int { 3 * padded(count) + 8 }

  init(count: Int, in memory: inout Pieces) {
    self.count = count
    mantissas = memory.take(padded(count))
    exponents = memory.take(padded(count))
    logarithms = memory.take(padded(count) + 8) + 8
  }

  /// Products of no factors.
  mutating func reset() {
    mantissas.update(repeating: 1, count: padded(count))
    exponents.update(repeating: 0, count: padded(count))
    hasLogarithms = false
  }

  /// Multiplies a product by a power of a factor. High powers come by the logarithm, where the roundings of one factor would
  /// add up, and so do factors that are too small.
  @inline(__always)
  mutating func multiply(
    _ node: Int, by factor: Double, power: Double, logarithm: @autoclosure () -> Double
  ) {
    guard factor >= 0x1p-250 && power <= 6 else {
      return multiply(node, byExponentialOf: power * logarithm())
    }
    multiply(node, by: factor)
    if power > 1 { for _ in 1..<Int(power) { multiply(node, by: factor) } }
  }

  @inline(__always)
  private func multiply(_ node: Int, by factor: Double) {
    let product = mantissas[node] * factor
    mantissas[node] = product
    if product < 0x1p-500 { (mantissas[node], exponents[node]) = (product * 0x1p500, exponents[node] - 500) }
  }

  /// Multiplies up to sixteen products by powers of factors, of which every class has sixteen. They are above 2⁻²⁵⁰, or 0.
  func multiply(
    from node: Int, by factors: UnsafePointer<Double>, powers: UnsafePointer<Double>, _ count: Int
  ) {
    kernels.multiply(
      mantissas + node, exponents + node, nodes: Swift.min(16, padded(self.count) - node), by: factors,
      powers: powers, count)
  }

  /// Products of 0, to be given by their logarithms; loops may write to eight places before the first.
  mutating func resetLogarithms() -> UnsafeMutablePointer<Double> {
    reset()
    hasLogarithms = true
    logarithms.update(repeating: -.infinity, count: padded(count))
    return logarithms
  }

  /// Multiplies a product by a factor given by its logarithm.
  @inline(__always)
  mutating func multiply(_ node: Int, byExponentialOf logarithm: Double) {
    if !hasLogarithms { logarithms.update(repeating: 0, count: padded(count)) }
    hasLogarithms = true
    logarithms[node] += logarithm
  }

  /// Whether a product is 0 by one of the factors that came by their logarithms.
  @inline(__always)
  func isZero(_ node: Int) -> Bool { hasLogarithms && logarithms[node] == -.infinity }

  /// Comes after products of single factors, before their sum.
  func normalize() { kernels.splitExponents(of: mantissas, exponents, count) }

  /// The sum of the products. Their mantissas become the products over its power of two, with 0 behind the last.
  func sum() -> QuantileValue {
    let (sum, exponent) = kernels.settleTerms(
      mantissas, exponents, logarithms: hasLogarithms ? logarithms : nil, count)
    return QuantileValue(mantissa: sum, exponent: exponent)
  }
}

/// A sum of products, mantissa · 2^exponent: 0 and −∞ for 0.
struct QuantileValue {
  var mantissa: Double
  var exponent: Double

  static let zero = QuantileValue(mantissa: 0, exponent: -.infinity)

  /// The value over a power of two.
  func scaled(by reference: Double) -> Double {
    guard mantissa > 0 else { return mantissa }
    // The mantissa is below 2⁶⁴.
    let power = Swift.min(Swift.max(exponent - reference, -1200), 1200)
    return Double(sign: .plus, exponent: Int(power), significand: mantissa)
  }

  /// The logarithm of the value over a power of two.
  func logarithm(relativeTo reference: Double) -> Double {
    guard mantissa > 0 else { return mantissa == 0 ? -.infinity : .nan }
    return Noisemax.logarithm(mantissa) + (exponent - reference) * 0x1.62e42fefa39efp-1
  }
}
