/// Rows of classes with common factors.
package struct FactorBatch<L: Logits> {
  let argmax: NoisyArgmax
  let rows: Rows<L.Scalar>
  private let loadings: Rows<L.Scalar>
  private let scales: Rows<L.Scalar>?
  private let tolerance: Double
  private let law: ClassLaw

  package init(
    _ argmax: NoisyArgmax, _ logits: L, _ loadings: Rows<L.Scalar>, _ scales: L?,
    _ tolerance: Double
  ) {
    (self.argmax, self.loadings, self.tolerance) = (argmax, loadings, tolerance)
    (rows, self.scales) = (logits.asRows, scales?.asRows)
    law = argmax.classLaw(for: "probabilities of classes with common factors")
    if let scales = self.scales { rows.shape.check(scales.shape, "scales") }
    demand(rows.elements.isEmpty ? nil : FactorComplaint.about(rank: loadings.rowLength))
    require(
      rows.elements.isEmpty || loadings.count == rows.elements.count,
      "\(loadings.count) rows of loadings do not fit \(rows.elements.count) logits")
    demand(FactorComplaint.about(tolerance: tolerance))
    demand(
      loadings.elements.withUnsafeBufferPointer {
        FactorComplaint.about(
          loadings: $0, rank: loadings.rowLength, rowLength: Swift.max(rows.rowLength, 1))
      })
    for (index, scale) in (self.scales?.elements ?? []).enumerated()
    where rows.elements[index] > -.infinity {
      require(
        scale > 0 && scale.isFinite,
        "with common factors every class has noise, and the scale of class \(index) is \(scale)")
    }
  }

  private func demand(_ complaint: String?) { require(complaint == nil, complaint ?? "") }

  private func row(_ index: Int) -> FactorRow {
    let slots = rows.shape.slots(of: index)
    let rank = loadings.rowLength
    return FactorRow(
      rows.elements[slots].map { Double($0) },
      scales: scales.map { $0.elements[slots].map { Double($0) } },
      loadings: loadings.elements[slots.lowerBound * rank..<slots.upperBound * rank].map {
        Double($0)
      },
      rank: rank, under: argmax, law: law, tolerance: tolerance)
  }

  /// Does some work for every row, on several threads.
  private func forEach(
    _ work: (_ row: FactorRow, _ index: Int, _ slots: Range<Int>, inout NoisyArgmax.Workspace)
      -> Void
  ) {
    var workspace = NoisyArgmax.Workspace()
    argmax.forEachRow(of: rows.shape, passes: 500, workspace: &workspace) {
      index, slots, workspace in
      work(row(index), index, slots, &workspace)
    }
  }

  /// The probabilities or their logarithms, and an estimate of the error for every row.
  package func values(_ quantity: Quantity) -> (values: L, errors: [L.Scalar]) {
    let ofLogarithms = quantity == .logProbabilities
    let (errors, values): ([L.Scalar], Rows<L.Scalar>) = argmax.freshArrayWithNumbers(like: rows) {
      _, errors, result in
      forEach { row, index, slots, workspace in
        guard row.isRegular else {
          let values =
            ofLogarithms
            ? argmax.logProbabilities(for: row.logits) : argmax.probabilities(for: row.logits)
          for (value, slot) in zip(values, slots) { result[slot] = L.Scalar(value) }
          errors[index] = values.contains { $0.isNaN } ? .nan : 0
          return
        }
        let (values, error, _) = row.probabilities(areRelative: ofLogarithms, workspace: &workspace)
        for (value, slot) in zip(values, slots) {
          result[slot] = L.Scalar(ofLogarithms ? logarithm(value) : value)
        }
        errors[index] = L.Scalar(error)
      }
    }
    return (L.form(of: values), errors)
  }

  /// The gradients of a number for every row.
  package typealias Gradient = (
    logits: Rows<L.Scalar>, scales: Rows<L.Scalar>, inScale: [L.Scalar], loadings: Rows<L.Scalar>
  )

  /// The gradients of Σ v_i p_i.
  package func pullback(of cotangent: L) -> Gradient {
    let v = cotangent.asRows
    rows.shape.check(v.shape, "a cotangent")
    return gradients { row, index, workspace in
      let v = v[index].map { Double($0) }
      return (0, row.pullback(of: v, size: row.size(of: v), rarest: 1, workspace: &workspace))
    }.gradient
  }

  /// The gradients of Σ v_i log p_i.
  package func logPullback(of cotangent: L) -> Gradient {
    let v = cotangent.asRows
    rows.shape.check(v.shape, "a cotangent")
    return gradients { row, index, workspace in
      (0, row.logPullback(of: v[index].map { Double($0) }, workspace: &workspace).gradient)
    }.gradient
  }

  /// What a body finds for every row, with its gradients: the value and 0 where a class is certain to win, or none.
  func gradients(
    irregular: (_ row: [Double], _ index: Int) -> Double = { _, _ in 0 },
    _ body: (_ row: FactorRow, _ index: Int, inout NoisyArgmax.Workspace) -> (
      Double, FactorGradient
    )
  ) -> (values: [L.Scalar], gradient: Gradient) {
    let rank = loadings.rowLength
    var (values, inScale): ([L.Scalar], [L.Scalar]) = ([], [])
    var inLoadings = loadings
    let (inLogits, inScales) = argmax.freshArrays(like: rows) { _, inLogits, inScales in
      values = argmax.freshNumbers(rows.count) { values in
        inScale = argmax.freshNumbers(rows.count) { inScale in
          inLoadings = argmax.freshArray(like: loadings) { _, inLoadings in
            forEach { row, index, slots, workspace in
              let (value, gradient) =
                row.isRegular
                ? body(row, index, &workspace)
                : (
                  irregular(row.logits, index),
                  .zero(
                    slots.count, rank: rank, withScales: scales != nil, row.kind == .undefined ? .nan : 0)
                )
              values[index] = L.Scalar(value)
              inScale[index] = L.Scalar(gradient.inScale)
              for (offset, slot) in slots.enumerated() {
                inLogits[slot] = L.Scalar(gradient.logits[offset])
                inScales[slot] = scales == nil ? 0 : L.Scalar(gradient.scales[offset])
                for factor in 0..<rank {
                  inLoadings[slot * rank + factor] = L.Scalar(gradient.loadings[offset * rank + factor])
                }
              }
            }
          }
        }
      }
    }
    return (values, (inLogits, inScales, inScale, inLoadings))
  }
}

