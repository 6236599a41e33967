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
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - scales: the scales of the classes, in the same shape.
  ///   - targets: y, in the same shape.
  ///   - loss: which of the two.
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
              loss, of: logits, scales, shape, .indices(targets), to: $0, gradient: gradient,
              scales: inScales, workspace: &workspace)
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
    var (values, inScales): ([L.Scalar], [L.Scalar]) = ([], [])
    let inLogits = freshArray(like: rows) { logits, gradient in
      values = freshNumbers(rows.count) { values in
        inScales = freshNumbers(gradient.count) { inScales in
          scales.elements.withUnsafeBufferPointer {
            writeLosses(
              loss, of: logits, $0, rows.shape, targets, to: values, gradient: gradient,
              scales: inScales, workspace: &workspace)
          }
        }
      }
    }
    return (L.form(of: values), L.form(of: inLogits), L.form(of: Rows(inScales, rows.shape)))
  }

  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  private func writeLosses<Scalar: LogitScalar>(
    _ loss: Loss, of rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>,
    _ shape: RowShape, _ targets: BatchTargets<Scalar>, to values: UnsafeMutableBufferPointer<Scalar>,
    gradient: UnsafeMutableBufferPointer<Scalar>, scales inScales: UnsafeMutableBufferPointer<Scalar>,
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
      let gradient = UnsafeMutableBufferPointer(rebasing: gradient[slots])
      let inScales = UnsafeMutableBufferPointer(rebasing: inScales[slots])
      var value: Double
      switch loss {
      case .fenchelYoung:
        let marks = UnsafeMutableBufferPointer(rebasing: numbers[..<slots.count])
        value = row.sum(
          largest: 1, weight: target.weight(of:), marks: marks, scratch: &workspace.method)
      case .negativeLogLikelihood:
        value = 0
        let vectors = row.logarithmsWithPullback(numbers, scratch: &workspace.method) { index, logP in
          let weight = target.weight(of: index)
          if weight > 0 || logP.isNaN { value -= weight * logP }
          return -weight
        }
        copy(vectors.logits, times: row.factor, to: gradient)
        copy(vectors.scales, times: row.factor * unit, to: inScales)
      }
      values[index] = Scalar(value < 0 ? 0 : value)
      if loss == .fenchelYoung || value == .infinity {
        writeSumGradient(
          of: row, target.weight(of:), numbers, to: gradient, scales: inScales,
          scratch: &workspace.method)
      }
    }
  }
}
