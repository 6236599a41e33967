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
    (expectedMaximum(of: logits), probabilities(for: logits))
  }

  /// E[max(μ + s·ε)] and its gradient, the probabilities, in the precision of the row.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func expectedMaximumWithGradient<Scalar: LogitScalar>(
    of logits: [Scalar]
  ) -> (value: Scalar, gradient: [Scalar]) {
    (expectedMaximum(of: logits), probabilities(for: logits))
  }

  /// Not by way of the array's span: an optimised build may end the life of a local array before that of a span which
  /// an inlined callee made of it.
  private func expectedMaximum<Scalar: LogitScalar>(ofArray logits: [Scalar]) -> Scalar {
    var workspace = Workspace()
    return logits.withUnsafeBufferPointer { Scalar(expectedMaximum(of: $0, workspace: &workspace)) }
  }

  private func expectedMaximum<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, workspace: inout Workspace
  ) -> Double {
    requireExact("expected maximum")
    switch RowKind(of: row) {
    case .undefined: return row.contains { $0.isNaN } ? .nan : .infinity
    case .masked: return -.infinity
    case .certain(let index):
      guard let mean = (StandardizedNoise(noise).standard as? any ExactNoise)?.mean else { return .nan }
      return Double(row[index]) + (location + unit * mean)
    case .regular(let top, _):
      let gaps = gaps(of: row, below: top, workspace: &workspace)
      let maximum = rowMethod.expectedMaximum(of: UnsafeBufferPointer(gaps), scratch: &workspace.method)
      return top + (location + unit * (maximum ?? .nan))
    }
  }
}
