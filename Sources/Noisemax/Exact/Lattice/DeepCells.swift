/// Cells of the logit axis on which the integrands G(x)·r(x − μ) of deep classes are summed.
///
/// Classes near each other have their peaks near each other, and log G in common. So the cells belong to the axis and not
/// to a class: k·2ᵉ…(k + 1)·2ᵉ, with the nodes of one Gauss rule. What is known at these serves all classes.
final class DeepCells {
  /// The nodes of a cell: whole vectors of them.
  static let nodeCount = 24
  /// How much a concave logarithm may fall in a cell. A peak inside counts as a parabola's, (√a + √b)² with the falls a and b to
  /// its sides: then the rule has an error of 3e-14.
  static let steepest = 50.0
  /// With more than so many, in rows whose classes are far apart, nothing is kept from class to class.
  private static let most = 512

  struct Cell {
    let exponent: Int
    let index: Double
    /// The cells that were taken beside it last, −1 if none.
    var below = -1
    var above = -1
    /// Whether log G is known at the nodes, and R.
    var isKnown = false
    var hasReversedHazards = false
    /// Whether a class near it is felt more sharply than it is wide; nil if nobody asked.
    var hasFeatures: Bool?

    var width: Double { twoTo(exponent) }
    var low: Double { index * width }
    var high: Double { (index + 1) * width }
    /// Whether it is so narrow that Doubles hardly tell its nodes from each other.
    var isPoint: Bool { index.magnitude >= 0x1p46 || exponent < -1000 }
  }

  /// The numbers of a cell at its nodes, which rise.
  struct Nodes {
    let x: UnsafeMutablePointer<Double>
    var logG: UnsafeMutablePointer<Double> { x + nodeCount }
    /// R = Σ r(x − μ_j).
    var reversedHazards: UnsafeMutablePointer<Double> { x + 2 * nodeCount }
    /// The weights of a gradient.
    var weights: UnsafeMutablePointer<Double> { x + 3 * nodeCount }
  }

  /// By exponent and index, which have fewer than 52 bits.
  private var numbers: [UInt64: Int] = [:]
  private var cells: [Cell] = []
  /// Four numbers for every node.
  private var memory: UnsafeMutablePointer<Double>
  private var capacity = 64

  private static let rule = GaussLegendre(count: nodeCount)
  /// The nodes of 0…1 in rising order, and their weights.
  private static let positions = rule.nodes.reversed().map { ($0 + 1) / 2 }
  static let shares = rule.weights.map { $0 / 2 }

  init() { memory = .allocate(capacity: 4 * Self.nodeCount * capacity) }

  deinit { memory.deallocate() }

  var count: Int { cells.count }
  var isFull: Bool { cells.count > Self.most }

  subscript(_ cell: Int) -> Cell {
    _read { yield cells[cell] }
    _modify { yield &cells[cell] }
  }

  func nodes(of cell: Int) -> Nodes { Nodes(x: memory + 4 * Self.nodeCount * cell) }

  func removeAll() {
    numbers.removeAll(keepingCapacity: true)
    cells.removeAll(keepingCapacity: true)
  }

  /// The number of a cell.
  private func cell(_ exponent: Int, _ index: Double) -> Int {
    let key =
      UInt64(truncatingIfNeeded: exponent + 1100) << 52 | UInt64(truncatingIfNeeded: Int(index))
      & (1 << 52 - 1)
    if let number = numbers[key] { return number }
    if cells.count == capacity {
      let size = 4 * Self.nodeCount * capacity
      let larger = UnsafeMutablePointer<Double>.allocate(capacity: 2 * size)
      larger.update(from: memory, count: size)
      memory.deallocate()
      (memory, capacity) = (larger, 2 * capacity)
    }
    let number = cells.count
    let cell = Cell(exponent: exponent, index: index)
    numbers[key] = number
    cells.append(cell)
    let (nodes, low, width) = (nodes(of: number), cell.low, cell.width)
    for node in 0..<Self.nodeCount { nodes.x[node] = low + width * Self.positions[node] }
    nodes.weights.update(repeating: 0, count: Self.nodeCount)
    return number
  }

  /// The cell of some width around a point. Wider ones than 2¹⁰⁰⁰ would have ends beyond all numbers.
  func cell(around x: Double, exponent: Int) -> Int {
    let least = x == 0 ? -1000 : max(-1000, x.exponent - 46)
    let exponent = min(1000, max(exponent, least))
    return cell(exponent, (x / twoTo(exponent)).rounded(.down))
  }

  /// The cell that begins where another one ends, of some width at the most.
  func cell(beside cell: Int, above: Bool, exponent: Int) -> Int {
    let (ofThis, index) = (cells[cell].exponent, cells[cell].index)
    let edge = above ? index + 1 : index
    if exponent > ofThis && ofThis < 1000 {
      let half = edge / 2
      // Wider ones begin at every other end.
      if half == half.rounded(.down) { return self.cell(ofThis + 1, above ? half : half - 1) }
    }
    let exponent = min(exponent, ofThis)
    let scaled = edge * twoTo(ofThis - exponent)
    return self.cell(exponent, above ? scaled : scaled - 1)
  }
}

/// 2ᵉ.
func twoTo(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }
