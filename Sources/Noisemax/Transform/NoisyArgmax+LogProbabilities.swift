// The log-probabilities of one row or of many: as a fresh array, in place, and from span to span.

extension NoisyArgmax {
  /// The logarithms of the probabilities, of one row, as a fresh array.
  ///
  /// Accurate where the probabilities underflow, and near 0 where a class is almost certain.
  ///
  /// - Parameter logits: μ, in any order; −∞ masks a class, whose log-probability is −∞.
  /// - Returns: log p, to 3e-12 relative (absolutely where it is near 0) as far as its value is representable.
  public func logProbabilities(for logits: [Double]) -> [Double] {
    array(of: .logProbabilities, forRowsOf: logits, rowLength: logits.count)
  }

  /// The logarithms of the probabilities, of one row, as a fresh array, in the precision of the row.
  public func logProbabilities<Scalar: LogitScalar>(for logits: [Scalar]) -> [Scalar] {
    array(of: .logProbabilities, forRowsOf: logits, rowLength: logits.count)
  }

  /// The logarithms of the probabilities, of every row of a row-major batch, as a fresh array of the same shape.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`.
  public func logProbabilities(forRowsOf logits: [Double], rowLength: Int) -> [Double] {
    array(of: .logProbabilities, forRowsOf: logits, rowLength: rowLength)
  }

  /// The logarithms of the probabilities, of every row of a row-major batch, in the precision of the batch.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`.
  public func logProbabilities<Scalar: LogitScalar>(forRowsOf logits: [Scalar], rowLength: Int) -> [Scalar] {
    array(of: .logProbabilities, forRowsOf: logits, rowLength: rowLength)
  }

  /// Replaces one row of logits by its log-probabilities.
  public func formLogProbabilities<Scalar: LogitScalar>(in row: inout [Scalar]) {
    var workspace = Workspace()
    row.withUnsafeMutableBufferPointer {
      _ = write(.logProbabilities, of: UnsafeBufferPointer($0), to: $0, workspace: &workspace)
    }
  }

  /// Replaces one row of logits by its log-probabilities.
  public func formLogProbabilities<Scalar: LogitScalar>(in row: inout MutableSpan<Scalar>) {
    var workspace = Workspace()
    form(.logProbabilities, in: &row, workspace: &workspace)
  }

  /// Replaces one row of logits by its log-probabilities, without allocating once the workspace has grown.
  public func formLogProbabilities<Scalar: LogitScalar>(
    in row: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    form(.logProbabilities, in: &row, workspace: &workspace)
  }

  /// Writes the log-probabilities of one row.
  ///
  /// - Precondition: `result` has as many places as there are logits.
  public func writeLogProbabilities<Scalar: LogitScalar>(
    for logits: Span<Scalar>, to result: inout MutableSpan<Scalar>
  ) {
    var workspace = Workspace()
    write(.logProbabilities, for: logits, to: &result, workspace: &workspace)
  }

  /// Writes the log-probabilities of one row, without allocating once the workspace has grown.
  ///
  /// - Precondition: `result` has as many places as there are logits.
  public func writeLogProbabilities<Scalar: LogitScalar>(
    for logits: Span<Scalar>, to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    write(.logProbabilities, for: logits, to: &result, workspace: &workspace)
  }

  /// Writes the log-probabilities of every row of a row-major batch. The number of allocations does not depend on
  /// the number of rows.
  ///
  /// ```swift
  /// var result = [Double](repeating: 0, count: logits.count)
  /// var span = result.mutableSpan
  /// argmax.writeLogProbabilities(forRowsOf: logits.span, rowLength: 10, to: &span)
  /// ```
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and `result` has as many places.
  public func writeLogProbabilities<Scalar: LogitScalar>(
    forRowsOf logits: Span<Scalar>, rowLength: Int, to result: inout MutableSpan<Scalar>
  ) {
    var workspace = Workspace()
    writeLogProbabilities(forRowsOf: logits, rowLength: rowLength, to: &result, workspace: &workspace)
  }

  /// Writes the log-probabilities of every row of a row-major batch, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and `result` has as many places.
  public func writeLogProbabilities<Scalar: LogitScalar>(
    forRowsOf logits: Span<Scalar>, rowLength: Int, to result: inout MutableSpan<Scalar>,
    workspace: inout Workspace
  ) {
    logits.withUnsafeBufferPointer { rows in
      result.withUnsafeMutableBufferPointer {
        write(.logProbabilities, ofRowsOf: rows, rowLength: rowLength, to: $0, workspace: &workspace)
      }
    }
  }
}
