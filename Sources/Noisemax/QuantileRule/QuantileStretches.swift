internal import NoiseKernels

/// What the quantile rule under a law with kinks has for all rows: its nodes, and the rules of stretches.
struct StretchRule: @unchecked Sendable {
  let form: StretchForm
  let count: Int
  /// The nodes q in rising order and log F of them, with eight copies of the first before it.
  let nodes, logCumulatives: UnsafePointer<Double>
  /// A term below e^−margin of the largest one is nothing, with all others below it.
  let margin: Double
  private let memory = KeptMemory()
  /// Chebyshev's nodes, and a row for each of them: what its value is in every coefficient.
  private let few, many: UnsafePointer<Double>

  /// Nil for a law without such stretches.
  init?(_ noise: some NoiseDistribution, nodes: [Double]) {
    switch noise {
    case is Uniform: form = .uniform
    case is Exponential: form = .exponential
    case is Laplace: form = .laplace
    default: return nil
    }
    guard let noise = noise as? any AccurateNoise else { return nil }
    count = nodes.count
    margin = 45 + logarithm(Double(nodes.count))
    let memory = memory
    func keep(_ numbers: [Double]) -> UnsafePointer<Double> {
      memory.keep([Double](repeating: numbers[0], count: 8) + numbers) + 8
    }
    self.nodes = keep(nodes)
    logCumulatives = keep(nodes.map { noise.logCumulative(at: $0) })
    (few, many) = (Self.basis(8, in: memory), Self.basis(16, in: memory))
  }

  func basis(_ terms: Int) -> UnsafePointer<Double> { terms == 8 ? few : many }

  private static func basis(_ terms: Int, in memory: KeptMemory) -> UnsafePointer<Double> {
    let unused = [Double](repeating: 0, count: 16 - terms)
    let rows = (0..<terms).flatMap { index in
      (0..<terms).map { Chebyshev.share(ofZero: index, in: $0, of: terms) } + unused
    }
    return memory.keep(Chebyshev.zeros(terms) + unused + rows)
  }

  /// About how long a row of so many gaps takes: kinks make stretches, which have the classes' factors at their nodes.
  func seconds(gaps count: Int) -> Double {
    let (kink, factors) =
      switch form {
      case .uniform: (4.5e-7, 3e-9)
      case .exponential: (2.5e-7, 0)
      case .laplace: (5.5e-7, 0)
      }
    return 4e-6 + Double(count) * (kink + 2.6e-9 * Double(self.count) + factors * Double(count))
  }

  /// How much longer derivatives take.
  static let pullbackPasses = 2.0
}

/// A row of the quantile rule under a law with kinks, in time proportional to its classes times the nodes.
///
/// S(x) = Σ_j log F(x − gap_j) is a smooth function between two kinks: on *stretches* of x that are short beside their
/// distance from where F is 0, it is a polynomial through Chebyshev's nodes, eight or sixteen. The value of a class is
/// Σ_k exp(S(gap + q_k) − log F(q_k)), since its own factor in S is that of its nodes.
///
/// With ψ_k those terms and R = S′, class i takes u_i·ψ_k·r(x − gap_j) from class j at its places x = gap_i + q_k. The gradient is
/// u_j·Σ_k ψ_k·R less Σ_ik u_i·ψ_k·r(x − gap_j). R is the slope of the polynomial; r is interpolated on the stretch too, so that the
/// terms are moved to Chebyshev's nodes, and summed from there.
///
/// With a stretch of a length w whose distance from the nearest singularity is D, sixteen terms leave (1 + 2D/w + …)^−16,
/// 1e-16 for w = D/2, and eight 5e-16 for w = D/20.
struct QuantileStretches {
  let rule: StretchRule
  let row: QuantileRow
  /// The stretches, from the upper end down, and their coefficients.
  private var list: UnsafeMutablePointer<Double>
  private(set) var count = 0

  /// How many Doubles a stretch has with its coefficients, and for derivatives besides.
  private static let size = 24
  private static let sizeOfMoments = 16 + 8 * 16

  /// The upper end of the next stretch, and what the classes whose kinks are passed have as Σ log F there: under Laplace noise
  /// these are x − gap − log 2.
  private var upper: Double
  private var closed = CompensatedSum()
  private var closedTies = 0.0
  /// How many kinks are passed.
  private var passed = 0
  /// What x is relative to in t = e^(−x).
  private var origin = 0.0
  private let hasTies: Bool

