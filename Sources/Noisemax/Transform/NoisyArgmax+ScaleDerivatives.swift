// How things change with the scale s of the noise. Probabilities depend on μ/s alone, so that a larger scale acts as
// logits drawn together do: s·∂/∂s = −Σ μ_i·∂/∂μ_i.

extension NoisyArgmax {
  /// ⟨v, ∂p/∂s⟩ = −(1/s) Σ μ_i·(Jᵀv)_i: how a loss with the gradient v in the probabilities changes with the scale.
  ///
  /// By every method; NaN for a row with a NaN, and 0 where one class is certain or none is open.
  ///
  /// A loss with the gradient g in the logits that depends on the scale through probabilities or log-probabilities
  /// alone changes likewise by −(1/s) Σ μ_i·g_i; the Fenchel–Young loss does by the generalized entropy over s.
  ///
  /// - Precondition: the shapes of the logits and of the cotangent are the same.
  public func scalePullback<L: Logits>(for logits: L, of cotangent: L) -> L.PerRow {
    let (rows, cotangent) = (logits.asRows, cotangent.asRows)
    rows.shape.check(cotangent.shape, "a cotangent")
    var workspace = Workspace()
    return L.form(
      of: freshNumbers(rows.count) { values in
        rows.elements.withUnsafeBufferPointer { logits in
          cotangent.elements.withUnsafeBufferPointer {
            writeScalePullbacks(of: logits, $0, rows.shape, to: values, workspace: &workspace)
          }
        }
      })
  }

  /// Writes ⟨v, ∂p/∂s⟩ of every row, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, there are as many cotangents, and `result` has a
  ///   number for every row.
  public func writeScalePullbacks<Scalar: LogitScalar>(
    for logits: Span<Scalar>, of cotangent: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: cotangent.count, "a cotangent")
    shape.check(rowCount: result.count, "values")
    withBuffers(logits, cotangent, &result) {
      writeScalePullbacks(of: $0, $1, shape, to: $2, workspace: &workspace)
    }
  }
}

extension NoisyArgmax {
  private func writeScalePullbacks<Scalar: LogitScalar>(
    of rows: UnsafeBufferPointer<Scalar>, _ cotangent: UnsafeBufferPointer<Scalar>, _ shape: RowShape,
    to result: UnsafeMutableBufferPointer<Scalar>, workspace: inout Workspace
  ) {
    forEachRow(of: shape, passes: 2, workspace: &workspace) { index, slots, workspace in
      let row = UnsafeBufferPointer(rebasing: rows[slots])
      let cotangent = UnsafeBufferPointer(rebasing: cotangent[slots])
      switch RowKind(of: row) {
      case .undefined: result[index] = .nan
      case .masked, .certain: result[index] = 0
      case .regular(let top, _):
        var sum = CompensatedSum()
        let (_, vector, _) = evaluate(
          row, below: top, for: [.probabilities, .pullback], workspace: &workspace
        ) { Double(cotangent[$1]) }
        for index in vector.indices where vector[index] != 0 {
          sum.add(vector[index] * gap(of: Double(row[index]), below: top, scale: unit))
        }
        result[index] = Scalar(0 - sum.value / scale)
      }
    }
  }
}
