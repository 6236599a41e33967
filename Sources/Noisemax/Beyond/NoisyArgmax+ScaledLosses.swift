// Losses where every class has a scale of its own.

extension NoisyArgmax {
  /// A loss of every row where every class has a scale of its own, and its gradients in the logits and in the scales.
  ///
  /// The loss of a target that cannot win is +∞. Its gradient in the logits is p − y then, as that of ``Loss/fenchelYoung``
  /// always is, so that training goes on.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - scales: the scales of the classes, in the same shape.
  ///   - targets: the index of a class for every row.
  ///   - loss: which of the two.
  /// - Returns: a loss for every row, and the gradients, each in the shape of what it belongs to.
  /// - Precondition: as for ``probabilities(for:scales:)``, and every target is a class.
  public func lossesWithGradients<L: Logits>(
    for logits: L, scales: L, targets: [Int], as loss: Loss = .fenchelYoung
  ) -> (values: L.PerRow, logits: L, scales: L) {
    targets.withUnsafeBufferPointer { losses(loss, of: logits, scales, .indices($0)) }
  }

  /// A loss of every row against a distribution y over its classes, where every class has a scale of its own, and its gradients
  /// in the logits and in the scales.
  ///
  /// - Returns: as for ``lossesWithGradients(for:scales:targets:as:)-(_,_,[Int],_)``.
  /// - Precondition: as for ``probabilities(for:scales:)``; the weights of a target are not below 0 and sum to 1 within 1e-6
  ///   (Float: 1e-3).
  public func lossesWithGradients<L: Logits>(
    for logits: L, scales: L, targets: L, as loss: Loss = .fenchelYoung
  ) -> (values: L.PerRow, logits: L, scales: L) {
    targets.asRows.elements.withUnsafeBufferPointer {
      losses(loss, of: logits, scales, .distributions($0))
    }
  }

  /// Writes a loss of every row with a class as its target, where every class has a scale of its own, and its gradients in the
  /// logits and in the scales, by memory that is kept.
  ///
  /// - Precondition: as for ``lossesWithGradients(for:scales:targets:as:)-(_,_,[Int],_)``; the number of logits is a multiple of
  ///   `rowLength`, and `values` has an element for every row.
  public func writeLossesWithGradients<Scalar: LogitScalar>(
    for logits: Span<Scalar>, scales: Span<Scalar>, rowLength: Int? = nil, targets: Span<Int>,
    as loss: Loss = .fenchelYoung, to gradient: inout MutableSpan<Scalar>,
    inScales: inout MutableSpan<Scalar>, values: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: scales.count, "scales")
    shape.check(count: gradient.count, "a gradient")
    shape.check(count: inScales.count, "a gradient in the scales")
    shape.check(rowCount: values.count, "values")
    withBuffers(logits, scales, &gradient) { logits, scales, gradient in
      targets.withUnsafeBufferPointer { targets in
        inScales.withUnsafeMutableBufferPointer { inScales in
          values.withUnsafeMutableBufferPointer {
            writeLosses(
              loss, of: logits, scales: scales, shape, .indices(targets), to: $0, gradient: gradient,
              inScales: inScales, workspace: &workspace)
          }
        }
      }
    }
  }
}

extension NoisyArgmax {
  private func losses<L: Logits>(
    _ loss: Loss, of logits: L, _ scales: L, _ targets: BatchTargets<L.Scalar>
  ) -> (values: L.PerRow, logits: L, scales: L) {
    let (rows, scales) = (logits.asRows, scales.asRows)
    rows.shape.check(scales.shape, "scales")
    var workspace = Workspace()
    var values: [L.Scalar] = []
    let (inLogits, inScales) = freshArrays(like: rows) { logits, gradient, inScales in
      values = freshNumbers(rows.count) { values in
        scales.elements.withUnsafeBufferPointer {
          writeLosses(
            loss, of: logits, scales: $0, rows.shape, targets, to: values, gradient: gradient,
            inScales: inScales, workspace: &workspace)
        }
      }
    }
    return (L.form(of: values), L.form(of: inLogits), L.form(of: inScales))
  }

