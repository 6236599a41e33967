// Random indices: one draw for each row, and many independent ones of one row.

extension NoisyArgmax {
  /// A random index: argmax(μ + s·ε) for one draw of the noise. Each index comes with its probability.
  ///
  /// Under Gumbel noise this is the Gumbel-max way of drawing from a softmax. The noise is drawn from the law itself,
  /// whatever the ``method``, so a quantile rule draws from the exact probabilities.
  ///
  /// A masked class (−∞) gets no noise and cannot be drawn. One class that is certain, the only open one or the only
  /// one at +∞, comes without consuming randomness.
  ///
  /// Of many ``Rows`` every row gets an index: the rows may be the factors of one discrete variable. The generator then
  /// gives one word, the seed, as for ``randomIndex(for:seed:firstRow:)``.
  ///
  /// Cost: one draw of the noise for each open class.
  ///
  /// - Parameters:
  ///   - logits: μ, in any order, of one row or of many; −∞ masks a class.
  ///   - generator: what the randomness comes from.
  /// - Returns: the index, or nil where there is none: the row is empty, every class is masked, or the row has no
  ///   probabilities (a NaN, or several classes at +∞).
  public func randomIndex<L: Logits>(
    for logits: L, using generator: inout some RandomNumberGenerator
  ) -> L.IndexPerRow {
    let rows = logits.asRows
    guard logits is [L.Scalar] else {
      return L.form(of: randomIndices(of: rows, RowStreams(using: &generator)))
    }
    var index: Int?
    var workspace = Workspace()
    rows.elements.withUnsafeBufferPointer {
      draw(1, from: $0, using: &generator, workspace: &workspace) { index = $0 }
    }
    return L.form(of: [index])
  }

  /// A random index by the system's generator.
  public func randomIndex<L: Logits>(for logits: L) -> L.IndexPerRow {
    var generator = SystemGenerator()
    return randomIndex(for: logits, using: &generator)
  }

  /// A random index for every row, from the streams of a given seed: the same rows in one batch, in several, or on several
  /// threads give the same indices.
  ///
  /// ```swift
  /// let first = argmax.randomIndex(for: head, seed: 7)
  /// let others = argmax.randomIndex(for: tail, seed: 7, firstRow: first.count)
  /// ```
  ///
  /// What a row draws depends neither on the other rows nor on the order in which they are done.
  ///
  /// - Parameters:
  ///   - rows: the rows.
  ///   - seed: row r draws from stream `firstRow` + r of the ``StreamGenerator`` with this seed.
  ///   - firstRow: the number that the first row has in the whole batch; not negative.
  /// - Returns: one index a row, nil for a row where no class is open or that has no probabilities.
  public func randomIndex<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, seed: UInt64, firstRow: Int = 0
  ) -> [Int?] {
    randomIndices(of: rows, RowStreams(seed: seed, firstRow: firstRow))
  }

  /// A random index for the row in a span, without allocating once the workspace has grown: nil where no class is open
  /// or the row has no probabilities.
  public func randomIndex<Scalar: LogitScalar>(
    for logits: Span<Scalar>, using generator: inout some RandomNumberGenerator, workspace: inout Workspace
  ) -> Int? {
    var result: Int?
    logits.withUnsafeBufferPointer { row in
      draw(1, from: row, using: &generator, workspace: &workspace) { result = $0 }
    }
    return result
  }

  /// Writes a random index for every row in a span, from the streams of a given seed, without allocating once the
  /// workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, `result` has an element for every row, and `firstRow`
  ///   is not negative.
  public func writeRandomIndices<Scalar: LogitScalar>(
    for logits: Span<Scalar>, rowLength: Int, seed: UInt64, firstRow: Int = 0,
    to result: inout MutableSpan<Int?>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(rowCount: result.count, "indices")
    logits.withUnsafeBufferPointer { rows in
      result.withUnsafeMutableBufferPointer {
        writeRandomIndices(
          of: rows, shape, RowStreams(seed: seed, firstRow: firstRow), to: $0, workspace: &workspace)
      }
    }
  }

  /// Independent random indices of one row, the same as so many calls of `randomIndex(for:using:)`.
  ///
  /// Cost: one draw of the noise for each open class and index. Where the probabilities are at hand, a
  /// ``Categorical`` of them draws an index from a single word.
  ///
  /// - Parameters:
  ///   - logits: μ, in any order; −∞ masks a class.
  ///   - count: how many; not negative.
  ///   - generator: what the randomness comes from.
  /// - Returns: the indices in the order drawn; empty where `randomIndex(for:using:)` is nil.
  public func randomIndices<Scalar: LogitScalar>(
    for logits: [Scalar], count: Int, using generator: inout some RandomNumberGenerator
  ) -> [Int] {
    require(count >= 0, "the number of draws is not negative, not \(count)")
    var workspace = Workspace()
    var indices: [Int] = []
    indices.reserveCapacity(count)
    logits.withUnsafeBufferPointer {
      draw(count, from: $0, using: &generator, workspace: &workspace) { indices.append($0) }
    }
    return indices
  }

  /// Independent random indices of one row, by the system's generator.
  ///
  /// - Precondition: `count` is not negative.
  public func randomIndices<Scalar: LogitScalar>(for logits: [Scalar], count: Int) -> [Int] {
    var generator = SystemGenerator()
    return randomIndices(for: logits, count: count, using: &generator)
  }
}

extension NoisyArgmax {
  private func randomIndices<Scalar: LogitScalar>(of rows: Rows<Scalar>, _ streams: RowStreams) -> [Int?] {
    var workspace = Workspace()
    return [Int?](unsafeUninitializedCapacity: rows.count) { indices, initialized in
      rows.elements.withUnsafeBufferPointer {
        writeRandomIndices(
          of: $0, rows.shape, streams, to: UnsafeMutableBufferPointer(rebasing: indices[..<rows.count]),
          workspace: &workspace)
      }
      initialized = rows.count
    }
  }

  private func writeRandomIndices<Scalar: LogitScalar>(
    of rows: UnsafeBufferPointer<Scalar>, _ shape: RowShape, _ streams: RowStreams,
    to result: UnsafeMutableBufferPointer<Int?>, workspace: inout Workspace
  ) {
    for row in 0..<shape.rowCount {
      var generator = streams.generator(ofRow: row)
      var index: Int?
      draw(
        1, from: UnsafeBufferPointer(rebasing: rows[shape.slots(of: row)]), using: &generator,
        workspace: &workspace
      ) { index = $0 }
      result[row] = index
    }
  }
}
