internal import NoiseKernels

/// Σ_j w_j K(x − μ_j) at many points x, where K is 0 from some limit on and ever smoother below 0: log F, or r.
///
/// The logit axis is halved into boxes again and again. Two boxes or more above a box, the classes of another one count as
/// weights at a few equally spaced points, and their sum over the box is a polynomial. Every box has one polynomial for all
/// classes so far above it: that of the box of twice its length, and what that one did not count yet.
/// The classes near one of the shortest boxes count by their moments on short pieces, on each of which their sum is another
/// polynomial: see ``TailKernel``.
///
/// Boxes of one length are multiples of it apart, so that the kernel is evaluated some dozens of times for each length.
/// Cost: some hundred multiplications for each class, and for each box that is asked about and length.
final class TailSums {
  private static let count = BoxBasis.count
  /// So few classes are summed one by one.
  private static let fewest = 24
  private static let fewestTerms = 20_000
  /// So many of the shortest boxes away pieces are too short for the rounding of their nodes.
  private static let farthest = 0x1p40

  private let kernel: TailKernel
  private let scale: TailScale
  /// In descending order.
  private let gaps: [Double]
  private let weights: [Double]
  private let occupied: Occupied
  /// Boxes of twice the length each; none where classes are summed one by one.
  private let levels: [Level]
  private let shortest: Double
  private let lowest: Double
  private let highest: Double

  /// Samples of the kernel by level.
  private var samples: [[Double]]
  /// Where the values at the points of a box stand.
  private let known = NumberTable()
  private let values = Sixteens()
  /// Polynomials on boxes, and on the pieces of the shortest boxes.
  private let numbers = NumberTable()
  private var pieces: [Piece] = []
  private let coefficients = Sixteens()
  private var current = View(piece: Piece.empty, near: 0..<0)

  private struct Key {
    let level: Int
    let index: Int

    /// One number, as tables take them. An index has fewer than 52 bits.
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

  /// The sources are in descending order. Sums are wanted at about so many points, those below `lowest` one by one.
  init(
    of sources: [(gap: Double, weight: Double)], at points: Int, downTo lowest: Double, scale: TailScale,
    kernel: TailKernel
  ) {
    (self.kernel, self.scale) = (kernel, scale)
    gaps = sources.map(\.gap)
    weights = sources.map(\.weight)
    shortest = scale.box ?? 0
    (self.lowest, highest) = (lowest, (sources.first?.gap ?? 0) + scale.limit)
    let isLong = scale.box != nil && sources.count > Self.fewest && sources.count * points > Self.fewestTerms
    occupied = isLong ? Occupied(of: weights, at: gaps, scale: scale) : Occupied()
    levels = isLong ? Self.levels(of: sources, occupied, downTo: lowest, scale: scale) : []
    samples = [[Double]](repeating: [], count: levels.count)
  }

