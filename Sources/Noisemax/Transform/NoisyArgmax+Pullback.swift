// Derivatives of the probabilities.

extension NoisyArgmax {
  /// Jᵀv: how a loss with the gradient v in the probabilities changes with the logits.
  ///
  /// For exact methods J is symmetric, so that this is the pushforward too; its rows sum to zero. For the quantile rule
  /// it is the exact derivative of what the rule computes. Cost: about twice that of the probabilities.
  ///
  /// Accuracy of exact methods: 1e-11 of Σ_l |J_il (v_i − v_l)|, which an entry is summed from, where that and p_i are above
  /// 1e-290; in Float 1e-5 of the row's largest entry.
  ///
  /// A masked class gets 0, whatever its cotangent. A row where one class is certain, or none is open, gets 0 everywhere;
  /// one with a NaN gets NaN.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - cotangent: v, in the same shape.
  /// - Returns: Jᵀv, in the same shape.
  /// - Precondition: the shapes are the same.
  public func pullback<L: Logits>(for logits: L, of cotangent: L) -> L {
    fresh(pulledBackThrough: .probabilities, for: logits, of: cotangent)
  }

  /// Writes Jᵀv, without allocating once the workspace has grown.
  ///
  /// - Parameters:
  ///   - logits: one row, or many one after the other.
  ///   - cotangent: v, a number for every logit.
  ///   - rowLength: how many logits a row has; all of them, unless said otherwise.
  ///   - result: as long as the logits.
  ///   - workspace: memory that is kept for the next call.
  /// - Precondition: the number of logits is a multiple of `rowLength`; the cotangent and the result are as long.
  public func writePullback<Scalar: LogitScalar>(
    for logits: Span<Scalar>, of cotangent: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    writePullback(
      through: .probabilities, for: logits, of: cotangent, rowLength: rowLength, to: &result,
      workspace: &workspace)
  }

  /// Replaces cotangents v by Jᵀv, without allocating once the workspace has grown.
  ///
  /// - Parameters:
  ///   - cotangent: v, a number for every logit.
  ///   - logits: one row, or many one after the other.
  ///   - rowLength: how many logits a row has; all of them, unless said otherwise.
  ///   - workspace: memory that is kept for the next call.
  /// - Precondition: the number of logits is a multiple of `rowLength`, and there are as many cotangents.
  public func formPullback<Scalar: LogitScalar>(
    in cotangent: inout MutableSpan<Scalar>, for logits: Span<Scalar>, rowLength: Int? = nil,
    workspace: inout Workspace
  ) {
    formPullback(
      through: .probabilities, in: &cotangent, for: logits, rowLength: rowLength, workspace: &workspace)
  }

  /// The probabilities, and the function that pulls a cotangent back through them.
  ///
  /// ```swift
  /// let (p, pullback) = argmax.probabilitiesWithPullback(for: logits)
  /// let gradient = pullback(lossGradient)
  /// ```
  ///
  /// Under Gumbel noise the function takes p as it is, and costs a fraction of the probabilities.
  public func probabilitiesWithPullback<L: Logits>(
    for logits: L
  ) -> (probabilities: L, pullback: @Sendable (L) -> L) {
    let p = probabilities(for: logits)
    return (
      p, { isSoftmax ? fresh(cotangent: $0, pulledBackThroughSoftmax: p) : pullback(for: logits, of: $0) }
    )
  }

  /// The Jacobians ∂p_i/∂μ_j, row by row, by as many pullbacks as a row has classes: n rows of n for a row of n. For small
  /// rows and for tests.
  public func jacobian<L: Logits>(for logits: L) -> Rows<L.Scalar> {
    let (elements, shape) = (logits.asRows.elements, logits.asRows.shape)
    var workspace = Workspace()
    let jacobians: [L.Scalar] = freshNumbers(shape.count * shape.rowLength) { result in
      elements.withUnsafeBufferPointer {
        writeJacobian(of: $0, shape, to: result, workspace: &workspace)
      }
    }
    return Rows(jacobians, RowShape(rowCount: shape.count, rowLength: shape.rowLength))
  }

  /// Writes the Jacobians of one row or of many, n rows of n numbers for a row of n.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and `result` has n elements for each of them.
  public func writeJacobian<Scalar: LogitScalar>(
    for logits: Span<Scalar>, rowLength: Int? = nil, to result: inout MutableSpan<Scalar>,
    workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    require(
      result.count == shape.count * shape.rowLength,
      "the Jacobians of \(shape.rowCount) rows of \(shape.rowLength) do not fit \(result.count) elements")
    withBuffers(logits, &result) { writeJacobian(of: $0, shape, to: $1, workspace: &workspace) }
  }
}

extension NoisyArgmax {
  private func writeJacobian<Scalar: LogitScalar>(
    of rows: UnsafeBufferPointer<Scalar>, _ shape: RowShape, to result: UnsafeMutableBufferPointer<Scalar>,
    workspace: inout Workspace
  ) {
    let length = shape.rowLength
    result.initialize(repeating: 0)
    for slot in 0..<shape.count {
      let row = slot / length * length
      let line = UnsafeMutableBufferPointer(rebasing: result[slot * length..<(slot + 1) * length])
      line[slot - row] = 1
      writePullback(
        through: .probabilities, at: UnsafeBufferPointer(rebasing: rows[row..<row + length]),
        of: UnsafeBufferPointer(line), RowShape(rowCount: 1, rowLength: length), to: line,
        workspace: &workspace)
    }
  }

