import Foundation
import Noisemax
import NoisemaxLaws

// What the panels are tested against, computed by other means: polynomials integrated term by term, to twice the
// precision of Double.

func isClose(_ value: Double, _ expected: Double, within tolerance: Double) -> Bool {
  value == expected || (value - expected).magnitude <= tolerance
}

/// A polynomial with coefficients of twice the precision.
struct DoublePolynomial {
  private(set) var coefficients = [DoubleDouble(1)]

  /// Multiplies by constant + slope·t.
  mutating func multiply(constant: DoubleDouble, slope: DoubleDouble) {
    var product = coefficients.map { $0 * constant } + [DoubleDouble(0)]
    for k in coefficients.indices { product[k + 1] = product[k + 1] + coefficients[k] * slope }
    coefficients = product
  }
}

func power(_ base: DoubleDouble, _ exponent: Int) -> DoubleDouble {
  (0..<exponent).reduce(DoubleDouble(1)) { product, _ in product * base }
}

/// ∫ ∏ (x + g_j) dx over all classes but the chosen, piece by piece: all terms are positive.
enum UniformOracle {
  static func probabilities(_ distances: [Double]) -> [Double] {
    distances.indices.map { integral(distances, densitiesOf: [$0]) }
  }

  /// ∫ ∏ F with the density in place of F for the chosen classes.
  static func integral(_ distances: [Double], densitiesOf chosen: [Int]) -> Double {
    let deepest = chosen.map { distances[$0] }.max() ?? 0
    let breaks = distances.filter { $0 < 1 && $0 >= deepest }
    let ends = (breaks.map { DoubleDouble(sumOf: 1, and: -$0) }.sorted { $0.value < $1.value })
    var (total, start) = (DoubleDouble(0), DoubleDouble(0))
    for end in ends where end.value > start.value {
      let middle = (start + end).scaled(byPowerOfTwo: 0.5)
      var product = DoublePolynomial()
      for other in distances.indices where !chosen.contains(other) {
        if (middle + DoubleDouble(distances[other])).value < 1 {
          product.multiply(constant: DoubleDouble(distances[other]), slope: DoubleDouble(1))
        }
      }
      for (k, coefficient) in product.coefficients.enumerated() {
        total =
          total + coefficient * (power(end, k + 1) - power(start, k + 1)) / DoubleDouble(Double(k + 1))
      }
      start = end
    }
    return total.value
  }
}

/// With t = e^(−x): p_i = a_i·∫ ∏_{j≠i} (1 − a_j·t) dt over 0…1, a = e^(−g).
enum ExponentialOracle {
  static func probabilities(_ distances: [Double]) -> [Double] {
    distances.indices.map { integral(distances, densitiesOf: [$0]) }
  }

  /// ∫ ∏ F with the density in place of F for the chosen classes.
  static func integral(_ distances: [Double], densitiesOf chosen: [Int]) -> Double {
    let weights = distances.map { DoubleDouble.exponential(DoubleDouble(-$0)) }
    var product = DoublePolynomial()
    for other in distances.indices where !chosen.contains(other) {
      product.multiply(constant: DoubleDouble(1), slope: -weights[other])
    }
    var total = DoubleDouble(0)
    for (k, coefficient) in product.coefficients.enumerated() {
      total = total + coefficient / DoubleDouble(Double(k + chosen.count))
    }
    return chosen.reduce(total) { $0 * weights[$1] }.value
  }
}

/// Between neighbouring logits a < b, with t = e^(a − x): a class above counts e^(x − μ)/2 = e^(a − μ)/(2t), one
/// below 1 − e^(μ − a)·t/2, and the integrals of the powers of t are known.
enum LaplaceOracle {
  static func probabilities(_ distances: [Double]) -> [Double] {
    distances.indices.map { integral(distances, densitiesOf: [$0]) }
  }

  /// ∫ ∏ F with the density in place of F for the chosen classes.
  static func integral(_ distances: [Double], densitiesOf chosen: [Int]) -> Double {
    terms(distances, densitiesOf: chosen).sum(relativeTo: DoubleDouble(0)).value
  }

  /// The same as a sum of c·e^E, where E may lie far below what a Double can be the exponential of.
  static func terms(_ distances: [Double], densitiesOf chosen: [Int]) -> Terms {
    let logits = Array(Set(distances)).sorted(by: >).map { -$0 }
    var terms = Terms()
    for k in -1..<logits.count {
      // From −∞ to the lowest logit every factor is e^(x − μ)/2.
      let start = k < 0 ? logits[0] : logits[k]
      let end: Double? = k < 0 ? logits[0] : k + 1 < logits.count ? logits[k + 1] : nil
      var product = DoublePolynomial()
      var exponent = DoubleDouble(0)
      var shift = 0
      for other in distances.indices {
        let logit = -distances[other]
        let isAbove = k < 0 || logit > start
        let difference = DoubleDouble(sumOf: start, and: -logit)
        let factor = (isAbove ? difference : -difference) - DoubleDouble.ln2
        if chosen.contains(other) {
          exponent = exponent + factor
          shift += isAbove ? -1 : 1
        } else if isAbove {
          exponent = exponent + factor
          shift -= 1
        } else {
          product.multiply(constant: DoubleDouble(1), slope: -Terms.exponential(factor))
        }
      }
      if k < 0 {
        terms.add(DoubleDouble(1) / DoubleDouble(Double(distances.count)), exponent)
        continue
      }
      let length = end.map { DoubleDouble(sumOf: $0, and: -start) }
      for (m, coefficient) in product.coefficients.enumerated() {
        // ∫ t^(q − 1) dt from e^(−length) to 1.
        let q = DoubleDouble(Double(m + shift))
        if m + shift == 0 {
          terms.add(coefficient * (length ?? DoubleDouble(0)), exponent)
        } else {
          terms.add(coefficient / q, exponent)
          if let length { terms.add(-coefficient / q, exponent - length * q) }
        }
      }
    }
    return terms
  }

  /// Numbers that may all be below the least Double, and add up to one that is not small beside the largest.
  struct Terms {
    private var coefficients: [DoubleDouble] = []
    private var exponents: [DoubleDouble] = []

    mutating func add(_ coefficient: DoubleDouble, _ exponent: DoubleDouble) {
      coefficients.append(coefficient)
      exponents.append(exponent)
    }

    var largestExponent: DoubleDouble {
      exponents.max { ($0 - $1).value < 0 } ?? DoubleDouble(0)
    }

    /// e^(−exponent) times the sum.
    func sum(relativeTo exponent: DoubleDouble) -> DoubleDouble {
      zip(coefficients, exponents).reduce(DoubleDouble(0)) { $0 + $1.0 * Self.exponential($1.1 - exponent) }
    }

    static func exponential(_ x: DoubleDouble) -> DoubleDouble {
      x.high < -740 ? DoubleDouble(0) : .exponential(x)
    }
  }
}
