// Second derivatives of the probabilities and of their logarithms.

extension NoisyArgmax {
  /// The derivatives of Σ_ij v_i w_j ∂p_i/∂μ_j in the logits and in the scale of the noise.
  ///
  /// ```swift
  /// argmax.secondPullback(for: logits, of: v, and: w).logits
  /// ```
  ///
  /// That is how w·(J v) changes, and since p is the gradient of E[max], v and w can change places. It is what a Newton step and
  /// the backward pass of a gradient need: the pullback J v has in a cotangent w the gradient J w in v and this one in the
  /// logits.
  ///
  /// A masked class gets 0, whatever its cotangents. A row where one class is certain, or none is open, gets 0 everywhere;
  /// one with a NaN gets NaN. Where a law has a density that jumps, as that of Uniform and Exponential noise does, second
  /// derivatives jump where two classes' jumps meet, as at equal logits: there they are the mean of both sides.
  ///
  /// Accuracy: 1e-9 of what an entry is summed from. Cost: some four times that of ``probabilities(for:scales:)``; under Gumbel
  /// noise with one scale that of a softmax.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - cotangent: v, in the same shape.
  ///   - other: w, in the same shape.
  ///   - scales: what the noise of each class is multiplied by besides the transform's own ``scale``; 1 unless said otherwise.
  /// - Returns: the gradient in the logits, in the same shape, and for every row the derivative in the transform's own scale.
  /// - Precondition: the method is exact, the shapes are the same, and the scales of open classes are above 0.
  public func secondPullback<L: Logits>(
    for logits: L, of cotangent: L, and other: L, scales: L? = nil
  ) -> (logits: L, scale: L.PerRow) {
    fresh(pulledBackTwiceThrough: .probabilities, for: logits, cotangent, other, scales)
  }

  /// The derivatives of Σ_ij v_i w_j ∂log p_i/∂μ_j in the logits and in the scale of the noise.
  ///
  /// Here v and w can't change places: v weighs the classes, and w is a direction of the logits. With v one at a target, and
  /// −1 as a factor, it is the Hessian of the likelihood loss times w: what standard errors need.
  ///
  /// Where p underflows it is accurate too, if the law's density is log-concave. A class with the log-probability −∞ stays
  /// where it is. For the rest what ``secondPullback(for:of:and:scales:)`` says holds; the cost is some six times that of
  /// the probabilities.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - cotangent: v, in the same shape.
  ///   - direction: w, in the same shape.
  ///   - scales: what the noise of each class is multiplied by besides the transform's own ``scale``; 1 unless said otherwise.
  /// - Returns: the gradient in the logits, in the same shape, and for every row the derivative in the transform's own scale.
  /// - Precondition: as for ``secondPullback(for:of:and:scales:)``.
  public func logProbabilitiesSecondPullback<L: Logits>(
    for logits: L, of cotangent: L, and direction: L, scales: L? = nil
  ) -> (logits: L, scale: L.PerRow) {
    fresh(pulledBackTwiceThrough: .logProbabilities, for: logits, cotangent, direction, scales)
  }

  /// Writes the derivatives of Σ_ij v_i w_j ∂p_i/∂μ_j, by memory that is kept.
  ///
  /// - Parameters:
  ///   - logits: one row, or many one after the other.
  ///   - cotangent: v, a number for every logit.
  ///   - other: w, a number for every logit.
  ///   - rowLength: how many logits a row has; all of them, unless said otherwise.
  ///   - result: the gradient in the logits, as long as these.
  ///   - inScale: the derivative in the scale, a number for every row.
  ///   - workspace: memory that is kept for the next call.
  /// - Precondition: the number of logits is a multiple of `rowLength`; the cotangents and the results fit.
  public func writeSecondPullback<Scalar: LogitScalar>(
    for logits: Span<Scalar>, of cotangent: Span<Scalar>, and other: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, scale inScale: inout MutableSpan<Scalar>,
    workspace: inout Workspace
  ) {
    writeSecondPullback(
      through: .probabilities, for: logits, of: cotangent, and: other, rowLength: rowLength, to: &result,
      scale: &inScale, workspace: &workspace)
  }

