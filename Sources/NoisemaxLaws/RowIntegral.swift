import Noisemax

/// Probabilities of a row and their derivatives by a plain integral: every class at every node, by the law's own functions.
///
/// It is slow, and independent of what it judges: no table, no cells, and one rule for all rows. Under smooth laws it is the
/// trapezoid rule, under others Gauss–Legendre quadrature between all kinks of all classes. The nodes are doubled until
/// two integrals agree to 1e-12, all in the log domain.
package struct RowIntegral {
  /// log p_i, and −∞ of masked classes.
  package let logProbabilities: [Double]
  /// log(−∂p_i/∂μ_j) of the pairs of different classes that were asked for.
  package let logSlopes: [Double]

  /// - Returns: nil for a law that is neither smooth nor piecewise smooth, and where the integrals do not agree.
  package init?(of row: [Double], pairs: [(Int, Int)], under noise: any NoiseDistribution, scale: Double) {
    switch noise {
    case let noise as any SmoothNoise: self.init(of: row, pairs: pairs, underSmooth: noise, scale: scale)
    case let noise as any PiecewiseNoise: self.init(of: row, pairs: pairs, underKinked: noise, scale: scale)
    default: return nil
    }
  }

  private init?(
    of row: [Double], pairs: [(Int, Int)], underSmooth noise: some SmoothNoise, scale: Double
  ) {
    let gaps = Self.gaps(of: row, scale: scale)
    let (low, high, quartiles) = Self.window(of: gaps, under: noise)
    self.init(of: gaps, pairs: pairs, scale: scale, noise.logCumulative, noise.logReversedHazard) {
      refinement in
      let step = quartiles / Double(16 << refinement)
      return (Int(low / step)...Int(high / step)).map { (Double($0) * step, step) }
    }
  }

  private init?(
    of row: [Double], pairs: [(Int, Int)], underKinked noise: some PiecewiseNoise, scale: Double
  ) {
    let gaps = Self.gaps(of: row, scale: scale)
    let (low, high, quartiles) = Self.window(of: gaps, under: noise)
    let kinks = gaps.flatMap { gap in noise.kinks.map { gap + $0 } }.filter { $0 > low && $0 < high }
    let ends = [low] + kinks.sorted() + [high]
    func logReversedHazard(_ x: Double) -> Double { noise.logDensity(at: x) - noise.logCumulative(at: x) }
    self.init(of: gaps, pairs: pairs, scale: scale, noise.logCumulative, logReversedHazard) { refinement in
      zip(ends, ends.dropFirst()).flatMap { a, b in
        let count = Int(((b - a) / quartiles).rounded(.up)) << refinement
        let width = (b - a) / Double(count)
        return (0..<count).flatMap { GaussFive.nodes(from: a + Double($0) * width, width: width) }
      }
    }
  }

  private init?(
    of gaps: [Double], pairs: [(Int, Int)], scale: Double, _ logCumulative: (Double) -> Double,
    _ logReversedHazard: (Double) -> Double, nodes: (_ refinement: Int) -> [(point: Double, weight: Double)]
  ) {
    var last: [Double]?
    for refinement in 1...8 {
      let nodes = nodes(refinement)
      let logG = nodes.map { node in
        Self.sum(gaps.map { $0 > -.infinity ? logCumulative(node.point - $0) : 0 }) + logarithm(node.weight)
      }
      // Where no class can be the winner there is nothing to integrate, and reversed hazards are infinite.
      func reversedHazards(_ i: Int) -> [Double] {
        zip(nodes, logG).map { $1 > -.infinity ? logReversedHazard($0.point - gaps[i]) : 0 }
      }
      var known: [Int: [Double]] = [:]
      for i in gaps.indices where gaps[i] > -.infinity { known[i] = reversedHazards(i) }
      let ofClasses = gaps.indices.map { i in
        known[i].map { reversedHazards in Self.logSum(zip(logG, reversedHazards).map { $0 + $1 }) }
          ?? -.infinity
      }
      let ofPairs = pairs.map { i, j in
        guard let first = known[i], let second = known[j] else { return -Double.infinity }
        return Self.logSum(logG.indices.map { logG[$0] + first[$0] + second[$0] }) - logarithm(scale)
      }
      if let last, zip(last, ofClasses + ofPairs).allSatisfy({ Self.agree($0, $1) }) {
        (logProbabilities, logSlopes) = (ofClasses, ofPairs)
        return
      }
      last = ofClasses + ofPairs
    }
    return nil
  }

  private static func gaps(of row: [Double], scale: Double) -> [Double] {
    let top = row.max() ?? 0
    return row.map { ($0 - top) / scale }
  }

  /// Where some class may win, and how far apart the quartiles are.
  private static func window(
    of gaps: [Double], under noise: some ExactNoise
  ) -> (low: Double, high: Double, quartiles: Double) {
    let lowest = gaps.filter { $0 > -.infinity }.min() ?? 0
    let end = noise.quantile(at: 0)
    return (
      end > -.infinity ? end : lowest + noise.quantile(at: 1e-25), noise.upperQuantile(at: 1e-25),
      noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    )
  }

  private static func agree(_ a: Double, _ b: Double) -> Bool {
    // What is too rare to be judged need not agree.
    a == b || (a - b).magnitude <= 1e-12 || max(a, b) < -700
  }

  /// A sum of many terms, on which a rare class hangs.
  private static func sum(_ terms: some Sequence<Double>) -> Double {
    var (sum, lost) = (0.0, 0.0)
    for term in terms {
      let next = sum + term
      if next.isFinite { lost += sum.magnitude >= term.magnitude ? (sum - next) + term : (term - next) + sum }
      sum = next
    }
    return sum + lost
  }

  private static func logSum(_ logarithms: [Double]) -> Double {
    let top = logarithms.max() ?? -.infinity
    guard top > -.infinity else { return top }
    return top + logarithm(sum(logarithms.lazy.filter { $0 > top - 50 }.map { exponential($0 - top) }))
  }
}

/// Gauss–Legendre quadrature with five nodes.
enum GaussFive {
  /// Nodes in −1…1 and their weights, which sum to 2.
  static let rule: [(node: Double, weight: Double)] = [
    (-0.9061798459386640, 0.2369268850561891), (-0.5384693101056831, 0.4786286704993665),
    (0, 0.5688888888888889), (0.5384693101056831, 0.4786286704993665),
    (0.9061798459386640, 0.2369268850561891),
  ]

  static func nodes(from start: Double, width: Double) -> [(point: Double, weight: Double)] {
    rule.map { (start + width / 2 * (1 + $0.node), width / 2 * $0.weight) }
  }
}
