internal import NoiseKernels

extension NoisyArgmax {
  /// Writes one quantity of one row. The result may be the memory of the row itself.
  ///
  /// - Returns: the method's estimate of its absolute error, Σp − 1 before any normalisation.
  @discardableResult
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func write<Scalar: LogitScalar>(
    _ quantity: Quantity, of row: UnsafeBufferPointer<Scalar>, to result: UnsafeMutableBufferPointer<Scalar>,
    workspace: inout Workspace
  ) -> Double {
    let (zero, one): (Scalar, Scalar) = quantity == .probabilities ? (0, 1) : (-.infinity, 0)
    if quantity == .probabilities, quickRows(row, rowLength: row.count, to: result) == 1 { return 0 }
    switch RowKind(of: row) {
    case .undefined:
      result.update(repeating: .nan)
      return .nan
    case .masked: result.update(repeating: zero)
    case .certain(let index):
      result.update(repeating: zero)
      result[index] = one
    case .regular(let top, let open):
      if open < row.count, lattice?.hasTable(for: open, besides: row.count) == true {
        return writeAlone(quantity, of: row, open: open, masked: zero, to: result, workspace: &workspace)
      }
      let (values, _, sums) = evaluate(row, below: top, for: Request(quantity), workspace: &workspace)
      copy(values, times: 1, to: result)
      return sums.defect
    }
    return 0
  }

  /// Writes one quantity of the classes that are not masked, as they would have it without the others.
  @inline(never)
  private func writeAlone<Scalar: LogitScalar>(
    _ quantity: Quantity, of row: UnsafeBufferPointer<Scalar>, open: Int, masked: Scalar,
    to result: UnsafeMutableBufferPointer<Scalar>, workspace: inout Workspace
  ) -> Double {
    withUnsafeTemporaryAllocation(of: Scalar.self, capacity: open) { classes in
      _ = classes.initialize(from: row.lazy.filter { $0 > -.infinity })
      let defect = write(quantity, of: UnsafeBufferPointer(classes), to: classes, workspace: &workspace)
      var next = 0
      for index in row.indices {
        let isOpen = row[index] > -.infinity
        result[index] = isOpen ? classes[next] : masked
        next += isOpen ? 1 : 0
      }
      return defect
    }
  }

  /// A regular row for a request: its probabilities or their logarithms, the gradient for a cotangent, and what comes
  /// besides, in units of the standard law.
  ///
  /// The row may be in the memory of what is written next.
  @inline(__always)
  func evaluate<Scalar: LogitScalar>(
    _ row: UnsafeBufferPointer<Scalar>, below top: Double, for request: Request, workspace: inout Workspace,
    cotangent: (_ gap: Double, _ index: Int) -> Double = { _, _ in 0 }
  ) -> (
    values: UnsafeMutableBufferPointer<Double>, gradient: UnsafeMutableBufferPointer<Double>, sums: RowSums
  ) {
    let n = row.count
    let gapCount = (rowMethod.wantsRemainders ? 2 : 1) * n
    let length = padded(gapCount)
    // The spare vector has the length of the gaps.
    let vectors = request.isDisjoint(with: [.pullback, .excess]) ? 0 : padded(n) + length
    let memory = workspace.row.reserve(length + vectors)
    guard let start = memory.baseAddress else { return (memory, memory, RowSums()) }
    writeGaps(of: row, below: top, to: memory)
    let gaps = UnsafeMutableBufferPointer(rebasing: memory[..<gapCount])
    let vector = UnsafeMutableBufferPointer(rebasing: memory[length...].prefix(n))
    if request.contains(.pullback) { for index in 0..<n { vector[index] = cotangent(gaps[index], index) } }
    let sums = rowMethod.evaluate(
      gaps, for: request, vectors: RowVectors(cotangent: vector, spare: start + length + padded(n)),
      precision: Precision(of: Scalar.self), scratch: &workspace.method)
    return (UnsafeMutableBufferPointer(rebasing: gaps[..<n]), vector, sums)
  }

