/// Log-probabilities of classes so far below the leader that no table reaches them: each by its own integral.
///
/// The integrand G(x) r(x − μ_i) is log-concave. Its peak is between two classes, which are found by their order: the
/// lower a class, the lower its peak. From there panels go out both ways, as long as its logarithm, and the
/// distance to the next class, allow, until nothing matters any more. What the classes have in common, log G, comes from
/// ``TailSums``.
///
/// Where many classes crowd into few cells of the logit axis, the grid points around the cells stand for them, as on
/// the lattice, both in G and where log p is wanted: a million classes far below the leader cost no more than the
/// cells they fill.
struct DeepClasses {
  private static let rule = GaussLegendre(count: 20)

  private let scale: TailScale
  private let cell: Double
  private let basis: CellBasis
  /// Places and weights whose sum of log F is log G, in descending order.
  private let sources: [(gap: Double, weight: Double)]
  private let logG: TailSums
  /// Below this the noise hardly ever is, and this far below all classes.
  private let lowerEnd: Double
  private var lowest: Double { (sources.last?.gap ?? 0) + lowerEnd }

  init(of row: UnsafeMutableBufferPointer<Double>, table: LatticeTable, scale: TailScale) {
    (cell, basis, self.scale) = (table.cell, table.bases[.double], scale)
    lowerEnd = table.noise.quantile(at: 1e-20)
    var ties: [(gap: Double, weight: Double)] = []
    for gap in row.filter({ $0 > -.infinity }).sorted(by: >) {
      if ties.last?.gap == gap { ties[ties.count - 1].weight += 1 } else { ties.append((gap, 1)) }
    }
    sources = Self.sources(ties, cell: cell, basis: basis)
    logG = TailSums(
      of: sources, at: 50 * row.count, downTo: (sources.last?.gap ?? 0) + lowerEnd, scale: scale
    ) {
      scale.logCumulative($0)
    }
  }

  /// Places in descending order, those that crowd into few cells replaced by the grid points around these.
  private static func sources(
    _ places: [(gap: Double, weight: Double)], cell: Double, basis: CellBasis
  ) -> [(gap: Double, weight: Double)] {
    var sources: [(gap: Double, weight: Double)] = []
    sources.reserveCapacity(places.count)
    var first = 0
    while first < places.count {
      // Up to where the next ones have grid points of their own.
      var (corner, points) = (place(of: places[first].gap, in: cell).corner, Double(basis.taps))
      // The cells of very large gaps have no numbers.
      var end = first + 1
      let top = corner
      while end < places.count {
        let next = place(of: places[end].gap, in: cell).corner
        if !(corner - next < Double(basis.taps)) { break }
        points += corner - next
        (corner, end) = (next, end + 1)
      }
      if 2 * points > Double(end - first) {
        sources += places[first..<end]
      } else {
        var weights = [Double](repeating: 0, count: Int(points))
        for (gap, weight) in places[first..<end] {
          let (corner, t) = place(of: gap, in: cell)
          withUnsafeTemporaryAllocation(of: Double.self, capacity: basis.taps) { shares in
            guard let start = shares.baseAddress else { return }
            basis.writeShares(at: t, to: start)
            for tap in 0..<basis.taps {
              weights[Int(top - corner) + basis.taps - 1 - tap] += weight * shares[tap]
            }
          }
        }
        for (index, weight) in weights.enumerated() {
          let tap = basis.taps - 1 - index
          sources.append(((top + basis.position(of: 0) + Double(tap)) * cell, weight))
        }
      }
      first = end
    }
    return sources
  }

  /// The lower end of the cell of a gap, and the place t ∈ −1…1 in it.
  private static func place(of gap: Double, in cell: Double) -> (corner: Double, t: Double) {
    let corner = (gap / cell).rounded(.down)
    return (corner, 2 * (gap / cell - corner) - 1)
  }

