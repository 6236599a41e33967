import Foundation
import Noisemax
import Testing

/// A hundred thousand classes under the laws with kinks: ties, ladders, clusters of two scales, one leader above all others.
@Suite struct LongRowsTests {
  private static let count = isDebugBuild ? 4_000 : 100_000

  /// How far the logits are behind the largest one, up to 1, and how many have each.
  struct Shape: Sendable {
    let distances, ties: [Double]
  }

  static let shapes: [String: Shape] = {
    let many = Double(count)
    let even = [Double](repeating: Double(count / 50), count: 50)
    let near: [Double] = (0..<25).map { 1e-8 * Double($0 * $0) }
    let far: [Double] = (0..<25).map { 0.3 + 0.01 * Double($0) }
    let crowd: [Double] = (0..<40).map { 1 + Double($0 * $0 * $0) }
    return [
      "ties below leaders": Shape(distances: [0, 0.3], ties: [7, many]),
      "ladder": Shape(distances: (0..<50).map { Double($0) / 50 }, ties: even),
      "two scales": Shape(distances: near + far, ties: even),
      "a leader above ties": Shape(distances: [0, 0.9, 0.95], ties: [1, many, many]),
      "a falling crowd": Shape(distances: (0..<40).map { 0.02 * Double($0) }, ties: crowd),
    ]
  }()

  @Test(arguments: shapes.keys.sorted(), [1e-3, 0.5, 0.999])
  func uniform(shape: String, spread: Double) throws {
    let chosen = try #require(Self.shapes[shape])
    let levels = UniformLevels(distances: chosen.distances.map { $0 * spread }, ties: chosen.ties)
    try compare(
      NoisyArgmax(.uniform), "\(shape), \(spread)", levels.distances, levels.ties, truth: levels.probability)
  }

  @Test(arguments: ["exponential", "laplace"], [0, 1e-3, 1, 10, 40])
  func tails(law: String, spread: Double) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for (shape, chosen) in Self.shapes.sorted(by: { $0.key < $1.key }) {
      let levels = TailLevels(
        distances: chosen.distances.map { $0 * spread }, ties: chosen.ties, isLaplace: law == "laplace")
      try compare(
        argmax, "\(law), \(shape), \(spread)", levels.distances, levels.ties, truth: levels.probability)
    }
  }

  private func compare(
    _ argmax: NoisyArgmax, _ name: String, _ distances: [Double], _ ties: [Double],
    truth: (Int) -> Double
  ) throws {
    let row = zip(distances, ties).flatMap { [Double](repeating: 0 - $0, count: Int($1)) }
    let p = argmax.probabilities(for: row)
    var (index, seen) = (0, 0)
    for level in distances.indices {
      let expected = truth(level)
      let bound = 1e-12 / (argmax == NoisyArgmax(.uniform) ? 1 - distances[level] : 1)
      if expected > 1e-300 {
        seen += 1
        #expect(
          isClose(p[index], expected, within: bound * expected),
          "\(name), level \(level) of \(distances) × \(ties): \(p[index]), not \(expected)")
      } else {
        #expect(p[index] <= 1e-299, "\(name), level \(level) of \(distances) × \(ties): \(p[index])")
      }
      index += Int(ties[level])
    }
    #expect(seen > 0, "\(name)")
  }
}
