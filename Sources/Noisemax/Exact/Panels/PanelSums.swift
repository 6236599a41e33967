/// A point of the line with a weight: a class with its number of ties, or a node of the integral.
struct PanelPoint {
  var x: DoubleDouble
  /// The weight is `weight` · e^`exponent`.
  var weight: Double
  /// A multiple of ``PanelPoint/exponentStep``.
  var exponent: Double

  /// Weights far apart stay representable side by side, and e^(−256) leaves room for products.
  static let exponentStep = 256.0
}

/// Σ ω_j·φ(x + y_j) over sorted points y_j, for any x and φ = log F or r, in time that grows with log n.
///
/// Both directions of the transform are such sums: over the classes at a node (their log F), and over the nodes at a
/// class (its r). Points far enough from the kinks are summed by cells. On a cell φ(x + ·) is a polynomial in all but
/// rounding, so that the points of the cell can be replaced by 16 at its Chebyshev nodes, with the weights
/// Σ ω_j·L_q(y_j). Such a cell must
/// - hold no kink: it would be cut by one as the points are;
/// - be 4 half-widths from the lower end of the support, where log F and r are singular: the polynomials then
///   converge like (5 + √24)^−16 = 1e-16;
/// - be no wider than a quarter of the standard deviation, for what other singularities the law has.
///
/// Other cells are opened; in a leaf every point counts for itself. Memory: 20 numbers for each of 2n/24 cells.
struct PanelSums {
  let law: PanelLaw
  let points: UnsafeMutablePointer<PanelPoint>
  let count: Int
  private let cells: UnsafeMutablePointer<Double>
  private let leaves: Int
  /// The smallest multiple of the number of leaves that holds all points, divided by it.
  private let leafSize: Int

  private static var taps: Int { chebyshev.count }
  private static var stride: Int { 20 }

  /// How many Doubles of memory the cells over so many points need.
  static func memory(for count: Int) -> Int { 2 * leaves(for: count) * stride }

  private static func leaves(for count: Int) -> Int {
    var leaves = 1
    while leaves * 24 < count { leaves *= 2 }
    return leaves
  }

  /// The points are sorted, rising or falling.
  init(
    of points: UnsafeMutablePointer<PanelPoint>, count: Int, under law: PanelLaw,
    cells: UnsafeMutablePointer<Double>
  ) {
    self.law = law
    self.points = points
    self.count = count
    self.cells = cells
    leaves = Self.leaves(for: count)
    leafSize = (count + leaves - 1) / leaves
    if leaves > 1 { for cell in (1..<leaves).reversed() { condense(cell) } }
  }

  /// The points of a cell; the cells 2c and 2c + 1 halve the cell c.
  @inline(__always)
  private func range(of cell: Int) -> Range<Int> {
    let depth = Int.bitWidth - 1 - cell.leadingZeroBitCount
    let size = leafSize * (leaves >> depth)
    let start = Swift.min((cell - (1 << depth)) * size, count)
    return start..<Swift.min(start + size, count)
  }

  private func condense(_ cell: Int) {
    let range = range(of: cell)
    let memory = cells + cell * Self.stride
    memory[1] = .infinity
    guard !range.isEmpty else { return }
    // To twice the precision, as the points may agree in their high parts: the Chebyshev nodes must stay between
    // the outermost points, or a kink just outside the cell would cut them, and the points between ±1, outside
    // of which Lagrange's polynomials grow fast.
    let (first, last) = (points[range.lowerBound].x, points[range.upperBound - 1].x)
    let centre = (first + last).scaled(byPowerOfTwo: 0.5)
    let half = (first - last).value.magnitude / 2
    // Narrower cells are left to their points: their nodes would be as good as on the rim.
    guard half <= law.deviation / 8, half >= 0x1p-92 * centre.high.magnitude, half >= 0x1p-960 else { return }
    memory[0] = centre.high
    memory[1] = half
    memory[3] = centre.low
    let weights = memory + 4
    for q in 0..<Self.taps { weights[q] = 0 }
    var exponent = -Double.infinity
    for child in 2 * cell...2 * cell + 1 {
      if isCondensed(child) {
        exponent = Swift.max(exponent, cells[child * Self.stride + 2])
      } else {
        for index in self.range(of: child) { exponent = Swift.max(exponent, points[index].exponent) }
      }
    }
    for child in 2 * cell...2 * cell + 1 {
      if isCondensed(child) {
        let other = cells + child * Self.stride
        for q in 0..<Self.taps {
          let point = PanelPoint(x: x(ofTap: q, in: other), weight: other[4 + q], exponent: other[2])
          spread(point, over: weights, centre: centre, half: half, exponent: exponent)
        }
      } else {
        for index in self.range(of: child) {
          spread(points[index], over: weights, centre: centre, half: half, exponent: exponent)
        }
      }
    }
    memory[2] = exponent
  }

  /// Whether a cell has points at its Chebyshev nodes that stand for its own.
  @inline(__always)
  private func isCondensed(_ cell: Int) -> Bool {
    cell < leaves && cells[cell * Self.stride + 1] < .infinity
  }

