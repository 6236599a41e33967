import Foundation
import Noisemax
import Testing

/// A hundred thousand classes under the laws with kinks: ties, ladders, clusters of two scales, one leader above all others.
@Suite struct LongRowsTests {
  private static let count = isDebugBuild ? 4_000 : 100_000

  private static func evenly(_ levels: Int) -> [Double] {
    [Double](repeating: Double(count / levels), count: levels)
  }

  /// How far the logits are behind the largest one, up to 1, and how many have each.
  static let shapes: [String: (distances: [Double], ties: [Double])] = [
    "ties below leaders": ([0, 0.3], [7, Double(count)]),
    "ladder": ((0..<50).map { Double($0) / 50 }, evenly(50)),
    "two scales": (
      (0..<25).map { 1e-8 * Double($0 * $0) } + (0..<25).map { 0.3 + 0.01 * Double($0) }, evenly(50)
    ),
    "a leader above ties": ([0, 0.9, 0.95], [1, Double(count), Double(count)]),
    "a falling crowd": ((0..<40).map { 0.02 * Double($0) }, (0..<40).map { 1 + Double($0 * $0 * $0) }),
  ]

  @Test(arguments: shapes.keys.sorted(), [1e-3, 0.5, 0.999])
  func uniform(shape: String, spread: Double) throws {
    let (distances, ties) = try #require(Self.shapes[shape])
    let levels = UniformLevels(distances: distances.map { $0 * spread }, ties: ties)
    try compare(
      NoisyArgmax(.uniform), "\(shape), \(spread)", levels.distances, ties, truth: levels.probability)
  }

  @Test(arguments: ["exponential", "laplace"], [0, 1e-3, 1, 10, 40])
  func tails(law: String, spread: Double) throws {
    let argmax = NoisyArgmax(try #require(ShippedLaw.standard(named: law)))
    for (shape, (distances, ties)) in Self.shapes.sorted(by: { $0.key < $1.key }) {
      let levels = TailLevels(
        distances: distances.map { $0 * spread }, ties: ties, isLaplace: law == "laplace")
      try compare(
        argmax, "\(law), \(shape), \(spread)", levels.distances, ties, truth: levels.probability)
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
