// Derivatives of the log-probabilities, also where the probabilities underflow.

extension NoisyArgmax {
  /// The gradient of Σ v_i log p_i: how a loss with the gradient v in the log-probabilities changes with the logits.
  ///
  /// Each ∂log p_i/∂μ_j is accurate also where p_i underflows: to 1e-10 of the largest of its class, or to 2⁻⁵⁰ |log p_i|
  /// where that is more, since an integrand as small has lost as many digits. A class with the log-probability −∞, be it
  /// masked or out of the noise's reach, stays where it is: it gets 0 and moves no other, whatever its cotangent. A row
  /// where one class is certain, or none is open, gets 0 everywhere; one with a NaN gets NaN.
  ///
  /// Cost: about three times that of the probabilities. A class with a cotangent and a probability below 1e-295
  /// is integrated on its own, at a cost that grows neither with the gaps nor, under laws with smooth tails, with the
  /// number of classes.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - cotangent: v, in the same shape.
  /// - Returns: the gradient, in the same shape.
  /// - Precondition: the shapes are the same.
  public func logProbabilitiesPullback<L: Logits>(for logits: L, of cotangent: L) -> L {
    fresh(pulledBackThrough: .logProbabilities, for: logits, of: cotangent)
  }

  /// Writes the gradient of Σ v_i log p_i, without allocating once the workspace has grown, but for classes with a
  /// cotangent and a probability below 1e-295.
  ///
  /// The parameters are those of ``writePullback(for:of:rowLength:to:workspace:)``.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`; the cotangent and the result are as long.
  public func writeLogProbabilitiesPullback<Scalar: LogitScalar>(
    for logits: Span<Scalar>, of cotangent: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    writePullback(
      through: .logProbabilities, for: logits, of: cotangent, rowLength: rowLength, to: &result,
      workspace: &workspace)
  }

  /// Replaces cotangents v by the gradient of Σ v_i log p_i, without allocating once the workspace has grown, but for what
  /// ``writeLogProbabilitiesPullback(for:of:rowLength:to:workspace:)`` names.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there are as many cotangents.
  public func formLogProbabilitiesPullback<Scalar: LogitScalar>(
    in cotangent: inout MutableSpan<Scalar>, for logits: Span<Scalar>, rowLength: Int? = nil,
    workspace: inout Workspace
  ) {
    formPullback(
      through: .logProbabilities, in: &cotangent, for: logits, rowLength: rowLength, workspace: &workspace)
  }

  /// The log-probabilities, and the function that pulls a cotangent back through them.
  public func logProbabilitiesWithPullback<L: Logits>(
    for logits: L
  ) -> (logProbabilities: L, pullback: @Sendable (L) -> L) {
    (logProbabilities(for: logits), { logProbabilitiesPullback(for: logits, of: $0) })
  }
}
