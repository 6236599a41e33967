import Foundation
import Noisemax
import NoisemaxLaws

/// An independent, slow evaluation: the trapezoid rule on one very fine grid, every class and every node by the law's
/// own functions. No table, no cells, no choice of step.
struct DirectIntegral {
  let logProbabilities: [Double]
  let expectedMaximum: Double

  var probabilities: [Double] { logProbabilities.map { exp($0) } }

  /// The window is how far the grid reaches below the deepest and above the highest logit.
  init(_ logits: [Double], under noise: some SmoothNoise, window: ClosedRange<Double>, step: Double) {
    let top = logits.max() ?? 0
    let gaps = logits.map { $0 - top }
    let first = Int(((gaps.min() ?? 0) + window.lowerBound) / step)
    let last = Int(window.upperBound / step)
    // Σ log F in two parts: thousands of terms, a rare class hangs on the difference.
    var sums = [Double](repeating: 0, count: last - first + 1)
    for index in sums.indices {
      let x = Double(first + index) * step
      var (sum, lost) = (0.0, 0.0)
      for gap in gaps {
        let term = noise.logCumulative(at: x - gap)
        let next = sum + term
        lost += sum.magnitude >= term.magnitude ? (sum - next) + term : (term - next) + sum
        sum = next
      }
      sums[index] = sum + lost
    }
    var known: [Double: Double] = [:]
    logProbabilities = gaps.map { gap in
      if let value = known[gap] { return value }
      let terms = sums.enumerated().map { index, sum in
        sum + noise.logReversedHazard(at: Double(first + index) * step - gap)
      }
      let largest = terms.max()!
      let value = largest + log(step * terms.reduce(0) { $0 + exp($1 - largest) })
      known[gap] = value
      return value
    }
    var maximum = 0.0
    for (index, sum) in sums.enumerated() {
      let node = first + index
      maximum += node > 0 ? -expm1(sum) : (node == 0 ? 0.5 : 0) - exp(sum)
    }
    expectedMaximum = top + step * maximum
  }
}

/// A law that is smooth and nothing more, so that a shipped law with a closed form can be tried on the lattice.
struct OnTheLattice<Base: SmoothNoise>: SmoothNoise, ForwardingNoise {
  let base: Base

  var original: any AccurateNoise { base }
  func logReversedHazard(at x: Double) -> Double { base.logReversedHazard(at: x) }
}

/// Rows that are hard for a grid: ties at every place in a cell, rare classes on the flank of many, ladders, all
/// spreads.
struct AdversarialRows {
  var generator: SplitMix64

  mutating func next(largest: Int) -> [Double] {
    func unit() -> Double { Double.random(in: 0...1, using: &generator) }
    let count = max(1, Int(pow(Double(largest), unit())))
    let spread = pow(10, Double.random(in: -6...1.6, using: &generator))
    var row: [Double]
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: row = (0..<count).map { _ in spread * (unit() + unit() + unit() - 1.5) }
    case 1:
      // Ties at one offset in a cell, and a leader.
      let gap = -unit() * 3
      row = [0] + (0..<count).map { _ in gap }
    case 2:
      // Many tied leaders, a few rare classes.
      row =
        (0..<count).map { _ in 0.0 }
        + (0..<Int.random(in: 1...3, using: &generator)).map { _ in -50 * unit() }
    case 3: row = (0..<min(count, 60)).map { -Double($0) * spread * 0.1 }
    case 4: row = (0..<count).map { _ in unit() < 0.5 ? 0 : -spread * unit() } + [-30 * unit()]
    default: row = (0..<count).map { _ in (spread * unit() * 16).rounded() / 16 + unit() * 1e-3 }
    }
    return row
  }
}
