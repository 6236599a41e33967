// The probabilities of one row or of many: fresh, from span to span, and in place.

extension NoisyArgmax {
  /// The probabilities that each class wins.
  ///
  /// - Parameter logits: μ, in any order; −∞ masks a class. See ``NoisyArgmax`` for the edges.
  /// - Returns: p with p_i = P[argmax(μ + s·ε) = i]; the sum is 1 within 1e-14 (Float: 2e-6).
  public func probabilities(for logits: [Double]) -> [Double] { fresh(.probabilities, for: logits) }

  /// The probabilities that each class wins, of one row or of many ``Rows``, in their precision.
  ///
  /// ```swift
  /// argmax.probabilities(for: [2, 1, 0.5, -1])
  /// argmax.probabilities(for: Rows(batch, length: 10))
  /// ```
  public func probabilities<L: Logits>(for logits: L) -> L { fresh(.probabilities, for: logits) }

  /// Writes the probabilities that each class wins, without allocating once the workspace has grown.
  ///
  /// ```swift
  /// var workspace = NoisyArgmax.Workspace()
  /// var result = [Double](repeating: 0, count: logits.count)
  /// var span = result.mutableSpan
  /// argmax.writeProbabilities(for: logits.span, rowLength: 10, to: &span, workspace: &workspace)
  /// ```
  ///
  /// - Parameters:
  ///   - logits: one row, or many one after the other.
  ///   - rowLength: how many logits a row has; all of them, unless said otherwise.
  ///   - result: as long as the logits.
  ///   - workspace: memory that is kept for the next call.
  /// - Precondition: the number of logits is a multiple of `rowLength`, and `result` is as long.
  public func writeProbabilities<Scalar: LogitScalar>(
    for logits: Span<Scalar>, rowLength: Int? = nil, to result: inout MutableSpan<Scalar>,
    workspace: inout Workspace
  ) {
    write(.probabilities, for: logits, rowLength: rowLength, to: &result, workspace: &workspace)
  }

  /// Replaces logits by their probabilities, without allocating once the workspace has grown.
  ///
  /// - Parameters:
  ///   - logits: one row, or many one after the other.
  ///   - rowLength: how many logits a row has; all of them, unless said otherwise.
  ///   - workspace: memory that is kept for the next call.
  /// - Precondition: the number of logits is a multiple of `rowLength`.
  public func formProbabilities<Scalar: LogitScalar>(
    in logits: inout MutableSpan<Scalar>, rowLength: Int? = nil, workspace: inout Workspace
  ) {
    form(.probabilities, in: &logits, rowLength: rowLength, workspace: &workspace)
  }

  /// The probabilities with the method's own estimate of their absolute error, the largest of all rows.
  ///
  /// The estimate is |Σp − 1| before any normalisation. For an exact method it is what the integral missed, about 1e-15; the
  /// relative error of a rare class does not show in it. For the quantile rule it is how far the formula is from summing to
  /// one. It is 0 for softmax, and for two classes whose probabilities come from a table; NaN where a row is.
  public func probabilitiesWithErrorEstimate<L: Logits>(
    for logits: L
  ) -> (probabilities: L, errorEstimate: Double) {
    let rows = logits.asRows
    var estimate = 0.0
    var workspace = Workspace()
    let probabilities = freshArray(like: rows) { logits, result in
      for row in 0..<rows.count {
        let slots = rows.shape.slots(of: row)
        let defect = write(
          .probabilities, of: UnsafeBufferPointer(rebasing: logits[slots]),
          to: UnsafeMutableBufferPointer(rebasing: result[slots]), workspace: &workspace)
        estimate = Double.maximum(estimate, defect.magnitude) + (defect.isNaN ? .nan : 0)
      }
    }
    return (L.form(of: probabilities), estimate)
  }
}
