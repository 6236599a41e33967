import Foundation
import Noisemax

/// An independent evaluation under uniform noise of rows with few different logits and many ties of each: log G from the
/// logarithms of all F at every node of narrow Gauss–Legendre panels; nothing is moved on from node to node, no class is
/// far, no end is chosen beforehand.
struct UniformLevels {
  /// x above the end of the leader's support, how far below the start of the support, dx, and log G.
  private struct Node {
    let x, y, width, logProduct: Double
  }

  /// How far the logits are behind the largest one, in rising order, and how many have each.
  let distances, ties: [Double]
  private var nodes: [Node] = []
  /// Where the panels end.
  private var end = 0.0

  /// Gauss's rule of sixteen nodes on −1…1, by Newton's iteration.
  static let rule: (nodes: [Double], weights: [Double]) = {
    func legendre(_ x: Double) -> (value: Double, slope: Double) {
      var (before, value) = (1.0, x)
      for k in 1..<16 {
        (before, value) = (value, (Double(2 * k + 1) * x * value - Double(k) * before) / Double(k + 1))
      }
      return (value, 16 * (before - x * value) / (1 - x * x))
    }
    let nodes = (0..<16).map { k in
      (0..<20).reduce(cos(.pi * (Double(k) + 0.75) / 16.5)) { x, _ in
        x - legendre(x).value / legendre(x).slope
      }
    }
    return (nodes, nodes.map { 2 / ((1 - $0 * $0) * legendre($0).slope * legendre($0).slope) })
  }()

  init(distances: [Double], ties: [Double]) {
    (self.distances, self.ties) = (distances, ties)
    for k in distances.indices where distances[k] < 1 && (nodes.last?.logProduct ?? 0) > -790 {
      let end = k + 1 < distances.count ? min(distances[k + 1], 1) : 1
      layPanels(from: distances[k], to: end, open: k + 1)
    }
  }

  /// 1 − F of a class.
  private func chance(_ k: Int, at y: Double) -> Double { y - distances[k] }

  private mutating func layPanels(from start: Double, to end: Double, open: Int) {
    var y = start
    while y < end {
      let rate = (0..<open).reduce(0.0) { $0 + ties[$1] / (1 - chance($1, at: y)) }
      var width = min(end - y, 3 / rate)
      // The panels of a class whose F vanishes at the end would narrow for ever.
      if end - y - width < 1e-12 { width = end - y }
      for (node, weight) in zip(Self.rule.nodes, Self.rule.weights) {
        let point = y + width * (1 - node) / 2
        var (sum, lost) = (0.0, 0.0)
        for k in 0..<open {
          let term = ties[k] * log1p(-chance(k, at: point))
          let next = sum + term
          lost += (sum - next) + term
          sum = next
        }
        nodes.append(Node(x: 1 - point, y: point, width: width * weight / 2, logProduct: sum + lost))
      }
      y = width == end - y ? end : y + width
      self.end = y
      if nodes.last!.logProduct < -790 { return }
    }
  }

  /// 1/F of a class at a node, 0 above its kink.
  private func reversedHazard(_ k: Int, _ node: Node) -> Double {
    node.y > distances[k] ? 1 / (1 - chance(k, at: node.y)) : 0
  }

  func probability(_ k: Int) -> Double {
    nodes.reduce(0) { $0 + $1.width * exp($1.logProduct) * reversedHazard(k, $1) }
  }

  /// −∂p_i/∂μ_j of two classes, of the same level or not.
  func pair(_ i: Int, _ j: Int) -> Double {
    nodes.reduce(0) { $0 + $1.width * exp($1.logProduct) * reversedHazard(i, $1) * reversedHazard(j, $1) }
  }

  /// E[max(gap + ε)] − E[ε] = ∫ x·(1 − P) dx, P the product of F over all but one leader.
  var excess: Double {
    nodes.reduce((1 - end) * (1 - end) / 2) {
      $0 - $1.width * $1.x * expm1($1.logProduct - log(1 - chance(0, at: $1.y)))
    }
  }

  /// The row.
  var logits: [Double] {
    zip(distances, ties).flatMap { [Double](repeating: 0 - $0, count: Int($1)) }
  }

  /// The index of the first class of a level.
  func index(of level: Int) -> Int { Int(ties[..<level].reduce(0, +)) }
}
