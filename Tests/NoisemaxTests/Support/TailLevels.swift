import Foundation
import Noisemax

/// An independent evaluation under Exponential and Laplace noise of rows with few different logits and many ties of each: log G
/// from the logarithms of all F at every node of narrow Gauss–Legendre panels.
struct TailLevels {
  /// t = e^(−x), dx, and log G.
  private struct Node {
    let t, width, logProduct: Double
  }

  /// How far the logits are behind the largest one, in rising order, and how many have each.
  let distances, ties: [Double]
  private let isLaplace: Bool
  /// 1 − F at t = 1 as long as that is above the kink.
  private let tails: [Double]
  private var nodes: [Node] = []

  init(distances: [Double], ties: [Double], isLaplace: Bool) {
    (self.distances, self.ties, self.isLaplace) = (distances, ties, isLaplace)
    tails = distances.map { exp(-$0) * (isLaplace ? 0.5 : 1) }
    layAboveKinks()
    if isLaplace { layBelowKinks() }
  }

  private func isBelowKink(_ k: Int, at t: Double) -> Bool { isLaplace && tails[k] * t > 0.5 }

  private func logCumulative(_ k: Int, at t: Double) -> Double {
    isBelowKink(k, at: t) ? 0 - log(4 * tails[k] * t) : log1p(-tails[k] * t)
  }

  private func reversedHazard(_ k: Int, at t: Double) -> Double {
    isBelowKink(k, at: t) ? 1 : tails[k] * t / (1 - tails[k] * t)
  }

  private mutating func append(_ t: Double, width: Double) {
    var (sum, lost) = (0.0, 0.0)
    for k in tails.indices {
      let term = ties[k] * logCumulative(k, at: t)
      let next = sum + term
      lost += (sum - next) + term
      sum = next
    }
    nodes.append(Node(t: t, width: width, logProduct: sum + lost))
  }

  /// Σ r.
  private func rate(at t: Double) -> Double {
    tails.indices.reduce(0) { $0 + ties[$1] * reversedHazard($1, at: t) }
  }

  private mutating func layAboveKinks() {
    let rule = UniformLevels.rule
    var t = 0.0
    while t < 1 {
      let slope = tails.indices.reduce(0.0) { $0 + ties[$1] * tails[$1] / (1 - tails[$1] * t) }
      var width = min(1 - t, 3 / slope)
      if 1 - t - width < 1e-13 { width = 1 - t }
      for (node, weight) in zip(rule.nodes, rule.weights) {
        let point = t + width * (1 - node) / 2
        append(point, width: width * weight / 2 / point)
      }
      t = width == 1 - t ? 1 : t + width
      if nodes.last!.logProduct < -790 { return }
    }
  }

  private mutating func layBelowKinks() {
    let rule = UniformLevels.rule
    let kinks = distances
    var depth = 0.0
    while nodes.last!.logProduct > -790 {
      let end = kinks.first { $0 > depth } ?? depth + 3
      var width = min(end - depth, 3)
      width = min(width, 3 / max(1, rate(at: exp(depth + width))))
      for (node, weight) in zip(rule.nodes, rule.weights) {
        append(exp(depth + width * (1 - node) / 2), width: width * weight / 2)
      }
      depth = width == end - depth ? end : depth + width
    }
  }

  func probability(_ k: Int) -> Double {
    nodes.reduce(0) { $0 + $1.width * exp($1.logProduct) * reversedHazard(k, at: $1.t) }
  }
}
