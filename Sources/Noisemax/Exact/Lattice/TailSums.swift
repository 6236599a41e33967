/// Σ_j w_j K(x − μ_j) at many points x, where K is 0 from some limit on and ever smoother below 0: log F, or r.
///
/// The logit axis is halved into boxes again and again. Two boxes or more above a box, the classes of another one count as
/// weights at a few equally spaced points, and their sum over the box is a polynomial. Every box has one polynomial for all
/// classes so far above it: that of the box of twice its length, and what that one did not count yet.
/// The classes near one of the shortest boxes are summed one by one, at the nodes of polynomials on short pieces.
///
/// Boxes of one length are multiples of it apart, so that the kernel is evaluated some dozens of times for each length.
/// Cost: some hundred multiplications for each class and length, and for each box that is asked about.
final class TailSums {
  private static let count = BoxBasis.count
  /// So few classes are summed one by one.
  private static let fewest = 24
  private static let fewestTerms = 20_000
  /// From the smallest number above 0 to the largest one.
  private static let mostLevels = 2100

  private let kernel: SampledFunction
  private let scale: TailScale
  /// In descending order.
  private let gaps: [Double]
  private let weights: [Double]
  /// Boxes of twice the length each; none where classes are summed one by one.
  private let levels: [Level]
  private let shortest: Double
  private let lowest: Double
  private let highest: Double

  /// Samples of the kernel by level, from −2 lengths down.
  private var samples: [[Double]]
  /// Where the values at the points of a box begin.
  private var known: [UInt64: Int] = [:]
  private var values: [Double] = []
  private var pieces: [UInt64: Piece] = [:]
  private var asked: [UInt64: Int] = [:]
  private var current = View(piece: Piece.empty, near: 0..<0)

  private struct Key {
    let level: Int
    let index: Int

    /// One number, which dictionaries take sooner. An index has fewer than 52 bits.
    var number: UInt64 { UInt64(level + 1) << 52 | UInt64(truncatingIfNeeded: index) & (1 << 52 - 1) }
  }

  /// What was seen last: the polynomial of a part of the axis, and the classes that are to be added one by one.
  private struct View {
    let piece: Piece
    let near: Range<Int>

    func value(at x: Double, in sums: TailSums) -> Double {
      piece.value(at: x) + sums.sum(of: near, at: x)
    }
  }

  /// The boxes of one length that have classes, in ascending order.
  private struct Level {
    var indices: [Int] = []
    var weights: [Double] = []

    /// Makes room for a box, which is the last one or follows it.
    mutating func open(_ index: Int) {
      if indices.last == index { return }
      indices.append(index)
      weights.append(contentsOf: repeatElement(0, count: TailSums.count))
    }

    mutating func add(_ weight: Double, at x: Double) {
      let index = x.rounded(.down)
      open(Int(index))
      let start = weights.count - TailSums.count
      for (j, share) in BoxBasis.shares(at: x - index).enumerated() {
        weights[start + j] += weight * share
      }
    }

    mutating func add(_ boxes: Level) {
      let count = TailSums.count
      for (box, index) in boxes.indices.enumerated() {
        open(index >> 1)
        let start = weights.count - count
        BoxBasis.shared.halves[index & 1].withUnsafeBufferPointer { shares in
          boxes.weights.withUnsafeBufferPointer { given in
            weights.withUnsafeMutableBufferPointer { weights in
              for i in 0..<count {
                let weight = given[count * box + i]
                for j in 0..<count { weights[start + j] += shares[count * i + j] * weight }
              }
            }
          }
        }
      }
    }
  }

  /// The sources are in descending order. Sums are wanted at about so many points, those below `lowest` one by one.
  init(
    of sources: [(gap: Double, weight: Double)], at points: Int, downTo lowest: Double, scale: TailScale,
    kernel: SampledFunction
  ) {
    (self.kernel, self.scale) = (kernel, scale)
    gaps = sources.map(\.gap)
    weights = sources.map(\.weight)
    shortest = scale.box ?? 0
    (self.lowest, highest) = (lowest, (sources.first?.gap ?? 0) + scale.limit)
    let isLong = scale.box != nil && sources.count > Self.fewest && sources.count * points > Self.fewestTerms
    levels = isLong ? Self.levels(of: sources, downTo: lowest, shortest: shortest) : []
    samples = [[Double]](repeating: [], count: levels.count)
  }

