// Losses of the rows of a row-major batch: their mean, and its gradient.

extension NoisyArgmax {
  /// The mean loss of the rows of a batch with classes as targets; 0 where there are no rows.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there is a class index for every row.
  public func loss<Scalar: LogitScalar>(
    forRowsOf logits: [Scalar], rowLength: Int, targets: [Int], as loss: Loss = .fenchelYoung
  ) -> Scalar {
    var workspace = Workspace()
    return logits.withUnsafeBufferPointer { rows in
      targets.withUnsafeBufferPointer {
        meanLoss(
          loss, ofRowsOf: rows, rowLength: rowLength, targets: .indices($0), gradient: nil,
          workspace: &workspace)
      }
    }
  }

  /// The mean loss of the rows of a batch with classes as targets, and the gradient of the mean.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there is a class index for every row.
  public func lossWithGradient<Scalar: LogitScalar>(
    forRowsOf logits: [Scalar], rowLength: Int, targets: [Int], as loss: Loss = .fenchelYoung
  ) -> (value: Scalar, gradient: [Scalar]) {
    var workspace = Workspace()
    var gradient = logits
    let value = gradient.withUnsafeMutableBufferPointer { rows in
      targets.withUnsafeBufferPointer {
        meanLoss(
          loss, ofRowsOf: UnsafeBufferPointer(rows), rowLength: rowLength, targets: .indices($0),
          gradient: rows,
          workspace: &workspace)
      }
    }
    return (value, gradient)
  }

  /// The mean loss of the rows of a batch with classes as targets, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there is a class index for every row.
  public func loss<Scalar: LogitScalar>(
    forRowsOf logits: Span<Scalar>, rowLength: Int, targets: Span<Int>, as loss: Loss = .fenchelYoung,
    workspace: inout Workspace
  ) -> Scalar {
    logits.withUnsafeBufferPointer { rows in
      targets.withUnsafeBufferPointer {
        meanLoss(
          loss, ofRowsOf: rows, rowLength: rowLength, targets: .indices($0), gradient: nil,
          workspace: &workspace)
      }
    }
  }

  /// Writes the gradient of the mean loss of the rows of a batch with classes as targets, and returns the mean, without
  /// allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, there is a class index for every row, and
  ///   `gradient` is as long as the logits.
  public func writeLossGradient<Scalar: LogitScalar>(
    forRowsOf logits: Span<Scalar>, rowLength: Int, targets: Span<Int>, as loss: Loss = .fenchelYoung,
    to gradient: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) -> Scalar {
    logits.withUnsafeBufferPointer { rows in
      targets.withUnsafeBufferPointer { targets in
        gradient.withUnsafeMutableBufferPointer {
          meanLoss(
            loss, ofRowsOf: rows, rowLength: rowLength, targets: .indices(targets), gradient: $0,
            workspace: &workspace)
        }
      }
    }
  }

  /// Replaces the logits of a batch by the gradient of the mean loss of its rows with classes as targets, and returns
  /// the mean, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there is a class index for every row.
  public func formLossGradient<Scalar: LogitScalar>(
    inRowsOf logits: inout MutableSpan<Scalar>, rowLength: Int, targets: Span<Int>,
    as loss: Loss = .fenchelYoung,
    workspace: inout Workspace
  ) -> Scalar {
    logits.withUnsafeMutableBufferPointer { rows in
      targets.withUnsafeBufferPointer {
        meanLoss(
          loss, ofRowsOf: UnsafeBufferPointer(rows), rowLength: rowLength, targets: .indices($0),
          gradient: rows,
          workspace: &workspace)
      }
    }
  }

  /// The mean loss of the rows of a batch with distributions as targets; 0 where there are no rows.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there is a weight for every logit.
  public func loss<Scalar: LogitScalar>(
    forRowsOf logits: [Scalar], rowLength: Int, targets: [Scalar], as loss: Loss = .fenchelYoung
  ) -> Scalar {
    var workspace = Workspace()
    return logits.withUnsafeBufferPointer { rows in
      targets.withUnsafeBufferPointer {
        meanLoss(
          loss, ofRowsOf: rows, rowLength: rowLength, targets: .distributions($0), gradient: nil,
          workspace: &workspace)
      }
    }
  }

  /// The mean loss of the rows of a batch with distributions as targets, and the gradient of the mean.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there is a weight for every logit.
  public func lossWithGradient<Scalar: LogitScalar>(
    forRowsOf logits: [Scalar], rowLength: Int, targets: [Scalar], as loss: Loss = .fenchelYoung
  ) -> (value: Scalar, gradient: [Scalar]) {
    var workspace = Workspace()
    var gradient = logits
    let value = gradient.withUnsafeMutableBufferPointer { rows in
      targets.withUnsafeBufferPointer {
        meanLoss(
          loss, ofRowsOf: UnsafeBufferPointer(rows), rowLength: rowLength, targets: .distributions($0),
          gradient: rows,
          workspace: &workspace)
      }
    }
    return (value, gradient)
  }

