// The integral ∫ G(x) r(x − μ) dx of one class far behind the leader, in logarithms.

extension DeepClasses {
  private static let rule = GaussLegendre(count: 20)

  /// Log p of one class.
  func logProbability(of gap: Double) -> Double {
    if let known, let lead = lead(of: gap, digits: 1e-13) { return known.logProbability + lead }
    return integrate(gap, forDerivatives: false)
  }

  /// log r(x − μ) − log r(x − μ′), where μ′ is the class that was integrated last, if that is one number over its whole
  /// integral: then the two integrals differ by this factor alone. So it is where r has an exponential tail.
  func lead(of gap: Double, digits: Double) -> Double? {
    guard let known else { return nil }
    if gap == known.gap { return 0 }
    func lead(at x: Double) -> Double {
      scale.logReversedHazard(x - gap) - scale.logReversedHazard(x - known.gap)
    }
    let (low, high) = (lead(at: known.low), lead(at: known.high))
    // What rounding may hide of a difference counts as one.
    let difference = (low - high).magnitude + 0x1p-53 * low.magnitude
    // Of two logarithms the smaller has fewer digits to lose.
    let size = min(known.logProbability.magnitude, (known.logProbability + low).magnitude)
    return difference <= digits * max(1, size) ? low : nil
  }

  /// The logarithm of a class's integrand.
  func logIntegrand(of gap: Double, at x: Double) -> Double {
    let logReversedHazard = scale.logReversedHazard(x - gap)
    return logReversedHazard == -.infinity ? logReversedHazard : logReversedHazard + logG.value(at: x)
  }

  /// Log p of one class, by panels from the peak to both sides, until nothing matters any more. Their nodes are kept in
  /// `nodes`.
  func integrate(_ gap: Double, forDerivatives: Bool) -> Double {
    let (peak, top) = highest(of: gap)
    known = nil
    nodes.removeAll(keepingCapacity: true)
    // log p is the logarithm of the peak plus that of a width: the larger the first, the fewer digits of the second show.
    guard top.magnitude < 1e14 else {
      if top > -.infinity { nodes.append((peak, 1)) }
      return top
    }
    let digits = forDerivatives ? 2e-12 : min(0.1, 1.5e-14 * max(1, top.magnitude))
    let drop = Self.mostLeft / 4 - logarithm(digits)
    let low = addPanels(-1, from: peak, of: gap, top: top, drop: drop)
    let high = addPanels(1, from: peak, of: gap, top: top, drop: drop)
    let value = top + logarithm(nodes.reduce(0) { $0 + $1.weight })
    known = (gap, value, low, high)
    return value
  }

  /// Lays panels from the peak on, downwards or upwards, as wide as the logarithm and the nearest class allow.
  ///
  /// - Returns: where they end.
  private func addPanels(
    _ direction: Double, from peak: Double, of gap: Double, top: Double, drop: Double
  ) -> Double {
    let steepest = 30.0
    var (near, valueNear, width) = (0.0, top, firstWidth)
    var isFitted = false
    // Some hundred steps at the most, if the logarithm is concave.
    for _ in 0..<4000 {
      let (start, end) = (peak + direction * near, peak + direction * (near + width))
      let value = logIntegrand(of: gap, at: end)
      guard start != end, value < top + 300 else { break }
      let fall = (valueNear - value).magnitude
      let hasFeatures =
        width > 2 * scale.unit && hasSource(near: (start + end) / 2, 1.5 * width)
      // As if the logarithm were a parabola that falls by a little less from end to end.
      let stretch = (0.95 * steepest / fall).squareRoot()
      if fall > steepest || hasFeatures {
        width *= hasFeatures ? 0.5 : max(0.0625, stretch)
        isFitted = true
        continue
      }
      if stretch > 1.25 && !isFitted && value > top - drop {
        width *= min(2, stretch)
        continue
      }
      let (middle, half) = ((start + end) / 2, width / 2)
      for (node, weight) in zip(Self.rule.nodes, Self.rule.weights) {
        let x = middle + half * node
        nodes.append((x, half * weight * exponential(logIntegrand(of: gap, at: x) - top)))
      }
      if near == 0 { firstWidth = width }
      (near, valueNear, width, isFitted) = (near + width, value, 2 * width, false)
      if value < top - drop { break }
    }
    return peak + direction * near
  }

  /// Whether a source lies within a distance of a node.
  private func hasSource(near x: Double, _ distance: Double) -> Bool {
    var (low, high) = (0, sources.count)
    while low < high {
      let middle = (low + high) / 2
      if sources[middle].gap <= x + distance { high = middle } else { low = middle + 1 }
    }
    return low < sources.count && sources[low].gap >= x - distance
  }
}
