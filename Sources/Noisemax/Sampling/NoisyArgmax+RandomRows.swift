// Random indices of every row of a batch. Row r draws from a stream of its own.

extension NoisyArgmax {
  /// A random index for every row of a row-major batch: the rows may be the factors of one discrete variable.
  ///
  /// The generator gives one word, the seed; row r draws from stream r of the ``StreamGenerator`` with that seed. What
  /// a row draws therefore depends neither on the other rows nor on the order in which they are done.
  ///
  /// - Parameters:
  ///   - logits: the rows, one after the other.
  ///   - rowLength: the number of classes of each.
  ///   - generator: what the seed comes from.
  /// - Returns: one index a row, nil for a row where no class is open or that has no probabilities.
  public func randomIndices(
    forRowsOf logits: [Double], rowLength: Int, using generator: inout some RandomNumberGenerator
  ) -> [Int?] {
    logits.withUnsafeBufferPointer { randomIndices(of: $0, rowLength, RowStreams(using: &generator)) }
  }

  /// A random index for every row of a row-major batch of either precision.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`.
  public func randomIndices<Scalar: LogitScalar>(
    forRowsOf logits: [Scalar], rowLength: Int, using generator: inout some RandomNumberGenerator
  ) -> [Int?] {
    logits.withUnsafeBufferPointer { randomIndices(of: $0, rowLength, RowStreams(using: &generator)) }
  }

  /// A random index for every row of a row-major batch in a span.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`.
  public func randomIndices<Scalar: LogitScalar>(
    forRowsOf logits: Span<Scalar>, rowLength: Int, using generator: inout some RandomNumberGenerator
  ) -> [Int?] {
    logits.withUnsafeBufferPointer { randomIndices(of: $0, rowLength, RowStreams(using: &generator)) }
  }

  /// A random index for every row of a batch, from the streams of a given seed: the same rows in one batch, in several,
  /// or on several threads give the same indices.
  ///
  /// ```swift
  /// let first = argmax.randomIndices(forRowsOf: head, rowLength: n, seed: 7)
  /// let others = argmax.randomIndices(forRowsOf: tail, rowLength: n, seed: 7, firstRow: first.count)
  /// ```
  ///
  /// - Parameters:
  ///   - logits: the rows, one after the other.
  ///   - rowLength: the number of classes of each.
  ///   - seed: row r draws from stream `firstRow` + r of this seed.
  ///   - firstRow: the number that the first row has in the whole batch; not negative.
  /// - Returns: one index a row, nil for a row where no class is open or that has no probabilities.
  public func randomIndices<Scalar: LogitScalar>(
    forRowsOf logits: [Scalar], rowLength: Int, seed: UInt64, firstRow: Int = 0
  ) -> [Int?] {
    logits.withUnsafeBufferPointer {
      randomIndices(of: $0, rowLength, RowStreams(seed: seed, firstRow: firstRow))
    }
  }

  /// A random index for every row of a batch of Doubles, from the streams of a given seed.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and `firstRow` is not negative.
  public func randomIndices(
    forRowsOf logits: [Double], rowLength: Int, seed: UInt64, firstRow: Int = 0
  ) -> [Int?] {
    logits.withUnsafeBufferPointer {
      randomIndices(of: $0, rowLength, RowStreams(seed: seed, firstRow: firstRow))
    }
  }

  /// A random index for every row of a row-major batch, by the system's generator.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`.
  public func randomIndices(forRowsOf logits: [Double], rowLength: Int) -> [Int?] {
    var generator = SystemGenerator()
    return logits.withUnsafeBufferPointer { randomIndices(of: $0, rowLength, RowStreams(using: &generator)) }
  }

  /// A random index for every row of a row-major batch of either precision, by the system's generator.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`.
  public func randomIndices<Scalar: LogitScalar>(forRowsOf logits: [Scalar], rowLength: Int) -> [Int?] {
    var generator = SystemGenerator()
    return logits.withUnsafeBufferPointer { randomIndices(of: $0, rowLength, RowStreams(using: &generator)) }
  }

  private func randomIndices<Scalar: LogitScalar>(
    of rows: UnsafeBufferPointer<Scalar>, _ rowLength: Int, _ streams: RowStreams
  ) -> [Int?] {
    var workspace = Workspace()
    var indices: [Int?] = []
    streams.forEachRow(of: rows.count, rowLength: rowLength) { places, generator in
      var index: Int?
      let row = UnsafeBufferPointer(rebasing: rows[places])
      draw(1, from: row, using: &generator, workspace: &workspace) { index = $0 }
      indices.append(index)
    }
    return indices
  }
}