  /// Of the first so many gaps, the others have no values.
  init(_ rule: StretchRule, of row: QuantileRow, wanted: Int, all: Bool, scratch: inout Scratch) {
    (self.rule, self.row) = (rule, row)
    upper = rule.nodes[rule.count - 1]
    list = row.sums
    hasTies = (0..<row.count).contains { row.ties[$0] > 1 }
    setOrigin(0)
    lay(wanted: wanted, all: all, scratch: &scratch)
  }

  private var hasZero: Bool { rule.form != .laplace }

  func stretch(_ k: Int) -> QuantileStretch {
    UnsafeMutableRawPointer(list + Self.size * k).load(as: QuantileStretch.self)
  }

  func coefficients(_ k: Int) -> UnsafeMutablePointer<Double> { list + Self.size * k + 8 }

  // MARK: - Laying

  private mutating func lay(wanted: Int, all: Bool, scratch: inout Scratch) {
    let highest = rule.nodes[rule.count - 1]
    let (last, bottom) = (row.gaps[wanted - 1] + highest, bottom(wanted: wanted))
    var started = 0
    // Where nothing is wanted any more.
    var floor = -Double.infinity
    while upper >= bottom - slack {
      while started < wanted && row.gaps[started] + highest >= upper { started += 1 }
      if !hasZero && upper < row.gaps[started - 1] + rule.nodes[0] - slack {
        // No place is below, down to those of the next class.
        move(to: row.gaps[started] + highest)
        continue
      }
      passKinks()
      let end = layStretch(down: bottom, scratch: &scratch)
      if count == 1 && !all { floor = value(at: upper, on: 0) - 800 }
      if last >= end && last <= upper {
        floor = Swift.max(floor, value(at: last, on: count - 1) - rule.margin - 40)
      }
      if floor > -.infinity && value(at: end, on: count - 1) < floor { return }
      move(to: end)
    }
  }

  /// More than the roundings of places that are compared.
  private var slack: Double { 0x1p-45 * Swift.min(upper.magnitude, 0x1p1000) }

  /// The lowest place where a term is not 0.
  private func bottom(wanted: Int) -> Double {
    guard hasZero else { return row.gaps[wanted - 1] + rule.nodes[0] }
    var bottom = rule.nodes[0]
    for gap in 1..<Swift.max(wanted, 1) {
      // Half the nodes are left at every step.
      var (below, node) = (-1, rule.count - 1)
      while node - below > 1 {
        let middle = (below + node) / 2
        if row.gaps[gap] + rule.nodes[middle] > 0 { node = middle } else { below = middle }
      }
      bottom = Swift.min(bottom, row.gaps[gap] + rule.nodes[node])
    }
    return bottom
  }

  private mutating func move(to end: Double) {
    closed.add(closedTies * (end - upper))
    upper = end
  }

  private func kink(_ k: Int) -> Double {
    switch rule.form {
    case .uniform: 1 + row.gaps[k]
    case .exponential: -.infinity
    case .laplace: row.gaps[k]
    }
  }

  /// Those at the upper end, or next to it.
  private mutating func passKinks() {
    let end = upper - (rule.form == .laplace ? slack / 8 : 0) - 0x1p-70
    while passed < row.count && kink(passed) >= end {
      if rule.form == .laplace {
        closed.add(row.ties[passed] * (upper - row.gaps[passed] - 0x1.62e42fefa39efp-1))
        closedTies += row.ties[passed]
      }
      passed += 1
    }
    if rule.form == .laplace && origin - upper > 300 { setOrigin(upper) }
  }

  private mutating func setOrigin(_ place: Double) {
    origin = place
    writeSlopes(from: passed, origin: place)
  }

  /// a + t·slope of the classes from one on, and what t·tail/F is r.
  private func writeSlopes(from start: Int, origin place: Double) {
    for k in start..<row.count {
      switch rule.form {
      case .uniform: (row.slopes[k], row.tails[k]) = (0 - row.gaps[k], 1)
      case .exponential:
        (row.slopes[k], row.tails[k]) = (0 - exponentialMinusOne(row.gaps[k]), exponential(row.gaps[k]))
      case .laplace:
        let tail = exponential(row.gaps[k] - place) / 2
        (row.slopes[k], row.tails[k]) = (0 - tail, tail)
      }
    }
  }