  /// Cotangents of a quantity pulled back, in the form of the logits.
  @_specialize(where L == [Float])
  @_specialize(where L == [Double])
  @_specialize(where L == Rows<Float>)
  @_specialize(where L == Rows<Double>)
  func fresh<L: Logits>(pulledBackThrough quantity: Quantity, for logits: L, of cotangent: L) -> L {
    let (rows, cotangent) = (logits.asRows, cotangent.asRows)
    rows.shape.check(cotangent.shape, "a cotangent")
    var workspace = Workspace()
    return L.form(
      of: freshArray(like: rows) { logits, result in
        cotangent.elements.withUnsafeBufferPointer {
          writePullback(
            through: quantity, at: logits, of: $0, rows.shape, to: result, workspace: &workspace)
        }
      })
  }

  /// Cotangents pulled back through a softmax that is known.
  @_specialize(where L == [Float])
  @_specialize(where L == [Double])
  @_specialize(where L == Rows<Float>)
  @_specialize(where L == Rows<Double>)
  private func fresh<L: Logits>(cotangent: L, pulledBackThroughSoftmax probabilities: L) -> L {
    let (rows, p) = (cotangent.asRows, probabilities.asRows)
    p.shape.check(rows.shape, "a cotangent")
    var workspace = Workspace()
    return L.form(
      of: freshArray(like: rows) { v, result in
        p.elements.withUnsafeBufferPointer { p in
          forEachPart(of: rows.shape, workspace: &workspace) { part, _ in
            let slots = part.lowerBound * rows.rowLength..<part.upperBound * rows.rowLength
            Noisemax.pullBack(
              UnsafeBufferPointer(rebasing: v[slots]),
              throughSoftmax: UnsafeBufferPointer(rebasing: p[slots]),
              rowLength: rows.rowLength, scale: unit, to: UnsafeMutableBufferPointer(rebasing: result[slots]))
          }
        }
      })
  }

  /// Spans in, span out.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func writePullback<Scalar: LogitScalar>(
    through quantity: Quantity, for logits: Span<Scalar>, of cotangent: Span<Scalar>, rowLength: Int?,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: cotangent.count, "a cotangent")
    shape.check(count: result.count, "a result")
    withBuffers(logits, cotangent, &result) {
      writePullback(through: quantity, at: $0, of: $1, shape, to: $2, workspace: &workspace)
    }
  }

  /// Over the cotangents.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func formPullback<Scalar: LogitScalar>(
    through quantity: Quantity, in cotangent: inout MutableSpan<Scalar>, for logits: Span<Scalar>,
    rowLength: Int?, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: cotangent.count, "a cotangent")
    withBuffers(logits, &cotangent) {
      writePullback(
        through: quantity, at: $0, of: UnsafeBufferPointer($1), shape, to: $1, workspace: &workspace)
    }
  }

  /// Writes the cotangents of a quantity pulled back through every row of a batch. The result may be the memory of the
  /// cotangents.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func writePullback<Scalar: LogitScalar>(
    through quantity: Quantity, at rows: UnsafeBufferPointer<Scalar>,
    of cotangent: UnsafeBufferPointer<Scalar>,
    _ shape: RowShape, to result: UnsafeMutableBufferPointer<Scalar>, workspace: inout Workspace
  ) {
    forEachRow(of: shape, passes: quantity == .probabilities ? 2 : 3, workspace: &workspace) {
      _, slots, workspace in
      let row = UnsafeBufferPointer(rebasing: rows[slots])
      let cotangent = UnsafeBufferPointer(rebasing: cotangent[slots])
      let result = UnsafeMutableBufferPointer(rebasing: result[slots])
      if quantity == .probabilities, isSoftmax,
        writeSoftmaxPullback(at: row, of: cotangent, to: result, memory: &workspace.row)
      {
        return
      }
      if writePairPullback(through: quantity, at: row, of: cotangent, to: result) { return }
      pullBack(through: quantity, at: row, to: result, workspace: &workspace) { Double(cotangent[$0]) }
    }
  }

  /// Writes the cotangent of every class of a row pulled back. The result may be the memory of the row, and of the
  /// cotangents.
  @inline(__always)
  func pullBack<Scalar: LogitScalar>(
    through quantity: Quantity, at row: UnsafeBufferPointer<Scalar>,
    to result: UnsafeMutableBufferPointer<Scalar>, workspace: inout Workspace, _ cotangent: (Int) -> Double
  ) {
    switch RowKind(of: row) {
    case .undefined: result.update(repeating: .nan)
    case .masked, .certain: result.update(repeating: 0)
    case .regular(let top, _):
      let (_, gradient, _) = evaluate(
        row, below: top, for: [.pullback, Request(quantity)], workspace: &workspace
      ) { cotangent($1) }
      copy(gradient, dividedBy: unit, to: result)
    }
  }

  /// Writes the cotangents of a row pulled back through its softmax, if nothing is out of the ordinary.
  @inline(__always)
  private func writeSoftmaxPullback<Scalar: LogitScalar>(
    at row: UnsafeBufferPointer<Scalar>, of cotangent: UnsafeBufferPointer<Scalar>,
    to result: UnsafeMutableBufferPointer<Scalar>, memory: inout Scratch
  ) -> Bool {
    let length = row.count * MemoryLayout<Scalar>.stride / MemoryLayout<Double>.stride + 1
    guard let start = row.baseAddress, let memory = memory.reserve(length).baseAddress else { return false }
    let p = UnsafeMutableRawPointer(memory).bindMemory(to: Scalar.self, capacity: row.count)
    guard softmax(start, count: 1, rowLength: row.count, scale: unit, to: p) == 1 else { return false }
    Noisemax.pullBack(
      cotangent, throughSoftmax: UnsafeBufferPointer(start: p, count: row.count), rowLength: row.count,
      scale: unit, to: result)
    return true
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
