// Sampling without replacement: the indices of the largest perturbed logits.

extension NoisyArgmax {
  /// The indices of the `count` largest perturbed logits μ + s·ε of one draw, the largest first: sampling without
  /// replacement.
  ///
  /// Under Gumbel noise (Gumbel top-k) that is drawing one index after the other from the softmax of those left. Under
  /// every law the first index is distributed as `randomIndex(for:)`, and for one state of the generator it is the
  /// same one.
  ///
  /// Masked classes get no noise and are never drawn. A class at +∞ comes first.
  ///
  /// Cost: one draw of the noise for each open class, and a heap of `count` candidates.
  ///
  /// - Parameters:
  ///   - logits: μ, in any order; −∞ masks a class.
  ///   - count: how many; not negative.
  ///   - generator: what the randomness comes from.
  /// - Returns: `count` indices, or all open ones if they are fewer; none for a row with a NaN or several +∞.
  public func randomIndices<Scalar: LogitScalar>(
    for logits: [Scalar], distinct count: Int, using generator: inout some RandomNumberGenerator
  ) -> [Int] {
    var workspace = Workspace()
    return logits.withUnsafeBufferPointer {
      leaders(count, of: $0, using: &generator, workspace: &workspace)
    }
  }

  /// Distinct random indices of one row in the order of the perturbed logits, by the system's generator.
  ///
  /// - Precondition: `count` is not negative.
  public func randomIndices<Scalar: LogitScalar>(for logits: [Scalar], distinct count: Int) -> [Int] {
    var generator = SystemGenerator()
    return randomIndices(for: logits, distinct: count, using: &generator)
  }

  /// Distinct random indices of every row, `count` for each: row r draws from stream r of a seed that the
  /// generator gives.
  ///
  /// - Returns: the indices row by row, the largest perturbed logit first; nil where a row has no more open classes.
  /// - Precondition: `count` is not negative.
  public func randomIndices<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, distinct count: Int, using generator: inout some RandomNumberGenerator
  ) -> [Int?] {
    leaders(count, of: rows, RowStreams(using: &generator))
  }

  /// Distinct random indices of every row, `count` for each: row r draws from stream `firstRow` + r of a seed.
  ///
  /// - Returns: the indices row by row, the largest perturbed logit first; nil where a row has no more open classes.
  /// - Precondition: `count` and `firstRow` are not negative.
  public func randomIndices<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, distinct count: Int, seed: UInt64, firstRow: Int = 0
  ) -> [Int?] {
    leaders(count, of: rows, RowStreams(seed: seed, firstRow: firstRow))
  }

  private func leaders<Scalar: LogitScalar>(
    _ count: Int, of rows: Rows<Scalar>, _ streams: RowStreams
  ) -> [Int?] {
    require(count >= 0, "the number of indices is not negative, not \(count)")
    var workspace = Workspace()
    var result = [Int?](repeating: nil, count: count * rows.count)
    rows.elements.withUnsafeBufferPointer { elements in
      for row in 0..<rows.count {
        var generator = streams.generator(ofRow: row)
        let indices = leaders(
          count, of: UnsafeBufferPointer(rebasing: elements[rows.shape.slots(of: row)]), using: &generator,
          workspace: &workspace)
        for (rank, index) in indices.enumerated() { result[row * count + rank] = index }
      }
    }
    return result
  }

  private func leaders<Scalar: LogitScalar>(
    _ count: Int, of row: UnsafeBufferPointer<Scalar>, using generator: inout some RandomNumberGenerator,
    workspace: inout Workspace
  ) -> [Int] {
    require(count >= 0, "the number of indices is not negative, not \(count)")
    let top: Double
    switch RowKind(of: row) {
    case .masked, .undefined: return []
    case .certain: top = Double(row.reduce(-.infinity) { $1 > $0 && $1.isFinite ? $1 : $0 })
    case .regular(let largest, _): top = largest
    }
    let gaps = openGaps(of: row, below: top, scratch: &workspace.row)
    let scores = perturbed(gaps, using: &generator, scratch: &workspace.method)
    var leaders = Leaders(capacity: count)
    for index in scores.indices where scores[index] > -.infinity {
      leaders.admit(Leaders.Entry(score: scores[index], index: index))
    }
    return leaders.ranked
  }
}

/// The largest of the scores seen so far: a heap with the smallest of them on top.
private struct Leaders {
  struct Entry {
    let score: Double
    let index: Int

    /// Whether it ranks after the other: of equal scores, the one that came first leads.
    func trails(_ other: Entry) -> Bool {
      score == other.score ? index > other.index : score < other.score
    }
  }

  private let capacity: Int
  private var heap: [Entry] = []

  init(capacity: Int) { self.capacity = capacity }

  mutating func admit(_ entry: Entry) {
    if heap.count < capacity {
      heap.append(entry)
      rise(from: heap.count - 1)
    } else if let last = heap.first, last.trails(entry) {
      heap[0] = entry
      sink()
    }
  }

  /// The indices, the largest score first.
  var ranked: [Int] { heap.sorted { $1.trails($0) }.map(\.index) }

  private mutating func rise(from start: Int) {
    var child = start
    while child > 0, heap[child].trails(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func sink() {
    var parent = 0
    while true {
      var last = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].trails(heap[last])
      {
        last = child
      }
      if last == parent { return }
      heap.swapAt(parent, last)
      parent = last
    }
  }
}
