// Log-probabilities of classes with scales of their own, and their derivatives.

extension NoisyArgmax {
  /// The logarithms of the probabilities where every class has a scale of its own.
  ///
  /// Accurate where the probabilities underflow, if the law's density is log-concave: to 1e-13 of log p. In evaluations of the law
  /// a row of nothing but such classes, each with a peak of its own, takes up to 40 times as many as an ordinary row of 10, 70
  /// times as many as one of 30; under laws with kinks, where an ordinary row takes more, up to 20 times. So does the pullback.
  ///
  /// - Precondition: as for ``probabilities(for:scales:)``.
  public func logProbabilities<L: Logits>(for logits: L, scales: L) -> L {
    let (rows, scales) = (logits.asRows, scales.asRows)
    rows.shape.check(scales.shape, "scales")
    var workspace = Workspace()
    return L.form(
      of: freshArray(like: rows) { logits, result in
        scales.elements.withUnsafeBufferPointer {
          writeLogProbabilities(of: logits, $0, rows.shape, to: result, workspace: &workspace)
        }
      })
  }

  /// The gradients of Σ v_i log p_i in the logits and in the scales where every class has a scale of its own.
  ///
  /// A class with the log-probability −∞ gets 0 and moves no other. Cost: about four times that of the probabilities, and where
  /// these underflow twice that of their logarithms.
  ///
  /// Accuracy: 1e-10 of the largest entry, or 2⁻⁵⁰ |log p_i| if that is more.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - scales: the scales of the classes, in the same shape.
  ///   - cotangent: v, in the same shape.
  /// - Returns: the gradient in the logits and that in the scales, in the same shape.
  /// - Precondition: as for ``probabilities(for:scales:)``.
  public func logProbabilitiesPullback<L: Logits>(
    for logits: L, scales: L, of cotangent: L
  ) -> (logits: L, scales: L) {
    let (rows, scales, cotangent) = (logits.asRows, scales.asRows, cotangent.asRows)
    rows.shape.check(scales.shape, "scales")
    rows.shape.check(cotangent.shape, "a cotangent")
    var workspace = Workspace()
    let (inLogits, inScales) = freshArrays(like: rows) { logits, result, inScales in
      cotangent.elements.withUnsafeBufferPointer { cotangent in
        scales.elements.withUnsafeBufferPointer {
          pullLogarithmsBack(
            at: logits, $0, rows.shape, cotangent, to: result, scales: inScales, workspace: &workspace)
        }
      }
    }
    return (L.form(of: inLogits), L.form(of: inScales))
  }

  /// Writes the log-probabilities where every class has a scale of its own, by memory that is kept.
  ///
  /// - Precondition: as for ``probabilities(for:scales:)``, and the number of logits is a multiple of `rowLength`.
  public func writeLogProbabilities<Scalar: LogitScalar>(
    for logits: Span<Scalar>, scales: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: scales.count, "scales")
    shape.check(count: result.count, "a result")
    withBuffers(logits, scales, &result) {
      writeLogProbabilities(of: $0, $1, shape, to: $2, workspace: &workspace)
    }
  }

  /// Writes the gradients of Σ v_i log p_i in the logits and in the scales, by memory that is kept.
  ///
  /// - Precondition: as for ``logProbabilitiesPullback(for:scales:of:)``, and the number of logits is a multiple of
  ///   `rowLength`.
  public func writeLogProbabilitiesPullback<Scalar: LogitScalar>(
    for logits: Span<Scalar>, scales: Span<Scalar>, of cotangent: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, inScales: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    withScaledSpans(logits, scales, cotangent, rowLength, &result, &inScales) {
      rows, scales, cotangent, shape, result, inScales in
      pullLogarithmsBack(
        at: rows, scales, shape, cotangent, to: result, scales: inScales, workspace: &workspace)
    }
  }
}

