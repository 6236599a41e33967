import Foundation
import Noisemax

/// Random vectors for a row, the same for a seed.
struct RandomVectors: Sendable, CustomStringConvertible {
  let logits, scales, v, w, u: [Double]

  init(count: Int, seed: UInt64) {
    var generator = StreamGenerator(seed: seed)
    func numbers(_ range: ClosedRange<Double>) -> [Double] {
      (0..<count).map { _ in Double.random(in: range, using: &generator) }
    }
    logits = numbers(-0.5...0.5)
    scales = numbers(0.4...1.6)
    (v, w, u) = (numbers(-1...1), numbers(-1...1), numbers(-1...1))
  }

  var description: String { "logits \(logits), v \(v), w \(w)" }
}

/// Gumbel noise that is no law of the library.
struct UnnamedGumbel: ForwardingNoise, SmoothNoise {
  var original: any AccurateNoise { Gumbel() }
  func logReversedHazard(at x: Double) -> Double { -x }
}

/// Derivatives by differences over long steps.
enum SecondDifferences {
  /// Laws, the step that suits them, and how far differences may be off. Where the second derivative has kinks, a step is
  /// short and rough.
  static let laws: [(name: String, argmax: NoisyArgmax, step: Double, accuracy: Double)] = [
    ("normal", NoisyArgmax(.normal), 4e-3, 1e-9),
    ("normal, narrow", NoisyArgmax(.normal, scale: 0.5), 4e-3, 4e-9),
    ("logistic", NoisyArgmax(.logistic), 4e-3, 1e-9),
    ("reversed Gumbel", NoisyArgmax(.reversedGumbel), 4e-3, 1e-9),
    ("moved normal", NoisyArgmax(Normal().shifted(by: 2).scaled(by: 0.7)), 4e-3, 2e-9),
    ("normal mixture", NoisyArgmax(NormalMixture((0.4, -1, 0.6), (0.6, 0.5, 1))), 4e-3, 2e-9),
    ("Laplace", NoisyArgmax(.laplace), 1e-5, 1e-5),
    ("exponential", NoisyArgmax(.exponential), 1e-5, 1e-5),
    ("uniform", NoisyArgmax(.uniform, scale: 4), 1e-5, 1e-5),
    ("triangular", NoisyArgmax(Triangular()), 1e-5, 1e-5),
  ]

  /// The derivatives of w·(a pullback of a row) in the logits and in the logarithm of the scale.
  static func slopes(
    of row: RandomVectors, under argmax: NoisyArgmax, step: Double,
    pullback: (_ argmax: NoisyArgmax, _ logits: [Double]) -> [Double]
  ) -> (logits: [Double], scale: Double) {
    let logits = slope(along: row.w, step: step) { moved in
      pullback(argmax, zip(row.logits, moved).map { $0 + $1 })
    }
    let scale = slope(along: [argmax.scale], step: step) { moved in
      let wider = NoisyArgmax(argmax, scale: argmax.scale + moved[0])
      return [zip(pullback(wider, row.logits), row.w).reduce(0) { $0 + $1.0 * $1.1 }]
    }
    return (logits, scale[0])
  }

  /// The derivative along a direction: central differences over three steps, extrapolated.
  static func slope(along direction: [Double], step: Double, of function: ([Double]) -> [Double]) -> [Double]
  {
    func difference(_ step: Double) -> [Double] {
      let above = function(direction.map { step * $0 })
      let below = function(direction.map { -step * $0 })
      return zip(above, below).map { ($0 - $1) / (2 * step) }
    }
    let (first, second, third) = (difference(step), difference(step / 2), difference(step / 4))
    return first.indices.map { index in
      let coarse = (4 * second[index] - first[index]) / 3
      let fine = (4 * third[index] - second[index]) / 3
      return (16 * fine - coarse) / 15
    }
  }
}
