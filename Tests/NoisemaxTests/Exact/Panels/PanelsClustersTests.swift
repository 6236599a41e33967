import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Logits that are distinct, but closer together than the roundings of what is integrated.
@Suite struct PanelsClustersTests {
  /// A few leaders, many classes within `width` of them, and some further down.
  private static func row(
    leaders: Int, cluster: Int, width: Double, below: Double, count: Int, seed: UInt64
  ) -> [Double] {
    var generator = SplitMix64(seed: seed)
    let near = (0..<cluster).map { _ in -width * generator.unit() }
    return [Double](repeating: 0, count: leaders) + near + [Double](repeating: below, count: count)
  }

  /// By the products that these laws have, and on the grid that others get.
  @Test(arguments: [Uniform(), Exponential(), Laplace()] as [any PiecewiseNoise], [false, true])
  func tightClustersKeepTheirOrderAndTheirSum(law: any PiecewiseNoise, onTheGrid: Bool) {
    let noise: any PiecewiseNoise = onTheGrid ? OnTheGrid(base: law) : law
    let name = "\(noise)"
    let rows: [(Int, Int, Double, Double, Int)] = [
      (3, 189, 1e-15, -1e-12, 10), (3, 94, 1e-15, -1e-13, 5), (3, 30, 1e-15, -1e-9, 3),
      (16, 214, 1.6e-15, -1.53e-12, 10), (3, 200, 1e-15, -1e-4, 2), (3, 390, 1e-15, -1e-11, 7),
      (1, 300, 4e-16, -0.1, 3), (2, 300, 1e-17, -1e-15, 20), (2, 300, 1e-25, -1e-16, 20),
      (2, 300, 1e-29, -1e-27, 20), (2, 300, 1e-31, -1e-29, 60), (2, 200, 1e-14, -1e-10, 1),
    ]
    for (index, (leaders, cluster, width, below, count)) in rows.enumerated() {
      for seed in 0..<(isDebugBuild ? 1 : 4) {
        let row = Self.row(
          leaders: leaders, cluster: cluster, width: width, below: below, count: count,
          seed: UInt64(100 * index + seed))
        for scale in [0.37, 1] {
          let p = NoisyArgmax(noise, scale: scale).probabilities(for: row)
          let order = row.indices.sorted { row[$0] > row[$1] }
          let defect = abs(p.reduce(0, +) - 1)
          let inversion = zip(order, order.dropFirst()).map { 1 - p[$0] / p[$1] }.max() ?? 0
          #expect(defect <= 1e-14, "\(name), row \(index), seed \(seed), scale \(scale)")
          #expect(inversion <= 1e-14, "\(name), row \(index), seed \(seed), scale \(scale)")
        }
      }
    }
  }
}
