// Log-probabilities of classes with scales of their own, their derivatives, and the likelihood.

extension NoisyArgmax {
  /// The logarithms of the probabilities where every class has a scale of its own.
  ///
  /// Accurate where the probabilities underflow, if the law's density is log-concave; such a class costs some 300 evaluations
  /// of every class on its own.
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
  /// A class with the log-probability −∞ gets 0 and moves no other. Cost: about four times that of the probabilities.
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
    var inScales: [L.Scalar] = []
    let inLogits = freshArray(like: rows) { logits, result in
      inScales = freshNumbers(result.count) { inScales in
        cotangent.elements.withUnsafeBufferPointer { cotangent in
          scales.elements.withUnsafeBufferPointer {
            pullLogarithmsBack(
              at: logits, $0, rows.shape, cotangent, to: result, scales: inScales, workspace: &workspace)
          }
        }
      }
    }
    return (L.form(of: inLogits), L.form(of: Rows(inScales, rows.shape)))
  }

  /// −log p of a class, where every class has a scale of its own, and its gradients in the logits and in the scales.
  ///
  /// +∞ for a class that cannot win, with the gradient 0.
  ///
  /// - Precondition: as for ``probabilities(for:scales:)``, and `target` is the index of a class.
  public func likelihoodLossWithGradient<Scalar: LogitScalar>(
    for logits: [Scalar], scales: [Scalar], target: Int
  ) -> (value: Scalar, logits: [Scalar], scales: [Scalar]) {
    require(
      logits.indices.contains(target), "target \(target) is not a class of a row of \(logits.count)")
    let value = logProbabilities(for: logits, scales: scales)[target]
    var cotangent = [Scalar](repeating: 0, count: logits.count)
    cotangent[target] = -1
    let (inLogits, inScales) = logProbabilitiesPullback(for: logits, scales: scales, of: cotangent)
    return (Swift.max(0, -value), inLogits, inScales)
  }
}

extension NoisyArgmax {
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  private func writeLogProbabilities<Scalar: LogitScalar>(
    of rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>, _ shape: RowShape,
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

  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  private func pullLogarithmsBack<Scalar: LogitScalar>(
    at rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>, _ shape: RowShape,
    _ cotangent: UnsafeBufferPointer<Scalar>, to result: UnsafeMutableBufferPointer<Scalar>,
    scales inScales: UnsafeMutableBufferPointer<Scalar>, workspace: inout Workspace
  ) {
    let law = classLaw(for: "log-probabilities of classes with scales of their own")
    forEachScaledRow(
      of: rows, scales, shape, largest: 1, under: law, numbers: 3, workspace: &workspace
    ) { row, slots, numbers, workspace in
      let n = slots.count
      let p = UnsafeMutableBufferPointer(rebasing: numbers[..<n])
      let v = UnsafeMutableBufferPointer(rebasing: numbers[n..<2 * n])
      let w = UnsafeMutableBufferPointer(rebasing: numbers[(2 * n)...])
      row.writeInclusions(to: p, scratch: &workspace.method)
      row.takeLogarithms(of: p, scratch: &workspace.method)
      for (index, slot) in slots.enumerated() {
        v[index] = p[index] > -.infinity ? Double(cotangent[slot]) : 0
      }
      row.pullLogarithmsBack(v, scales: w, logProbabilities: p, scratch: &workspace.method)
      copy(v, times: row.factor, to: UnsafeMutableBufferPointer(rebasing: result[slots]))
      copy(w, times: row.factor * unit, to: UnsafeMutableBufferPointer(rebasing: inScales[slots]))
    }
  }
}
