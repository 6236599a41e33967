import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Classes that hardly ever win.
@Suite struct PanelsRareClassesTests {
  /// ∫ f(x + d)·∏ F(x + d_j) dx for every class, by four-point Gauss rules on many panels between all kinks.
  private static func triangularProbabilities(_ distances: [Double]) -> [Double] {
    let law = Triangular()
    var ends: [Double] = [-1, 1]
    for distance in distances {
      for kink in law.kinks where (kink - distance).magnitude < 1 { ends.append(kink - distance) }
    }
    ends.sort()
    let nodes = [-0.8611363115940526, -0.3399810435848563, 0.3399810435848563, 0.8611363115940526]
    let weights = [0.3478548451374538, 0.6521451548625461, 0.6521451548625461, 0.3478548451374538]
    var sums = [Double](repeating: 0, count: distances.count)
    let panels = 48
    for (start, end) in zip(ends, ends.dropFirst()) where end > start {
      let half = (end - start) / Double(2 * panels)
      for panel in 0..<panels {
        for (node, weight) in zip(nodes, weights) {
          let x = start + half * (Double(2 * panel + 1) + node)
          let product = distances.reduce(1) { $0 * law.cumulative(at: x + $1) }
          guard product > 0 else { continue }
          for (index, distance) in distances.enumerated() {
            let z = x + distance
            sums[index] += half * weight * product * (law.density(at: z) / law.cumulative(at: z))
          }
        }
      }
    }
    return sums
  }

  @Test func noPanelOfARareClassIsLeftOut() {
    var generator = SplitMix64(seed: 3)
    let scale = 0.37
    for round in 0..<160 {
      let logits = (0..<30).map { _ in Float(-0.76 * generator.unit()) }
      let top = Double(logits.max() ?? 0)
      let exact = Self.triangularProbabilities(logits.map { (top - Double($0)) / scale })
      let argmax = NoisyArgmax(Triangular(), scale: scale)
      let single = argmax.probabilities(for: logits)
      let double = argmax.probabilities(for: logits.map { Double($0) })
      for (index, expected) in exact.enumerated() {
        if expected >= 1e-30 {
          #expect(isClose(Double(single[index]), expected, within: 2e-5 * expected), "\(round) \(index)")
        }
        if expected >= 1e-200 {
          #expect(isClose(double[index], expected, within: 1e-10 * expected), "\(round) \(index)")
        }
      }
    }
  }

  @Test(arguments: ["exponential", "laplace"], [false, true])
  func classesFarBelowTheLeastDoubleChangeNothing(name: String, onTheGrid: Bool) throws {
    let argmax = try NoisyArgmax(kinked: name, onTheGrid: onTheGrid)
    let near = [0, -0.5, -3, -40, -700, -740]
    let plain = argmax.probabilities(for: near)
    let far = (0..<200_000).map { -1e6 - Double($0) * 1e-6 }
    let p = argmax.probabilities(for: near + far)
    #expect(Array(p[..<near.count]) == plain)
    #expect(p[near.count...].allSatisfy { $0 == 0 })
    #expect(plain.allSatisfy { $0 > 0 })
    #expect(argmax.logProbabilities(for: near + [-1e6])[near.count] > -.infinity)
    #expect(argmax.probabilities(for: (near + far).map { Float($0) })[near.count] == 0)
  }
}
