internal import NoiseKernels

/// M(x) = Σ log F_j(x) over the classes of a row with noise, also where their product underflows.
///
/// The integrands of all deep classes have it in common. So it is kept: the line is cut into segments at the kinks of the
/// classes, and these into cells by halving, again and again, where somebody asks. In a cell of whose last two Legendre
/// coefficients nothing is to be seen M is the polynomial through sixteen nodes. A value costs nothing but that then, however
/// many classes there are.
///
/// Under ordinary laws a cell is about as wide as the narrowest scale that is felt there, or half as wide as its distance is
/// from the next class that is.
final class LogProduct {
  let classes: ScaledClasses
  /// Below this point some class with noise is certain to be above, or the one without.
  let lower: DoubleDouble
  /// Above this point all classes lie below.
  let top: DoubleDouble
  /// Where the segments end, rising. Segment s is cell s.
  private var ends: [DoubleDouble] = []
  private var cells: [Cell] = []
  /// M at the nodes of cells.
  private var values: [Lanes] = []
  /// The cell that was asked last.
  private var last = 0
  /// What the last two coefficients may be, relative.
  private let tolerance: Double

  private struct Cell {
    /// The ends, each to the digits of its own: a segment may be far wider than what happens at them.
    let lower, upper: DoubleDouble
    let width: Double
    /// −1 of a segment.
    let parent: Int
    /// The lower half; the upper one follows. −1 without halves.
    var halves = -1
    /// Where M at the nodes is, −1 if nobody asked.
    var values = -1
    var isResolved = false
    /// Whether no class is sharp in it; nil if nobody asked.
    var isSmooth: Bool?

    init(from lower: DoubleDouble, to upper: DoubleDouble, parent: Int) {
      (self.lower, self.upper, self.parent) = (lower, upper, parent)
      width = (upper - lower).value
    }

    /// Whether it is so narrow that Doubles no longer tell its nodes from each other.
    var isPoint: Bool { width <= 0x1p-90 * Swift.max(lower.high.magnitude, 0x1p-800) }
  }

  init(of classes: ScaledClasses) {
    self.classes = classes
    let law = classes.law
    var lower = DoubleDouble(classes.count > classes.noisy ? classes.locations[classes.noisy] : -.infinity)
    var top = DoubleDouble(-.infinity)
    var (kinks, widest): ([DoubleDouble], Double) = ([], 0)
    for j in 0..<classes.noisy {
      widest = Swift.max(widest, classes.scales[j])
      let end = classes.point(law.farAbove, of: j)
      if top < end { top = end }
      for kink in law.kinks { kinks.append(classes.point(kink + law.location, of: j)) }
      if law.lowerEnd > -.infinity {
        let end = classes.point(law.lowerEnd + law.location, of: j)
        if lower < end { lower = end }
      }
    }
    (self.lower, self.top) = (lower, top)
    tolerance = 1e-14 + 0x1p-52 * Double(classes.noisy).squareRoot()
    lay(kinks, widest: widest)
  }

  /// Lays the segments: between kinks, and on both sides of them ever longer ones, until nothing is to be found.
  private func lay(_ kinks: [DoubleDouble], widest: Double) {
    let law = classes.law
    let isBounded = lower.high > -.infinity
    var marks = kinks.filter { !isBounded || lower < $0 }
    let highest = (0..<classes.noisy).reduce(-.infinity) { Swift.max($0, classes.locations[$1]) }
    marks.append(isBounded ? lower : DoubleDouble(highest))
    marks.sort { $0 < $1 }
    for mark in marks {
      let isNew = ends.last.map { (mark - $0).value > 0x1p-98 * mark.high.magnitude } ?? true
      if isNew { ends.append(mark) }
    }
    // Beyond the others' ends the wanted class falls.
    let summit = top + DoubleDouble(64 * law.deviation * widest)
    var step = widest
    while let end = ends.last, end < summit, step < 0x1p1020 {
      ends.append(end + DoubleDouble(step))
      step *= 2
    }
    if !isBounded {
      let bottom = (0..<classes.noisy).reduce(Double.infinity) {
        Swift.min($0, classes.locations[$1] + classes.scales[$1] * (law.farBelow - law.deviation))
      }
      step = widest
      var below: [DoubleDouble] = []
      while let end = below.last ?? ends.first, DoubleDouble(bottom) < end, step < 0x1p1020 {
        below.append(end - DoubleDouble(step))
        step *= 2
      }
      ends = below.reversed() + ends
    }
    for (one, next) in zip(ends, ends.dropFirst()) {
      cells.append(Cell(from: one, to: next, parent: -1))
    }
  }

  // MARK: - Cells

  /// The cell around a point that is just not wider than this.
  func cell(around x: DoubleDouble, noWiderThan width: Double) -> Int {
    var cell = segment(around: x)
    while cells[cell].width > width, !cells[cell].isPoint { cell = half(of: cell, around: x) }
    return cell
  }

  /// The next cell above or below, not wider than this; nil at the end.
  func cell(next cell: Int, above: Bool, noWiderThan width: Double) -> Int? {
    var cell = cell
    while cells[cell].parent >= 0, (cell == cells[cells[cell].parent].halves) != above {
      cell = cells[cell].parent
    }
    if cells[cell].parent < 0 {
      cell += above ? 1 : -1
      guard cell >= 0 && cell < ends.count - 1 else { return nil }
    } else {
      cell += above ? 1 : -1
    }
    while cells[cell].width > width, !cells[cell].isPoint {
      split(cell)
      cell = cells[cell].halves + (above ? 0 : 1)
    }
    return cell
  }