  /// The log-probabilities of the classes deeper than some gap, and their indices.
  func logProbabilities(
    in row: UnsafeMutableBufferPointer<Double>, deeperThan depth: Double
  ) -> [(index: Int, value: Double)] {
    let targets = row.indices.filter { row[$0] < -depth && row[$0] > -.infinity }
      .sorted { row[$0] > row[$1] }
    var path = Path(width: scale.unit)
    var known: [Double: Double] = [:]
    func value(at gap: Double) -> Double {
      if let value = known[gap] { return value }
      let value = logProbability(of: gap, along: &path)
      known[gap] = value
      return value
    }
    var result: [(index: Int, value: Double)] = []
    var first = 0
    while first < targets.count {
      let corner = Self.place(of: row[targets[first]], in: cell).corner
      var end = first + 1
      while end < targets.count && Self.place(of: row[targets[end]], in: cell).corner == corner { end += 1 }
      let isCrowded = end - first > basis.taps && row[targets[first]] != row[targets[end - 1]]
      let values =
        isCrowded ? (0..<basis.taps).map { value(at: (corner + basis.position(of: $0)) * cell) } : []
      for index in targets[first..<end] {
        // What is too deep to be represented cannot be interpolated.
        let isKnown = isCrowded && values.allSatisfy(\.isFinite)
        let t = Self.place(of: row[index], in: cell).t
        result.append((index, isKnown ? basis.value(of: values[...], at: t) : value(at: row[index])))
      }
      first = end
    }
    return result
  }

  /// Adds the gradient of Σ v_i log p_i over deep classes to the entries of all classes.
  ///
  /// With q_i ∝ G(x) r(x − μ_i), the density of the winner's place where class i wins, entry j is
  /// −∫ Σ_i v_i q_i(x) r(x − μ_j) dx, and a class i has besides what all of them lose by it, v_i ∫ q_i(x) R(x) dx with
  /// R(x) = Σ_j r(x − μ_j). The integrals have few nodes, which are taken together before any class is visited.
  func addGradient(
    of deep: [(index: Int, v: Double)], in row: UnsafeMutableBufferPointer<Double>,
    to result: UnsafeMutableBufferPointer<Double>
  ) {
    func hazard(_ z: Double) -> Double { exponential(scale.logHazard(z)) }
    let sumOfHazards = TailSums(
      of: sources, at: 40 * deep.count, downTo: lowest, scale: scale, kernel: hazard)
    var path = Path(width: scale.unit)
    var nodes: [(gap: Double, weight: Double)] = []
    let deep = deep.sorted { row[$0.index] > row[$1.index] }
    var first = 0
    while first < deep.count {
      let gap = row[deep[first].index]
      var own: [(place: Double, weight: Double)] = []
      _ = logProbability(of: gap, along: &path) { own.append(($0, $1)) }
      let total = own.reduce(0) { $0 + $1.weight }
      var loss = CompensatedSum()
      for node in own where node.weight > 0 {
        loss.add(node.weight / total * sumOfHazards.value(at: node.place))
      }
      var v = 0.0
      repeat {
        v += deep[first].v
        result[deep[first].index] += deep[first].v * loss.value
        first += 1
      } while first < deep.count && hasSameIntegrand(row[deep[first].index], as: gap, along: path)
      for node in own where node.weight > 0 { nodes.append((-node.place, v * node.weight / total)) }
    }
    nodes.sort { $0.gap > $1.gap }
    nodes = Self.sources(nodes, cell: cell, basis: basis)
    let sumOverNodes = TailSums(of: nodes, at: row.count, downTo: 0, scale: scale, kernel: hazard)
    for index in row.indices where row[index] > -.infinity {
      result[index] -= sumOverNodes.value(at: -row[index])
    }
  }

  private func hasSameIntegrand(_ gap: Double, as other: Double, along path: Path) -> Bool {
    gap == other || lead(of: gap, along: path, digits: 4e-16) != nil
  }

  /// What the integral of one class leaves to that of the next one.
  private struct Path {
    /// The source nearest to the peak.
    var source = 0
    /// The length of the first panel.
    var width: Double
    /// log G at the sources, as far as it was needed.
    var values: [Double] = []
    /// A class that was integrated, and what of the axis it took.
    var known: (gap: Double, logProbability: Double, low: Double, high: Double)?
  }

