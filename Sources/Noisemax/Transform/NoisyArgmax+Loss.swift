// Losses of one row and of many, with a class or a distribution as the target of each: the public forms that return fresh
// arrays. A row's loss and gradient are computed in `Loss.swift`.

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
  public func loss<Scalar: LogitScalar>(
    for logits: [Scalar], target: Int, as loss: Loss = .fenchelYoung
  ) -> Scalar {
    Scalar(losses(of: logits.asRows, .classes([target]), loss)[0])
  }

  /// How far the logits are from a distribution as target.
  ///
  /// A class with weight 0 adds nothing, be it masked. A weight on a class that cannot win makes the loss +∞.
  ///
  /// - Precondition: there is a weight for every class, 0 or more; their sum is 1 within 1e-6 (Float: 1e-3), unless the
  ///   row is empty. The Fenchel–Young loss needs ``Method/exact``.
  public func loss<Scalar: LogitScalar>(
    for logits: [Scalar], target: [Scalar], as loss: Loss = .fenchelYoung
  ) -> Scalar {
    Scalar(losses(of: logits.asRows, .distributions(target.asRows), loss)[0])
  }

  /// The loss for a class as target, and its gradient in the logits.
  ///
  /// Of the Fenchel–Young loss that is p − y, with all digits near certainty, also for the target itself. Where a loss is
  /// +∞, its gradient is p − y too: finite, and 0 at masked classes. Only a row with a NaN, or with several +∞, has NaN.
  ///
  /// - Precondition: `target` is the index of a class. The Fenchel–Young loss needs ``Method/exact``.
  public func lossWithGradient<Scalar: LogitScalar>(
    for logits: [Scalar], target: Int, as loss: Loss = .fenchelYoung
  ) -> (value: Scalar, gradient: [Scalar]) {
    let (values, gradient) = lossesWithGradient(of: logits.asRows, .classes([target]), loss, .sum)
    return (Scalar(values[0]), gradient.elements)
  }

  /// The loss for a distribution as target, and its gradient in the logits.
  ///
  /// - Precondition: there is a weight for every class, 0 or more; their sum is 1 within 1e-6 (Float: 1e-3), unless the
  ///   row is empty. The Fenchel–Young loss needs ``Method/exact``.
  public func lossWithGradient<Scalar: LogitScalar>(
    for logits: [Scalar], target: [Scalar], as loss: Loss = .fenchelYoung
  ) -> (value: Scalar, gradient: [Scalar]) {
    let (values, gradient) = lossesWithGradient(of: logits.asRows, .distributions(target.asRows), loss, .sum)
    return (Scalar(values[0]), gradient.elements)
  }

  /// The loss of every row, with a class as the target of each.
  ///
  /// - Precondition: there is a class index for every row.
  public func losses<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, targets: [Int], as loss: Loss = .fenchelYoung
  ) -> [Scalar] {
    scalars(losses(of: rows, .classes(targets), loss))
  }

  /// The loss of every row, with a distribution as the target of each.
  ///
  /// - Precondition: the targets have the shape of the rows.
  public func losses<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, targets: Rows<Scalar>, as loss: Loss = .fenchelYoung
  ) -> [Scalar] {
    scalars(losses(of: rows, .distributions(targets), loss))
  }

  /// The loss of every row and its gradient, with a class as the target of each.
  ///
  /// - Precondition: there is a class index for every row.
  public func lossesWithGradients<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, targets: [Int], as loss: Loss = .fenchelYoung
  ) -> (values: [Scalar], gradients: Rows<Scalar>) {
    let (values, gradients) = lossesWithGradient(of: rows, .classes(targets), loss, .sum)
    return (scalars(values), gradients)
  }

  /// The loss of every row and its gradient, with a distribution as the target of each.
  ///
  /// - Precondition: the targets have the shape of the rows.
  public func lossesWithGradients<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, targets: Rows<Scalar>, as loss: Loss = .fenchelYoung
  ) -> (values: [Scalar], gradients: Rows<Scalar>) {
    let (values, gradients) = lossesWithGradient(of: rows, .distributions(targets), loss, .sum)
    return (scalars(values), gradients)
  }

  /// The mean loss of the rows, or the sum, with a class as the target of each.
  ///
  /// - Precondition: there is a class index for every row.
  public func loss<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, targets: [Int], as loss: Loss = .fenchelYoung, reduction: LossReduction = .mean
  ) -> Scalar {
    Scalar(reduction.value(of: losses(of: rows, .classes(targets), loss)))
  }

  /// The mean loss of the rows, or the sum, with a distribution as the target of each.
  ///
  /// - Precondition: the targets have the shape of the rows.
  public func loss<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, targets: Rows<Scalar>, as loss: Loss = .fenchelYoung,
    reduction: LossReduction = .mean
  ) -> Scalar {
    Scalar(reduction.value(of: losses(of: rows, .distributions(targets), loss)))
  }

  /// The mean loss of the rows, or the sum, with a class as the target of each, and its gradient.
  ///
  /// - Precondition: there is a class index for every row.
  public func lossWithGradient<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, targets: [Int], as loss: Loss = .fenchelYoung, reduction: LossReduction = .mean
  ) -> (value: Scalar, gradient: Rows<Scalar>) {
    let (values, gradient) = lossesWithGradient(of: rows, .classes(targets), loss, reduction)
    return (Scalar(reduction.value(of: values)), gradient)
  }

  /// The mean loss of the rows, or the sum, with a distribution as the target of each, and its gradient.
  ///
  /// - Precondition: the targets have the shape of the rows.
  public func lossWithGradient<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, targets: Rows<Scalar>, as loss: Loss = .fenchelYoung,
    reduction: LossReduction = .mean
  ) -> (value: Scalar, gradient: Rows<Scalar>) {
    let (values, gradient) = lossesWithGradient(of: rows, .distributions(targets), loss, reduction)
    return (Scalar(reduction.value(of: values)), gradient)
  }
}