  /// The half of a cell that is around a point, or the upper or lower one.
  func half(of cell: Int, around x: DoubleDouble) -> Int {
    split(cell)
    let upper = cells[cell].halves + 1
    return (x - cells[upper].lower).value < 0 ? upper - 1 : upper
  }

  func half(of cell: Int, upper: Bool) -> Int {
    split(cell)
    return cells[cell].halves + (upper ? 1 : 0)
  }

  func isPoint(_ cell: Int) -> Bool { cells[cell].isPoint }
  func width(of cell: Int) -> Double { cells[cell].width }
  func nodes(of cell: Int) -> PanelNodes {
    PanelNodes(cells[cell].width * PanelRule.shared.distances, below: cells[cell].upper)
  }

  private func split(_ cell: Int) {
    guard cells[cell].halves < 0 else { return }
    let (lower, upper) = (cells[cell].lower, cells[cell].upper)
    let middle = lower + DoubleDouble(cells[cell].width / 2)
    cells[cell].halves = cells.count
    cells.append(Cell(from: lower, to: middle, parent: cell))
    cells.append(Cell(from: middle, to: upper, parent: cell))
  }

  private func segment(around x: DoubleDouble) -> Int {
    (1..<ends.count - 1).firstPlace { x < ends[$0] } - 1
  }

  /// The ends of the segment around a point.
  func edges(around x: DoubleDouble) -> ArraySlice<DoubleDouble> {
    ends.count > 1 ? ends[segment(around: x)...].prefix(2) : []
  }

  // MARK: - Values

  /// M at the nodes of a cell.
  func values(of cell: Int) -> Lanes {
    if cells[cell].values >= 0 { return values[cells[cell].values] }
    var ancestor = cells[cell].parent
    while ancestor >= 0, cells[ancestor].values < 0 { ancestor = cells[ancestor].parent }
    guard ancestor >= 0, cells[ancestor].isResolved else { return evaluate(cell) }
    let start = (cells[ancestor].upper - cells[cell].upper).value
    let (width, known) = (cells[ancestor].width, values[cells[ancestor].values])
    var lanes = Lanes()
    for lane in lanes.indices {
      let distance = (start + cells[cell].width * PanelRule.shared.distances[lane]) / width
      lanes[lane] = PanelRule.shared.value(of: known, at: distance)
    }
    keep(lanes, of: cell, isResolved: true)
    return lanes
  }

  /// M at a point.
  func value(at x: DoubleDouble) -> Double {
    guard let first = ends.first, let end = ends.last, !(x < first), x < end, ends.count > 1 else {
      return evaluate(at: x)
    }
    var cell = last
    if !cells[cell].isResolved || !contains(cell, x) {
      cell = segment(around: x)
      while true {
        if cells[cell].values < 0, isSmooth(cell) { _ = evaluate(cell) }
        if cells[cell].isResolved { break }
        cell = half(of: cell, around: x)
      }
      last = cell
    }
    // There a polynomial may go through numbers of all sizes.
    if cells[cell].isPoint { return evaluate(at: x) }
    let distance = (cells[cell].upper - x).value / cells[cell].width
    return PanelRule.shared.value(of: values[cells[cell].values], at: distance)
  }

  private func contains(_ cell: Int, _ x: DoubleDouble) -> Bool {
    let distance = (x - cells[cell].lower).value
    return distance >= 0 && distance < cells[cell].width
  }

  /// M at a point, by all classes.
  func evaluate(at x: DoubleDouble) -> Double {
    classes.law.sumOfLogCumulatives(of: classes, at: PanelNodes(Lanes(), below: x))[0]
  }

  private func evaluate(_ cell: Int) -> Lanes {
    let lanes = classes.law.sumOfLogCumulatives(of: classes, at: nodes(of: cell))
    // The nodes fall, and so does M.
    let (highest, lowest) = (lanes[0], lanes[Lanes.scalarCount - 1])
    var isResolved = highest == -.infinity || cells[cell].isPoint
    if lowest > -.infinity, isSmooth(cell) {
      let rest =
        total(lanes * PanelRule.shared.last).magnitude + total(lanes * PanelRule.shared.nextToLast).magnitude
      // Beside the least of its values: roundings of larger ones must not show in it.
      if rest <= tolerance * Swift.max(1, highest.magnitude) { isResolved = true }
    }
    keep(lanes, of: cell, isResolved: isResolved)
    return lanes
  }

  private func keep(_ lanes: Lanes, of cell: Int, isResolved: Bool) {
    cells[cell].values = values.count
    cells[cell].isResolved = isResolved
    values.append(lanes)
  }

  /// Whether a cell is no wider than a class is sharp whose noise is felt in it, or than it is far from that class. Nodes may
  /// not show what is narrower than they are apart.
  func isSmooth(_ cell: Int) -> Bool {
    if let isSmooth = cells[cell].isSmooth { return isSmooth }
    let isSmooth = cells[cell].isPoint || !hasSharpClasses(cell)
    cells[cell].isSmooth = isSmooth
    return isSmooth
  }

  private func hasSharpClasses(_ cell: Int) -> Bool {
    let law = classes.law
    let (certain, breadth) = (law.certain + law.location, 1.5 * law.deviation)
    let (lower, width) = (cells[cell].lower, cells[cell].width)
    for j in 0..<classes.noisy {
      let scale = classes.scales[j]
      guard width > breadth * scale else { continue }
      let distance = (lower.high - classes.locations[j]) + lower.low
      if distance < scale * certain, width > Swift.max(distance, -(distance + width)) { return true }
    }
    return false
  }
}