  private static func levels(
    of sources: [(gap: Double, weight: Double)], downTo lowest: Double, shortest: Double
  ) -> [Level] {
    var levels: [Level] = []
    let ascending = Array(sources.reversed())
    let first = ascending.map { firstLevel(at: $0.gap, shortest: shortest) }
    // Those of moderate size come first; the larger ones are below and above them.
    var start = first.firstIndex(of: first.min() ?? 0) ?? 0
    var end = start
    for number in 0..<mostLevels {
      let length = shortest * twoTo(number)
      var level = Level()
      let (oldStart, oldEnd) = (start, end)
      while start > 0 && first[start - 1] <= number { start -= 1 }
      while end < ascending.count && first[end] <= number { end += 1 }
      for source in ascending[start..<oldStart] { level.add(source.weight, at: source.gap / length) }
      if let last = levels.last { level.add(last) }
      for source in ascending[oldEnd..<end] { level.add(source.weight, at: source.gap / length) }
      levels.append(level)
      let isWhole = start == 0 && end == ascending.count
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
  private static func firstLevel(at x: Double, shortest: Double) -> Int {
    // Not that of their ratio, which may be too large for a number.
    let exponent = x == 0 ? 0 : x.exponent - shortest.exponent
    return exponent <= 44 ? 0 : exponent - 24
  }

  func value(at x: Double) -> Double {
    let view = current.piece.contains(x) ? current : view(of: x)
    let value = view.value(at: x, in: self)
    return value.isFinite ? value : sum(of: gaps.indices, at: x)
  }

  /// Writes the sums at so many points in rising order.
  func write(at x: UnsafePointer<Double>, _ count: Int, to sums: UnsafeMutablePointer<Double>) {
    var index = 0
    while index < count {
      var (view, end) = (current, index + 1)
      if !current.piece.contains(x[index]) {
        // How many of the points are on the same short piece.
        let top = ((x[index] / scale.piece).rounded(.down) + 1) * scale.piece
        while end < count && x[end] < top { end += 1 }
        view = self.view(of: x[index], points: end - index)
        end = index + 1
      }
      if view.near.count <= 8 { while end < count && view.piece.contains(x[end]) { end += 1 } }
      view.piece.write(at: x + index, end - index, to: sums + index)
      for index in index..<end {
        if !view.near.isEmpty { sums[index] += sum(of: view.near, at: x[index]) }
        if !sums[index].isFinite { sums[index] = sum(of: gaps.indices, at: x[index]) }
      }
      index = end
    }
  }

  /// What is to be summed at a point, where so many will be asked about soon.
  private func view(of x: Double, points: Int = 1) -> View {
    if levels.isEmpty || !(x >= lowest) { return View(piece: Piece.empty, near: gaps.indices) }
    if x > highest { return View(piece: Piece.empty, near: 0..<0) }
    let next = index(below: x)
    let above = next > 0 ? gaps[next - 1] - x : .infinity
    let below = next < gaps.count ? x - gaps[next] : .infinity
    // Of boxes up to this length, those with this point and near it have no class.
    let distance = min(above / 3, below - scale.limit)
    let first = Self.firstLevel(at: x, shortest: shortest)
    if distance >= shortest * twoTo(first) {
      let level = min(levels.count - 1, (distance / shortest).exponent)
      current = View(piece: boxPiece(level, index: index(of: x, level)), near: 0..<0)
      return current
    }
    let box = index(of: x, first)
    let view = View(piece: boxPiece(first, index: box), near: near(box, first))
    if first > 0 || view.near.count <= 8 {
      current = view
      return view
    }
    let key = Key(level: -1, index: Int((x / scale.piece).rounded(.down)))
    if let piece = pieces[key.number] {
      current = View(piece: piece, near: 0..<0)
      return current
    }
    // A piece is made when it is asked about for the fifth time.
    asked[key.number, default: 0] += points
    if asked[key.number, default: 0] >= 5 {
      let piece = finePiece(key, of: view)
      pieces[key.number] = piece
      current = View(piece: piece, near: 0..<0)
      return current
    }
    return view
  }

  private func index(of x: Double, _ level: Int) -> Int {
    Int((x / (shortest * twoTo(level))).rounded(.down))
  }

  /// The first class that is below a point.
  private func index(below x: Double) -> Int {
    gaps.indices.firstPlace { gaps[$0] < x }
  }

  /// The classes that a box does not see as polynomials, down to where the kernel is 0.
  private func near(_ box: Int, _ level: Int) -> Range<Int> {
    let length = shortest * twoTo(level)
    return index(below: Double(box + 3) * length)..<index(below: Double(box) * length - scale.limit)
  }

  private func sum(of indices: Range<Int>, at x: Double) -> Double {
    if indices.isEmpty { return 0 }
    // In descending order: the others are too low to compete.
    let competing = indices.lowerBound..<indices.firstPlace { x - gaps[$0] > scale.limit }
    let first = competing.firstPlace { kernel.isSampled(from: x - gaps[$0]) }
    let known = kernel.sum(weights, at: gaps, first..<competing.upperBound, node: x)
    var sum = known.isFinite ? known : 0
    for index in known.isFinite ? competing.lowerBound..<first : competing where sum > -.infinity {
      sum += weights[index] * kernel(x - gaps[index])
    }
    return sum
  }

  /// The sum on a short piece in one of the shortest boxes.
  private func finePiece(_ key: Key, of view: View) -> Piece {
    let low = Double(key.index) * scale.piece
    return Piece(from: low, to: low + scale.piece) { view.value(at: $0, in: self) }
  }

  /// The sum over all classes that are far above a box.
  private func boxPiece(_ level: Int, index: Int) -> Piece {
    let key = Key(level: level, index: index)
    if let piece = pieces[key.number] { return piece }
    let start = valuesStart(of: key)
    let count = Self.count
    let coefficients = (0..<count).map { k in
      (0..<count).reduce(0) { $0 + BoxBasis.shared.coefficients[count * k + $1] * values[start + $1] }
    }
    let length = shortest * twoTo(level)
    let piece = Piece(
      low: Double(index) * length, high: Double(index + 1) * length, coefficients: coefficients)
    pieces[key.number] = piece
    return piece
  }

  /// Where the values of that sum at the points of the box stand.
  private func valuesStart(of key: Key) -> Int {
    var level = key.level
    while level < levels.count
      && known[Key(level: level, index: key.index >> (level - key.level)).number] == nil
    {
      level += 1
    }
    while level > key.level {
      level -= 1
      addValues(of: Key(level: level, index: key.index >> (level - key.level)))
    }
    return known[key.number] ?? 0
  }

  private func addValues(of key: Key) {
    let (count, level) = (Self.count, levels[key.level])
    var sums = [Double](repeating: 0, count: count)
    if let parent = known[Key(level: key.level + 1, index: key.index >> 1).number] {
      let shares = BoxBasis.shared.halves[key.index & 1]
      for i in 0..<count {
        sums[i] = (0..<count).reduce(0) { $0 + shares[count * i + $1] * values[parent + $1] }
      }
    }
    // Further up, the box of twice the length has seen them already.
    let last = key.level == levels.count - 1 ? key.index + 5 : 2 * (key.index >> 1) + 5
    var low = level.indices.indices.firstPlace { level.indices[$0] >= key.index + 3 }
    while low < level.indices.count && level.indices[low] <= last {
      if samples[key.level].isEmpty {
        let spacing = shortest * twoTo(key.level) / Double(count - 1)
        samples[key.level] = (2 * (count - 1)...6 * (count - 1)).map { kernel(-Double($0) * spacing) }
      }
      let offset = (level.indices[low] - key.index - 2) * (count - 1)
      level.weights.withUnsafeBufferPointer { weights in
        samples[key.level].withUnsafeBufferPointer { samples in
          for i in 0..<count {
            var sum = 0.0
            for j in 0..<count { sum += weights[count * low + j] * samples[offset + j - i] }
            sums[i] += sum
          }
        }
      }
      low += 1
    }
    known[key.number] = values.count
    values += sums
  }
}