  /// Writes the loss of every row, with scales of 1 if there are none, and those gradients that are wanted.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func writeLosses<Scalar: LogitScalar>(
    _ loss: Loss, of rows: UnsafeBufferPointer<Scalar>, scales: UnsafeBufferPointer<Scalar>?,
    _ shape: RowShape, _ targets: BatchTargets<Scalar>, to values: UnsafeMutableBufferPointer<Scalar>,
    gradient: UnsafeMutableBufferPointer<Scalar>?, inScales: UnsafeMutableBufferPointer<Scalar>?,
    workspace: inout Workspace
  ) {
    targets.check(shape)
    let law = classLaw(for: "loss with scales")
    values.update(repeating: 0)
    forEachScaledRow(
      of: rows, scales, shape, largest: 1, under: law, numbers: 3, workspace: &workspace
    ) { row, slots, numbers, workspace in
      let index = slots.lowerBound / slots.count
      let target = targets.target(ofRow: index, at: slots)
      target.check(for: slots.count)
      let gradient = gradient.map { UnsafeMutableBufferPointer(rebasing: $0[slots]) }
      let inScales = inScales.map { UnsafeMutableBufferPointer(rebasing: $0[slots]) }
      var value = 0.0
      if row.commonScale == nil || inScales != nil {
        value = scaledLoss(
          loss, of: &row, target, numbers, gradient: gradient, inScales: inScales, scratch: &workspace.method)
      }
      if let scale = row.commonScale {
        // As the probabilities are: only the gradient in the scales takes integrals.
        value = NoisyArgmax(self, scale: self.scale * scale).loss(
          loss, of: UnsafeBufferPointer(rebasing: rows[slots]), target: target, gradient: gradient, times: 1,
          workspace: &workspace)
      }
      values[index] = Scalar(value)
    }
  }

  /// The loss of one row by integrals, and those gradients that are wanted, in memory for three numbers a class.
  @inline(__always)
  private func scaledLoss<Scalar: LogitScalar>(
    _ loss: Loss, of row: inout ScaledRow, _ target: LossTarget<Scalar>,
    _ numbers: UnsafeMutableBufferPointer<Double>, gradient: UnsafeMutableBufferPointer<Scalar>?,
    inScales: UnsafeMutableBufferPointer<Scalar>?, scratch: inout Scratch
  ) -> Double {
    let vector = UnsafeMutableBufferPointer(rebasing: numbers[..<row.count])
    let isWanted = gradient != nil || inScales != nil
    var value = 0.0
    @discardableResult
    func add(_ index: Int, _ logP: Double) -> Double {
      let weight = target.weight(of: index)
      if weight > 0 || logP.isNaN { value -= weight * logP }
      return -weight
    }
    switch loss {
    case .fenchelYoung:
      value = row.sum(largest: 1, weight: target.weight(of:), marks: vector, scratch: &scratch)
    case .negativeLogLikelihood where isWanted:
      let vectors = row.logarithmsWithPullback(numbers, scratch: &scratch, cotangent: add)
      if let gradient { copy(vectors.logits, times: row.factor, to: gradient) }
      if let inScales { copy(vectors.scales, times: row.factor * unit, to: inScales) }
    case .negativeLogLikelihood:
      row.writeInclusions(to: vector, scratch: &scratch)
      row.takeLogarithms(of: vector, scratch: &scratch)
      for index in vector.indices { add(index, vector[index]) }
    }
    value = value < 0 ? 0 : value
    if isWanted && (loss == .fenchelYoung || value == .infinity) {
      writeSumGradient(
        of: row, target.weight(of:), numbers, to: gradient, scales: inScales, scratch: &scratch)
    }
    return value
  }
}
