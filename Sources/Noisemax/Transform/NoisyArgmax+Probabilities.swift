// The probabilities of one row or of many: as a fresh array, in place, and from span to span.

extension NoisyArgmax {
  /// The probabilities that each class wins, of one row, as a fresh array.
  ///
  /// - Parameter logits: μ, in any order; −∞ masks a class. See ``NoisyArgmax`` for the edges.
  /// - Returns: p with p_i = P[argmax(μ + s·ε) = i]; the sum is 1 within 1e-14 (Float: 2e-6).
  public func probabilities(for logits: [Double]) -> [Double] {
    array(of: .probabilities, forRowsOf: logits, rowLength: logits.count)
  }

  /// The probabilities that each class wins, of one row, as a fresh array, in the precision of the row.
  public func probabilities<Scalar: LogitScalar>(for logits: [Scalar]) -> [Scalar] {
    array(of: .probabilities, forRowsOf: logits, rowLength: logits.count)
  }

  /// The probabilities that each class wins, of every row of a row-major batch, as a fresh array of the same shape.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`.
  public func probabilities(forRowsOf logits: [Double], rowLength: Int) -> [Double] {
    array(of: .probabilities, forRowsOf: logits, rowLength: rowLength)
  }

  /// The probabilities that each class wins, of every row of a row-major batch, in the precision of the batch.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`.
  public func probabilities<Scalar: LogitScalar>(forRowsOf logits: [Scalar], rowLength: Int) -> [Scalar] {
    array(of: .probabilities, forRowsOf: logits, rowLength: rowLength)
  }

  /// The probabilities of one row with the method's own estimate of its absolute error.
  ///
  /// The estimate is |Σp − 1| before any normalisation: for an exact method what the integral missed, about 1e-15 (a
  /// rare class's relative error does not show in it); for the quantile rule how far the formula is from summing to
  /// one; 0 for softmax, and NaN where the row is.
  public func probabilitiesWithErrorEstimate<Scalar: LogitScalar>(
    for logits: [Scalar]
  ) -> (probabilities: [Scalar], errorEstimate: Double) {
    var estimate = 0.0
    let probabilities = [Scalar](unsafeUninitializedCapacity: logits.count) { result, count in
      var workspace = Workspace()
      let result = UnsafeMutableBufferPointer(rebasing: result[..<logits.count])
      logits.withUnsafeBufferPointer {
        estimate = write(.probabilities, of: $0, to: result, workspace: &workspace).magnitude
      }
      count = logits.count
    }
    return (probabilities, estimate)
  }

  /// Replaces one row of logits by its probabilities.
  public func formProbabilities<Scalar: LogitScalar>(in row: inout [Scalar]) {
    var workspace = Workspace()
    row.withUnsafeMutableBufferPointer {
      _ = write(.probabilities, of: UnsafeBufferPointer($0), to: $0, workspace: &workspace)
    }
  }

  /// Replaces one row of logits by its probabilities.
  public func formProbabilities<Scalar: LogitScalar>(in row: inout MutableSpan<Scalar>) {
    var workspace = Workspace()
    form(.probabilities, in: &row, workspace: &workspace)
  }

  /// Replaces one row of logits by its probabilities, without allocating once the workspace has grown.
  public func formProbabilities<Scalar: LogitScalar>(
    in row: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    form(.probabilities, in: &row, workspace: &workspace)
  }

  /// Writes the probabilities of one row.
  ///
  /// - Precondition: `result` has as many places as there are logits.
  public func writeProbabilities<Scalar: LogitScalar>(
    for logits: Span<Scalar>, to result: inout MutableSpan<Scalar>
  ) {
    var workspace = Workspace()
    write(.probabilities, for: logits, to: &result, workspace: &workspace)
  }

  /// Writes the probabilities of one row, without allocating once the workspace has grown.
  ///
  /// - Precondition: `result` has as many places as there are logits.
  public func writeProbabilities<Scalar: LogitScalar>(
    for logits: Span<Scalar>, to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    write(.probabilities, for: logits, to: &result, workspace: &workspace)
  }

  /// Writes the probabilities of every row of a row-major batch. The number of allocations does not depend on
  /// the number of rows.
  ///
  /// ```swift
  /// var result = [Double](repeating: 0, count: logits.count)
  /// var span = result.mutableSpan
  /// argmax.writeProbabilities(forRowsOf: logits.span, rowLength: 10, to: &span)
  /// ```
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and `result` has as many places.
  public func writeProbabilities<Scalar: LogitScalar>(
    forRowsOf logits: Span<Scalar>, rowLength: Int, to result: inout MutableSpan<Scalar>
  ) {
    var workspace = Workspace()
    writeProbabilities(forRowsOf: logits, rowLength: rowLength, to: &result, workspace: &workspace)
  }

  /// Writes the probabilities of every row of a row-major batch, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and `result` has as many places.
  public func writeProbabilities<Scalar: LogitScalar>(
    forRowsOf logits: Span<Scalar>, rowLength: Int, to result: inout MutableSpan<Scalar>,
    workspace: inout Workspace
  ) {
    logits.withUnsafeBufferPointer { rows in
      result.withUnsafeMutableBufferPointer {
        write(.probabilities, ofRowsOf: rows, rowLength: rowLength, to: $0, workspace: &workspace)
      }
    }
  }
}
