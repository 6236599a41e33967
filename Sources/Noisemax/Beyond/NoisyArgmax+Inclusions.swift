// P(i among the k largest), with a scale for all classes or one for each.

extension NoisyArgmax {
  /// The probabilities that each class is among the k largest perturbed logits.
  ///
  /// ```swift
  /// argmax.inclusionProbabilities(for: [2, 1, 0.5, -1], largest: 2)     // they sum to 2
  /// ```
  ///
  /// They are the gradient of ``expectedSum(for:largest:scales:)``. With k = 1 they are the probabilities. A masked class gets
  /// 0. Where no more than k classes are open these get 1. A class at +∞ is included. Equal classes get equal bits.
  ///
  /// Accuracy: 1e-11 relative down to 1e-290. Cost: as for ``probabilities(for:scales:)``, each evaluation with some
  /// 3·k multiplications.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - count: k, from 1 to the length of a row.
  ///   - scales: what the noise of each class is multiplied by besides the transform's own ``scale``; 1 unless said otherwise.
  ///     A class of scale 0 has no noise.
  /// - Returns: the probabilities, in the same shape; they sum to k.
  /// - Precondition: the method is exact, the shapes are the same, no scale is negative, and no two classes of scale 0 tie.
  public func inclusionProbabilities<L: Logits>(
    for logits: L, largest count: Int, scales: L? = nil
  ) -> L {
    let (rows, scales) = (logits.asRows, scales?.asRows)
    if let scales { rows.shape.check(scales.shape, "scales") }
    var workspace = Workspace()
    return L.form(
      of: freshArray(like: rows) { logits, result in
        withOptionalBuffer(scales) {
          writeInclusions(
            of: logits, $0, rows.shape, largest: count, to: result, workspace: &workspace)
        }
      })
  }

  /// Writes the probabilities that each class is among the k largest, by memory that is kept.
  ///
  /// - Parameters:
  ///   - logits: one row, or many one after the other.
  ///   - count: k, from 1 to the length of a row.
  ///   - scales: as many as there are logits.
  ///   - rowLength: how many logits a row has; all of them, unless said otherwise.
  ///   - result: as long as the logits.
  ///   - workspace: memory that is kept for the next call.
  /// - Precondition: the number of logits is a multiple of `rowLength`; the scales and the result are as long.
  public func writeInclusionProbabilities<Scalar: LogitScalar>(
    for logits: Span<Scalar>, largest count: Int, scales: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: scales.count, "scales")
    shape.check(count: result.count, "a result")
    withBuffers(logits, scales, &result) {
      writeInclusions(of: $0, $1, shape, largest: count, to: $2, workspace: &workspace)
    }
  }

  /// The gradients of Σ v_i π_i in the logits and in the scales, where π_i is the probability that i is among the k largest.
  ///
  /// Every entry is accurate to 1e-10 of what it is summed from. For two classes without noise the slopes are one-sided; the
  /// slope in a scale of 0 is the limit from above. Cost: about three times that of the probabilities.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - count: k, from 1 to the length of a row.
  ///   - cotangent: v, in the same shape.
  ///   - scales: the scales of the classes; 1 unless said otherwise.
  /// - Returns: the gradient in the logits and that in the scales, in the same shape.
  /// - Precondition: the method is exact, the shapes are the same, no scale is negative, and no two classes of scale 0 tie.
  public func inclusionPullback<L: Logits>(
    for logits: L, largest count: Int, of cotangent: L, scales: L? = nil
  ) -> (logits: L, scales: L) {
    let (rows, cotangent, scales) = (logits.asRows, cotangent.asRows, scales?.asRows)
    rows.shape.check(cotangent.shape, "a cotangent")
    if let scales { rows.shape.check(scales.shape, "scales") }
    var workspace = Workspace()
    let (inLogits, inScales) = freshArrays(like: rows) { logits, result, inScales in
      cotangent.elements.withUnsafeBufferPointer { cotangent in
        withOptionalBuffer(scales) {
          pullInclusionsBack(
            at: logits, $0, rows.shape, largest: count, cotangent, to: result, scales: inScales,
            workspace: &workspace)
        }
      }
    }
    return (L.form(of: inLogits), L.form(of: inScales))
  }
}

