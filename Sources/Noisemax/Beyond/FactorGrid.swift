/// The nodes of a grid over a standard normal z, line by line, and sums over every eighth point of each axis.
struct FactorGrid {
  /// Those of z that have nodes, and how far apart these are.
  private let axes: [Int]
  private let steps: [Double]
  /// How far from 0 nodes are laid.
  private let radius: Double
  private let rank: Int
  /// How many numbers there are at a node.
  private let count: Int
  /// The axis of which only nodes with an odd index are added.
  private let newAxis: Int?
  private static let parts = FactorIntegral.parts

  init(
    axes: [Int], steps: [Double], radius: Double, rank: Int, count: Int, newOn axis: Int?
  ) {
    (self.axes, self.steps, self.radius) = (axes, steps, radius)
    (self.rank, self.count, newAxis) = (rank, count, axis)
  }

  /// About how many nodes are added: the volume of a ball.
  var volume: Double {
    let cube = steps.reduce(newAxis == nil ? 1 : 0.5) { $0 * (2 * radius / $1 + 1) }
    return cube * [1, 0.79, 0.52][axes.count - 1]
  }

  /// Adds the nodes whose index on the last axis is a part's own but for multiples of eight.
  ///
  /// - Parameters:
  ///   - part: 0 to 7.
  ///   - sums: for every axis those over every eighth point, for all numbers.
  ///   - memory: what nodes are evaluated with.
  ///   - evaluate: writes the numbers at a node.
  /// - Returns: how many nodes there were.
  func add(
    part: Int, to sums: UnsafeMutablePointer<Double>, _ memory: inout NodeMemory,
    _ evaluate: FactorIntegral.Evaluate
  ) -> Int {
    let last = axes.count - 1
    if newAxis == last, part & 1 == 0 { return 0 }
    let line = Self.parts * count
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: line + count + 1) { numbers in
      guard let numbers = numbers.baseAddress else { return 0 }
      var nodes = 0
      let ends = steps.map { Int(radius / $0) }
      // The least index of the part that is no less than the lowest.
      var indices = ends.map { -$0 }
      indices[last] += (part &+ ends[last]) & 7
      var z = [Double](repeating: 0, count: rank)
      repeat {
        if let newAxis, newAxis > 0, indices[newAxis] & 1 == 0 { continue }
        var square = 0.0
        for axis in 1..<axes.count {
          z[axes[axis]] = Double(indices[axis]) * steps[axis]
          square += z[axes[axis]] * z[axes[axis]]
        }
        guard square <= radius * radius else { continue }
        let sum = numbers + count
        sum.update(repeating: 0, count: line)
        nodes += addLine(
          from: last == 0 ? indices[0] : nil, beside: square, &z, numbers, to: sum, &memory, evaluate)
        settle(sum, at: indices, to: sums)
      } while advance(&indices, to: ends)
      return nodes
    }
  }

  /// Adds the nodes of a line along the first axis: those from an index on in steps of eight, or all.
  private func addLine(
    from first: Int?, beside square: Double, _ z: inout [Double], _ numbers: UnsafeMutablePointer<Double>,
    to sums: UnsafeMutablePointer<Double>, _ memory: inout NodeMemory, _ evaluate: FactorIntegral.Evaluate
  ) -> Int {
    let end = Int((radius * radius - square).squareRoot() / steps[0])
    let stride = first != nil ? Self.parts : newAxis == 0 ? 2 : 1
    var index = first ?? -end
    if stride == 2, index & 1 == 0 { index += 1 }
    var nodes = 0
    while index <= end {
      let own = Double(index) * steps[0]
      let whole = square + own * own
      z[axes[0]] = own
      evaluate(z, numbers, &memory)
      let weight = exponential(-whole / 2)
      let sum = sums + (index & 7) * count
      for number in 0..<count { sum[number] += weight * numbers[number] }
      nodes += 1
      index += stride
    }
    return nodes
  }

  /// Adds what a line has summed to the sums of all axes.
  private func settle(
    _ line: UnsafeMutablePointer<Double>, at indices: [Int], to sums: UnsafeMutablePointer<Double>
  ) {
    for slot in 0..<Self.parts * count { sums[slot] += line[slot] }
    for part in 1..<Self.parts {
      for number in 0..<count { line[number] += line[part * count + number] }
    }
    for axis in 1..<axes.count {
      let sum = sums + (Self.parts * axis + (indices[axis] & 7)) * count
      for number in 0..<count { sum[number] += line[number] }
    }
  }

  /// - Returns: whether there is a next line.
  private func advance(_ indices: inout [Int], to ends: [Int]) -> Bool {
    let last = axes.count - 1
    if last == 0 { return false }
    for axis in 1...last {
      indices[axis] += axis == last ? Self.parts : 1
      if indices[axis] <= ends[axis] { return true }
      if axis < last { indices[axis] = -ends[axis] }
    }
    return false
  }
}

/// The memory of one thread that evaluates nodes.
struct NodeMemory: ~Copyable {
  var workspace: NoisyArgmax.Workspace
  /// Rows of logits, and the numbers at a node.
  var rows = Scratch()
}
