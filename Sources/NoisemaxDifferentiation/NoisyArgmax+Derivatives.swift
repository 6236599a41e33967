#if canImport(_Differentiation)
  public import Noisemax
  public import _Differentiation

  // Derivatives of what NoisyArgmax computes, for the compiler: bit for bit those of its pullbacks and gradients.

  extension NoisyArgmax {
    @derivative(of: probabilities(for:), wrt: logits)
    @usableFromInline
    func vjpProbabilities<L: DifferentiableLogits>(
      for logits: L
    ) -> (value: L, pullback: (L.TangentVector) -> L.TangentVector) {
      (
        probabilities(for: logits),
        { L.tangent(of: pullback(for: logits, of: L.numbers(of: $0, like: logits))) }
      )
    }

    @derivative(of: probabilities(for:), wrt: logits)
    @usableFromInline
    func vjpProbabilities(
      for logits: [Double]
    ) -> (value: [Double], pullback: ([Double].TangentVector) -> [Double].TangentVector) {
      (
        probabilities(for: logits),
        { [Double].tangent(of: pullback(for: logits, of: [Double].numbers(of: $0, like: logits))) }
      )
    }

    @derivative(of: logProbabilities(for:), wrt: logits)
    @usableFromInline
    func vjpLogProbabilities<L: DifferentiableLogits>(
      for logits: L
    ) -> (value: L, pullback: (L.TangentVector) -> L.TangentVector) {
      (
        logProbabilities(for: logits),
        { L.tangent(of: logProbabilitiesPullback(for: logits, of: L.numbers(of: $0, like: logits))) }
      )
    }

    @derivative(of: logProbabilities(for:), wrt: logits)
    @usableFromInline
    func vjpLogProbabilities(
      for logits: [Double]
    ) -> (value: [Double], pullback: ([Double].TangentVector) -> [Double].TangentVector) {
      (
        logProbabilities(for: logits),
        {
          [Double].tangent(
            of: logProbabilitiesPullback(for: logits, of: [Double].numbers(of: $0, like: logits)))
        }
      )
    }

    @derivative(of: value(of:for:), wrt: logits)
    @usableFromInline
    func vjpValue<L: DifferentiableLogits>(
      of summary: Summary, for logits: L
    ) -> (value: L.PerRow, pullback: (L.PerRow.TangentVector) -> L.TangentVector) {
      let (value, gradient) = valueWithGradient(of: summary, for: logits)
      return (value, { L.tangent(of: L.scale(gradient, by: $0)) })
    }

    @derivative(of: expectedMaximum(for:), wrt: logits)
    @usableFromInline
    func vjpExpectedMaximum<L: DifferentiableLogits>(
      for logits: L
    ) -> (value: L.PerRow, pullback: (L.PerRow.TangentVector) -> L.TangentVector) {
      vjpValue(of: .expectedMaximum, for: logits)
    }

    @derivative(of: loss(for:target:as:), wrt: logits)
    @usableFromInline
    func vjpLoss<Scalar: LogitScalar & Differentiable>(
      for logits: [Scalar], target: Int, as loss: Loss
    ) -> (value: Scalar, pullback: (Scalar) -> [Scalar].TangentVector) where Scalar.TangentVector == Scalar {
      let (value, gradient) = lossWithGradient(for: logits, target: target, as: loss)
      return (value, { [Scalar].tangent(of: [Scalar].scale(gradient, by: $0)) })
    }

    @derivative(of: loss(for:targets:as:reduction:), wrt: rows)
    @usableFromInline
    func vjpLoss<Scalar: LogitScalar & Differentiable>(
      for rows: Rows<Scalar>, targets: [Int], as loss: Loss, reduction: LossReduction
    ) -> (value: Scalar, pullback: (Scalar) -> Rows<Scalar>.TangentVector)
    where Scalar.TangentVector == Scalar {
      let (value, gradient) = lossWithGradient(for: rows, targets: targets, as: loss, reduction: reduction)
      return (value, { [Scalar].tangent(of: [Scalar].scale(gradient.elements, by: $0)) })
    }

    /// The value of a relaxed sample, softmax((μ + s·ε)/τ), whose derivative is that of the same draw.
    ///
    /// - Parameters:
    ///   - logits: μ, of one row or of many.
    ///   - temperature: τ, above 0.
    ///   - seed: the noise is that of the `StreamGenerator` with this seed, for many rows of one stream each.
    /// - Returns: `relaxedSample(for:temperature:using:).value`.
    @differentiable(reverse,wrt: logits)
    public func relaxedValue<L: DifferentiableLogits>(for logits: L, temperature: Double, seed: UInt64) -> L {
      var generator = StreamGenerator(seed: seed)
      return relaxedSample(for: logits, temperature: temperature, using: &generator).value
    }

    @derivative(of: relaxedValue(for:temperature:seed:), wrt: logits)
    @usableFromInline
    func vjpRelaxedValue<L: DifferentiableLogits>(
      for logits: L, temperature: Double, seed: UInt64
    ) -> (value: L, pullback: (L.TangentVector) -> L.TangentVector) {
      var generator = StreamGenerator(seed: seed)
      let sample = relaxedSample(for: logits, temperature: temperature, using: &generator)
      return (sample.value, { L.tangent(of: sample.pullback(of: L.numbers(of: $0, like: logits))) })
    }
  }
#endif
