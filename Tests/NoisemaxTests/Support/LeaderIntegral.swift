import Foundation
import Noisemax

/// What losses and entropies are made of where the first class leads far ahead of many others: sums of positive
/// terms, by the trapezoid rule in the log domain, every class and every node by the law's own functions.
struct LeaderIntegral {
  /// ∫ F₀·(1 − ∏ F of the others) dx, which is E[max] − E[ε] − μ₀.
  let excess: Double
  /// p_j of the others, and 0 for the leader.
  let probabilities: [Double]
  /// ∫ G r₀ r_j dx of the others, by which p₀ falls as μ_j rises, and 0 for the leader.
  let couplings: [Double]

  var rarity: Double { Self.sum(probabilities) }

  init(_ logits: [Double], under noise: some SmoothNoise, window: ClosedRange<Double>, step: Double) {
    let lowest = logits.min()! + window.lowerBound
    let nodes =
      Int((lowest / step).rounded(.down))...Int(((logits[0] + window.upperBound) / step).rounded(.up))
    var terms: [Double] = []
    var logG: [Double] = []
    for node in nodes {
      let x = Double(node) * step
      let leader = noise.logCumulative(at: x - logits[0])
      let others = Self.sum(logits.dropFirst().map { noise.logCumulative(at: x - $0) })
      terms.append(exp(leader) * -expm1(others))
      logG.append(leader + others)
    }
    excess = step * Self.sum(terms)
    let leader = nodes.map { noise.logReversedHazard(at: Double($0) * step - logits[0]) }
    let others = logits.dropFirst().map { logit in
      let logs = zip(nodes, logG).map { $1 + noise.logReversedHazard(at: Double($0) * step - logit) }
      return (
        step * Self.sum(logs.map { exp($0) }), step * Self.sum(zip(logs, leader).map { exp($0 + $1) })
      )
    }
    probabilities = [0] + others.map(\.0)
    couplings = [0] + others.map(\.1)
  }

  /// Compensated.
  static func sum(_ terms: [Double]) -> Double {
    var (sum, lost) = (0.0, 0.0)
    for term in terms {
      let next = sum + term
      lost += sum.magnitude >= term.magnitude ? (sum - next) + term : (term - next) + sum
      sum = next
    }
    return sum + lost
  }
}
