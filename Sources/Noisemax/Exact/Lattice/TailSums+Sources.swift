// What ``TailSums`` keeps of its classes: their moments on pieces, and their weights on boxes of all lengths.

extension TailSums {
  /// The pieces that have classes, in ascending order, and the moments of each.
  struct Occupied {
    private(set) var pieces: [Int] = []
    private(set) var moments: [Double] = []

    init() {}

    /// The classes are in descending order.
    init(of weights: [Double], at gaps: [Double], scale: TailScale) {
      let (grid, shortest, sums) = (scale.grid, scale.box ?? 0, PieceMoments())
      var end = gaps.count
      while end > 0 {
        var first = end - 1
        if firstLevel(at: gaps[first], shortest: shortest) == 0 {
          let piece = grid.index(of: gaps[first])
          let (low, high) = (Double(piece) * grid.length, Double(piece + 1) * grid.length)
          while first > 0 && gaps[first - 1] < high { first -= 1 }
          gaps.withUnsafeBufferPointer { gaps in
            weights.withUnsafeBufferPointer { weights in
              guard let gaps = gaps.baseAddress, let weights = weights.baseAddress else { return }
              sums.add(weights + first, at: gaps + first, end - first, from: low, to: high)
            }
          }
          pieces.append(piece)
          sums.take { for k in 0..<Piece.terms { moments.append($0[k]) } }
        }
        end = first
      }
    }

    func withPointers(
      _ body: (_ pieces: UnsafePointer<Int>, _ moments: UnsafePointer<Double>) -> Void
    ) {
      pieces.withUnsafeBufferPointer { pieces in
        moments.withUnsafeBufferPointer { moments in
          if let pieces = pieces.baseAddress, let moments = moments.baseAddress { body(pieces, moments) }
        }
      }
    }

    /// The places of those in a range.
    func places(of range: Range<Int>) -> Range<Int> {
      let all = pieces.indices
      let first = all.firstPlace { pieces[$0] >= range.lowerBound }
      return first..<(first..<all.upperBound).firstPlace { pieces[$0] >= range.upperBound }
    }
  }

  /// The boxes of one length that have classes, in ascending order.
  struct Level {
    var indices: [Int] = []
    var weights: [Double] = []

    /// Makes room for a box, which is the last one or follows it.
    mutating func open(_ index: Int) {
      if indices.last == index { return }
      indices.append(index)
      for _ in 0..<BoxBasis.room { weights.append(0) }
    }

    /// Adds to the box that was opened last.
    private mutating func addToLast(_ body: (UnsafeMutablePointer<Double>) -> Void) {
      let start = weights.count - BoxBasis.room
      weights.withUnsafeMutableBufferPointer { if let first = $0.baseAddress { body(first + start) } }
    }

    mutating func add(_ weight: Double, at x: Double) {
      let index = x.rounded(.down)
      open(Int(index))
      addToLast { BoxBasis.add(weight, at: x - index, to: $0) }
    }

    /// Adds pieces to the shortest boxes.
    mutating func add(_ occupied: Occupied, on grid: PieceGrid) {
      occupied.withPointers { pieces, moments in
        for index in 0..<occupied.pieces.count {
          open(grid.box(of: pieces[index]))
          addToLast { grid.add(moments + Piece.terms * index, of: pieces[index], to: $0) }
        }
      }
    }

    /// Adds the boxes of half the length.
    mutating func add(_ halves: Level) {
      halves.weights.withUnsafeBufferPointer { given in
        guard let given = given.baseAddress else { return }
        for (box, index) in halves.indices.enumerated() {
          open(index >> 1)
          addToLast { BoxBasis.shared.add(given + BoxBasis.room * box, ofHalf: index & 1, to: $0) }
        }
      }
    }
  }

  /// From the smallest number above 0 to the largest one.
  private static let mostLevels = 2100

  /// The levels from the shortest boxes up to where all classes are in few.
  static func levels(
    of sources: [(gap: Double, weight: Double)], _ occupied: Occupied, downTo lowest: Double, scale: TailScale
  ) -> [Level] {
    var levels: [Level] = []
    let shortest = scale.box ?? 0
    // Those of moderate size come first; the larger ones are below and above them.
    let far = sources.reversed().filter { firstLevel(at: $0.gap, shortest: shortest) > 0 }
    let first = far.map { firstLevel(at: $0.gap, shortest: shortest) }
    var start = far.indices.firstPlace { far[$0].gap > 0 }
    var end = start
    for number in 0..<mostLevels {
      let length = shortest * twoTo(number)
      var level = Level()
      let (oldStart, oldEnd) = (start, end)
      while start > 0 && first[start - 1] <= number { start -= 1 }
      while end < far.count && first[end] <= number { end += 1 }
      for source in far[start..<oldStart] { level.add(source.weight, at: source.gap / length) }
      if let last = levels.last { level.add(last) } else { level.add(occupied, on: scale.grid) }
      for source in far[oldEnd..<end] { level.add(source.weight, at: source.gap / length) }
      levels.append(level)
      let isWhole = start == 0 && end == far.count
      if isWhole, firstLevel(at: lowest, shortest: shortest) <= number,
        (level.indices.last ?? 0) - Int((lowest / length).rounded(.down)) <= 4
      {
        break
      }
    }
    return levels
  }

  /// The level of the shortest boxes near a point. Very far from 0 log p is so large that its rounding hides the length of the
  /// noise: longer boxes do there.
  static func firstLevel(at x: Double, shortest: Double) -> Int {
    // Not that of their ratio, which may be too large for a number.
    let exponent = x == 0 ? 0 : x.exponent - shortest.exponent
    return exponent <= 44 ? 0 : exponent - 24
  }
}
