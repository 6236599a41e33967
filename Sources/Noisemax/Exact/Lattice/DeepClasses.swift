/// Log-probabilities of classes so far below the leader that no table reaches them: each by its own integral.
///
/// The integrand G(x) r(x − μ_i) is log-concave. Its peak is found by golden sections, its ends where it no longer
/// matters, and in between panels are halved until Gauss–Legendre quadrature agrees with itself: the number of panels
/// grows with the logarithm of the gap at most. Every evaluation of G visits the classes above.
///
/// Where many classes crowd into few cells of the logit axis, the grid points around the cells stand for them, as on
/// the lattice, both in G and where log p is wanted: a million classes far below the leader cost no more than the
/// cells they fill.
struct DeepClasses {
  private static let rule = GaussLegendre(count: 10)

  private let noise: any SmoothNoise
  private let cell: Double
  private let basis: CellBasis
  /// Places and weights whose sum of log F is log G.
  private let sources: [(gap: Double, weight: Double)]
  /// The deep classes: their place in the row and their gaps.
  private let targets: [(index: Int, gap: Double)]

  init(of row: UnsafeMutableBufferPointer<Double>, table: LatticeTable, deeperThan depth: Double) {
    noise = table.noise
    let (cell, basis) = (table.cell, table.bases[.double])
    (self.cell, self.basis) = (cell, basis)
    targets = row.indices.filter { row[$0] < -depth && row[$0] > -.infinity }.map { ($0, row[$0]) }
    var ties: [Double: Double] = [:]
    var moments: [Double: [Double]] = [:]
    for gap in row where gap > -.infinity {
      ties[gap, default: 0] += 1
      let (corner, t) = Self.place(of: gap, in: cell)
      var power = 1.0
      for k in 0..<basis.terms {
        moments[corner, default: [Double](repeating: 0, count: basis.terms)][k] += power
        power *= t
      }
    }
    var weights = ties
    if moments.count * basis.taps < ties.count {
      weights = [:]
      for (corner, moments) in moments.sorted(by: { $0.key < $1.key }) {
        for tap in 0..<basis.taps {
          let weight = (0..<basis.terms).reduce(0) { $0 + basis.matrix[8 * tap + $1] * moments[$1] }
          weights[(corner + basis.position(of: tap)) * cell, default: 0] += weight
        }
      }
    }
    sources = weights.sorted { $0.key > $1.key }.map { ($0.key, $0.value) }
  }

  /// Writes the log-probabilities of the deep classes to their places.
  func writeLogProbabilities(to row: UnsafeMutableBufferPointer<Double>) {
    var crowds: [Double: Int] = [:]
    for target in targets { crowds[Self.place(of: target.gap, in: cell).corner, default: 0] += 1 }
    var known: [Double: Double] = [:]
    func value(at gap: Double) -> Double {
      if let value = known[gap] { return value }
      let value = logProbability(of: gap, under: noise)
      known[gap] = value
      return value
    }
    for (index, gap) in targets {
      let (corner, t) = Self.place(of: gap, in: cell)
      if crowds[corner, default: 0] > basis.taps {
        let values = (0..<basis.taps).map { value(at: (corner + basis.position(of: $0)) * cell) }
        // What is too deep to be represented cannot be interpolated.
        if values.allSatisfy(\.isFinite) {
          row[index] = basis.value(of: values[...], at: t)
          continue
        }
      }
      row[index] = value(at: gap)
    }
  }

  /// Adds the gradient of v·log p of the class `index` to the entries of all classes.
  ///
  /// With q ∝ G(x) r(x − μ_i), the density of the winner's place where class i wins, ∂log p_i/∂μ_j = −∫ q(x) r(x − μ_j) dx
  /// for the others, and for itself what they lose. Cost: some hundred hazards for each class that q reaches.
  func addGradient(
    ofLogProbabilityOf index: Int, times v: Double, gaps: UnsafeMutableBufferPointer<Double>,
    to result: UnsafeMutableBufferPointer<Double>
  ) {
    func addGradient(under noise: some SmoothNoise) {
      var nodes: [Node] = []
      _ = logProbability(of: gaps[index], under: noise) { if $0.weight > 0 { nodes.append($0) } }
      nodes.sort { $0.place < $1.place }
      let total = nodes.reduce(0) { $0 + $1.weight }
      var known: [Double: Double] = [:]
      func loss(at gap: Double) -> Double {
        if let value = known[gap] { return value }
        var sum = CompensatedSum()
        for node in nodes {
          let logHazard = noise.logReversedHazard(at: node.place + (node.origin - gap))
          // From here on it only falls.
          if logHazard < -745 { break }
          sum.add(node.weight / total * exponential(logHazard))
        }
        known[gap] = sum.value
        return sum.value
      }
      var own = CompensatedSum()
      for other in gaps.indices where other != index && gaps[other] > -.infinity {
        let value = v * loss(at: gaps[other])
        result[other] -= value
        own.add(value)
      }
      result[index] += own.value
    }
    addGradient(under: noise)
  }

  /// The lower end of the cell of a gap, and the place t ∈ −1…1 in it.
  private static func place(of gap: Double, in cell: Double) -> (corner: Double, t: Double) {
    let corner = (gap / cell).rounded(.down)
    return (corner, 2 * (gap / cell - corner) - 1)
  }

  /// A node of the integral of one class.
  private typealias Node = (place: Double, origin: Double, weight: Double)