  @inline(__always)
  private func x(ofTap tap: Int, in memory: UnsafeMutablePointer<Double>) -> DoubleDouble {
    DoubleDouble(adding: DoubleDouble(memory[0], memory[3]), DoubleDouble(memory[1] * chebyshev[tap]))
  }

  /// Adds ω·L_q(y) to every weight: Lagrange's polynomials in their barycentric form.
  @inline(__always)
  private func spread(
    _ point: PanelPoint, over weights: UnsafeMutablePointer<Double>, centre: DoubleDouble,
    half: Double, exponent: Double
  ) {
    let weight =
      point.exponent == exponent ? point.weight : point.weight * exponential(point.exponent - exponent)
    let u = (point.x - centre).value / half
    chebyshev.withUnsafeBufferPointer { nodes in
      barycentric.withUnsafeBufferPointer { factors in
        var total = 0.0
        for q in nodes.indices {
          if u == nodes[q] {
            weights[q] += weight
            return
          }
          total += factors[q] / (u - nodes[q])
        }
        for q in nodes.indices { weights[q] += weight * (factors[q] / (u - nodes[q]) / total) }
      }
    }
  }

  /// A sum in progress: `sum` · e^`exponent`.
  struct Total {
    var sum = CompensatedSum()
    var exponent = -Double.infinity

    @inline(__always)
    mutating func add(_ term: Double, exponent other: Double) {
      if other == exponent {
        sum.add(term)
      } else if exponent == -.infinity || sum.value == 0 {
        exponent = other
        sum = CompensatedSum()
        sum.add(term)
      } else {
        sum.add(term * exponential(other - exponent))
      }
    }

    var value: Double {
      exponent == 0 ? sum.value : exponent == -.infinity ? 0 : sum.value * exponential(exponent)
    }

    var logarithm: Double { sum.value > 0 ? Noisemax.logarithm(sum.value) + exponent : -.infinity }
  }

  /// Σ c_j·log F(x + y_j), where log F counts as 0 from the ceiling on.
  func logG(at x: DoubleDouble, ceiling: Double) -> CompensatedSum {
    var total = Total()
    add(at: x, to: &total, ceiling: ceiling) { law.logCumulative(at: $0) }
    return total.sum
  }

  /// Σ ω_j·r(x + y_j).
  func reversedHazards(at x: DoubleDouble) -> Total {
    var total = Total()
    add(at: x, to: &total, ceiling: law.upperEnd) { law.reversedHazard(at: $0) }
    return total
  }

  @inline(__always)
  private func add(
    at x: DoubleDouble, to total: inout Total, ceiling: Double, _ kernel: (DoubleDouble) -> Double
  ) {
    // The cells still to visit, one bit for each level: after a cell comes the next sibling on the way up.
    var cell = 1
    while true {
      let range = range(of: cell)
      var opened = false
      if !range.isEmpty {
        let a = DoubleDouble(adding: x, points[range.lowerBound].x)
        let b = DoubleDouble(adding: x, points[range.upperBound - 1].x)
        let (low, high) = a < b ? (a, b) : (b, a)
        if low.high >= ceiling && !low.isBelow(ceiling) && ceiling < .infinity {
          // Nothing to add.
        } else if cell >= leaves {
          for index in range {
            let z = DoubleDouble(adding: x, points[index].x)
            if z.high < ceiling || z.isBelow(ceiling) {
              total.add(points[index].weight * kernel(z), exponent: points[index].exponent)
            }
          }
        } else {
          let memory = cells + cell * Self.stride
          let half = memory[1]
          if half < .infinity && low.high - law.lowerEnd >= 4 * half && isSmooth(from: low, to: high) {
            chebyshev.withUnsafeBufferPointer { nodes in
              let centre = DoubleDouble(memory[0], memory[3])
              for q in nodes.indices {
                let y = DoubleDouble(adding: centre, DoubleDouble(half * nodes[q]))
                total.add(memory[4 + q] * kernel(DoubleDouble(adding: x, y)), exponent: memory[2])
              }
            }
          } else {
            opened = true
          }
        }
      }
      if opened {
        cell *= 2
      } else {
        while cell & 1 == 1 && cell > 1 { cell >>= 1 }
        if cell <= 1 { return }
        cell += 1
      }
    }
  }

  @inline(__always)
  private func isSmooth(from low: DoubleDouble, to high: DoubleDouble) -> Bool {
    for kink in law.kinks where low.isBelow(kink) && high.isAbove(kink) { return false }
    return true
  }
}

/// cos((q + ½)·π/16), and Lagrange's barycentric factors (−1)^q·sin((q + ½)·π/16) that belong to them.
private let chebyshev = (0..<16).map { GaussLegendre.cosineOfHalfTurns((Double($0) + 0.5) / 16) }
private let barycentric = (0..<16).map {
  let sine = GaussLegendre.cosineOfHalfTurns(0.5 - (Double($0) + 0.5) / 16)
  return $0.isMultiple(of: 2) ? sine : -sine
}