/// The targets of fresh losses.
private enum Targets<Scalar: LogitScalar> {
  case classes([Int])
  case distributions(Rows<Scalar>)

  func withBuffer<Result>(for rows: Rows<Scalar>, _ body: (BatchTargets<Scalar>) -> Result) -> Result {
    switch self {
    case .classes(let indices): return indices.withUnsafeBufferPointer { body(.indices($0)) }
    case .distributions(let weights):
      rows.shape.check(weights.shape, "targets")
      return weights.elements.withUnsafeBufferPointer { body(.distributions($0)) }
    }
  }
}

extension NoisyArgmax {
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  private func losses<Scalar: LogitScalar>(
    of rows: Rows<Scalar>, _ targets: Targets<Scalar>, _ loss: Loss
  ) -> [Double] {
    var workspace = Workspace()
    return targets.withBuffer(for: rows) { targets in
      rows.elements.withUnsafeBufferPointer {
        losses(loss, of: $0, rows.shape, targets, gradient: nil, workspace: &workspace)
      }
    }
  }

  /// The loss of every row, and if it is wanted the gradient of each.
  package func losses<Scalar: LogitScalar>(
    _ loss: Loss, of rows: UnsafeBufferPointer<Scalar>, _ shape: RowShape, _ targets: BatchTargets<Scalar>,
    gradient: UnsafeMutableBufferPointer<Scalar>?, workspace: inout Workspace
  ) -> [Double] {
    freshNumbers(shape.rowCount) {
      writeLosses(loss, of: rows, shape, targets, to: $0, gradient: gradient, workspace: &workspace)
    }
  }

  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  private func lossesWithGradient<Scalar: LogitScalar>(
    of rows: Rows<Scalar>, _ targets: Targets<Scalar>, _ loss: Loss, _ reduction: LossReduction
  ) -> (values: [Double], gradient: Rows<Scalar>) {
    var workspace = Workspace()
    return targets.withBuffer(for: rows) { targets in
      freshArrayWithNumbers(like: rows) {
        writeLosses(
          loss, of: $0, rows.shape, targets, to: $1, gradient: $2, reduction, workspace: &workspace)
      }
    }
  }
}
