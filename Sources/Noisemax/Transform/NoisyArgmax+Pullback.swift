extension NoisyArgmax {
  /// Jᵀv: how a loss with the gradient `cotangent` in the probabilities changes with the logits.
  ///
  /// For exact methods J is symmetric, so that this is the pushforward too; its rows sum to zero. For the quantile rule
  /// it is the exact derivative of what the rule computes. Cost: about twice that of the probabilities.
  ///
  /// A masked class gets 0, whatever its cotangent. A row where one class is certain, or none is open, gets 0 everywhere;
  /// one with a NaN gets NaN.
  ///
  /// - Precondition: there are as many cotangents as logits.
  public func pullback(at logits: [Double], of cotangent: [Double]) -> [Double] {
    array(pulledBackThrough: .probabilities, at: logits, of: cotangent, rowLength: logits.count)
  }

  /// Jᵀv in the precision of the row.
  ///
  /// - Precondition: there are as many cotangents as logits.
  public func pullback<Scalar: LogitScalar>(at logits: [Scalar], of cotangent: [Scalar]) -> [Scalar] {
    array(pulledBackThrough: .probabilities, at: logits, of: cotangent, rowLength: logits.count)
  }

  /// Jᵀv for every row of a row-major batch.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there are as many cotangents.
  public func pullback<Scalar: LogitScalar>(
    atRowsOf logits: [Scalar], of cotangent: [Scalar], rowLength: Int
  ) -> [Scalar] {
    array(pulledBackThrough: .probabilities, at: logits, of: cotangent, rowLength: rowLength)
  }

  /// Writes Jᵀv for every row of a row-major batch, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`; the cotangent and the result are as long.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  public func writePullback<Scalar: LogitScalar>(
    atRowsOf logits: Span<Scalar>, of cotangent: Span<Scalar>, rowLength: Int,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    logits.withUnsafeBufferPointer { rows in
      cotangent.withUnsafeBufferPointer { cotangent in
        result.withUnsafeMutableBufferPointer {
          writePullback(
            through: .probabilities, atRowsOf: rows, of: cotangent, rowLength: rowLength, to: $0,
            workspace: &workspace)
        }
      }
    }
  }

  /// Replaces the cotangents of every row of a row-major batch by Jᵀv, without allocating once the workspace has
  /// grown. One row is a batch of one.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there are as many cotangents.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  public func formPullback<Scalar: LogitScalar>(
    inRowsOf cotangent: inout MutableSpan<Scalar>, at logits: Span<Scalar>, rowLength: Int,
    workspace: inout Workspace
  ) {
    logits.withUnsafeBufferPointer { rows in
      cotangent.withUnsafeMutableBufferPointer {
        writePullback(
          through: .probabilities, atRowsOf: rows, of: UnsafeBufferPointer($0), rowLength: rowLength, to: $0,
          workspace: &workspace)
      }
    }
  }

  /// The probabilities of one row, and the function that pulls a cotangent back through them.
  ///
  /// ```swift
  /// let (p, pullback) = argmax.probabilitiesWithPullback(at: logits)
  /// let gradient = pullback(lossGradient)
  /// ```
  public func probabilitiesWithPullback<Scalar: LogitScalar>(
    at logits: [Scalar]
  ) -> (probabilities: [Scalar], pullback: @Sendable ([Scalar]) -> [Scalar]) {
    (probabilities(for: logits), { pullback(at: logits, of: $0) })
  }

  /// The Jacobian ∂p_i/∂μ_j as rows, by n pullbacks: for small rows and for tests.
  public func jacobian<Scalar: LogitScalar>(at logits: [Scalar]) -> [[Scalar]] {
    logits.indices.map { index in
      var cotangent = [Scalar](repeating: 0, count: logits.count)
      cotangent[index] = 1
      return pullback(at: logits, of: cotangent)
    }
  }
}

extension NoisyArgmax {
  /// A fresh array with the cotangents of a quantity pulled back through every row.
  func array<Scalar: LogitScalar>(
    pulledBackThrough quantity: Quantity, at rows: [Scalar], of cotangent: [Scalar], rowLength: Int
  ) -> [Scalar] {
    [Scalar](unsafeUninitializedCapacity: rows.count) { result, count in
      var workspace = Workspace()
      rows.withUnsafeBufferPointer { rows in
        cotangent.withUnsafeBufferPointer { cotangent in
          writePullback(
            through: quantity, atRowsOf: rows, of: cotangent, rowLength: rowLength,
            to: UnsafeMutableBufferPointer(rebasing: result[..<rows.count]), workspace: &workspace)
        }
      }
      count = rows.count
    }
  }

  /// Writes the cotangents of a quantity pulled back through every row of a batch. The result may be the memory of the
  /// cotangents.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func writePullback<Scalar: LogitScalar>(
    through quantity: Quantity, atRowsOf rows: UnsafeBufferPointer<Scalar>,
    of cotangent: UnsafeBufferPointer<Scalar>, rowLength: Int,
    to result: UnsafeMutableBufferPointer<Scalar>, workspace: inout Workspace
  ) {
    require(
      cotangent.count == rows.count,
      "\(rows.count) logits do not fit a cotangent of \(cotangent.count) places")
    forEachRow(
      of: rows, rowLength: rowLength, to: result, passes: quantity == .probabilities ? 2 : 3,
      workspace: &workspace
    ) {
      places, workspace in
      let row = UnsafeBufferPointer(rebasing: rows[places])
      let cotangent = UnsafeBufferPointer(rebasing: cotangent[places])
      let result = UnsafeMutableBufferPointer(rebasing: result[places])
      if writePairPullback(through: quantity, at: row, of: cotangent, to: result) { return }
      switch RowKind(of: row) {
      case .undefined: result.update(repeating: .nan)
      case .masked, .certain: result.update(repeating: 0)
      case .regular(let top, _):
        let (_, gradient, _) = evaluate(
          row, below: top, for: [.pullback, Request(quantity)], workspace: &workspace
        ) { Double(cotangent[$1]) }
        copy(gradient, dividedBy: unit, to: result)
      }
    }
  }

  /// Writes the cotangent of two classes, where the law has a table for them and nothing is out of the ordinary.
  @inline(__always)
  private func writePairPullback<Scalar: LogitScalar>(
    through quantity: Quantity, at row: UnsafeBufferPointer<Scalar>,
    of cotangent: UnsafeBufferPointer<Scalar>, to result: UnsafeMutableBufferPointer<Scalar>
  ) -> Bool {
    guard row.count == 2, let pairs else { return false }
    let (first, second) = (Double(row[0]), Double(row[1]))
    guard let gap = pairGap(first, second), gap >= -pairs.slopeDepth else { return false }
    var (below, above) = (Double(cotangent[0]), Double(cotangent[1]))
    if first > second { swap(&below, &above) }
    if quantity == .logProbabilities {
      let p = pairs.probability(at: gap)
      (below, above) = (below / p, above / (1 - p))
    }
    let difference = below - above
    guard difference.isFinite else { return false }
    let slope = difference * pairs.slope(at: gap) / unit
    result[0] = Scalar(first > second ? -slope : slope)
    result[1] = Scalar(first > second ? slope : -slope)
    return true
  }
}
