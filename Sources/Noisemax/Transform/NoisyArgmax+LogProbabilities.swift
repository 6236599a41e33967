// The log-probabilities of one row or of many: fresh, from span to span, and in place.

extension NoisyArgmax {
  /// The logarithms of the probabilities.
  ///
  /// Accurate where the probabilities underflow, and near 0 where a class is almost certain.
  ///
  /// - Parameter logits: μ, in any order; −∞ masks a class, whose log-probability is −∞.
  /// - Returns: log p, to 3e-12 relative (absolutely where it is near 0) as far as its value is representable.
  public func logProbabilities(for logits: [Double]) -> [Double] { fresh(.logProbabilities, for: logits) }

  /// The logarithms of the probabilities, of one row or of many ``Rows``, in their precision.
  public func logProbabilities<L: Logits>(for logits: L) -> L { fresh(.logProbabilities, for: logits) }

  /// Writes the logarithms of the probabilities, without allocating once the workspace has grown.
  ///
  /// The parameters are those of ``writeProbabilities(for:rowLength:to:workspace:)``.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and `result` is as long.
  public func writeLogProbabilities<Scalar: LogitScalar>(
    for logits: Span<Scalar>, rowLength: Int? = nil, to result: inout MutableSpan<Scalar>,
    workspace: inout Workspace
  ) {
    write(.logProbabilities, for: logits, rowLength: rowLength, to: &result, workspace: &workspace)
  }

  /// Replaces logits by the logarithms of their probabilities, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`.
  public func formLogProbabilities<Scalar: LogitScalar>(
    in logits: inout MutableSpan<Scalar>, rowLength: Int? = nil, workspace: inout Workspace
  ) {
    form(.logProbabilities, in: &logits, rowLength: rowLength, workspace: &workspace)
  }
}