extension NoisyArgmax {
  /// The probabilities of a row of Doubles, with scales of their own if there are some.
  func writeProbabilities(
    of row: UnsafeBufferPointer<Double>, _ scales: UnsafeBufferPointer<Double>?,
    to result: UnsafeMutableBufferPointer<Double>, workspace: inout Workspace
  ) {
    guard let scales else {
      write(.probabilities, of: row, to: result, workspace: &workspace)
      return
    }
    writeInclusions(
      of: row, scales, RowShape(rowCount: 1, rowLength: row.count), largest: 1, to: result,
      workspace: &workspace)
  }

  /// The gradient of Σ v_i p_i in the logits, and if classes have scales of their own, after it that in the scales.
  func writePullback(
    of row: UnsafeBufferPointer<Double>, _ scales: UnsafeBufferPointer<Double>?,
    _ v: UnsafeBufferPointer<Double>, to result: UnsafeMutableBufferPointer<Double>,
    workspace: inout Workspace
  ) {
    guard let scales else {
      return pullBack(through: .probabilities, at: row, to: result, workspace: &workspace) { v[$0] }
    }
    let n = row.count
    pullInclusionsBack(
      at: row, scales, RowShape(rowCount: 1, rowLength: n), largest: 1, v,
      to: UnsafeMutableBufferPointer(rebasing: result[..<n]),
      scales: UnsafeMutableBufferPointer(rebasing: result[n...]), workspace: &workspace)
  }

  /// E[max] of a row of Doubles, and its gradient in the logits, and if classes have scales of their own, after it that in
  /// the scales.
  func expectedMaximum(
    of row: UnsafeBufferPointer<Double>, _ scales: UnsafeBufferPointer<Double>?,
    gradient: UnsafeMutableBufferPointer<Double>, workspace: inout Workspace
  ) -> Double {
    guard let scales else {
      return summary(.expectedMaximum, of: row, gradient: gradient, workspace: &workspace)
    }
    let found = expectedSumWithGradient(for: Array(row), largest: 1, scales: Array(scales))
    for (index, number) in (found.logits + found.scales).enumerated() { gradient[index] = number }
    return found.value
  }
}
