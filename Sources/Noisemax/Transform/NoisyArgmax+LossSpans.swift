// Losses of one row and of many: from span to span, and in place.

extension NoisyArgmax {
  /// Writes the loss of every row with a class as the target of each, without allocating once the workspace has grown.
  ///
  /// - Parameters:
  ///   - logits: one row, or many one after the other.
  ///   - rowLength: how many logits a row has; all of them, unless said otherwise.
  ///   - targets: a class index for every row.
  ///   - loss: which loss.
  ///   - result: a number for every row.
  ///   - workspace: memory that is kept for the next call.
  /// - Precondition: the number of logits is a multiple of `rowLength`, and the targets and the result have an element for every row.
  public func writeLosses<Scalar: LogitScalar>(
    for logits: Span<Scalar>, rowLength: Int? = nil, targets: Span<Int>, as loss: Loss = .fenchelYoung,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    targets.withUnsafeBufferPointer {
      writeLosses(loss, of: logits, rowLength, .indices($0), to: &result, workspace: &workspace)
    }
  }

  /// Writes the loss of every row with a distribution as the target of each, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, there is a weight for every logit, and
  ///   the result has an element for every row.
  public func writeLosses<Scalar: LogitScalar>(
    for logits: Span<Scalar>, rowLength: Int? = nil, targets: Span<Scalar>, as loss: Loss = .fenchelYoung,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    targets.withUnsafeBufferPointer {
      writeLosses(loss, of: logits, rowLength, .distributions($0), to: &result, workspace: &workspace)
    }
  }

  /// Writes the gradient of the mean loss of the rows, or of the sum, with a class as the target of each, and returns the
  /// loss, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, there is a class index for every row, and `gradient`
  ///   is as long as the logits.
  public func writeLossGradient<Scalar: LogitScalar>(
    for logits: Span<Scalar>, rowLength: Int? = nil, targets: Span<Int>, as loss: Loss = .fenchelYoung,
    reduction: LossReduction = .mean, to gradient: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) -> Scalar {
    targets.withUnsafeBufferPointer { targets in
      withBuffers(logits, &gradient) {
        writeLossGradient(
          loss, of: $0, rowLength, .indices(targets), reduction, to: $1, workspace: &workspace)
      }
    }
  }

  /// Writes the gradient of the mean loss of the rows, or of the sum, with a distribution as the target of each, and
  /// returns the loss, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, there is a weight for every logit, and `gradient` is
  ///   as long.
  public func writeLossGradient<Scalar: LogitScalar>(
    for logits: Span<Scalar>, rowLength: Int? = nil, targets: Span<Scalar>, as loss: Loss = .fenchelYoung,
    reduction: LossReduction = .mean, to gradient: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) -> Scalar {
    withBuffers(logits, targets, &gradient) {
      writeLossGradient(
        loss, of: $0, rowLength, .distributions($1), reduction, to: $2, workspace: &workspace)
    }
  }

  /// Replaces logits by the gradient of the mean loss of the rows, or of the sum, with a class as the target of each, and
  /// returns the loss, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there is a class index for every row.
  public func formLossGradient<Scalar: LogitScalar>(
    in logits: inout MutableSpan<Scalar>, rowLength: Int? = nil, targets: Span<Int>,
    as loss: Loss = .fenchelYoung, reduction: LossReduction = .mean, workspace: inout Workspace
  ) -> Scalar {
    targets.withUnsafeBufferPointer { targets in
      logits.withUnsafeMutableBufferPointer {
        writeLossGradient(
          loss, of: UnsafeBufferPointer($0), rowLength, .indices(targets), reduction, to: $0,
          workspace: &workspace)
      }
    }
  }

  /// Replaces logits by the gradient of the mean loss of the rows, or of the sum, with a distribution as the target of each,
  /// and returns the loss, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there is a weight for every logit.
  public func formLossGradient<Scalar: LogitScalar>(
    in logits: inout MutableSpan<Scalar>, rowLength: Int? = nil, targets: Span<Scalar>,
    as loss: Loss = .fenchelYoung, reduction: LossReduction = .mean, workspace: inout Workspace
  ) -> Scalar {
    targets.withUnsafeBufferPointer { targets in
      logits.withUnsafeMutableBufferPointer {
        writeLossGradient(
          loss, of: UnsafeBufferPointer($0), rowLength, .distributions(targets), reduction, to: $0,
          workspace: &workspace)
      }
    }
  }
}