  /// Writes the derivatives of Σ_ij v_i w_j ∂log p_i/∂μ_j, by memory that is kept.
  ///
  /// The parameters are those of ``writeSecondPullback(for:of:and:rowLength:to:scale:workspace:)``.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`; the cotangents and the results fit.
  public func writeLogProbabilitiesSecondPullback<Scalar: LogitScalar>(
    for logits: Span<Scalar>, of cotangent: Span<Scalar>, and direction: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, scale inScale: inout MutableSpan<Scalar>,
    workspace: inout Workspace
  ) {
    writeSecondPullback(
      through: .logProbabilities, for: logits, of: cotangent, and: direction, rowLength: rowLength,
      to: &result, scale: &inScale, workspace: &workspace)
  }
}

extension NoisyArgmax {
  private func fresh<L: Logits>(
    pulledBackTwiceThrough quantity: Quantity, for logits: L, _ cotangent: L, _ other: L, _ scales: L?
  ) -> (logits: L, scale: L.PerRow) {
    let (rows, v, w, scales) = (logits.asRows, cotangent.asRows, other.asRows, scales?.asRows)
    rows.shape.check(v.shape, "a cotangent")
    rows.shape.check(w.shape, "a cotangent")
    if let scales { rows.shape.check(scales.shape, "scales") }
    var workspace = Workspace()
    let (inScale, inLogits) = freshArrayWithNumbers(like: rows) { logits, inScale, result in
      v.elements.withUnsafeBufferPointer { v in
        w.elements.withUnsafeBufferPointer { w in
          withOptionalBuffer(scales) {
            pullBackTwice(
              quantity, at: logits, $0, rows.shape, v, w, to: result, scale: inScale,
              workspace: &workspace)
          }
        }
      }
    }
    return (L.form(of: inLogits), L.form(of: inScale))
  }

  private func writeSecondPullback<Scalar: LogitScalar>(
    through quantity: Quantity, for logits: Span<Scalar>, of v: Span<Scalar>, and w: Span<Scalar>,
    rowLength: Int?, to result: inout MutableSpan<Scalar>, scale inScale: inout MutableSpan<Scalar>,
    workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: v.count, "a cotangent")
    shape.check(count: w.count, "a cotangent")
    shape.check(count: result.count, "a result")
    shape.check(rowCount: inScale.count, "derivatives in the scale")
    withBuffers(logits, v, w, &result, &inScale) {
      pullBackTwice(quantity, at: $0, nil, shape, $1, $2, to: $3, scale: $4, workspace: &workspace)
    }
  }

  /// Writes the gradient in the logits, and the derivative in the scale if it is wanted.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func pullBackTwice<Scalar: LogitScalar>(
    _ quantity: Quantity, at rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>?,
    _ shape: RowShape, _ v: UnsafeBufferPointer<Scalar>, _ w: UnsafeBufferPointer<Scalar>,
    to result: UnsafeMutableBufferPointer<Scalar>, scale inScale: UnsafeMutableBufferPointer<Scalar>?,
    workspace: inout Workspace
  ) {
    let law = classLaw(for: "second derivatives")
    for index in rows.indices where rows[index].isFinite {
      if let scale = scales?[index] {
        require(
          scale > 0, "second derivatives want noise in every class: the scale of class \(index) is \(scale)")
      }
    }
    inScale?.update(repeating: 0)
    let length = Swift.max(shape.rowLength, 1)
    forEachScaledRow(
      of: rows, scales, shape, largest: 1, under: law, numbers: SecondCotangents.count,
      workspace: &workspace
    ) { row, slots, numbers, workspace in
      let vectors = SecondCotangents(numbers)
      for (index, slot) in slots.enumerated() {
        (vectors.weights[index], vectors.directions[index]) = (Double(v[slot]), Double(w[slot]))
      }
      let inLogScale = row.pullBackTwice(
        quantity, vectors, isSoftmax: isSoftmax, scratch: &workspace.method)
      inScale?[slots.lowerBound / length] = Scalar(inLogScale * row.factor / scale)
      copy(
        vectors.directions, times: row.factor * row.factor,
        to: UnsafeMutableBufferPointer(rebasing: result[slots]))
    }
  }
}
