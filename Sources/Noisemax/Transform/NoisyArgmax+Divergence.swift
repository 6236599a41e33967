// The divergence between the distributions at two rows.

extension NoisyArgmax {
  /// KL(p‖q) = Σ p log(p/q), p at the logits and q at others: what it costs to take q for p, in nats.
  ///
  /// Never negative. Its terms p·log(p/q) − p + q keep their digits where p and q are almost the same, and both logarithms
  /// are exact in the tails. +∞ where a class has a probability in p and none in q, be it masked or out of the noise's reach; 0
  /// where p has no open class; NaN where a logit is.
  ///
  /// By every method whose values sum to one. Cost: that of both log-probabilities.
  ///
  /// - Parameters:
  ///   - logits: where p is, one row or many ``Rows``.
  ///   - others: where q is, in the same shape.
  /// - Returns: the divergence, one number a row.
  /// - Precondition: the shapes are the same.
  public func divergence<L: Logits>(for logits: L, from others: L) -> L.PerRow {
    let (rows, others) = (logits.asRows, others.asRows)
    rows.shape.check(others.shape, "others")
    var workspace = Workspace()
    return L.form(
      of: freshNumbers(rows.count) { values in
        rows.elements.withUnsafeBufferPointer { p in
          others.elements.withUnsafeBufferPointer {
            writeDivergences(of: p, from: $0, rows.shape, values: values, workspace: &workspace)
          }
        }
      })
  }

  /// KL(p‖q) with its gradients in the logits of p and in those of q.
  ///
  /// The first is Jᵀ log(p/q), the second that of −Σ p log q, both 0 at masked classes. Where the divergence is +∞ they
  /// are those of the terms that are finite.
  ///
  /// - Precondition: the shapes are the same.
  public func divergenceWithGradients<L: Logits>(
    for logits: L, from others: L
  ) -> (value: L.PerRow, gradient: L, gradientInOthers: L) {
    let (rows, others) = (logits.asRows, others.asRows)
    rows.shape.check(others.shape, "others")
    var workspace = Workspace()
    var values: [L.Scalar] = []
    let (gradient, inOthers) = freshArrays(like: rows) { p, gradient, inOthers in
      values = freshNumbers(rows.count) { values in
        others.elements.withUnsafeBufferPointer {
          writeDivergences(
            of: p, from: $0, rows.shape, values: values, gradients: (gradient, inOthers),
            workspace: &workspace)
        }
      }
    }
    return (L.form(of: values), L.form(of: gradient), L.form(of: inOthers))
  }

  /// Writes KL(p‖q) of every row, without allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, there are as many others, and `result` has a number
  ///   for every row.
  public func writeDivergences<Scalar: LogitScalar>(
    for logits: Span<Scalar>, from others: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: others.count, "others")
    shape.check(rowCount: result.count, "values")
    withBuffers(logits, others, &result) {
      writeDivergences(of: $0, from: $1, shape, values: $2, workspace: &workspace)
    }
  }

  /// Writes the gradients of KL(p‖q) of every row in the logits of p and in those of q, and the values, without allocating
  /// once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, there are as many others, both gradients are as
  ///   long, and `values` has a number for every row.
  public func writeDivergenceGradients<Scalar: LogitScalar>(
    for logits: Span<Scalar>, from others: Span<Scalar>, rowLength: Int? = nil,
    to gradient: inout MutableSpan<Scalar>, inOthers gradientInOthers: inout MutableSpan<Scalar>,
    values: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: others.count, "others")
    shape.check(count: gradient.count, "a gradient")
    shape.check(count: gradientInOthers.count, "a gradient in the others")
    shape.check(rowCount: values.count, "values")
    withBuffers(logits, others, &gradient) { p, q, gradient in
      gradientInOthers.withUnsafeMutableBufferPointer { inOthers in
        values.withUnsafeMutableBufferPointer {
          writeDivergences(
            of: p, from: q, shape, values: $0, gradients: (gradient, inOthers), workspace: &workspace)
        }
      }
    }
  }

  /// Replaces the logits of p and of q by the gradients of KL(p‖q) of every row, and writes the values, without
  /// allocating once the workspace has grown.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, there are as many others, and `values` has a number
  ///   for every row.
  public func formDivergenceGradients<Scalar: LogitScalar>(
    in logits: inout MutableSpan<Scalar>, from others: inout MutableSpan<Scalar>, rowLength: Int? = nil,
    values: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: others.count, "others")
    shape.check(rowCount: values.count, "values")
    logits.withUnsafeMutableBufferPointer { p in
      others.withUnsafeMutableBufferPointer { q in
        values.withUnsafeMutableBufferPointer {
          writeDivergences(
            of: UnsafeBufferPointer(p), from: UnsafeBufferPointer(q), shape, values: $0, gradients: (p, q),
            workspace: &workspace)
        }
      }
    }
  }
}