  /// The mean loss of the rows of a batch with distributions as targets, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there is a weight for every logit.
  public func loss<Scalar: LogitScalar>(
    forRowsOf logits: Span<Scalar>, rowLength: Int, targets: Span<Scalar>, as loss: Loss = .fenchelYoung,
    workspace: inout Workspace
  ) -> Scalar {
    logits.withUnsafeBufferPointer { rows in
      targets.withUnsafeBufferPointer {
        meanLoss(
          loss, ofRowsOf: rows, rowLength: rowLength, targets: .distributions($0), gradient: nil,
          workspace: &workspace)
      }
    }
  }

  /// Writes the gradient of the mean loss of the rows of a batch with distributions as targets, and returns the mean, without
  /// allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, there is a weight for every logit, and
  ///   `gradient` is as long as the logits.
  public func writeLossGradient<Scalar: LogitScalar>(
    forRowsOf logits: Span<Scalar>, rowLength: Int, targets: Span<Scalar>, as loss: Loss = .fenchelYoung,
    to gradient: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) -> Scalar {
    logits.withUnsafeBufferPointer { rows in
      targets.withUnsafeBufferPointer { targets in
        gradient.withUnsafeMutableBufferPointer {
          meanLoss(
            loss, ofRowsOf: rows, rowLength: rowLength, targets: .distributions(targets), gradient: $0,
            workspace: &workspace)
        }
      }
    }
  }

  /// Replaces the logits of a batch by the gradient of the mean loss of its rows with distributions as targets, and returns
  /// the mean, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there is a weight for every logit.
  public func formLossGradient<Scalar: LogitScalar>(
    inRowsOf logits: inout MutableSpan<Scalar>, rowLength: Int, targets: Span<Scalar>,
    as loss: Loss = .fenchelYoung,
    workspace: inout Workspace
  ) -> Scalar {
    logits.withUnsafeMutableBufferPointer { rows in
      targets.withUnsafeBufferPointer {
        meanLoss(
          loss, ofRowsOf: UnsafeBufferPointer(rows), rowLength: rowLength, targets: .distributions($0),
          gradient: rows,
          workspace: &workspace)
      }
    }
  }
}

extension NoisyArgmax {
  /// The mean loss of the rows of a row-major batch, and the gradient of the mean; 0 where there are no rows.
  private func meanLoss<Scalar: LogitScalar>(
    _ loss: Loss, ofRowsOf rows: UnsafeBufferPointer<Scalar>, rowLength: Int, targets: BatchTargets<Scalar>,
    gradient: UnsafeMutableBufferPointer<Scalar>?, workspace: inout Workspace
  ) -> Scalar {
    let count = rowCount(of: rows.count, rowLength: rowLength)
    targets.check(rows: count, rowLength: rowLength)
    if let gradient {
      require(
        gradient.count == rows.count, "\(rows.count) logits do not fit a result of \(gradient.count) places")
    }
    // Kept apart until all are there, so that the order of the sum does not depend on the threads.
    var losses = Scratch()
    swap(&losses, &workspace.rowNumbers)
    let values = losses.reserve(count)
    forEachPart(
      ofRows: count, rowLength: rowLength, passes: gradient == nil ? 1 : 2, workspace: &workspace
    ) { part, workspace in
      for row in part {
        let places = row * rowLength..<(row + 1) * rowLength
        values[row] = self.loss(
          loss, of: UnsafeBufferPointer(rebasing: rows[places]),
          target: targets.target(ofRow: row, at: places),
          gradient: gradient.map { UnsafeMutableBufferPointer(rebasing: $0[places]) },
          times: 1 / Double(count), workspace: &workspace)
      }
    }
    let sum = CompensatedSum(of: values).value
    swap(&losses, &workspace.rowNumbers)
    return Scalar(count == 0 ? 0 : sum / Double(count))
  }
}

/// The targets of a batch: an index for every row, or a weight for every logit.
private enum BatchTargets<Scalar: LogitScalar> {
  case indices(UnsafeBufferPointer<Int>)
  case distributions(UnsafeBufferPointer<Scalar>)

  func check(rows: Int, rowLength: Int) {
    switch self {
    case .indices(let indices):
      require(indices.count == rows, "\(indices.count) targets do not fit \(rows) rows")
    case .distributions(let weights):
      require(
        weights.count == rows * rowLength,
        "\(weights.count) target weights do not fit \(rows) rows of \(rowLength) classes")
    }
  }

  @inline(__always)
  func target(ofRow row: Int, at places: Range<Int>) -> LossTarget<Scalar> {
    switch self {
    case .indices(let indices): .index(indices[row])
    case .distributions(let weights): .distribution(UnsafeBufferPointer(rebasing: weights[places]))
    }
  }
}
