import Foundation
import Noisemax

/// An independent, slow evaluation of classes with scales of their own: Gauss's rule of 16 points on every piece between kinks,
/// and on parts of it no wider than the narrowest scale.
struct PieceIntegral {
  /// p; and for a cotangent v Σ_i v_i ∂p_i/∂μ_j, the same for s_j, and Σ_i |v_j − v_i| |∂p_i/∂μ_j|.
  var probabilities, inLogits, inScales, content: [Double]

  /// Gauss's rule by Newton's method on the Legendre polynomial.
  private static let rule: [(node: Double, weight: Double)] = (1...16).map { k in
    var (x, slope) = (cos(.pi * (Double(k) - 0.25) / 16.5), 0.0)
    for _ in 0..<20 {
      var (before, value) = (1.0, x)
      for n in 2...16 {
        (before, value) = (value, (Double(2 * n - 1) * x * value - Double(n - 1) * before) / Double(n))
      }
      slope = 16 * (before - x * value) / (1 - x * x)
      x -= value / slope
    }
    return (x, 2 / ((1 - x * x) * slope * slope))
  }

  init(_ logits: [Double], scales: [Double], under noise: some PiecewiseNoise, cotangent: [Double]) {
    let zeros = [Double](repeating: 0, count: logits.count)
    (probabilities, inLogits, inScales, content) = (zeros, zeros, zeros, zeros)
    func points(_ quantile: Double) -> [Double] { zip(logits, scales).map { $0 + $1 * quantile } }
    let lowest = points(noise.quantile(at: 1e-20)).max() ?? 0
    let highest = points(noise.upperQuantile(at: 1e-20)).max() ?? 0
    let kinks = noise.kinks.flatMap(points).filter { $0 > lowest && $0 < highest }
    let ends = ([lowest, highest] + kinks).sorted()
    let widest = scales.min() ?? 1
    for (lower, upper) in zip(ends, ends.dropFirst()) where lower < upper {
      let parts = ((upper - lower) / widest).rounded(.up)
      let half = (upper - lower) / parts / 2
      for part in 0..<Int(parts) {
        let middle = lower + (2 * Double(part) + 1) * half
        for (node, weight) in Self.rule {
          add(half * weight, at: middle + half * node, logits, scales, noise, cotangent)
        }
      }
    }
  }

  private mutating func add(
    _ weight: Double, at x: Double, _ logits: [Double], _ scales: [Double], _ noise: some PiecewiseNoise,
    _ v: [Double]
  ) {
    let z = zip(logits, scales).map { (x - $0) / $1 }
    let cumulative = z.map { noise.cumulative(at: $0) }
    let density = zip(z, scales).map { noise.density(at: $0) / $1 }
    func others(_ i: Int, _ j: Int) -> Double {
      cumulative.indices.reduce(weight) { $1 == i || $1 == j ? $0 : $0 * cumulative[$1] }
    }
    for j in z.indices where density[j] > 0 {
      probabilities[j] += density[j] * others(j, j)
      for i in z.indices where i != j && density[i] > 0 {
        let flow = (v[j] - v[i]) * density[i] * density[j] * others(i, j)
        inLogits[j] += flow
        inScales[j] += flow * z[j]
        content[j] += flow.magnitude
      }
    }
  }
}
