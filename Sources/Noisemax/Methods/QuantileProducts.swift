internal import NoiseKernels

/// For every node a product of factors, too small for a Double: mantissa · 2^exponent · e^logarithm.
struct QuantileProducts {
  /// Once they are settled, the products relative to a power of two.
  let mantissas: UnsafeMutablePointer<Double>
  private let exponents, logarithms: UnsafeMutablePointer<Double>
  let count: Int
  private var hasLogarithms = false

  /// The places that `count` products need.
  static func places(for count: Int) -> Int { 3 * padded(count) }

  init(count: Int, in memory: inout Pieces) {
    self.count = count
    mantissas = memory.take(padded(count))
    exponents = memory.take(padded(count))
    logarithms = memory.take(padded(count))
  }

  /// Products of no factors.
  mutating func reset() {
    mantissas.update(repeating: 1, count: padded(count))
    exponents.update(repeating: 0, count: padded(count))
    hasLogarithms = false
  }

  /// Multiplies a product by a factor of at least 2⁻²⁵⁰; after every fourth one they must be ``normalize()``d.
  @inline(__always)
  func multiply(_ node: Int, by factor: Double) { mantissas[node] *= factor }

  func normalize() { kernels.splitExponents(of: mantissas, exponents, count) }

  /// Multiplies all products by F at every difference plus their nodes.
  func multiplyByCumulatives(at differences: QuantileDifferences, _ table: QuantileTable) {
    kernels.multiplyCumulatives(at: differences, table, mantissas: mantissas, exponents: exponents)
  }

  /// The same under the Gumbel law, whose factors come by their logarithms.
  mutating func multiplyByCumulativesOfGumbel(at differences: QuantileDifferences, _ table: QuantileTable) {
    prepareLogarithms()
    kernels.addLogarithmsOfGumbel(at: differences, table, to: logarithms)
  }

  /// Multiplies a product by a factor given by its logarithm.
  @inline(__always)
  mutating func multiply(_ node: Int, byExponentialOf logarithm: Double) {
    prepareLogarithms()
    logarithms[node] += logarithm
  }

  @inline(__always)
  private mutating func prepareLogarithms() {
    guard !hasLogarithms else { return }
    logarithms.update(repeating: 0, count: padded(count))
    hasLogarithms = true
  }

  /// Whether a product is 0 by one of the factors that came by their logarithms.
  @inline(__always)
  func isZero(_ node: Int) -> Bool { hasLogarithms && logarithms[node] == -.infinity }

  /// Replaces the mantissas by the products over one power of two, with 0 behind the last.
  func settle() -> QuantileValue {
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
