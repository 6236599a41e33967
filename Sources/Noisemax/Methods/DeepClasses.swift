/// Log-probabilities of classes so far below the leader that no table reaches them: each by its own integral.
///
/// The integrand G(x) r(x − μ_i) is log-concave. Its peak is found by ternary search, its ends where it has fallen by
/// e⁻⁴¹, and in between panels are halved until Gauss–Legendre quadrature agrees with itself: the number of panels
/// grows with the logarithm of the gap at most. Every evaluation visits all classes, merged where they are tied or
/// stand in the same narrow cells.
struct DeepClasses {
  private let noise: any SmoothNoise
  /// Places and numbers of all classes that are not masked.
  private let sources: [(gap: Double, weight: Double)]
  /// The deep classes: their place in the row and their gaps.
  private let targets: [(index: Int, gap: Double)]

  init(of row: UnsafeMutableBufferPointer<Double>, under noise: any SmoothNoise, deeperThan depth: Double) {
    self.noise = noise
    var counts: [Double: Double] = [:]
    for gap in row where gap > -.infinity { counts[gap, default: 0] += 1 }
    sources = counts.sorted { $0.key > $1.key }.map { ($0.key, $0.value) }
    targets = row.indices.filter { row[$0] < -depth && row[$0] > -.infinity }.map { ($0, row[$0]) }
  }

  /// Writes the log-probabilities of the deep classes to their places.
  func writeLogProbabilities(to row: UnsafeMutableBufferPointer<Double>) {
    var known: [Double: Double] = [:]
    for (index, gap) in targets {
      let value = known[gap] ?? logProbability(of: gap, under: noise)
      known[gap] = value
      row[index] = value
    }
  }

  private func logProbability(of gap: Double, under noise: some SmoothNoise) -> Double {
    let limit = noise.upperQuantile(at: 1e-26)
    func logIntegrand(_ x: Double) -> Double {
      var sum = noise.logReversedHazard(at: x - gap)
      for source in sources {
        if x - source.gap > limit { continue }
        sum += source.weight * noise.logCumulative(at: x - source.gap)
      }
      return sum
    }
    var (low, high) = (gap + noise.quantile(at: 1e-20), limit)
    for _ in 0..<200 where high - low > 1e-3 {
      let third = (high - low) / 3
      if logIntegrand(low + third) < logIntegrand(high - third) { low += third } else { high -= third }
    }
    let peak = (low + high) / 2
    let top = logIntegrand(peak)
    guard top > -.infinity else { return top }
    func end(_ direction: Double) -> Double {
      var (inside, outside) = (0.0, 1.0)
      while logIntegrand(peak + direction * outside) > top - 41 { (inside, outside) = (outside, outside * 2) }
      for _ in 0..<8 {
        let middle = (inside + outside) / 2
        if logIntegrand(peak + direction * middle) > top - 41 { inside = middle } else { outside = middle }
      }
      return peak + direction * outside
    }
    func integral(_ a: Double, _ b: Double) -> Double {
      gaussLegendre(from: a, to: b) { exponential(logIntegrand($0) - top) }
    }
    func refined(_ a: Double, _ b: Double, _ whole: Double, depth: Int) -> Double {
      let middle = (a + b) / 2
      let (left, right) = (integral(a, middle), integral(middle, b))
      if depth == 0 || (left + right - whole).magnitude <= 1e-13 * whole + 1e-18 { return left + right }
      return refined(a, middle, left, depth: depth - 1) + refined(middle, b, right, depth: depth - 1)
    }
    let (a, b) = (end(-1), end(1))
    return top + logarithm(refined(a, b, integral(a, b), depth: 60))
  }
}

/// Ten-point Gauss–Legendre quadrature.
private func gaussLegendre(from a: Double, to b: Double, _ function: (Double) -> Double) -> Double {
  let nodes = [
    0.14887433898163122, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717,
  ]
  let weights = [
    0.29552422471475287, 0.26926671930999635, 0.21908636251598204, 0.1494513491505806, 0.06667134430868814,
  ]
  let (middle, half) = ((a + b) / 2, (b - a) / 2)
  var sum = 0.0
  for (node, weight) in zip(nodes, weights) {
    sum += weight * (function(middle - half * node) + function(middle + half * node))
  }
  return sum * half
}
