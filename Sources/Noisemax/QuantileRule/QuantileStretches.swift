internal import NoiseKernels

/// A row of the quantile rule under a law with kinks: n·K places of one function, instead of n²·K factors.
///
/// S(x) = Σ_j log F(x − gap_j) is a smooth function between two kinks: on *stretches* of x that are short beside their
/// distance from where F is 0, it is a polynomial through Chebyshev's nodes, eight or sixteen. The value of a class is
/// Σ_k exp(S(gap + q_k) − log F(q_k)), since its own factor in S is that of its nodes.
///
/// With ψ_k those terms and R = S′, class i takes u_i·ψ_k·r(x − gap_j) from class j at its places x = gap_i + q_k. The gradient is
/// u_j·Σ_k ψ_k·R less Σ_ik u_i·ψ_k·r(x − gap_j). R is the slope of the polynomial; r is interpolated on the stretch too, so that the
/// terms are moved to Chebyshev's nodes, and summed from there.
///
/// Stretches have the factors of all open classes at their nodes: every kink costs some n of these, and a law without kinks
/// inside some thirty stretches in all. Only those above the lowest place that matters are laid.
///
/// With a stretch of a length w whose distance from the nearest singularity is D, sixteen terms leave (1 + 2D/w + …)^−16,
/// 1e-16 for w = D/2, and eight 5e-16 for w = D/20.
struct QuantileStretches {
  let rule: StretchRule
  let row: QuantileRow
  /// The stretches, from the upper end down, and their coefficients.
  private var list: UnsafeMutablePointer<Double>
  private(set) var count = 0

  /// How many Doubles a stretch has with its coefficients.
  private static let size = 24

  /// The upper end of the next stretch, and what the classes whose kinks are passed have as Σ log F there: under Laplace noise
  /// these are x − gap − log 2.
  private var upper: Double
  private var closed = CompensatedSum()
  private var closedTies = 0.0
  /// How many kinks are passed.
  private var passed = 0
  /// What x is relative to in t = e^(−x).
  private(set) var origin = 0.0
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

  /// The first stretch from one on that a place is on, given relative to a gap: `count` if it is below them all.
  @inline(__always)
  func stretch(at x: Double, of gap: Double, from start: Int) -> Int {
    var k = start
    while k < count {
      let stretch = stretch(k)
      if (stretch.middle - gap) - stretch.half <= x { break }
      k += 1
    }
    return k
  }

  /// Memory behind the stretches.
  mutating func takeMemory(_ count: Int, scratch: inout Scratch) -> UnsafeMutableBufferPointer<Double> {
    let used = Self.size * self.count
    let memory = scratch.growList(to: used + count, keeping: used)
    list = memory.baseAddress ?? list
    return UnsafeMutableBufferPointer(rebasing: memory[used..<memory.count])
  }

  // MARK: laying

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
      let node = (0..<rule.count - 1).firstPlace { row.gaps[gap] + rule.nodes[$0] > 0 }
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

  private mutating func setOrigin(_ x: Double) {
    origin = x
    writeSlopes(from: passed, origin: x)
  }

  /// a + t·slope of the classes from one on, and what t·tail/F is r.
  func writeSlopes(from start: Int, origin x: Double) {
    for k in start..<row.count {
      switch rule.form {
      case .uniform: (row.slopes[k], row.tails[k]) = (0 - row.gaps[k], 1)
      case .exponential:
        (row.slopes[k], row.tails[k]) = (0 - exponentialMinusOne(row.gaps[k]), exponential(row.gaps[k]))
      case .laplace:
        let tail = exponential(row.gaps[k] - x) / 2
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
      (end, distance) = (
        next == -.infinity ? bottom - Swift.max(1, 2 * slack) : Swift.max(next, lower), ln2 - next
      )
    }
    let half = (upper - end) / 2
    // A stretch this long lies where logits are so large that no class is near it but those at its ends.
    let isEmpty = rule.form == .laplace && half > 300
    let first = rule.form == .laplace ? passed : 0
    let last = isEmpty ? first : rule.form == .uniform ? passed : row.count
    // Of e^(−x) eight terms leave (half/2)⁸/8!. Without classes there is nothing but a slope.
    let isShort = 40 * half <= end + distance && (half <= 0.1 || first == last)
    let stretch = QuantileStretch(
      rule.form, middle: end + half, half: half, origin: origin, terms: isShort ? 8 : 16, start: first,
      end: last)
    let memory = scratch.growList(to: Self.size * Swift.max(count + 1, 16), keeping: Self.size * count)
    list = memory.baseAddress ?? list
    UnsafeMutableRawPointer(list + Self.size * count).storeBytes(of: stretch, as: QuantileStretch.self)
    count += 1
    let coefficients = coefficients(count - 1)
    kernels.layStretch(
      stretch, slopes: row.slopes + stretch.start, ties: hasTies ? row.ties + stretch.start : nil,
      stretch.end - stretch.start, basis: rule.basis(stretch.terms), to: coefficients)
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
}