  /// Writes the gaps of a row, followed by their remainders if the method wants them, or by −∞ up to a whole number of
  /// vectors.
  @inline(__always)
  func writeGaps<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, below top: Double, to gaps: UnsafeMutableBufferPointer<Double>
  ) {
    fillGaps(of: row, below: top, scale: unit, to: gaps)
    guard rowMethod.wantsRemainders else { return }
    for index in row.indices {
      gaps[row.count + index] = remainder(of: gaps[index], from: Double(row[index]), below: top, scale: unit)
    }
  }

  /// The probabilities of the first rows of a batch, where there is a quick way: softmax, and pairs of classes.
  ///
  /// - Returns: how many rows are done, up to the first that is out of the ordinary.
  @inline(__always)
  private func quickRows<Scalar: LogitScalar>(
    _ rows: UnsafeBufferPointer<Scalar>, rowLength: Int, to result: UnsafeMutableBufferPointer<Scalar>
  ) -> Int {
    guard rowLength > 0, let start = rows.baseAddress, let end = result.baseAddress else { return 0 }
    if isSoftmax {
      return softmax(start, count: rows.count / rowLength, rowLength: rowLength, scale: unit, to: end)
    }
    guard rowLength == 2, let pairs else { return 0 }
    for index in stride(from: 0, to: rows.count, by: 2) {
      let (first, second) = (Double(rows[index]), Double(rows[index + 1]))
      guard let gap = pairGap(first, second), gap >= -pairs.depth else { return index / 2 }
      let lesser = pairs.probability(at: gap)
      result[index] = Scalar(first < second ? lesser : 1 - lesser)
      result[index + 1] = Scalar(first < second ? 1 - lesser : lesser)
    }
    return rows.count / 2
  }

  /// The gap of the lesser of two logits, if both are finite.
  @inline(__always)
  func pairGap(_ first: Double, _ second: Double) -> Double? {
    guard first.isFinite && second.isFinite else { return nil }
    return gap(of: min(first, second), below: max(first, second), scale: unit)
  }

  /// Writes one quantity of every row.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  package func write<Scalar: LogitScalar>(
    _ quantity: Quantity, of rows: UnsafeBufferPointer<Scalar>, _ shape: RowShape,
    to result: UnsafeMutableBufferPointer<Scalar>, workspace: inout Workspace
  ) {
    forEachPart(of: shape, workspace: &workspace) { part, workspace in
      var row = part.lowerBound
      while row < part.upperBound {
        if quantity == .probabilities {
          let slots = row * shape.rowLength..<part.upperBound * shape.rowLength
          row += quickRows(
            UnsafeBufferPointer(rebasing: rows[slots]), rowLength: shape.rowLength,
            to: UnsafeMutableBufferPointer(rebasing: result[slots]))
          if row == part.upperBound { return }
        }
        let slots = shape.slots(of: row)
        write(
          quantity, of: UnsafeBufferPointer(rebasing: rows[slots]),
          to: UnsafeMutableBufferPointer(rebasing: result[slots]), workspace: &workspace)
        row += 1
      }
    }
  }

  /// A quantity in the form of the logits.
  @_specialize(where L == [Float])
  @_specialize(where L == [Double])
  @_specialize(where L == Rows<Float>)
  @_specialize(where L == Rows<Double>)
  func fresh<L: Logits>(_ quantity: Quantity, for logits: L) -> L {
    let rows = logits.asRows
    var workspace = Workspace()
    return L.form(
      of: freshArray(like: rows) { write(quantity, of: $0, rows.shape, to: $1, workspace: &workspace) })
  }

  /// Spans in, span out.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func write<Scalar: LogitScalar>(
    _ quantity: Quantity, for logits: Span<Scalar>, rowLength: Int?, to result: inout MutableSpan<Scalar>,
    workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: result.count, "a result")
    withBuffers(logits, &result) { write(quantity, of: $0, shape, to: $1, workspace: &workspace) }
  }

  /// In place.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func form<Scalar: LogitScalar>(
    _ quantity: Quantity, in logits: inout MutableSpan<Scalar>, rowLength: Int?, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    logits.withUnsafeMutableBufferPointer {
      write(quantity, of: UnsafeBufferPointer($0), shape, to: $0, workspace: &workspace)
    }
  }
}
