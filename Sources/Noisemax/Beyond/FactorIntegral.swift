/// Means over a standard normal z of one to three dimensions, by the trapezoid rule on a grid.
///
/// For a function that is nothing far out the rule errs by the function's frequencies at the multiples of 2π/step: by 2|c₈|,
/// where c_m belongs to the step 8·step/m. The sums over every eighth grid point are those of eight coarse grids, each moved
/// by a step. They tell the magnitudes of c₁, c₂ and c₃ and about that of c₄, so that sums that agree by accident deceive
/// nobody. Frequencies of an analytic function fall at least like a power of a fixed number, and those of a function with kinks
/// like a power of m. So the estimated error of an axis is, of an analytic one, what c₃ and c₄ are, times the square of what
/// they are beside c₁ and c₂; and else what c₃ and c₄ are. The axis with the largest is halved.
struct FactorIntegral {
  /// What is wanted, beside the size of every number.
  let tolerance: Double
  let isSmooth: Bool
  /// The least of the numbers that want the tolerance for themselves, or less; 1 if all want it beside 1.
  private(set) var rarest: Double
  /// Those of z that matter, and their steps.
  private let axes: [Int]
  private var steps: [Double]
  /// Whether a first grid as fine as the narrowest class wants has too many nodes. Then what that class adds may not fall yet,
  /// and nothing is told of its frequencies from lower ones.
  private var isCoarse = false
  private var nodeCount = 0
  private let rank: Int
  /// For every axis the sums over every eighth point, for all numbers.
  private var sums: [Double] = []
  static let parts = 8
  private var count = 0

  /// What counts for nothing, beside what is wanted: slopes are some times as large as probabilities.
  private static let negligible = 0x1p-12

  /// The most nodes: as many rows of ten classes take a second.
  static let mostNodes = 1 << 22

  /// Is told before nodes are laid what counts for nothing at 0, and the largest |z|.
  typealias Prepare = (_ negligible: Double, _ radius: Double) -> Void
  /// Writes the numbers at a node z, by memory that no other thread has.
  typealias Evaluate = (_ z: [Double], _ numbers: UnsafeMutablePointer<Double>, inout NodeMemory) -> Void
  /// Does work for so many parts of a grid with so many nodes in all, on several threads or one.
  typealias ForEachPart = (
    _ parts: Int, _ nodes: Double, _ work: (_ part: Int, inout NodeMemory) -> Void
  ) -> Void

  /// - Parameters:
  ///   - spreads: by how much loadings differ on every axis, in units of the narrowest noise's deviation.
  ///   - tolerance: what is wanted, beside the size of every number.
  ///   - isSmooth: whether the function is analytic.
  ///   - rarest: the least of the numbers that want the tolerance for themselves, if that is known.
  init(spreads: [Double], tolerance: Double, isSmooth: Bool, rarest: Double = 1) {
    (self.tolerance, self.isSmooth, self.rarest) = (tolerance, isSmooth, rarest)
    rank = spreads.count
    // What is left by rounding moves nothing.
    axes = spreads.indices.filter { spreads[$0] > 1e-14 }
    // About as wide as what a class crosses on its way past another.
    steps = axes.map { axis in
      let width = 1.5 / spreads[axis]
      return width / (1 + width * width).squareRoot()
    }
  }

  /// The means of some numbers.
  ///
  /// - Parameters:
  ///   - units: what an error of every number is measured by.
  ///   - areRelative: whether the numbers themselves take the place of the units.
  ///   - prepare: is told what counts for nothing.
  ///   - forEachPart: does the work for the parts of a grid.
  ///   - evaluate: writes the numbers at a node.
  /// - Returns: the means and the largest estimated error, in units.
  mutating func means(
    units: [Double], areRelative: Bool = false, prepare: Prepare, forEachPart: ForEachPart,
    evaluate: @escaping Evaluate
  ) -> (means: [Double], error: Double) {
    count = units.count
    guard !axes.isEmpty else {
      var numbers = units
      numbers.withUnsafeMutableBufferPointer { numbers in
        guard let start = numbers.baseAddress else { return }
        forEachPart(1, 1) { evaluate([Double](repeating: 0, count: rank), start, &$1) }
      }
      return (numbers, 0)
    }
    // What is rare is not known before all was looked at.
    if !areRelative { leaveOut(prepare) }
    repeat { start(forEachPart, evaluate) } while areRelative && mustReachOut()
    if areRelative { leaveOut(prepare) }
    while true {
      let means = means
      let units = areRelative ? means : units
      let errors = axes.indices.map { error(of: $0, units) }
      let total = errors.reduce(0, +)
      guard let worst = errors.indices.max(by: { errors[$0] < errors[$1] }), total > tolerance / 2,
        2 * nodeCount <= Self.mostNodes
      else { return (means, total + tolerance / 8) }
      halve(worst)
      add(newOn: worst, forEachPart, evaluate)
    }
  }