  /// By how much log r of a class is above that of the one that was integrated last, if by the same wherever that one
  /// may win: above all of the noise of both of them, if the tail of the law is an exponential.
  private func lead(of gap: Double, along path: Path, digits: Double) -> Double? {
    guard let known = path.known else { return nil }
    func lead(at x: Double) -> Double { scale.logHazard(x - gap) - scale.logHazard(x - known.gap) }
    let (low, high) = (lead(at: known.low), lead(at: known.high))
    return (low - high).magnitude <= digits * max(1, known.logProbability.magnitude) ? low : nil
  }

  /// Log p of one class; `visit` is given the nodes of its integral, with weights that are in proportion.
  private func logProbability(
    of gap: Double, along path: inout Path,
    visit: ((_ place: Double, _ weight: Double) -> Void)? = nil
  ) -> Double {
    if visit == nil, let known = path.known, let lead = lead(of: gap, along: path, digits: 1e-13) {
      return known.logProbability + lead
    }
    path.known = nil
    func logIntegrand(_ x: Double) -> Double {
      let logHazard = scale.logHazard(x - gap)
      return logHazard == -.infinity ? logHazard : logHazard + logG.value(at: x)
    }
    let (peak, top) = peak(of: gap, logIntegrand, along: &path)
    // The integral is e^top times a width: the larger |top|, the fewer digits of the width show.
    guard top.magnitude < 1e14 else {
      if top > -.infinity { visit?(peak, 1) }
      return top
    }
    let drop = visit == nil ? 3 - logarithm(min(0.1, 3e-13 * max(1, top.magnitude))) : 27
    let steepest = 30.0
    var integral = 0.0
    var ends = (low: peak, high: peak)
    for direction in [-1.0, 1] {
      var (near, valueNear, width) = (0.0, top, path.width)
      var isFitted = false
      // Some hundred steps at the most, if the logarithm is concave.
      for _ in 0..<4000 {
        let (a, b) = (peak + direction * near, peak + direction * (near + width))
        let value = logIntegrand(b)
        guard a != b, value < top + 300 else { break }
        let fall = (valueNear - value).magnitude
        let hasFeatures = width > 2 * scale.unit && hasSource(from: min(a, b) - width, to: max(a, b) + width)
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
        let (middle, half) = ((a + b) / 2, width / 2)
        for (node, weight) in zip(Self.rule.nodes, Self.rule.weights) {
          let place = middle + half * node
          let share = half * weight * exponential(logIntegrand(place) - top)
          integral += share
          visit?(place, share)
        }
        if near == 0 { path.width = width }
        ends = (min(ends.low, a, b), max(ends.high, a, b))
        if value < top - drop { break }
        (near, valueNear, width, isFitted) = (near + width, value, 2 * width, false)
      }
    }
    let value = top + logarithm(integral)
    path.known = (gap, value, ends.low, ends.high)
    return value
  }

  /// Whether there are sources between two places.
  private func hasSource(from lowest: Double, to highest: Double) -> Bool {
    var (low, high) = (0, sources.count)
    while low < high {
      let middle = (low + high) / 2
      if sources[middle].gap <= highest { high = middle } else { low = middle + 1 }
    }
    return low < sources.count && sources[low].gap >= lowest
  }

