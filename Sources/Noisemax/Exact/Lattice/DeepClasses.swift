/// Log-probabilities of classes so far behind the leader that no table reaches them: each by its own integral.
///
/// log p_i = log ∫ G(x) r(x − μ_i) dx. What the classes have in common, log G, comes from ``TailSums``, at a cost that does
/// not grow with their number. `DeepPeak.swift` finds the peak of the integrand, `DeepIntegral.swift` follows it from there as
/// far as it matters, on cells that are the same for all classes (``DeepCells``). Of many classes ``DeepLogarithms`` integrates
/// some. A gradient takes all that have a cotangent: `DeepGradient.swift`.
///
/// Where many classes crowd into few cells of the logit axis, the grid points around the cells stand for them in G, as on
/// the lattice: a million classes far below the leader cost no more than the cells they fill. The mathematics: <doc:Mathematics#Tails>.
final class DeepClasses {
  /// Σ w log F(x − gap) over these is log G(x).
  typealias Source = (gap: Double, weight: Double)

  let scale: TailScale
  let cell: Double
  let basis: CellBasis
  /// In descending order.
  let sources: [Source]
  let logG: TailSums
  /// The sources, and on either side of them a node beyond all integrands. An integrand has its peak between the neighbours
  /// of the landmark where it is largest. Log G is NaN until it is needed.
  var landmarks: [(x: Double, logG: Double)]

  /// What is known of the axis, for all integrals.
  let cells = DeepCells()
  /// The cells of the last integral, which have what it is summed from; and the sum.
  var visited: [Int] = []
  var total = 0.0
  /// What may be left out of the sum on either side.
  var least = 0.0
  /// The nodes of a gradient that are no longer in `cells`, upside down.
  var mirrored: [Source] = []
  /// The peaks of the classes that have been integrated, in descending order of their gaps.
  var peaks: [Peak] = []
  /// The peak of the last class, if its log p is the logarithm there and no more.
  var peakAlone: (x: Double, value: Double)?

  init(of row: UnsafeMutableBufferPointer<Double>, table: LatticeTable, scale: TailScale) {
    (cell, basis, self.scale) = (table.cell, table.bases[.double], scale)
    var ties: [Source] = []
    for gap in row.filter({ $0 > -.infinity }).sorted(by: >) {
      if ties.last?.gap == gap { ties[ties.count - 1].weight += 1 } else { ties.append((gap, 1)) }
    }
    let sources = Self.withoutCrowds(ties, cell: cell, basis: basis)
    let lowest = (sources.last?.gap ?? 0) + min(scale.lowerEnd, -scale.unit)
    let logG = TailSums(
      of: sources, at: 50 * row.count, downTo: lowest, scale: scale, kernel: scale.logCumulative)
    let landmarks = [max(scale.limit, scale.unit)] + sources.map(\.gap) + [lowest]
    (self.sources, self.logG) = (sources, logG)
    self.landmarks = landmarks.map { ($0, .nan) }
  }

  /// Sources in descending order. Those that crowd into few cells are replaced by the grid points around these.
  static func withoutCrowds(_ given: [Source], cell: Double, basis: CellBasis) -> [Source] {
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
      let first = Int(top - corner) + last
      for tap in 0...last { weights[first - tap] += weight * basis.share(ofTap: tap, at: t) }
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
}