  /// How far from 0 nodes are laid: what is further out is nothing beside the rarest number.
  private var radius: Double { (2 * (4 - logarithm(tolerance) - logarithm(rarest))).squareRoot() }

  /// Says what counts for nothing from now on, where there are so many nodes that it is worth to look.
  private func leaveOut(_ prepare: Prepare) {
    if axes.count > 1 { prepare(tolerance * rarest * Self.negligible, radius) }
  }

  /// Lays the first grid.
  private mutating func start(_ forEachPart: ForEachPart, _ evaluate: @escaping Evaluate) {
    coarsen()
    sums = [Double](repeating: 0, count: Self.parts * axes.count * count)
    nodeCount = 0
    add(newOn: nil, forEachPart, evaluate)
  }

  /// Whether there are rarer numbers than was thought: what is rare comes of a z that is rare itself.
  private mutating func mustReachOut() -> Bool {
    let least = means.reduce(1) { $1 > 1e-290 ? Swift.min($0, $1) : $0 }
    guard least < rarest / 16 else { return false }
    rarest = Swift.max(least / 16, 1e-290)
    return true
  }

  /// Makes the steps as long as it takes for half the nodes that there may be.
  private mutating func coarsen() {
    while true {
      let volume = steps.reduce(1) { $0 * (2 * radius / $1 + 1) }
      let excess = volume / Double(Self.mostNodes / 2)
      guard excess > 1.01 else { return }
      isCoarse = true
      // Longer steps would not even see that z is normal.
      let longest = 1.5
      let fine = steps.indices.filter { steps[$0] < longest }
      let factor = power(excess, 1 / Double(fine.count))
      for axis in fine { steps[axis] = Swift.min(factor * steps[axis], longest) }
    }
  }

  private func power(_ base: Double, _ exponent: Double) -> Double {
    exponential(exponent * logarithm(base))
  }

  private var factor: Double { steps.reduce(1) { $0 * $1 * DoubleDouble.inverseRootTwoPi.high } }

  /// The means, which any axis has.
  private var means: [Double] {
    (0..<count).map { number in
      factor * (0..<Self.parts).reduce(0) { $0 + sums[$1 * count + number] }
    }
  }

  private func error(of axis: Int, _ units: [Double]) -> Double {
    let start = Self.parts * axis * count
    let root = 0.7071067811865476
    var (low, high) = (0.0, 0.0)
    for number in 0..<count where units[number].magnitude > 1e-290 {
      let s = (0..<Self.parts).map {
        sums[start + $0 * count + number] * factor / units[number].magnitude
      }
      let (e, d) = ((0..<4).map { s[$0] + s[$0 + 4] }, (0..<4).map { s[$0] - s[$0 + 4] })
      let (odd, crossed) = ((d[1] - d[3]) * root, (d[1] + d[3]) * root)
      let first = length(d[0] + odd, d[2] + crossed)
      let third = length(d[0] - odd, d[2] - crossed)
      let second = length(e[0] - e[2], e[1] - e[3])
      let fourth = ((e[0] + e[2]) - (e[1] + e[3])).magnitude
      (low, high) = (Swift.max(low, first, second), Swift.max(high, third, fourth))
    }
    let ratio = low > high ? high / low : 1
    return 16 * high * (isSmooth && !isCoarse ? ratio * ratio : 0.25)
  }

  private func length(_ x: Double, _ y: Double) -> Double { (x * x + y * y).squareRoot() }

  // MARK: - The grid

  /// Points at even indices are the old ones.
  private mutating func halve(_ axis: Int) {
    steps[axis] /= 2
    let start = Self.parts * axis * count
    for number in 0..<count {
      let s = (0..<Self.parts).map { sums[start + $0 * count + number] }
      for part in 0..<Self.parts {
        sums[start + part * count + number] = part & 1 == 0 ? s[part / 2] + s[part / 2 + 4] : 0
      }
    }
  }

  /// Adds the nodes of the grid, or those with an odd index on an axis that was halved.
  ///
  /// There is a part of the grid for every eighth index on the last axis, with sums of its own that are added in order:
  /// no bit depends on the threads.
  private mutating func add(newOn axis: Int?, _ forEachPart: ForEachPart, _ evaluate: @escaping Evaluate) {
    let grid = FactorGrid(
      axes: axes, steps: steps, radius: radius, rank: rank, count: count, newOn: axis)
    let length = sums.count
    var (parts, nodes) = (
      [Double](repeating: 0, count: Self.parts * length), [Int](repeating: 0, count: Self.parts)
    )
    parts.withUnsafeMutableBufferPointer { parts in
      nodes.withUnsafeMutableBufferPointer { nodes in
        guard let start = parts.baseAddress else { return }
        forEachPart(Self.parts, grid.volume) { part, memory in
          nodes[part] = grid.add(part: part, to: start + part * length, &memory, evaluate)
        }
      }
    }
    for part in 0..<Self.parts {
      nodeCount += nodes[part]
      for slot in 0..<length { sums[slot] += parts[part * length + slot] }
    }
  }
}
