/// A number held as the unevaluated sum of two Doubles, about 106 significant bits.
///
/// Method: error-free sums and products (Knuth, Dekker), the product by a fused multiply-add. Operations between
/// two such numbers are accurate to a few units in 2⁻¹⁰⁴ relative, as long as neither part over- or underflows.
package struct DoubleDouble: BitwiseCopyable, Sendable, Equatable {
  package var high: Double
  package var low: Double

  /// The sum of two parts that are already normalised: |low| ≤ ½ ulp(high).
  package init(_ high: Double, _ low: Double = 0) {
    self.high = high
    self.low = low
  }

  /// a + b exactly.
  package init(sumOf a: Double, and b: Double) {
    let sum = a + b
    let rounded = sum - a
    self.init(sum, (a - (sum - rounded)) + (b - rounded))
  }

  /// a · b exactly.
  package init(productOf a: Double, and b: Double) {
    let product = a * b
    self.init(product, (-product).addingProduct(a, b))
  }

  /// a + b exactly, where |a| ≥ |b| or a is zero.
  private init(ordered a: Double, _ b: Double) {
    let sum = a + b
    self.init(sum, b - (sum - a))
  }

  /// The nearest Double.
  package var value: Double { high + low }

  /// The Double nearest to a number that is within `error` of this one. nil if that reaches the midpoint of two Doubles:
  /// then either could be the nearest.
  package func nearestDouble(within error: Double) -> Double? {
    let normal = DoubleDouble(sumOf: high, and: low)
    let neighbour = normal.low < 0 ? normal.high.nextDown : normal.high.nextUp
    let toMidpoint = (neighbour - normal.high).magnitude / 2
    return normal.low.magnitude + error < toMidpoint ? normal.high : nil
  }

  package static prefix func - (x: DoubleDouble) -> DoubleDouble { DoubleDouble(-x.high, -x.low) }

  package static func + (x: DoubleDouble, y: DoubleDouble) -> DoubleDouble {
    let high = DoubleDouble(sumOf: x.high, and: y.high)
    let low = DoubleDouble(sumOf: x.low, and: y.low)
    let middle = DoubleDouble(ordered: high.high, high.low + low.high)
    return DoubleDouble(ordered: middle.high, middle.low + low.low)
  }

  package static func - (x: DoubleDouble, y: DoubleDouble) -> DoubleDouble { x + -y }

  package static func * (x: DoubleDouble, y: DoubleDouble) -> DoubleDouble {
    let product = DoubleDouble(productOf: x.high, and: y.high)
    return DoubleDouble(ordered: product.high, product.low + (x.high * y.low + x.low * y.high))
  }

  package static func / (x: DoubleDouble, y: DoubleDouble) -> DoubleDouble {
    let first = x.high / y.high
    let rest = x - y * DoubleDouble(first)
    let second = rest.high / y.high
    let third = (rest - y * DoubleDouble(second)).high / y.high
    return DoubleDouble(ordered: first, second) + DoubleDouble(third)
  }

  /// The product with a power of two, exact barring over- and underflow.
  package func scaled(byPowerOfTwo power: Double) -> DoubleDouble { DoubleDouble(high * power, low * power) }
}

extension DoubleDouble {
  /// 1/√(2π).
  package static let inverseRootTwoPi = DoubleDouble(0.3989422804014327, -2.49232720227773e-17)

  package static let ln2 = DoubleDouble(0.6931471805599453, 2.3190468138462996e-17)

  /// eˣ to about 1e-30 relative, for |x| ≤ 700.
  ///
  /// x = k·log 2 + 256·r with |r| ≤ 0.0014, so nine terms of the series for eʳ − 1 are enough; (1 + y)² − 1 =
  /// y·(2 + y), eight times, keeps the small quantity small.
  package static func exponential(_ x: DoubleDouble) -> DoubleDouble {
    let k = (x.high / ln2.high).rounded()
    let r = (x - ln2 * DoubleDouble(k)).scaled(byPowerOfTwo: 0x1p-8)
    var y = r * inverseFactorials[0]
    for inverseFactorial in inverseFactorials.dropFirst() { y = r * (inverseFactorial + y) }
    for _ in 0..<8 { y = y.scaled(byPowerOfTwo: 2) + y * y }
    let power = Double(sign: .plus, exponent: Int(k), significand: 1)
    return (DoubleDouble(1) + y).scaled(byPowerOfTwo: power)
  }

  /// log x to about 1e-30 relative (absolute near x = 1), for x between 1e-300 and 1e300: one Newton step.
  package static func logarithm(_ x: DoubleDouble) -> DoubleDouble {
    let estimate = DoubleDouble(Noisemax.logarithm(x.high))
    let ratio = x * exponential(-estimate) - DoubleDouble(1)
    return estimate + ratio - (ratio * ratio).scaled(byPowerOfTwo: 0.5)
  }

  /// 1/9!, 1/8!, … 1/1!.
  private static let inverseFactorials: [DoubleDouble] = {
    var factorial = 1.0
    var inverses: [DoubleDouble] = []
    for k in 1...9 {
      factorial *= Double(k)
      inverses.append(DoubleDouble(1) / DoubleDouble(factorial))
    }
    return inverses.reversed()
  }()
}