extension NoisyArgmax {
  /// Six spans of a batch, all as long, in memory.
  func withScaledSpans<Scalar: LogitScalar>(
    _ logits: Span<Scalar>, _ scales: Span<Scalar>, _ cotangent: Span<Scalar>, _ rowLength: Int?,
    _ result: inout MutableSpan<Scalar>, _ inScales: inout MutableSpan<Scalar>,
    _ body: (
      _ rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>,
      _ cotangent: UnsafeBufferPointer<Scalar>, _ shape: RowShape,
      _ result: UnsafeMutableBufferPointer<Scalar>, _ inScales: UnsafeMutableBufferPointer<Scalar>
    ) -> Void
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: scales.count, "scales")
    shape.check(count: cotangent.count, "a cotangent")
    shape.check(count: result.count, "a result")
    shape.check(count: inScales.count, "a gradient in the scales")
    withBuffers(logits, scales, cotangent, &result, &inScales) { body($0, $1, $2, shape, $3, $4) }
  }
}

extension ScaledRow {
  /// The gradients of Σ v_i log p_i in the logits and in the scales, in the units of the integrals, in memory for three vectors.
  ///
  /// A class gets v with its log-probability. One with −∞ moves nothing.
  func logarithmsWithPullback(
    _ numbers: UnsafeMutableBufferPointer<Double>, scratch: inout Scratch,
    cotangent: (_ index: Int, _ logProbability: Double) -> Double
  ) -> (logits: UnsafeMutableBufferPointer<Double>, scales: UnsafeMutableBufferPointer<Double>) {
    let p = UnsafeMutableBufferPointer(rebasing: numbers[..<count])
    let v = UnsafeMutableBufferPointer(rebasing: numbers[count..<2 * count])
    let w = UnsafeMutableBufferPointer(rebasing: numbers[(2 * count)...])
    writeInclusions(to: p, scratch: &scratch)
    takeLogarithms(of: p, scratch: &scratch)
    for index in 0..<count {
      let cotangent = cotangent(index, p[index])
      v[index] = p[index] > -.infinity ? cotangent : 0
    }
    pullLogarithmsBack(v, scales: w, logProbabilities: p, scratch: &scratch)
    return (v, w)
  }
}

extension NoisyArgmax {
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func writeLogProbabilities<Scalar: LogitScalar>(
    of rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>?, _ shape: RowShape,
    to result: UnsafeMutableBufferPointer<Scalar>, workspace: inout Workspace
  ) {
    let law = classLaw(for: "log-probabilities of classes with scales of their own")
    forEachScaledRow(
      of: rows, scales, shape, largest: 1, under: law, numbers: 1, workspace: &workspace
    ) { row, slots, p, workspace in
      let result = UnsafeMutableBufferPointer(rebasing: result[slots])
      if let scale = row.commonScale {
        NoisyArgmax(self, scale: self.scale * scale).write(
          .logProbabilities, of: UnsafeBufferPointer(rebasing: rows[slots]), to: result,
          workspace: &workspace)
        return
      }
      row.writeInclusions(to: p, scratch: &workspace.method)
      row.takeLogarithms(of: p, scratch: &workspace.method)
      copy(p, times: 1, to: result)
    }
  }

  /// Writes the gradient in the logits, and that in the scales if it is wanted.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func pullLogarithmsBack<Scalar: LogitScalar>(
    at rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>?, _ shape: RowShape,
    _ cotangent: UnsafeBufferPointer<Scalar>, to result: UnsafeMutableBufferPointer<Scalar>,
    scales inScales: UnsafeMutableBufferPointer<Scalar>?, workspace: inout Workspace
  ) {
    let law = classLaw(for: "log-probabilities of classes with scales of their own")
    forEachScaledRow(
      of: rows, scales, shape, largest: 1, under: law, numbers: 3, workspace: &workspace
    ) { row, slots, numbers, workspace in
      let start = slots.lowerBound
      let (v, w) = row.logarithmsWithPullback(numbers, scratch: &workspace.method) { index, _ in
        Double(cotangent[start + index])
      }
      copy(v, times: row.factor, to: UnsafeMutableBufferPointer(rebasing: result[slots]))
      guard let inScales else { return }
      copy(w, times: row.factor * unit, to: UnsafeMutableBufferPointer(rebasing: inScales[slots]))
    }
  }
}