extension NoisyArgmax {
  /// The law as rows with scales need it.
  func classLaw(for quantity: String) -> ClassLaw {
    requireExact(quantity)
    guard let law = lawOfClasses else { fatalError("\(noise) has no exact method") }
    return law()
  }

  /// Stops where k is not a number of classes of a row.
  func check(largest count: Int, of rowLength: Int) {
    require(
      count >= 1 && count <= Swift.max(rowLength, 1),
      "the number of largest classes of a row of \(rowLength) is from 1 to \(rowLength), not \(count)")
  }

  /// Does some work for every row of a batch that has scales, with so many numbers for each class.
  @inline(__always)
  func forEachScaledRow<Scalar: LogitScalar>(
    of rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>?, _ shape: RowShape,
    largest count: Int, under law: ClassLaw, numbers: Int, workspace: inout Workspace,
    _ body: (
      _ row: inout ScaledRow, _ slots: Range<Int>, _ numbers: UnsafeMutableBufferPointer<Double>,
      _ workspace: inout Workspace
    ) -> Void
  ) {
    check(largest: count, of: shape.rowLength)
    // Rows without classes have nothing, however many they are.
    if shape.count == 0 { return }
    forEachRow(of: shape, passes: 50, workspace: &workspace) { _, slots, workspace in
      let n = slots.count
      var kept = Scratch()
      swap(&kept, &workspace.cotangents)
      var pieces = Pieces(of: kept.reserve(ScaledRow.memory(for: n) + numbers * n))
      let numbers = UnsafeMutableBufferPointer(start: pieces.take(numbers * n), count: numbers * n)
      var row = ScaledRow(
        UnsafeBufferPointer(rebasing: rows[slots]),
        scales: scales.map { UnsafeBufferPointer(rebasing: $0[slots]) }, unit: unit, wanted: count,
        under: law, memory: &pieces)
      body(&row, slots, numbers, &workspace)
      swap(&kept, &workspace.cotangents)
    }
  }

  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func writeInclusions<Scalar: LogitScalar>(
    of rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>?, _ shape: RowShape,
    largest count: Int, to result: UnsafeMutableBufferPointer<Scalar>, workspace: inout Workspace
  ) {
    let law = classLaw(for: "probabilities of inclusion")
    forEachScaledRow(
      of: rows, scales, shape, largest: count, under: law, numbers: 1, workspace: &workspace
    ) { row, slots, p, workspace in
      let result = UnsafeMutableBufferPointer(rebasing: result[slots])
      if count == 1, let scale = row.commonScale {
        NoisyArgmax(self, scale: self.scale * scale).write(
          .probabilities, of: UnsafeBufferPointer(rebasing: rows[slots]), to: result, workspace: &workspace)
        return
      }
      row.writeInclusions(to: p, scratch: &workspace.method)
      copy(p, times: 1, to: result)
    }
  }

  /// Writes the gradient in the logits, and that in the scales if it is wanted.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func pullInclusionsBack<Scalar: LogitScalar>(
    at rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>?, _ shape: RowShape,
    largest count: Int, _ cotangent: UnsafeBufferPointer<Scalar>,
    to result: UnsafeMutableBufferPointer<Scalar>, scales inScales: UnsafeMutableBufferPointer<Scalar>?,
    workspace: inout Workspace
  ) {
    let law = classLaw(for: "probabilities of inclusion")
    forEachScaledRow(
      of: rows, scales, shape, largest: count, under: law, numbers: 2, workspace: &workspace
    ) { row, slots, numbers, workspace in
      let v = UnsafeMutableBufferPointer(rebasing: numbers[..<slots.count])
      let w = UnsafeMutableBufferPointer(rebasing: numbers[slots.count...])
      row.writeInclusions(to: v, scratch: &workspace.method)
      let rarest = row.rarest(of: v)
      for (index, slot) in slots.enumerated() { v[index] = Double(cotangent[slot]) }
      row.pullBack(v, scales: w, rarest: rarest, scratch: &workspace.method)
      copy(v, times: row.factor, to: UnsafeMutableBufferPointer(rebasing: result[slots]))
      guard let inScales else { return }
      copy(w, times: row.factor * unit, to: UnsafeMutableBufferPointer(rebasing: inScales[slots]))
    }
  }
}
