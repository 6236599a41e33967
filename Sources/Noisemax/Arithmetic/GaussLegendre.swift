/// The Gauss–Legendre rule on −1…1 with its nodes in falling order: exact for polynomials of degree 2·count − 1.
///
/// Method: Newton's iteration on the Legendre polynomial from Tricomi's estimate, the last steps to twice the
/// precision, so that nodes and weights are correctly rounded but for rare ties.
struct GaussLegendre: Sendable {
  let nodes: [Double]
  let weights: [Double]
  /// Two rows of factors: Σ factor·value at the nodes is one of the last two Legendre coefficients of a function. As long as
  /// the coefficients fall like a geometric sequence, the error of the rule is about the square of these.
  let lastCoefficients: [Double]
  let nextToLastCoefficients: [Double]

  init(count: Int) {
    var nodes: [Double] = []
    var weights: [Double] = []
    var last: [Double] = []
    var nextToLast: [Double] = []
    let order = Double(count)
    for k in 1...count {
      // cos π(k − ¼)/(n + ½) is near enough for Newton's iteration.
      let fraction = (Double(k) - 0.25) / (order + 0.5)
      var x = DoubleDouble(Self.cosineOfHalfTurns(fraction))
      for _ in 0..<8 {
        let (value, before) = Self.legendre(count, at: x)
        let slope = DoubleDouble(order) * (before - x * value) / (DoubleDouble(1) - x * x)
        x = x - value / slope
      }
      let (_, before) = Self.legendre(count, at: x)
      let scaled = DoubleDouble(order) * before
      let weight = DoubleDouble(2) * (DoubleDouble(1) - x * x) / (scaled * scaled)
      nodes.append(x.value)
      weights.append(weight.value)
      let twoBefore = Self.legendre(count - 1, at: x).before
      last.append((weight * before).value * (order - 0.5))
      nextToLast.append((weight * twoBefore).value * (order - 1.5))
    }
    self.nodes = nodes
    self.weights = weights
    lastCoefficients = last
    nextToLastCoefficients = nextToLast
  }

  /// P_n(x) and P_{n−1}(x) by the three-term recurrence.
  private static func legendre(_ n: Int, at x: DoubleDouble) -> (value: DoubleDouble, before: DoubleDouble) {
    var (before, value) = (DoubleDouble(1), x)
    for k in 1..<n {
      let k = Double(k)
      let next = (DoubleDouble(2 * k + 1) * x * value - DoubleDouble(k) * before) / DoubleDouble(k + 1)
      (before, value) = (value, next)
    }
    return (value, before)
  }

  /// cos(π·h) for h in 0…1, to Double precision: its Taylor series about ½.
  static func cosineOfHalfTurns(_ h: Double) -> Double {
    let angle = (0.5 - h) * .pi
    var (term, sum) = (angle, angle)
    for k in 1...14 {
      term *= -angle * angle / Double(2 * k * (2 * k + 1))
      sum += term
    }
    return sum
  }
}