/// The targets of a batch: an index for every row, or a weight for every logit.
package enum BatchTargets<Scalar: LogitScalar> {
  case indices(UnsafeBufferPointer<Int>)
  case distributions(UnsafeBufferPointer<Scalar>)

  func check(_ shape: RowShape) {
    switch self {
    case .indices(let indices): shape.check(rowCount: indices.count, "targets")
    case .distributions(let weights): shape.check(count: weights.count, "a target")
    }
  }

  @inline(__always)
  func target(ofRow row: Int, at slots: Range<Int>) -> LossTarget<Scalar> {
    switch self {
    case .indices(let indices): .index(indices[row])
    case .distributions(let weights): .distribution(UnsafeBufferPointer(rebasing: weights[slots]))
    }
  }
}

extension NoisyArgmax {
  private func writeLosses<Scalar: LogitScalar>(
    _ loss: Loss, of logits: Span<Scalar>, _ rowLength: Int?, _ targets: BatchTargets<Scalar>,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(rowCount: result.count, "values")
    withLosses(of: shape, workspace: &workspace) { values, workspace in
      logits.withUnsafeBufferPointer {
        writeLosses(loss, of: $0, shape, targets, to: values, workspace: &workspace)
      }
      result.withUnsafeMutableBufferPointer { copy(values, times: 1, to: $0) }
    }
  }

  private func writeLossGradient<Scalar: LogitScalar>(
    _ loss: Loss, of rows: UnsafeBufferPointer<Scalar>, _ rowLength: Int?, _ targets: BatchTargets<Scalar>,
    _ reduction: LossReduction, to gradient: UnsafeMutableBufferPointer<Scalar>, workspace: inout Workspace
  ) -> Scalar {
    let shape = RowShape(count: rows.count, rowLength: rowLength)
    shape.check(count: gradient.count, "a gradient")
    return withLosses(of: shape, workspace: &workspace) { values, workspace in
      writeLosses(
        loss, of: rows, shape, targets, to: values, gradient: gradient, reduction, workspace: &workspace)
      return Scalar(reduction.value(of: values))
    }
  }

  /// Kept memory for a number a row, so that the order of their sum does not depend on the threads.
  private func withLosses<Result>(
    of shape: RowShape, workspace: inout Workspace,
    _ body: (_ values: UnsafeMutableBufferPointer<Double>, _ workspace: inout Workspace) -> Result
  ) -> Result {
    var kept = Scratch()
    swap(&kept, &workspace.rowNumbers)
    let result = body(kept.reserve(shape.rowCount), &workspace)
    swap(&kept, &workspace.rowNumbers)
    return result
  }

  /// Writes the loss of every row, and the gradient of their mean or sum, which may be in the memory of the rows.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func writeLosses<Scalar: LogitScalar>(
    _ loss: Loss, of rows: UnsafeBufferPointer<Scalar>, _ shape: RowShape, _ targets: BatchTargets<Scalar>,
    to values: UnsafeMutableBufferPointer<Double>, gradient: UnsafeMutableBufferPointer<Scalar>? = nil,
    _ reduction: LossReduction = .sum, workspace: inout Workspace
  ) {
    targets.check(shape)
    let factor = reduction.factor(rows: shape.rowCount)
    forEachRow(of: shape, passes: gradient == nil ? 1 : 2, workspace: &workspace) { row, slots, workspace in
      values[row] = self.loss(
        loss, of: UnsafeBufferPointer(rebasing: rows[slots]), target: targets.target(ofRow: row, at: slots),
        gradient: gradient.map { UnsafeMutableBufferPointer(rebasing: $0[slots]) }, times: factor,
        workspace: &workspace)
    }
  }
}
