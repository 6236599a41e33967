// Summaries of one row or of many: fresh by name, and from span to span.

extension NoisyArgmax {
  /// E[max(μ + s·ε)]: see ``Summary/expectedMaximum``.
  public func expectedMaximum<L: Logits>(for logits: L) -> L.PerRow {
    value(of: .expectedMaximum, for: logits)
  }

  /// The entropy that belongs to the law: see ``Summary/generalizedEntropy``. It is Shannon's under Gumbel noise only.
  public func generalizedEntropy<L: Logits>(for logits: L) -> L.PerRow {
    value(of: .generalizedEntropy, for: logits)
  }

  /// Shannon's entropy −Σ p log p: see ``Summary/shannonEntropy``.
  public func shannonEntropy<L: Logits>(for logits: L) -> L.PerRow { value(of: .shannonEntropy, for: logits) }

  /// The divergence Σ p log(n·p) from the uniform distribution on the open classes: see ``Summary/divergenceFromUniform``.
  public func divergenceFromUniform<L: Logits>(for logits: L) -> L.PerRow {
    value(of: .divergenceFromUniform, for: logits)
  }

  /// A summary of every row.
  public func value<L: Logits>(of summary: Summary, for logits: L) -> L.PerRow {
    let rows = logits.asRows
    var workspace = Workspace()
    return L.form(
      of: freshNumbers(rows.count) { values in
        rows.elements.withUnsafeBufferPointer {
          write(summary, of: $0, rows.shape, values: values, gradient: nil, workspace: &workspace)
        }
      })
  }

  /// A summary of every row and its gradient in the logits.
  ///
  /// ```swift
  /// let (divergence, gradient) = argmax.valueWithGradient(of: .divergenceFromUniform, for: logits)
  /// ```
  public func valueWithGradient<L: Logits>(
    of summary: Summary, for logits: L
  ) -> (value: L.PerRow, gradient: L) {
    let rows = logits.asRows
    var workspace = Workspace()
    let (values, gradient) = freshArrayWithNumbers(like: rows) {
      write(summary, of: $0, rows.shape, values: $1, gradient: $2, workspace: &workspace)
    }
    return (L.form(of: values), L.form(of: gradient))
  }

  /// Writes a summary of every row, without allocating once the workspace has grown.
  ///
  /// - Parameters:
  ///   - summary: which.
  ///   - logits: one row, or many one after the other.
  ///   - rowLength: how many logits a row has; all of them, unless said otherwise.
  ///   - result: a number for every row.
  ///   - workspace: memory that is kept for the next call.
  /// - Precondition: the number of logits is a multiple of `rowLength`, and `result` has an element for every row.
  public func writeValues<Scalar: LogitScalar>(
    of summary: Summary, for logits: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(rowCount: result.count, "values")
    withBuffers(logits, &result) {
      write(summary, of: $0, shape, values: $1, gradient: nil, workspace: &workspace)
    }
  }

  /// Writes the gradients of a summary of every row, and the values, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, `gradient` is as long, and `values` has an element
  ///   for every row.
  public func writeGradients<Scalar: LogitScalar>(
    of summary: Summary, for logits: Span<Scalar>, rowLength: Int? = nil,
    to gradient: inout MutableSpan<Scalar>, values: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: gradient.count, "a gradient")
    shape.check(rowCount: values.count, "values")
    withBuffers(logits, &gradient) { rows, gradient in
      values.withUnsafeMutableBufferPointer {
        write(summary, of: rows, shape, values: $0, gradient: gradient, workspace: &workspace)
      }
    }
  }

  /// Replaces logits by the gradients of a summary of every row, and writes the values, without allocating once the
  /// workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and `values` has an element for every row.
  public func formGradients<Scalar: LogitScalar>(
    of summary: Summary, in logits: inout MutableSpan<Scalar>, rowLength: Int? = nil,
    values: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(rowCount: values.count, "values")
    logits.withUnsafeMutableBufferPointer { rows in
      values.withUnsafeMutableBufferPointer {
        write(
          summary, of: UnsafeBufferPointer(rows), shape, values: $0, gradient: rows, workspace: &workspace)
      }
    }
  }
}

extension NoisyArgmax {
  /// The gradient may be written to the memory of the rows.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func write<Scalar: LogitScalar>(
    _ summary: Summary, of rows: UnsafeBufferPointer<Scalar>, _ shape: RowShape,
    values: UnsafeMutableBufferPointer<Scalar>, gradient: UnsafeMutableBufferPointer<Scalar>?,
    workspace: inout Workspace
  ) {
    summary.isOfExactMethods ? requireExact("\(summary)") : requireDistribution("\(summary)")
    let passes = summary.passes(withGradient: gradient != nil)
    forEachRow(of: shape, passes: passes, workspace: &workspace) { row, slots, workspace in
      values[row] = Scalar(
        self.summary(
          summary, of: UnsafeBufferPointer(rebasing: rows[slots]),
          gradient: gradient.map { UnsafeMutableBufferPointer(rebasing: $0[slots]) },
          workspace: &workspace))
    }
  }
}