  /// Whether so few are summed that boxes are not worth it.
  var isOneByOne: Bool { levels.isEmpty }

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
        view = self.view(of: x[index])
      }
      while end < count && view.piece.contains(x[end]) { end += 1 }
      view.piece.write(at: x + index, end - index, to: sums + index)
      for index in index..<end {
        if !view.near.isEmpty { sums[index] += sum(of: view.near, at: x[index]) }
        if !sums[index].isFinite { sums[index] = sum(of: gaps.indices, at: x[index]) }
      }
      index = end
    }
  }

  /// What is to be summed at a point.
  private func view(of x: Double) -> View {
    if levels.isEmpty || !(x >= lowest) { return View(piece: Piece.empty, near: gaps.indices) }
    if x > highest { return View(piece: Piece.empty, near: 0..<0) }
    if x.magnitude < Self.farthest * shortest, let piece = piece(at: x) {
      current = View(piece: piece, near: 0..<0)
      return current
    }
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
    // Classes near a shortest box are below the limit here, but elsewhere in it there are pieces for them.
    if first > 0 || view.near.isEmpty { current = view }
    return view
  }

  /// The sum on the piece of a point, if there are classes near it.
  private func piece(at x: Double) -> Piece? {
    let piece = scale.grid.index(of: x)
    let key = Key(level: -1, index: piece).number
    if let known = numbers[key] { return pieces[known] }
    let places = occupied.places(of: scale.grid.near(piece))
    if places.isEmpty { return nil }
    let polynomial = finePiece(piece, near: places)
    keep(polynomial, key)
    return polynomial
  }

  private func keep(_ piece: Piece, _ key: UInt64) {
    numbers.set(pieces.count, for: key)
    pieces.append(piece)
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
    let first = competing.firstPlace { kernel.function.isSampled(from: x - gaps[$0]) }
    let known = kernel.function.sum(weights, at: gaps, first..<competing.upperBound, node: x)
    var sum = known.isFinite ? known : 0
    for index in known.isFinite ? competing.lowerBound..<first : competing where sum > -.infinity {
      sum += weights[index] * kernel.function(x - gaps[index])
    }
    return sum
  }

  /// The sum on a piece in one of the shortest boxes.
  private func finePiece(_ number: Int, near places: Range<Int>) -> Piece {
    let (grid, low) = (scale.grid, Double(number) * scale.piece)
    let sums = coefficients.append()
    grid.add(values(of: Key(level: 0, index: grid.box(of: number))), to: sums, of: number)
    occupied.withPointers { pieces, moments in
      kernels.addMatrices(
        kernel.matrices.start, columns: kernel.matrices.columns, from: number + grid.distances.lowerBound,
        times: moments + Piece.terms * places.lowerBound, of: pieces + places.lowerBound, places.count,
        to: sums)
    }
    return Piece(low: low, high: low + scale.piece, coefficients: sums, count: Piece.terms)
  }

  /// The sum over all classes that are far above a box.
  private func boxPiece(_ level: Int, index: Int) -> Piece {
    let key = Key(level: level, index: index)
    if let known = numbers[key.number] { return pieces[known] }
    let sums = coefficients.append()
    BoxBasis.shared.addCoefficients(of: values(of: key), to: sums)
    let length = shortest * twoTo(level)
    let piece = Piece(
      low: Double(index) * length, high: Double(index + 1) * length, coefficients: sums, count: Self.count)
    keep(piece, key.number)
    return piece
  }

  /// That sum at the points of a box.
  private func values(of key: Key) -> UnsafePointer<Double> {
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
    return UnsafePointer(values[known[key.number] ?? 0])
  }

  private func addValues(of key: Key) {
    known.set(values.count, for: key.number)
    let (sums, level) = (values.append(), levels[key.level])
    if let parent = known[Key(level: key.level + 1, index: key.index >> 1).number] {
      BoxBasis.shared.add(values[parent], toHalf: key.index & 1, sums)
    }
    // Further up, the box of twice the length has seen them already.
    let last = key.level == levels.count - 1 ? key.index + 5 : 2 * (key.index >> 1) + 5
    var box = level.indices.indices.firstPlace { level.indices[$0] >= key.index + 3 }
    guard box < level.indices.count && level.indices[box] <= last else { return }
    if samples[key.level].isEmpty { samples[key.level] = sampled(key.level) }
    level.weights.withUnsafeBufferPointer { weights in
      samples[key.level].withUnsafeBufferPointer { samples in
        guard let weights = weights.baseAddress, let samples = samples.baseAddress else { return }
        while box < level.indices.count && level.indices[box] <= last {
          // Where the sample for point 0 of either box stands.
          let offset = (6 - level.indices[box] + key.index) * (Self.count - 1)
          kernels.addColumns(
            of: samples + offset, Self.count, stride: -1, times: weights + BoxBasis.room * box, to: sums)
          box += 1
        }
      }
    }
  }

  /// The kernel from −6 lengths up to −2, where its arguments are distances of points, and room for a vector.
  private func sampled(_ level: Int) -> [Double] {
    let last = Self.count - 1
    let spacing = shortest * twoTo(level) / Double(last)
    let samples = (2 * last...6 * last).reversed().map { kernel.function(-Double($0) * spacing) }
    return samples + [Double](repeating: 0, count: BoxBasis.room - Self.count)
  }
}
