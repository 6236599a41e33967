import Foundation
import Noisemax

/// An independent, slow evaluation under Exponential and Laplace noise: products of every F at every node of narrow
/// Gauss–Legendre panels, to twice the precision; no sums of powers, no far classes, no choice of an end beforehand.
struct DirectProducts {
  /// Where a node is, how far below the leader, as t = e^−x; dx; and G.
  private struct Node {
    let t: Double
    let width: Double
    let product: DoubleDouble
  }

  let gaps: [Double]
  private let isLaplace: Bool
  /// κ·e^−gap.
  private let tails: [DoubleDouble]
  private var nodes: [Node] = []
  /// Gauss's rule of 16 nodes on −1…1, by Newton's iteration.
  private static let rule: (nodes: [Double], weights: [Double]) = {
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

  init(_ logits: [Double], isLaplace: Bool) {
    let top = logits.max() ?? 0
    gaps = logits.map { top - $0 }
    self.isLaplace = isLaplace
    var known: [Double: DoubleDouble] = [:]
    tails = gaps.map { gap in
      if let value = known[gap] { return value }
      let power = gap > 690 ? DoubleDouble(0) : DoubleDouble.exponential(DoubleDouble(-gap))
      let value = power.scaled(byPowerOfTwo: isLaplace ? 0.5 : 1)
      known[gap] = value
      return value
    }
    layAboveKinks()
    if isLaplace && nodes.last!.product.value > 1e-40 { layBelowKinks() }
  }

  // MARK: the law

  private func cumulative(_ index: Int, at t: Double) -> DoubleDouble {
    let chance = tails[index] * DoubleDouble(t)
    guard isLaplace && chance.high > 0.5 else { return DoubleDouble(1) - chance }
    return DoubleDouble(0.25) / chance
  }

  /// f/F.
  private func reversedHazard(_ index: Int, at t: Double) -> Double {
    let chance = (tails[index] * DoubleDouble(t)).value
    return isLaplace && chance > 0.5 ? 1 : chance / cumulative(index, at: t).value
  }

  private func rate(at t: Double) -> Double { gaps.indices.reduce(0) { $0 + reversedHazard($1, at: t) } }

  private func product(at t: Double) -> DoubleDouble {
    gaps.indices.reduce(DoubleDouble(1)) { $0 * cumulative($1, at: t) }
  }

  // MARK: the nodes

  private mutating func layAboveKinks() {
    var (t, mass) = (0.0, 0.0)
    while t < 1 {
      let sum = tails.reduce(0) { $0 + $1.value }
      let slope = t == 0 ? sum : rate(at: t) / t
      let width = min(1 - t, 3 / slope)
      for (node, weight) in zip(Self.rule.nodes, Self.rule.weights) {
        let point = t + width * (1 - node) / 2
        nodes.append(Node(t: point, width: width * weight / 2 / point, product: product(at: point)))
        mass += nodes.last!.width * point * nodes.last!.product.value
      }
      // A leader's own panels narrow towards t = 1 for ever.
      t = width == 1 - t || 1 - t - width < 1e-13 ? 1 : t + width
      if nodes.last!.product.value < 1e-24 * mass * (1 - t) { return }
    }
  }

  private mutating func layBelowKinks() {
    let kinks = Set(gaps).sorted()
    let mass = nodes.reduce(0) { $0 + $1.width * $1.t * $1.product.value }
    var (depth, next, pairs) = (0.0, 0, 0.0)
    while true {
      while next < kinks.count && kinks[next] <= depth { next += 1 }
      guard next < kinks.count else {
        let t = exp(depth)
        nodes.append(Node(t: t, width: 1 / Double(gaps.count), product: product(at: t)))
        return
      }
      var width = min(kinks[next] - depth, 3)
      while width * max(3, rate(at: exp(depth + width))) > 6 { width *= 0.6 }
      for (node, weight) in zip(Self.rule.nodes, Self.rule.weights) {
        let t = exp(depth + width * (1 - node) / 2)
        nodes.append(Node(t: t, width: width * weight / 2, product: product(at: t)))
        pairs = max(pairs, nodes.last!.product.value * t * t)
      }
      depth = width == kinks[next] - depth ? kinks[next] : depth + width
      let last = nodes.last!
      let value = last.product.value * last.t
      if value < 1e-24 * mass && value * last.t < 1e-24 * pairs && next > 2 || value < 1e-295 { return }
    }
  }

  // MARK: what comes of them

  /// log p.
  func logProbability(_ index: Int) -> Double {
    // p = e^−gap times a sum that is never small.
    let sum = nodes.reduce(DoubleDouble(0)) { sum, node in
      let chance = (tails[index] * DoubleDouble(node.t)).value
      let weight = node.product * DoubleDouble(node.width * node.t)
      // κ/F, or e^(gap − depth).
      let factor =
        isLaplace && chance > 0.5
        ? DoubleDouble(0.5) / (tails[index] * DoubleDouble(node.t))
        : DoubleDouble(isLaplace ? 0.5 : 1) / cumulative(index, at: node.t)
      return sum + weight * factor
    }
    return (DoubleDouble(-gaps[index]) + DoubleDouble.logarithm(sum)).value
  }

  /// An entry of J v, and Σ_l |J_il (v_i − v_l)|.
  func pullback(_ v: [Double], _ index: Int) -> (value: Double, content: Double) {
    var (value, content) = (DoubleDouble(0), 0.0)
    for node in nodes {
      let weight = node.width * node.product.value * reversedHazard(index, at: node.t)
      for other in gaps.indices where other != index {
        let term = weight * reversedHazard(other, at: node.t) * (v[index] - v[other])
        value = value + DoubleDouble(term)
        content += term.magnitude
      }
    }
    return (value.value, content)
  }
}