extension NoisyArgmax {
  /// The gradients may be written to the memory of the rows.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  private func writeDivergences<Scalar: LogitScalar>(
    of p: UnsafeBufferPointer<Scalar>, from q: UnsafeBufferPointer<Scalar>, _ shape: RowShape,
    values: UnsafeMutableBufferPointer<Scalar>,
    gradients: (UnsafeMutableBufferPointer<Scalar>, UnsafeMutableBufferPointer<Scalar>)? = nil,
    workspace: inout Workspace
  ) {
    requireDistribution("divergence")
    forEachRow(of: shape, passes: gradients == nil ? 2 : 7, workspace: &workspace) { row, slots, workspace in
      var kept = Scratch()
      swap(&kept, &workspace.cotangents)
      var pieces = Pieces(of: kept.reserve(2 * shape.rowLength + 1))
      let logP = UnsafeMutableBufferPointer(start: pieces.take(shape.rowLength), count: shape.rowLength)
      let logQ = UnsafeMutableBufferPointer(start: pieces.take(shape.rowLength), count: shape.rowLength)
      let (p, q) = (UnsafeBufferPointer(rebasing: p[slots]), UnsafeBufferPointer(rebasing: q[slots]))
      writeLogarithms(of: p, to: logP, workspace: &workspace)
      writeLogarithms(of: q, to: logQ, workspace: &workspace)
      values[row] = Scalar(sumOfTerms(logP, logQ))
      if let (first, second) = gradients {
        for index in logP.indices {
          let term = DivergenceTerm(logP[index], from: logQ[index])
          (logP[index], logQ[index]) = (term.slopeInP, term.slopeInLogQ)
        }
        pullBack(
          through: .probabilities, at: p, to: UnsafeMutableBufferPointer(rebasing: first[slots]),
          workspace: &workspace
        ) { logP[$0] }
        pullBack(
          through: .logProbabilities, at: q, to: UnsafeMutableBufferPointer(rebasing: second[slots]),
          workspace: &workspace
        ) { logQ[$0] }
      }
      swap(&kept, &workspace.cotangents)
    }
  }

  private func writeLogarithms<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, to result: UnsafeMutableBufferPointer<Double>,
    workspace: inout Workspace
  ) {
    switch RowKind(of: row) {
    case .undefined: result.update(repeating: .nan)
    case .masked: result.update(repeating: -.infinity)
    case .certain(let index):
      result.update(repeating: -.infinity)
      result[index] = 0
    case .regular(let top, _):
      let (logarithms, _, _) = evaluate(row, below: top, for: .logarithms, workspace: &workspace)
      _ = result.update(fromContentsOf: logarithms)
    }
  }
}

/// Σ (p log(p/q) − p + q): no term is negative. 0 where there is no p.
private func sumOfTerms(
  _ logP: UnsafeMutableBufferPointer<Double>, _ logQ: UnsafeMutableBufferPointer<Double>
) -> Double {
  if logP.allSatisfy({ $0 == -.infinity }) { return logQ.contains { $0.isNaN } ? .nan : 0 }
  var sum = CompensatedSum()
  for index in logP.indices { sum.add(DivergenceTerm(logP[index], from: logQ[index]).value) }
  return sum.value.isNaN && !logP.contains { $0.isNaN } && !logQ.contains { $0.isNaN } ? .infinity : sum.value
}

/// What one class adds to a divergence, and how that changes with p and with log q.
private struct DivergenceTerm {
  /// p log(p/q) − p + q.
  let value: Double
  /// log(p/q), where p and q are there.
  let slopeInP: Double
  /// q − p: −p, relative to a multiple of q that moves nothing.
  let slopeInLogQ: Double

  init(_ logP: Double, from logQ: Double) {
    let (p, q) = (exponential(logP), exponential(logQ))
    let difference = logP - logQ
    slopeInLogQ = q - p
    if logP == -.infinity || logQ == -.infinity {
      value = logP == -.infinity ? q : .infinity
      slopeInP = 0
    } else {
      slopeInP = difference
      value =
        difference.magnitude < 0.25
        ? p * Self.logarithmicExcess(difference)
        : difference < 0 ? q - p + p * difference : p * (exponentialMinusOne(-difference) + difference)
    }
  }

  /// e^(−d) − 1 + d = d²/2 − d³/6 + …
  private static func logarithmicExcess(_ d: Double) -> Double {
    var (term, sum, k) = (d * d / 2, 0.0, 3.0)
    while term.magnitude > sum.magnitude * 0x1p-56 {
      sum += term
      term *= -d / k
      k += 1
    }
    return sum
  }
}
