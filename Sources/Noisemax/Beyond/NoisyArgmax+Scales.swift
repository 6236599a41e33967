// Noise with a scale of its own for every class: argmax(μ_i + s·s_i·ε_i).

extension NoisyArgmax {
  /// The probabilities that each class wins where every class has a scale of its own: p_i = P[argmax(μ_i + s·s_i·ε_i) = i].
  ///
  /// ```swift
  /// argmax.probabilities(for: means, scales: deviations)
  /// ```
  ///
  /// For posterior means and deviations, ratings with uncertainty, a learned deviation for every expert.
  ///
  /// A class of scale 0 has no noise. Where all open classes have the same scale the result is that of
  /// ``NoisyArgmax/init(_:scale:)`` with that scale, bit for bit. Unlike there the order of the logits need not be kept.
  ///
  /// Accuracy: 3e-12 relative down to 1e-290. Cost: some 100 evaluations of the law for every class, and some
  /// 50 more for every factor of 10 between scales. Under laws with kinks add 8 to 16 for every kink below the highest, as far down
  /// as counts; Uniform classes count below their upper ends alone. A scale is resolved down to 1e-25 of the largest logit.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - scales: what the noise of each class is multiplied by besides the transform's own ``scale``, in the same shape.
  /// - Returns: p, in the same shape.
  /// - Precondition: the method is exact, the shapes are the same, no scale is negative, and no two open classes of scale 0
  ///   tie.
  public func probabilities<L: Logits>(for logits: L, scales: L) -> L {
    inclusionProbabilities(for: logits, largest: 1, scales: scales)
  }

  /// Writes the probabilities where every class has a scale of its own, by memory that is kept.
  ///
  /// - Precondition: as for ``probabilities(for:scales:)``, and the number of logits is a multiple of `rowLength`.
  public func writeProbabilities<Scalar: LogitScalar>(
    for logits: Span<Scalar>, scales: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    writeInclusionProbabilities(
      for: logits, largest: 1, scales: scales, rowLength: rowLength, to: &result, workspace: &workspace)
  }

  /// The gradients of Σ v_i p_i in the logits and in the scales: Σ_i v_i ∂p_i/∂μ_j and Σ_i v_i ∂p_i/∂s_j.
  ///
  /// Every entry is accurate to 1e-10 of what it is summed from. The slope in a scale of 0 is the limit from above. Cost: about
  /// three times that of the probabilities.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - scales: the scales of the classes, in the same shape.
  ///   - cotangent: v, in the same shape.
  /// - Returns: the gradient in the logits and that in the scales, in the same shape.
  /// - Precondition: as for ``probabilities(for:scales:)``.
  public func pullback<L: Logits>(
    for logits: L, scales: L, of cotangent: L
  ) -> (logits: L, scales: L) {
    inclusionPullback(for: logits, largest: 1, of: cotangent, scales: scales)
  }

  /// Writes the gradients of Σ v_i p_i in the logits and in the scales, by memory that is kept.
  ///
  /// - Precondition: as for ``pullback(for:scales:of:)``, and the number of logits is a multiple of `rowLength`.
  public func writePullback<Scalar: LogitScalar>(
    for logits: Span<Scalar>, scales: Span<Scalar>, of cotangent: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, inScales: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    withScaledSpans(logits, scales, cotangent, rowLength, &result, &inScales) {
      rows, scales, cotangent, shape, result, inScales in
      pullInclusionsBack(
        at: rows, scales, shape, largest: 1, cotangent, to: result, scales: inScales, workspace: &workspace)
    }
  }
}
