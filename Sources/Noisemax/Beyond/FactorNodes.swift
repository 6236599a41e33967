/// A row of classes with common factors at nodes of z: each is a row without factors, of the classes that count there.
///
/// Most nodes lie so far out that the factors have drawn the classes apart, and one or two of them are all that can win.
struct FactorNodes {
  let logits: [Double]
  let scales: [Double]?
  /// A number of every class that is wanted beside.
  let cotangent: [Double]?
  /// The loadings of every class, axis after axis.
  let columns: [[Double]]
  /// How many numbers there are at a node, and how many of them stand before those of the classes.
  let count, head: Int
  /// Nil where all classes count.
  var reach: FactorReach?

  /// The classes that count at a node.
  struct Near {
    let logits: UnsafeBufferPointer<Double>
    /// Nil for 1.
    let scales: UnsafeBufferPointer<Double>?
    let cotangent: UnsafeBufferPointer<Double>
    var count: Int { logits.count }
  }

  /// Writes the numbers that a body finds for the classes that count at a node: 0 for the others.
  func evaluate(
    at z: [Double], to numbers: UnsafeMutablePointer<Double>, _ memory: inout NodeMemory,
    _ body: (Near, [Double], UnsafeMutablePointer<Double>, inout NoisyArgmax.Workspace) -> Void
  ) {
    let n = logits.count
    var pieces = Pieces(of: memory.rows.reserve(4 * n + count))
    let (row, own, v) = (pieces.take(n), pieces.take(n), pieces.take(n))
    let (indices, found) = (pieces.takeIntegers(n), pieces.take(count))
    writeLogits(at: z, to: row)
    let near = select(row, at: z, to: indices)
    for slot in 0..<near {
      let index = indices[slot]
      row[slot] = row[index]
      if let scales { own[slot] = scales[index] }
      if let cotangent { v[slot] = cotangent[index] }
    }
    let classes = Near(
      logits: UnsafeBufferPointer(start: row, count: near),
      scales: scales == nil ? nil : UnsafeBufferPointer(start: own, count: near),
      cotangent: UnsafeBufferPointer(start: v, count: cotangent == nil ? 0 : near))
    if near == n { return body(classes, z, numbers, &memory.workspace) }
    body(classes, z, found, &memory.workspace)
    numbers.update(from: found, count: head)
    (numbers + head).update(repeating: 0, count: count - head)
    for kind in 0..<(count - head) / n {
      for slot in 0..<near { numbers[head + kind * n + indices[slot]] = found[head + kind * near + slot] }
    }
  }

  /// μ + V z.
  private func writeLogits(at z: [Double], to row: UnsafeMutablePointer<Double>) {
    logits.withUnsafeBufferPointer { for index in $0.indices { row[index] = $0[index] } }
    for axis in z.indices where z[axis] != 0 {
      let z = z[axis]
      columns[axis].withUnsafeBufferPointer { for index in $0.indices { row[index] += $0[index] * z } }
    }
  }

  /// Writes the indices of the classes that count, in rising order.
  ///
  /// - Returns: how many they are.
  private func select(
    _ row: UnsafeMutablePointer<Double>, at z: [Double], to indices: UnsafeMutablePointer<Int>
  ) -> Int {
    let n = logits.count
    guard let reach else {
      for index in 0..<n { indices[index] = index }
      return n
    }
    let ends = reach.ends(at: z.reduce(0) { $0 + $1 * $1 })
    var (floor, count) = (-Double.infinity, 0)
    for index in 0..<n { floor = Swift.max(floor, row[index] + (scales?[index] ?? 1) * ends.lower) }
    for index in 0..<n where row[index] + (scales?[index] ?? 1) * ends.upper >= floor {
      indices[count] = index
      count += 1
    }
    return count
  }
}

/// How far below another class one is for next to no chance against it.
///
/// What counts for nothing at 0 grows like e^(|z|²/4): nodes lose weight faster, and the mean of what is left out is less than
/// three times that at 0.
struct FactorReach {
  /// For |z|² = 8·level and more: a class counts if its logit plus its scale times the upper end is no less than that of
  /// another with the lower end. Under one scale the lower one is 0.
  private let ends: [(lower: Double, upper: Double)]

  /// - Parameters:
  ///   - argmax: the transform.
  ///   - law: its law.
  ///   - hasScales: whether classes have scales of their own.
  ///   - least: the probability that counts for nothing at 0.
  ///   - radius: the largest |z|.
  init(under argmax: NoisyArgmax, _ law: ClassLaw, hasScales: Bool, beyond least: Double, radius: Double) {
    var workspace = NoisyArgmax.Workspace(threads: 1)
    var ends: [(lower: Double, upper: Double)] = []
    for level in 0...Int(radius * radius / 8) {
      let q = Swift.min(Swift.max(least * exponential(2 * Double(level)), 1e-300), 1e-3)
      if hasScales {
        ends.append((argmax.unit * law.lowest(beyond: q), argmax.unit * law.highest(beyond: q)))
      } else {
        ends.append((0, argmax.gap(beyond: q, from: ends.last?.upper, workspace: &workspace)))
      }
    }
    self.ends = ends
  }

  func ends(at square: Double) -> (lower: Double, upper: Double) {
    ends[Swift.min(Int(square / 8), ends.count - 1)]
  }
}

extension NoisyArgmax {
  /// A gap between two classes at which the lower one has a chance of q or less, and not much less, below one that is known.
  fileprivate func gap(beyond q: Double, from known: Double?, workspace: inout Workspace) -> Double {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 4) { pair in
      let (logits, p) = (
        UnsafeMutableBufferPointer(rebasing: pair[..<2]), UnsafeMutableBufferPointer(rebasing: pair[2...])
      )
      func chance(_ gap: Double, _ workspace: inout Workspace) -> Double {
        (logits[0], logits[1]) = (0, -gap)
        write(.probabilities, of: UnsafeBufferPointer(logits), to: p, workspace: &workspace)
        return p[1]
      }
      var (lower, upper) = (0.0, known ?? scale)
      while known == nil, chance(upper, &workspace) > q { upper *= 2 }
      for _ in 0..<7 {
        let middle = (lower + upper) / 2
        if chance(middle, &workspace) > q { lower = middle } else { upper = middle }
      }
      return upper
    }
  }
}