  /// Log p of one class; `visit` is given the nodes of its integral, with weights that are in proportion.
  private func logProbability(
    of gap: Double, under noise: some SmoothNoise, visit: ((Node) -> Void)? = nil
  ) -> Double {
    let limit = noise.upperQuantile(at: 1e-26)
    let unit = noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    // Places are counted from the class or from the leader: with a gap of 1e18 only one of the two can resolve a peak
    // that is near it.
    var origin = 0.0
    func logIntegrand(_ place: Double) -> Double {
      var sum = noise.logReversedHazard(at: place + (origin - gap))
      // In descending order: the others are too low to compete.
      for source in sources {
        let other = place + (origin - source.gap)
        if other > limit { break }
        sum += source.weight * noise.logCumulative(at: other)
      }
      return sum
    }
    func highest(from newOrigin: Double) -> (place: Double, value: Double) {
      origin = newOrigin
      return maximum(
        of: logIntegrand, from: noise.quantile(at: 1e-20) + (gap - origin), to: limit - origin,
        resolution: unit * 1e-7, isBeyond: { noise.logReversedHazard(at: $0 + (origin - gap)) == -.infinity })
    }
    var (peak, top) = highest(from: 0)
    if -gap > unit * 1e6 {
      let other = highest(from: gap)
      if other.value > top { (peak, top) = other } else { origin = 0 }
    }
    guard top > -.infinity else { return top }
    // The integral is e^top times a width: the larger |top|, the fewer digits of the width show.
    let tolerance = 1e-13 * max(1, top.magnitude)
    guard tolerance < 1 else {
      visit?((peak, origin, 1))
      return top
    }
    let drop = 11 - logarithm(tolerance)
    func end(_ direction: Double) -> Double {
      var (inside, outside) = (0.0, unit)
      while logIntegrand(peak + direction * outside) > top - drop {
        (inside, outside) = (outside, outside * 2)
      }
      // Among many ties an integrand is far narrower than the noise.
      while outside - inside > Swift.min(unit, inside) {
        let middle = (inside + outside) / 2
        guard middle > inside, middle < outside else { break }
        if logIntegrand(peak + direction * middle) > top - drop { inside = middle } else { outside = middle }
      }
      return peak + direction * outside
    }
    func integral(_ a: Double, _ b: Double) -> Double {
      let (middle, half) = ((a + b) / 2, (b - a) / 2)
      return half
        * zip(Self.rule.nodes, Self.rule.weights).reduce(0) { sum, node in
          sum + node.1 * exponential(logIntegrand(middle + half * node.0) - top)
        }
    }
    func show(_ a: Double, _ b: Double) {
      let (middle, half) = ((a + b) / 2, (b - a) / 2)
      for (node, weight) in zip(Self.rule.nodes, Self.rule.weights) {
        let place = middle + half * node
        visit?((place, origin, half * weight * exponential(logIntegrand(place) - top)))
      }
    }
    func refined(_ a: Double, _ b: Double, _ whole: Double, halvings: Int) -> Double {
      let middle = (a + b) / 2
      let (left, right) = (integral(a, middle), integral(middle, b))
      if halvings == 0 || (left + right - whole).magnitude <= tolerance * (whole + 1e-5) {
        if visit != nil {
          show(a, middle)
          show(middle, b)
        }
        return left + right
      }
      return refined(a, middle, left, halvings: halvings - 1)
        + refined(middle, b, right, halvings: halvings - 1)
    }
    // Between its ends the integrand may be a plateau many thousands of units long that falls within one: panels that
    // double from both ends inwards meet every scale.
    func graded(from end: Double) -> Double {
      let length = peak - end
      var (sum, near, far) = (0.0, 0.0, min(unit, length.magnitude))
      while near < length.magnitude {
        let (a, b) = (end + (length < 0 ? -near : near), end + (length < 0 ? -far : far))
        sum += refined(min(a, b), max(a, b), 0, halvings: 60)
        (near, far) = (far, min(2 * far, length.magnitude))
      }
      return sum
    }
    return top + logarithm(graded(from: end(-1)) + graded(from: end(1)))
  }
}

/// The largest value of a concave function and its place, by golden sections, until what is left to gain cannot be
/// seen in the value. Where the function is −∞, `isBeyond` tells whether the place is above all finite values.
private func maximum(
  of function: (Double) -> Double, from start: Double, to end: Double, resolution: Double,
  isBeyond: (Double) -> Bool
) -> (place: Double, value: Double) {
  let golden = 0.6180339887498949
  var (low, high) = (start, end)
  var (a, b) = (high - golden * (high - low), low + golden * (high - low))
  var (fa, fb) = (function(a), function(b))
  var (fLow, fHigh) = (-Double.infinity, -Double.infinity)
  while high - low > resolution && b > a {
    // A concave function lies below the chords that lead to its inner points.
    if fa.isFinite, fb.isFinite, max(fa, fb) - min(fLow, fHigh) <= 1e-15 * max(fa, fb).magnitude { break }
    if fa == -.infinity && fb == fa ? !isBeyond(b) : fa < fb {
      (low, fLow) = (a, fa)
      (a, fa) = (b, fb)
      b = low + golden * (high - low)
      fb = function(b)
    } else {
      (high, fHigh) = (b, fb)
      (b, fb) = (a, fa)
      a = high - golden * (high - low)
      fa = function(a)
    }
  }
  return fa > fb ? (a, fa) : (b, fb)
}
