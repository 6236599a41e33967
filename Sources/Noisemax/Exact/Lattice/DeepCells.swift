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
  private static let most = 256

  struct Cell {
    let exponent: Int
    let index: Double
    /// The cells that were taken beside it last, −1 if none.
    var below = -1
    var above = -1
    /// Whether log G is known at the nodes, R, and weights.
    var isKnown = false
    var hasReversedHazards = false
    var hasWeights = false
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
    /// The integrand of the class that was looked at last, or what it is summed from.
    var values: UnsafeMutablePointer<Double> { x + 4 * nodeCount }
    fileprivate static let columns = 5
  }

  /// By exponent and index, which have fewer than 52 bits.
  private let numbers = NumberTable()
  private(set) var count = 0
  private var capacity = 64
  private var cells: UnsafeMutablePointer<Cell>
  private var memory: UnsafeMutablePointer<Double>

  private static let numbersPerCell = Nodes.columns * nodeCount
  private static let rule = GaussLegendre(count: nodeCount)
  /// The nodes of 0…1 in rising order, and their weights.
  private static let positions = rule.nodes.reversed().map { ($0 + 1) / 2 }
  static let shares = rule.weights.map { $0 / 2 }

  init() {
    cells = .allocate(capacity: capacity)
    memory = .allocate(capacity: Self.numbersPerCell * capacity)
  }

  deinit {
    cells.deallocate()
    memory.deallocate()
  }

  var isFull: Bool { count > Self.most }

  subscript(_ cell: Int) -> Cell {
    get { cells[cell] }
    _modify { yield &cells[cell] }
  }

  func nodes(of cell: Int) -> Nodes { Nodes(x: memory + Self.numbersPerCell * cell) }

  func removeAll() {
    numbers.removeAll()
    count = 0
  }

  /// The number of a cell.
  private func cell(_ exponent: Int, _ index: Double) -> Int {
    let key =
      UInt64(truncatingIfNeeded: exponent + 1100) << 52 | UInt64(truncatingIfNeeded: Int(index))
      & (1 << 52 - 1)
    if let number = numbers[key] { return number }
    if count == capacity { grow() }
    let (number, cell) = (count, Cell(exponent: exponent, index: index))
    count += 1
    numbers.set(number, for: key)
    cells[number] = cell
    let (nodes, low, width) = (nodes(of: number), cell.low, cell.width)
    Self.positions.withUnsafeBufferPointer { positions in
      for node in 0..<Self.nodeCount { nodes.x[node] = low + width * positions[node] }
    }
    nodes.weights.update(repeating: 0, count: Self.nodeCount)
    return number
  }

  private func grow() {
    let (oldCells, oldMemory) = (cells, memory)
    cells = .allocate(capacity: 2 * capacity)
    memory = .allocate(capacity: 2 * Self.numbersPerCell * capacity)
    cells.update(from: oldCells, count: capacity)
    memory.update(from: oldMemory, count: Self.numbersPerCell * capacity)
    oldCells.deallocate()
    oldMemory.deallocate()
    capacity *= 2
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