  /// Lays the next stretch, at most to where all ends, and returns its lower end.
  private mutating func layStretch(down bottom: Double, scratch: inout Scratch) -> Double {
    let next = passed < row.count ? kink(passed) : -.infinity
    // Beyond two units t, and so what is small in S, changes too much.
    let (end, distance): (Double, Double)
    switch rule.form {
    case .uniform: (end, distance) = (Swift.max(next, upper / 1.5), 0)
    case .exponential: (end, distance) = (Swift.max(upper / 1.5, upper - 2), 0)
    case .laplace:
      let ln2 = 0x1.62e42fefa39efp-1
      let width = Swift.min((ln2 + (upper - next)) / 3, 2)
      let lower = upper - Swift.max(width, slack)
      (end, distance) = (next == -.infinity ? bottom - 1 : Swift.max(next, lower), ln2 - next)
    }
    let half = (upper - end) / 2
    let terms = 40 * half <= end + distance ? 8 : 16
    let stretch = QuantileStretch(
      rule.form, middle: end + half, half: half, origin: origin, terms: terms,
      start: rule.form == .laplace ? passed : 0, end: rule.form == .uniform ? passed : row.count)
    let memory = scratch.growList(to: Self.size * Swift.max(count + 1, 16), keeping: Self.size * count)
    list = memory.baseAddress ?? list
    UnsafeMutableRawPointer(list + Self.size * count).storeBytes(of: stretch, as: QuantileStretch.self)
    count += 1
    let coefficients = coefficients(count - 1)
    kernels.layStretch(
      stretch, slopes: row.slopes + stretch.start, ties: hasTies ? row.ties + stretch.start : nil,
      stretch.end - stretch.start, basis: rule.basis(terms), to: coefficients)
    coefficients[0] += closed.value - closedTies * half
    coefficients[1] += closedTies * half
    return end
  }

  /// S at a place of a stretch.
  private func value(at x: Double, on k: Int) -> Double {
    let (stretch, coefficients) = (stretch(k), coefficients(k))
    let tau = (x - stretch.middle) / stretch.half
    var (first, second, k) = (0.0, 0.0, stretch.terms - 1)
    while k > 0 {
      (first, second) = (coefficients[k] + 2 * tau * first - second, first)
      k -= 1
    }
    return coefficients[0] + tau * first - second
  }

  // MARK: - Values

  /// Where a gap's highest place is, which is on no stretch before that of a higher gap.
  private func firstStretch(of gap: Double, from start: Int) -> Int {
    var k = start
    while k < count {
      let stretch = stretch(k)
      if stretch.middle - gap - stretch.half <= rule.nodes[rule.count - 1] { return k }
      k += 1
    }
    return k
  }

  /// Writes the values of the first gaps, and calls with the terms of each.
  func writeValues(wanted: Int, _ body: (Int, QuantileTerms) -> Void) {
    var first = 0
    for gap in 0..<wanted {
      var terms = row.terms
      let logarithms = terms.resetLogarithms()
      first = firstStretch(of: row.gaps[gap], from: first)
      var (k, node) = (first, rule.count - 1)
      while node >= 0 && k < count {
        node = kernels.addStretch(
          stretch(k), coefficients: coefficients(k), offset: row.gaps[gap], nodes: rule.nodes, last: node,
          less: rule.logCumulatives, top: logarithms + (rule.count - 1), margin: rule.margin, to: logarithms)
        k += 1
      }
      row.values[gap] = terms.sum()
      body(gap, terms)
    }
  }

  // MARK: - Derivatives

  /// Memory behind the stretches, for the products of all gaps and what derivatives need.
  mutating func takeProducts(scratch: inout Scratch) -> UnsafeMutableBufferPointer<Double> {
    let (used, products) = (Self.size * count, row.count * padded(rule.count))
    let memory = scratch.growList(to: used + products + Self.sizeOfMoments * count, keeping: used)
    list = memory.baseAddress ?? list
    return UnsafeMutableBufferPointer(rebasing: memory[used..<memory.count])
  }