  /// The largest value of a concave function and its place, near enough that what is left to gain is less than ½ and
  /// cannot be seen in a large value.
  private func peak(
    of gap: Double, _ function: (Double) -> Double, along path: inout Path
  ) -> (place: Double, value: Double) {
    func value(_ index: Int) -> Double {
      let place = sources[index].gap
      let logHazard = scale.logHazard(place - gap)
      if logHazard == -.infinity { return logHazard }
      if path.values.isEmpty { path.values = [Double](repeating: .nan, count: sources.count) }
      if path.values[index].isNaN { path.values[index] = logG.value(at: place) }
      return logHazard + path.values[index]
    }
    /// Whether the function is larger at the next source below. Where it is −∞, the noise of the class may not reach.
    func isRising(_ index: Int) -> Bool {
      guard index + 1 < sources.count else { return false }
      let (here, below) = (value(index), value(index + 1))
      return below == -.infinity && here == below
        ? scale.logHazard(sources[index + 1].gap - gap) == below : below > here
    }
    // In growing strides from where the last peak was.
    var (low, high) = (path.source, path.source)
    var stride = 1
    if isRising(path.source) {
      repeat {
        (low, high) = (high, min(high + stride, sources.count - 1))
        stride *= 2
      } while isRising(high)
    } else {
      repeat {
        (high, low) = (low, max(low - stride, 0))
        stride *= 2
      } while low > 0 && !isRising(low)
      if low == 0 && !isRising(0) { high = 0 }
    }
    while high - low > 1 {
      let middle = (low + high) / 2
      if isRising(middle) { low = middle } else { high = middle }
    }
    let source = high
    path.source = source
    let last = sources.count - 1
    var m = sources[source].gap
    var a = source < last ? sources[source + 1].gap : m + min(lowerEnd, -scale.unit)
    var b = source > 0 ? sources[source - 1].gap : max(scale.limit, scale.unit)
    var fa = source < last ? value(source + 1) : function(a)
    var fm = value(source)
    var fb = source > 0 ? value(source - 1) : function(b)
    // In the middle of a long gap the logarithm may be finite, although it is not at its ends.
    for _ in 0..<1200 where fm == -.infinity {
      let x = a + (b - a) / 2
      guard x > a, x < b else { break }
      let value = function(x)
      if value > -.infinity {
        (m, fm) = (x, value)
      } else if scale.logHazard(x - gap) == value {
        (b, fb) = (x, value)
      } else {
        (a, fa) = (x, value)
      }
    }
    guard fm > -.infinity else { return (m, fm) }
    // Of sources next to each other rounding may have picked any: out to where the function is lower beyond doubt.
    func isLower(_ value: Double) -> Bool { value < fm - 1e-12 * fm.magnitude }
    (stride, high) = (1, source - 1)
    while high >= 0 && !isLower(fb) {
      if fb > fm { (m, fm) = (b, fb) }
      (stride, high) = (2 * stride, high == 0 ? -1 : max(high - stride, 0))
      b = high < 0 ? max(scale.limit, scale.unit) : sources[high].gap
      fb = high < 0 ? function(b) : value(high)
    }
    (stride, low) = (1, source + 1)
    while low <= last && !isLower(fa) {
      if fa > fm { (m, fm) = (a, fa) }
      (stride, low) = (2 * stride, low == last ? last + 1 : min(low + stride, last))
      a = low > last ? sources[last].gap + min(lowerEnd, -scale.unit) : sources[low].gap
      fa = low > last ? function(a) : value(low)
    }
    var (left, before, way) = (Double.infinity, Double.infinity, 0)
    // How often in a row the lower end moved, or, below 0, the upper one.
    var run = 0
    for _ in 0..<1200 {
      // A concave function lies below the chords that lead to its inner points.
      let (rise, fall) = ((fm - fa) / (m - a), (fm - fb) / (b - m))
      let (above, below) = (rise * (b - m), fall * (m - a))
      (before, left) = (left, max(above, below))
      if left <= max(0.5, 3e-14 * fm.magnitude) { break }
      if !(left <= before / 4) { way += 1 }
      // The top of a parabola. If that is of no use, first nearer to the middle where a chord is too steep, then where
      // there is more to gain.
      var x = (a + m) / 2 + rise / (rise + fall) * ((b - a) / 2)
      if way % 3 > 0 || left == .infinity || !(x > a && x < b && x != m) {
        let isSteep = way % 3 == 1 || left == .infinity
        x = (below > above) == isSteep ? m + (b - m) / 8 : m - (m - a) / 8
      }
      // What is to gain on one side is not found by closing in from the other one.
      let (higher, lower) = (m + (b - m) / 8, m - (m - a) / 8)
      func isInside(_ x: Double) -> Bool { x > a && x < b && x != m }
      if run > 2 && isInside(higher) { x = higher }
      if run < -2 && isInside(lower) { x = lower }
      if !isInside(x) { x = isInside(higher) ? higher : lower }
      guard isInside(x) else { break }
      let value = function(x)
      if value > fm {
        run = 0
        if x > m { (a, fa) = (m, fm) } else { (b, fb) = (m, fm) }
        (m, fm) = (x, value)
      } else if x > m {
        run = min(run, 0) - 1
        (b, fb) = (x, value)
      } else {
        run = max(run, 0) + 1
        (a, fa) = (x, value)
      }
    }
    return (m, fm)
  }
}
