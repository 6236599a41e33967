// The entropy that belongs to a law: how far from certain the random index is.

extension NoisyArgmax {
  /// The law's own entropy at these logits, E[max(μ + s·ε)] − E[s·ε] − ⟨μ, p⟩: Shannon's entropy of p under Gumbel
  /// noise of scale 1.
  ///
  /// In words: what the noise of the winner exceeds that of any one class by, in the mean. It is never negative, grows
  /// with the scale of the noise, and is 0 where one class is certain; near certainty it keeps the relative accuracy
  /// of the probabilities, 3e-12. Where no class is open it is 0, and NaN where a logit is.
  ///
  /// Cost: up to twice that of the probabilities.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func entropy(for logits: [Double]) -> Double { entropy(ofArray: logits) }

  /// The law's own entropy at these logits, in the precision of the row.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func entropy<Scalar: LogitScalar>(for logits: [Scalar]) -> Scalar { entropy(ofArray: logits) }

  /// The law's own entropy at the logits in a span, without allocating once the workspace has grown.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func entropy<Scalar: LogitScalar>(
    for logits: Span<Scalar>, workspace: inout Workspace
  ) -> Scalar {
    logits.withUnsafeBufferPointer { Scalar(entropy(of: $0, workspace: &workspace)) }
  }

  /// The entropy and its gradient, −J μ.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func entropyWithGradient(for logits: [Double]) -> (value: Double, gradient: [Double]) {
    entropyWithGradient(forArray: logits)
  }

  /// The entropy and its gradient in the precision of the row.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func entropyWithGradient<Scalar: LogitScalar>(
    for logits: [Scalar]
  ) -> (value: Scalar, gradient: [Scalar]) {
    entropyWithGradient(forArray: logits)
  }

  /// Writes the gradient of the entropy and returns the entropy, without allocating once the workspace has grown.
  ///
  /// - Precondition: the method is ``Method/exact``, and `gradient` has as many places as there are logits.
  public func writeEntropyGradient<Scalar: LogitScalar>(
    for logits: Span<Scalar>, to gradient: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) -> Scalar {
    require(
      gradient.count == logits.count, "\(logits.count) logits do not fit a result of \(gradient.count) places"
    )
    return logits.withUnsafeBufferPointer { row in
      gradient.withUnsafeMutableBufferPointer {
        Scalar(writeEntropyGradient(of: row, to: $0, workspace: &workspace))
      }
    }
  }
}

extension NoisyArgmax {
  private func entropy<Scalar: LogitScalar>(ofArray logits: [Scalar]) -> Scalar {
    var workspace = Workspace()
    return logits.withUnsafeBufferPointer { Scalar(entropy(of: $0, workspace: &workspace)) }
  }

  private func entropyWithGradient<Scalar: LogitScalar>(
    forArray logits: [Scalar]
  ) -> (value: Scalar, gradient: [Scalar]) {
    valueWithGradient(for: logits) { row, workspace in
      writeEntropyGradient(of: UnsafeBufferPointer(row), to: row, workspace: &workspace)
    }
  }

  func entropy<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, workspace: inout Workspace
  ) -> Double {
    requireExact("entropy")
    switch RowKind(of: row) {
    case .undefined: return .nan
    case .masked, .certain: return 0
    case .regular(let top, _):
      let (p, _, sums) = evaluate(
        row, below: top, for: [.probabilities, .excess], workspace: &workspace)
      return unit * (sums.excess + meanDistance(of: row, below: top, scale: unit) { p[$0] })
    }
  }

  /// The gradient may be written to the memory of the row itself.
  private func writeEntropyGradient<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, to gradient: UnsafeMutableBufferPointer<Scalar>,
    workspace: inout Workspace
  ) -> Double {
    requireExact("entropy")
    switch RowKind(of: row) {
    case .undefined:
      gradient.update(repeating: .nan)
      return .nan
    case .masked, .certain:
      gradient.update(repeating: 0)
      return 0
    case .regular(let top, _):
      let (p, vector, sums) = evaluate(
        row, below: top, for: [.probabilities, .pullback, .excess], workspace: &workspace,
        cotangent: { gap, _ in 0 - gap })
      let distance = meanDistance(of: row, below: top, scale: unit) { p[$0] }
      for index in vector.indices { gradient[index] = Scalar(vector[index]) }
      return unit * (sums.excess + distance)
    }
  }

  /// What hangs on the expected maximum needs a method that has one.
  func requireExact(_ quantity: String) {
    require(method == .exact, "the quantile rule has no \(quantity): use the exact method")
  }

  /// Σ w_i·(max μ − μ_i)/scale; a class without weight adds nothing, be it masked, and a masked one with a weight makes
  /// it infinite.
  @inline(__always)
  func meanDistance<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, below top: Double, scale: Double, weight: (Int) -> Double
  ) -> Double {
    var sum = CompensatedSum()
    for index in row.indices {
      let weight = weight(index)
      if weight > 0 { sum.add(weight * (0 - gap(of: Double(row[index]), below: top, scale: scale))) }
    }
    return sum.value
  }
}