  /// Replaces the cotangents w of values by Σ_i w_i·∂t_i/∂μ_j, as ``QuantileRow/pullBack(_:products:by:factor:)``.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, products: UnsafeMutableBufferPointer<Double>,
    factor: (QuantileValue) -> Double
  ) {
    guard let products = products.baseAddress else { return }
    let length = padded(rule.count)
    let slopes = products + row.count * length
    let moments = slopes + 16 * count
    moments.update(repeating: 0, count: 8 * 16 * count)
    for k in 0..<count { writeSlopes(of: k, to: slopes + 16 * k) }
    row.losses.update(repeating: 0, count: row.count)
    row.sums.update(repeating: 0, count: row.count)
    row.forEachClass { gap, index in row.losses[gap] += cotangent[index] }

    var first = 0
    for gap in 0..<row.count where row.values[gap].mantissa != 0 {
      let factor = factor(row.values[gap])
      let weight = factor * row.losses[gap]
      first = firstStretch(of: row.gaps[gap], from: first)
      var (k, node, gain) = (first, rule.count - 1, 0.0)
      while node >= 0 && k < count && products[gap * length + node] != 0 {
        let (sum, next) = kernels.addMoments(
          of: products + gap * length, on: stretch(k), slopes: slopes + 16 * k, factor: weight,
          offset: row.gaps[gap], nodes: rule.nodes, last: node, to: moments + 8 * 16 * k)
        gain += sum
        node = next
        k += 1
      }
      row.sums[gap] = factor * gain
    }
    row.losses.update(repeating: 0, count: row.count)
    addLosses(moments: moments)
    write(to: cotangent)
  }

  /// The coefficients of the slope of S.
  private func writeSlopes(of k: Int, to slopes: UnsafeMutablePointer<Double>) {
    let (coefficients, stretch) = (coefficients(k), stretch(k))
    let last = stretch.terms - 1
    slopes[last] = 0
    var (before, after) = (0.0, 0.0)
    for m in (1...last).reversed() {
      (before, after) = (after + 2 * Double(m) * coefficients[m] / stretch.half, before)
      slopes[m - 1] = before
    }
    slopes[0] /= 2
  }

  /// What classes take from each other, from the moments.
  private func addLosses(moments: UnsafeMutablePointer<Double>) {
    var fromClosed = 0.0
    var (next, origin) = (row.count, origin)
    for k in (0..<count).reversed() {
      let stretch = stretch(k)
      let basis = rule.basis(stretch.terms)
      let moments = moments + 8 * 16 * k
      if stretch.origin != origin {
        origin = stretch.origin
        writeSlopes(from: stretch.start, origin: origin)
      }
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 32) { memory in
        let (sums, weights) = (memory.baseAddress!, memory.baseAddress! + 16)
        kernels.laneSums(of: moments, stretch.terms, to: sums)
        for node in 0..<stretch.terms {
          var weight = 0.0
          for m in 0..<stretch.terms { weight += basis[16 + 16 * node + m] * sums[m] }
          weights[node] = weight
        }
        if rule.form == .laplace {
          // Below their kinks classes have r = 1.
          while next > stretch.start {
            next -= 1
            row.losses[next] += fromClosed
          }
          fromClosed += sums[0]
        }
        kernels.addStretchHazards(
          of: weights, on: stretch, slopes: row.slopes + stretch.start, tails: row.tails + stretch.start,
          stretch.end - stretch.start, basis: basis, to: row.losses + stretch.start)
      }
    }
    while next > 0 {
      next -= 1
      row.losses[next] += fromClosed
    }
  }

  /// What a class takes from itself is in both sums. Of a lone leader it may hide all others: moving all classes together
  /// changes nothing, and so it has what the others lack.
  private func write(to cotangent: UnsafeMutableBufferPointer<Double>) {
    var (total, leader) = (CompensatedSum(), 0)
    row.forEachClass { gap, index in
      if gap == 0 { leader = index }
      let own = cotangent[index]
      cotangent[index] = (own == 0 ? 0 : own * row.sums[gap]) - row.losses[gap]
      if gap > 0 { total.add(cotangent[index]) }
    }
    if row.ties[0] == 1 { cotangent[leader] = 0 - total.value }
  }
}
