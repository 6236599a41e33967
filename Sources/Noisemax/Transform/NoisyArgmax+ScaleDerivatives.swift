// How things change with the scale s of the noise. Probabilities depend on μ/s alone, so that a larger scale acts as
// logits drawn together do: s·∂/∂s = −Σ μ_i·∂/∂μ_i.

extension NoisyArgmax {
  /// ⟨v, ∂p/∂s⟩ = −(1/s) Σ μ_i·(Jᵀv)_i: how a loss with the gradient `cotangent` in the probabilities changes with
  /// the scale. By every method; NaN for a row with a NaN, and 0 where one class is certain or none is open.
  ///
  /// A loss with the gradient g in the logits that depends on the scale through probabilities or log-probabilities
  /// alone changes likewise by −(1/s) Σ μ_i·g_i; the Fenchel–Young loss does by the entropy over s.
  ///
  /// - Precondition: there are as many cotangents as logits.
  public func scalePullback(at logits: [Double], of cotangent: [Double]) -> Double {
    scalePullback(atArray: logits, of: cotangent)
  }

  /// ⟨v, ∂p/∂s⟩ in the precision of the row.
  ///
  /// - Precondition: there are as many cotangents as logits.
  public func scalePullback<Scalar: LogitScalar>(at logits: [Scalar], of cotangent: [Scalar]) -> Scalar {
    scalePullback(atArray: logits, of: cotangent)
  }

  /// ∂E[max(μ + s·ε)]/∂s = E[ε of the winner], which is the entropy over the scale, plus the mean of the noise.
  ///
  /// Relative to 1 it is as accurate as the entropy. NaN for a row with a NaN or where no class is open.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func expectedMaximumScaleDerivative(at logits: [Double]) -> Double {
    expectedMaximumScaleDerivative(atArray: logits)
  }

  /// ∂E[max(μ + s·ε)]/∂s in the precision of the row.
  ///
  /// - Precondition: the method is ``Method/exact``.
  public func expectedMaximumScaleDerivative<Scalar: LogitScalar>(at logits: [Scalar]) -> Scalar {
    expectedMaximumScaleDerivative(atArray: logits)
  }
}

extension NoisyArgmax {
  private func scalePullback<Scalar: LogitScalar>(atArray logits: [Scalar], of cotangent: [Scalar]) -> Scalar
  {
    require(
      cotangent.count == logits.count,
      "\(logits.count) logits do not fit a cotangent of \(cotangent.count) places")
    var workspace = Workspace()
    return logits.withUnsafeBufferPointer { row in
      switch RowKind(of: row) {
      case .undefined: return .nan
      case .masked, .certain: return 0
      case .regular(let top, _):
        var sum = CompensatedSum()
        let (_, vector, _) = evaluate(
          row, below: top, for: [.probabilities, .pullback], workspace: &workspace
        ) { Double(cotangent[$1]) }
        for index in vector.indices where vector[index] != 0 {
          sum.add(vector[index] * gap(of: Double(row[index]), below: top, scale: unit))
        }
        return Scalar(0 - sum.value / scale)
      }
    }
  }

  private func expectedMaximumScaleDerivative<Scalar: LogitScalar>(atArray logits: [Scalar]) -> Scalar {
    requireExact("expected maximum")
    var workspace = Workspace()
    return logits.withUnsafeBufferPointer { row in
      guard let mean = (noise as? any ExactNoise)?.mean, RowKind(of: row) != .masked else { return .nan }
      return Scalar(entropy(of: row, workspace: &workspace) / scale + mean)
    }
  }
}
