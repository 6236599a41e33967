internal import NoiseKernels

/// One row as the loops of the quantile rule see it: its different gaps in falling order, and what they get.
struct QuantileRow {
  /// The open classes by falling gaps, with their index in the row as weight.
  private let classes: UnsafeMutablePointer<PanelPoint>
  private let classCount: Int
  /// The different gaps, and how many classes have each.
  let gaps, ties: UnsafeMutablePointer<Double>
  let values: UnsafeMutablePointer<QuantileValue>
  /// A number for every class of the row.
  let probabilities: UnsafeMutablePointer<Double>
  /// Numbers for each gap.
  let sums, slopes, tails: UnsafeMutablePointer<Double>
  let losses: UnsafeMutablePointer<Double>
  let count: Int
  /// Memory for the sums of one gap.
  let terms: QuantileTerms
  /// Memory for the factors of one gap: their gaps and powers, and F and f of sixteen of them at sixteen nodes.
  let locations, powers: UnsafeMutablePointer<Double>
  private let factors: UnsafeMutablePointer<Double>
  /// Whether there is memory for F and f of all gaps, at the nodes of all gaps.
  let keepsFactors: Bool

  /// The memory that a row needs, for derivatives or without.
  static func memory(for count: Int, nodes: Int, derivatives: Bool) -> Int {
    8 * count + 11 * padded(count) + QuantileTerms.memory(for: nodes)
      + (keepsFactors(of: count, nodes: nodes, derivatives: derivatives)
        ? 2 * count * count * wholeBlocks(nodes) : 512)
  }

  /// Derivatives of few classes have the factors once, in memory that the nearer caches hold.
  private static func keepsFactors(of count: Int, nodes: Int, derivatives: Bool) -> Bool {
    derivatives && count <= 16 && count * count * wholeBlocks(nodes) <= 8192
  }

  private static func wholeBlocks(_ nodes: Int) -> Int { (nodes + 15) & ~15 }

  /// Where F and f of gaps at sixteen nodes of a gap belong.
  func factors(of gap: Int, at node: Int) -> (
    cumulatives: UnsafeMutablePointer<Double>, densities: UnsafeMutablePointer<Double>
  ) {
    guard keepsFactors else { return (factors, factors + 256) }
    let start = factors + 2 * count * (gap * Self.wholeBlocks(terms.count) + node)
    return (start, start + 16 * count)
  }

  init(
    _ row: UnsafeMutableBufferPointer<Double>, nodes: Int, derivatives: Bool, in memory: inout Pieces
  ) {
    let other = memory.take(row.count, of: PanelPoint.self)
    classes = memory.take(row.count, of: PanelPoint.self)
    var classCount = 0
    for index in row.indices where row[index] > -.infinity {
      classes[classCount] = PanelPoint(
        x: DoubleDouble(0 - row[index]), weight: Double(index), exponent: 0)
      classCount += 1
    }
    sortByX(classes, count: classCount, other: other)
    self.classCount = classCount

    gaps = memory.take(padded(row.count))
    ties = memory.take(padded(row.count))
    sums = memory.take(padded(row.count))
    slopes = memory.take(padded(row.count))
    tails = memory.take(padded(row.count))
    losses = memory.take(padded(row.count))
    probabilities = memory.take(padded(row.count))
    values = memory.take(padded(row.count), of: QuantileValue.self)
    locations = memory.take(padded(row.count))
    powers = memory.take(padded(row.count))
    keepsFactors = Self.keepsFactors(of: row.count, nodes: nodes, derivatives: derivatives)
    factors = memory.take(keepsFactors ? 2 * row.count * row.count * Self.wholeBlocks(nodes) : 512)
    terms = QuantileTerms(count: nodes, in: &memory)
    var count = 0
    for index in 0..<classCount {
      let gap = 0 - classes[index].x.high
      if count > 0 && gaps[count - 1] == gap {
        ties[count - 1] += 1
      } else {
        (gaps[count], ties[count]) = (gap, 1)
        count += 1
      }
    }
    self.count = count
  }

  /// Visits every open class, with the number of its gap and its index in the row.
  @inline(__always)
  func forEachClass(_ body: (_ gap: Int, _ index: Int) -> Void) {
    var gap = 0
    for slot in 0..<classCount {
      let point = classes[slot]
      if 0 - point.x.high < gaps[gap] { gap += 1 }
      body(gap, Int(point.weight))
    }
  }

  /// How many classes have a gap, without one of them where it is that of the class itself.
  @inline(__always)
  func others(than gap: Int, at other: Int) -> Double { ties[other] - (other == gap ? 1 : 0) }

  /// Replaces the cotangents w of values by Σ_i w_i·∂t_i/∂μ_j, given the products of all values, row by row, and what those
  /// of one value are to be multiplied by.
  ///
  /// Class j takes t_i's products times r(μ_i − μ_j + q) from class i.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, products: UnsafeMutableBufferPointer<Double>,
    by rule: any QuantileSums, factor: (QuantileValue) -> Double
  ) {
    guard var row = UnsafePointer(products.baseAddress) else { return }
    losses.update(repeating: 0, count: count)
    var start = 0
    for gap in 0..<count {
      let members = start..<start + Int(ties[gap])
      defer { (start, row) = (members.upperBound, row + padded(terms.count)) }
      var (weight, size) = (0.0, 0.0)
      for slot in members {
        weight += cotangent[index(at: slot)]
        size += cotangent[index(at: slot)].magnitude
      }
      guard values[gap].mantissa != 0 && size != 0 else {
        for slot in members { cotangent[index(at: slot)] = 0 }
        continue
      }
      rule.sumReversedHazards(of: gap, times: row, in: self)
      let factor = factor(values[gap])
      // What a class takes from itself would cancel, and hide what a far one takes.
      var gain = (ties[gap] - 1) * (factor * sums[gap])
      for other in 0..<count where other != gap {
        let taken = factor * sums[other]
        gain += ties[other] * taken
        losses[other] += weight * taken
      }
      // Of ties, every one takes from every other.
      for slot in members {
        let own = cotangent[index(at: slot)]
        cotangent[index(at: slot)] = own * gain - (weight - own) * (factor * sums[gap])
      }
    }
    forEachClass { gap, index in cotangent[index] -= losses[gap] }
  }

  private func index(at slot: Int) -> Int { Int(classes[slot].weight) }
}
