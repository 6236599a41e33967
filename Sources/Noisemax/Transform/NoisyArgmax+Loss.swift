// Losses of one row.

extension NoisyArgmax {
  /// How far the logits are from a class as target.
  ///
  /// - Parameters:
  ///   - logits: μ, in any order; −∞ masks a class.
  ///   - target: the index of the class that should win.
  ///   - loss: which loss, ``Loss/fenchelYoung`` unless said otherwise: under Gumbel noise of scale 1 that is the
  ///     cross-entropy, as the other is.
  /// - Returns: never less than 0; near certainty with the relative accuracy of the probabilities, 3e-12, down to
  ///   1e-300. +∞ where the target cannot win: where it is masked, or, for the likelihood, out of the noise's reach. NaN
  ///   for a row with a NaN or several +∞.
  ///
  /// Cost: up to twice that of the probabilities for the Fenchel–Young loss, with the gradient or without; that of the
  /// log-probabilities for the other, and with the gradient three times that.
  ///
  /// - Precondition: `target` is the index of a class. The Fenchel–Young loss needs ``Method/exact``.
  public func loss(for logits: [Double], target: Int, as loss: Loss = .fenchelYoung) -> Double {
    value(of: loss, for: logits, target: target)
  }

  /// How far the logits are from a class as target, in the precision of the row.
  ///
  /// - Precondition: `target` is the index of a class. The Fenchel–Young loss needs ``Method/exact``.
  public func loss<Scalar: LogitScalar>(
    for logits: [Scalar], target: Int, as loss: Loss = .fenchelYoung
  ) -> Scalar {
    value(of: loss, for: logits, target: target)
  }

  /// How far the logits are from a distribution as target.
  ///
  /// A class with weight 0 adds nothing, be it masked. A weight on a class that cannot win makes the loss +∞.
  ///
  /// - Precondition: there is a weight for every class, 0 or more; their sum is 1 within 1e-6 (Float: 1e-3), unless the
  ///   row is empty. The Fenchel–Young loss needs ``Method/exact``.
  public func loss(for logits: [Double], target: [Double], as loss: Loss = .fenchelYoung) -> Double {
    value(of: loss, for: logits, target: target)
  }

  /// How far the logits are from a distribution as target, in the precision of the row.
  ///
  /// - Precondition: there is a weight for every class, 0 or more; their sum is 1 within 1e-6 (Float: 1e-3), unless the
  ///   row is empty. The Fenchel–Young loss needs ``Method/exact``.
  public func loss<Scalar: LogitScalar>(
    for logits: [Scalar], target: [Scalar], as loss: Loss = .fenchelYoung
  ) -> Scalar {
    value(of: loss, for: logits, target: target)
  }

  /// The loss for a class as target, and its gradient in the logits.
  ///
  /// Of the Fenchel–Young loss that is p − y, with all digits near certainty, also for the target itself. Where the loss
  /// is +∞ or NaN, the gradient is NaN everywhere; a masked class gets 0.
  ///
  /// - Precondition: `target` is the index of a class. The Fenchel–Young loss needs ``Method/exact``.
  public func lossWithGradient(
    for logits: [Double], target: Int, as loss: Loss = .fenchelYoung
  ) -> (value: Double, gradient: [Double]) {
    valueWithGradient(of: loss, for: logits, target: target)
  }

  /// The loss for a class as target, and its gradient in the logits, in the precision of the row.
  ///
  /// - Precondition: `target` is the index of a class. The Fenchel–Young loss needs ``Method/exact``.
  public func lossWithGradient<Scalar: LogitScalar>(
    for logits: [Scalar], target: Int, as loss: Loss = .fenchelYoung
  ) -> (value: Scalar, gradient: [Scalar]) {
    valueWithGradient(of: loss, for: logits, target: target)
  }

  /// The loss for a distribution as target, and its gradient in the logits.
  ///
  /// - Precondition: as for the loss alone.
  public func lossWithGradient(
    for logits: [Double], target: [Double], as loss: Loss = .fenchelYoung
  ) -> (value: Double, gradient: [Double]) {
    valueWithGradient(of: loss, for: logits, target: target)
  }

  /// The loss for a distribution as target, and its gradient in the logits, in the precision of the row.
  ///
  /// - Precondition: as for the loss alone.
  public func lossWithGradient<Scalar: LogitScalar>(
    for logits: [Scalar], target: [Scalar], as loss: Loss = .fenchelYoung
  ) -> (value: Scalar, gradient: [Scalar]) {
    valueWithGradient(of: loss, for: logits, target: target)
  }
}

extension NoisyArgmax {
  private func value<Scalar: LogitScalar>(of loss: Loss, for logits: [Scalar], target: Int) -> Scalar {
    var workspace = Workspace()
    return logits.withUnsafeBufferPointer {
      Scalar(
        self.loss(loss, of: $0, target: .index(target), gradient: nil, times: 1, workspace: &workspace))
    }
  }

  private func value<Scalar: LogitScalar>(of loss: Loss, for logits: [Scalar], target: [Scalar]) -> Scalar {
    var workspace = Workspace()
    return logits.withUnsafeBufferPointer { row in
      target.withUnsafeBufferPointer {
        Scalar(
          self.loss(loss, of: row, target: .distribution($0), gradient: nil, times: 1, workspace: &workspace))
      }
    }
  }

  private func valueWithGradient<Scalar: LogitScalar>(
    of loss: Loss, for logits: [Scalar], target: Int
  ) -> (value: Scalar, gradient: [Scalar]) {
    valueWithGradient(for: logits) { row, workspace in
      self.loss(
        loss, of: UnsafeBufferPointer(row), target: .index(target), gradient: row, times: 1,
        workspace: &workspace)
    }
  }

  private func valueWithGradient<Scalar: LogitScalar>(
    of loss: Loss, for logits: [Scalar], target: [Scalar]
  ) -> (value: Scalar, gradient: [Scalar]) {
    valueWithGradient(for: logits) { row, workspace in
      target.withUnsafeBufferPointer {
        self.loss(
          loss, of: UnsafeBufferPointer(row), target: .distribution($0), gradient: row, times: 1,
          workspace: &workspace)
      }
    }
  }
}
