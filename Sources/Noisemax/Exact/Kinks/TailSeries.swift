internal import NoiseKernels

/// What the far classes of a row are summed up by: 1/(1 − v) and −log(1 − v)/v for v in 0…⅛ as polynomials of
/// ``tailTerms`` coefficients.
///
/// Interpolated at Chebyshev's points, where the nearest singularity, v = 1, leaves an error like 30^−12 = 2e-18.
struct TailSeries: Sendable {
  let inverse: [Double]
  let logarithm: [Double]

  static let shared = TailSeries()

  private init() {
    inverse = Self.interpolation { DoubleDouble(1) / (DoubleDouble(1) - $0) }
    logarithm = Self.interpolation { v in
      // Σ vᵏ/(k + 1), of which 40 terms are more than enough.
      (0..<40).reversed().reduce(DoubleDouble(0)) { $0 * v + DoubleDouble(1) / DoubleDouble(Double($1 + 1)) }
    }
  }

  /// Newton's divided differences to twice the precision, multiplied out.
  private static func interpolation(_ function: (DoubleDouble) -> DoubleDouble) -> [Double] {
    let points = (0..<tailTerms).map { k in
      DoubleDouble((1 + GaussLegendre.cosineOfHalfTurns((Double(k) + 0.5) / Double(tailTerms))) / 16)
    }
    var differences = points.map(function)
    for order in 1..<tailTerms {
      for k in (order..<tailTerms).reversed() {
        differences[k] = (differences[k] - differences[k - 1]) / (points[k] - points[k - order])
      }
    }
    var coefficients = [DoubleDouble](repeating: DoubleDouble(0), count: tailTerms)
    for k in (0..<tailTerms).reversed() {
      for power in (1..<tailTerms).reversed() {
        coefficients[power] = coefficients[power - 1] - coefficients[power] * points[k]
      }
      coefficients[0] = differences[k] - coefficients[0] * points[k]
    }
    return coefficients.map(\.value)
  }
}
