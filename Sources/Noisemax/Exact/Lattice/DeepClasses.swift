/// Log-probabilities of classes so far behind the leader that no table reaches them: each by its own integral.
///
/// log p_i = log ∫ G(x) r(x − μ_i) dx. What the classes have in common, log G, comes from ``TailSums``, at a cost that does
/// not grow with their number. `DeepPeak.swift` finds the peak of the integrand, `DeepIntegral.swift` follows it from there as
/// far as it matters. Of many classes ``DeepLogarithms`` integrates some.
///
/// Where many classes crowd into few cells of the logit axis, the grid points around the cells stand for them in G, as on
/// the lattice: a million classes far below the leader cost no more than the cells they fill. The mathematics: <doc:Mathematics#Tails>.
final class DeepClasses {
  /// Σ w log F(x − gap) over these is log G(x).
  typealias Source = (gap: Double, weight: Double)

  let scale: TailScale
  private let cell: Double
  private let basis: CellBasis
  /// In descending order.
  let sources: [Source]
  let logG: TailSums
  /// The sources, and on either side of them a node beyond all integrands. An integrand has its peak between the neighbours
  /// of the landmark where it is largest. Log G is NaN until it is needed.
  var landmarks: [(x: Double, logG: Double)]

  /// The nodes of the last integral, with weights in proportion to its parts.
  var nodes: [(x: Double, weight: Double)] = []
  /// The length of its first panel, where the next integral begins.
  var firstWidth: Double
  /// The class that was integrated last, its log p, and the ends of its integral: the integrand of the next class may differ
  /// from it by a factor alone (see `lead`).
  var known: (gap: Double, logProbability: Double, low: Double, high: Double)?

  init(of row: UnsafeMutableBufferPointer<Double>, table: LatticeTable, scale: TailScale) {
    (cell, basis, self.scale) = (table.cell, table.bases[.double], scale)
    var ties: [Source] = []
    for gap in row.filter({ $0 > -.infinity }).sorted(by: >) {
      if ties.last?.gap == gap { ties[ties.count - 1].weight += 1 } else { ties.append((gap, 1)) }
    }
    let sources = Self.withoutCrowds(ties, cell: cell, basis: basis)
    let lowest = (sources.last?.gap ?? 0) + min(scale.lowerEnd, -scale.unit)
    let logG = TailSums(of: sources, at: 50 * row.count, downTo: lowest, scale: scale) {
      scale.logCumulative($0)
    }
    let landmarks = [max(scale.limit, scale.unit)] + sources.map(\.gap) + [lowest]
    (self.sources, self.logG, firstWidth) = (sources, logG, scale.unit)
    self.landmarks = landmarks.map { ($0, .nan) }
  }

  /// Sources in descending order. Those that crowd into few cells are replaced by the grid points around these.
  private static func withoutCrowds(_ given: [Source], cell: Double, basis: CellBasis) -> [Source] {
    var sources: [Source] = []
    sources.reserveCapacity(given.count)
    var first = 0
    while first < given.count {
      // Up to where the next ones have grid points of their own. The cells of very large gaps have no numbers.
      var (corner, points) = (offset(of: given[first].gap, in: cell).corner, Double(basis.taps))
      var end = first + 1
      let top = corner
      while end < given.count {
        let next = offset(of: given[end].gap, in: cell).corner
        if !(corner - next < Double(basis.taps)) { break }
        points += corner - next
        (corner, end) = (next, end + 1)
      }
      if 2 * points > Double(end - first) {
        sources += given[first..<end]
      } else {
        sources += gridPoints(Int(points), below: top, for: given[first..<end], cell: cell, basis: basis)
      }
      first = end
    }
    return sources
  }

  /// So many grid points in descending order that stand for sources. The first is the highest one around the cell `top`.
  private static func gridPoints(
    _ count: Int, below top: Double, for sources: ArraySlice<Source>, cell: Double, basis: CellBasis
  ) -> [Source] {
    let last = basis.taps - 1
    var weights = [Double](repeating: 0, count: count)
    for (gap, weight) in sources {
      let (corner, t) = offset(of: gap, in: cell)
      for tap in 0...last {
        weights[Int(top - corner) + last - tap] += weight * basis.share(ofTap: tap, at: t)
      }
    }
    return weights.enumerated().map { index, weight in
      ((top + basis.position(of: 0) + Double(last - index)) * cell, weight)
    }
  }

  /// The lower end of the cell of a gap, and the offset t ∈ −1…1 in it.
  private static func offset(of gap: Double, in cell: Double) -> (corner: Double, t: Double) {
    let corner = (gap / cell).rounded(.down)
    return (corner, 2 * (gap / cell - corner) - 1)
  }

  /// Adds the gradient of Σ v_i log p_i over deep classes i to the entries of all classes j:
  ///
  ///     v_j ∫ q_j(x) R(x) dx − ∫ Σ_i v_i q_i(x) r(x − μ_j) dx,   R(x) = Σ_l r(x − μ_l).
  ///
  /// q_i ∝ G(x) r(x − μ_i) is the density of the maximum given that i wins. Only a deep class has the first term. The
  /// integrals of all i have few nodes, which are put together before any class j is visited.
  func addGradient(
    of deep: [(index: Int, v: Double)], in row: UnsafeMutableBufferPointer<Double>,
    to result: UnsafeMutableBufferPointer<Double>
  ) {
    func reversedHazard(_ z: Double) -> Double { exponential(scale.logReversedHazard(z)) }
    let sumOfReversedHazards = TailSums(
      of: sources, at: 40 * deep.count, downTo: landmarks[landmarks.count - 1].x, scale: scale,
      kernel: reversedHazard)
    /// Nodes as sources: what they are to a class is what a class is to them, upside down.
    var mirrored: [Source] = []
    let deep = deep.sorted { row[$0.index] > row[$1.index] }
    var first = 0
    while first < deep.count {
      let gap = row[deep[first].index]
      _ = integrate(gap, forDerivatives: true)
      let total = nodes.reduce(0) { $0 + $1.weight }
      var loss = CompensatedSum()
      for node in nodes where node.weight > 0 {
        loss.add(node.weight / total * sumOfReversedHazards.value(at: node.x))
      }
      var v = 0.0
      repeat {
        v += deep[first].v
        result[deep[first].index] += deep[first].v * loss.value
        first += 1
      } while first < deep.count && hasSameIntegrand(row[deep[first].index], as: gap)
      for node in nodes where node.weight > 0 {
        mirrored.append((-node.x, v * node.weight / total))
      }
    }
    mirrored.sort { $0.gap > $1.gap }
    mirrored = Self.withoutCrowds(mirrored, cell: cell, basis: basis)
    let sumOverNodes = TailSums(of: mirrored, at: row.count, downTo: 0, scale: scale, kernel: reversedHazard)
    for index in row.indices where row[index] > -.infinity {
      result[index] -= sumOverNodes.value(at: -row[index])
    }
  }

  private func hasSameIntegrand(_ gap: Double, as other: Double) -> Bool {
    gap == other || lead(of: gap, digits: 4e-16) != nil
  }
}
