extension NoisyArgmax {
  /// E[max(μ + s·ε)], the expected largest perturbed logit: logsumexp + Euler's constant under Gumbel noise.
  ///
  /// Within 1e-13 · (scale + max |μ|). Its gradient is the probabilities. An empty row, or one where every class is
  /// masked, has −∞, a row with a NaN NaN, and a row with a logit of +∞ has +∞.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func expectedMaximum(of logits: [Double]) -> Double { expectedMaximum(ofArray: logits) }

  /// E[max(μ + s·ε)] in the precision of the row.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func expectedMaximum<Scalar: LogitScalar>(of logits: [Scalar]) -> Scalar {
    expectedMaximum(ofArray: logits)
  }

  /// E[max(μ + s·ε)] of a row in a span.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func expectedMaximum<Scalar: LogitScalar>(of logits: Span<Scalar>) -> Scalar {
    var workspace = Workspace()
    return expectedMaximum(of: logits, workspace: &workspace)
  }

  /// E[max(μ + s·ε)] of a row in a span, without allocating once the workspace has grown.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func expectedMaximum<Scalar: LogitScalar>(
    of logits: Span<Scalar>, workspace: inout Workspace
  ) -> Scalar {
    logits.withUnsafeBufferPointer { Scalar(expectedMaximum(of: $0, workspace: &workspace)) }
  }

  /// E[max(μ + s·ε)] and its gradient, the probabilities.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func expectedMaximumWithGradient(of logits: [Double]) -> (value: Double, gradient: [Double]) {
    expectedMaximumWithGradient(ofArray: logits)
  }

  /// E[max(μ + s·ε)] and its gradient, the probabilities, in the precision of the row.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func expectedMaximumWithGradient<Scalar: LogitScalar>(
    of logits: [Scalar]
  ) -> (value: Scalar, gradient: [Scalar]) {
    expectedMaximumWithGradient(ofArray: logits)
  }

  /// Not by way of the array's span: an optimised build may end the life of a local array before that of a span which
  /// an inlined callee made of it.
  private func expectedMaximum<Scalar: LogitScalar>(ofArray logits: [Scalar]) -> Scalar {
    var workspace = Workspace()
    return logits.withUnsafeBufferPointer { Scalar(expectedMaximum(of: $0, workspace: &workspace)) }
  }

  private func expectedMaximumWithGradient<Scalar: LogitScalar>(
    ofArray logits: [Scalar]
  ) -> (value: Scalar, gradient: [Scalar]) {
    valueWithGradient(for: logits) { row, workspace in
      expectedMaximum(of: UnsafeBufferPointer(row), gradient: row, workspace: &workspace)
    }
  }

  /// The gradient may be written to the memory of the row itself.
  private func expectedMaximum<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, gradient: UnsafeMutableBufferPointer<Scalar>? = nil,
    workspace: inout Workspace
  ) -> Double {
    requireExact("expected maximum")
    guard let mean = (StandardizedNoise(noise).standard as? any ExactNoise)?.mean else { return .nan }
    let value: Double
    switch RowKind(of: row) {
    case .regular(let top, _):
      let (p, _, sums) = evaluate(
        row, below: top, for: gradient == nil ? .excess : [.excess, .probabilities], workspace: &workspace)
      if let gradient { copy(p, times: 1, to: gradient) }
      return top + (location + unit * (mean + sums.excess))
    case .undefined: value = row.contains { $0.isNaN } ? .nan : .infinity
    case .masked: value = -.infinity
    case .certain(let index): value = Double(row[index]) + (location + unit * mean)
    }
    if let gradient { write(.probabilities, of: row, to: gradient, workspace: &workspace) }
    return value
  }
}
