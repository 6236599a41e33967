// The mean of the sum of the k largest, and the Fenchel–Young loss that belongs to it.

extension NoisyArgmax {
  /// E[sum of the k largest of μ_i + s·s_i·ε_i].
  ///
  /// It is convex in the logits, and its gradient is ``inclusionProbabilities(for:largest:scales:)``. Masked classes are left
  /// out; −∞ for a row where fewer than k are open, NaN for one with a NaN.
  ///
  /// - Precondition: as for ``inclusionProbabilities(for:largest:scales:)``.
  public func expectedSum<L: Logits>(for logits: L, largest count: Int, scales: L? = nil) -> L.PerRow {
    L.form(of: sums(of: logits.asRows, scales?.asRows, largest: count, targets: nil))
  }

  /// E[max(μ_i + s·s_i·ε_i)] where every class has a scale of its own.
  ///
  /// - Precondition: as for ``probabilities(for:scales:)``.
  public func expectedMaximum<L: Logits>(for logits: L, scales: L) -> L.PerRow {
    expectedSum(for: logits, largest: 1, scales: scales)
  }

  /// Writes E[max(μ_i + s·s_i·ε_i)] of every row, where every class has a scale of its own, by memory that is kept.
  ///
  /// - Precondition: as for ``probabilities(for:scales:)``; the number of logits is a multiple of `rowLength`, and `result`
  ///   has an element for every row.
  public func writeExpectedMaximum<Scalar: LogitScalar>(
    for logits: Span<Scalar>, scales: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    let shape = RowShape(count: logits.count, rowLength: rowLength)
    shape.check(count: scales.count, "scales")
    shape.check(rowCount: result.count, "values")
    withBuffers(logits, scales, &result) {
      writeSums(of: $0, $1, shape, largest: 1, targets: nil, to: $2, workspace: &workspace)
    }
  }

  /// How far the k largest are from target weights y that sum to k: E[sum of the k largest] − Σ y_i·E[X_i] ≥ 0.
  ///
  /// A set of k classes has weights 1 and 0. The loss is convex in the logits, with the gradient π − y, and tends to 0 as the
  /// classes of a set become certain to be the k largest; there it has the relative accuracy of a probability. With k = 1 and
  /// one scale it is ``Loss/fenchelYoung``.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - count: k, from 1 to the length of a row.
  ///   - target: y, in the same shape: from 0 to 1 each, k in sum.
  ///   - scales: the scales of the classes; 1 unless said otherwise.
  /// - Returns: a loss for every row: +∞ where a masked class has a weight.
  /// - Precondition: as for ``inclusionProbabilities(for:largest:scales:)``, and the weights of a row sum to k within 1e-6·k
  ///   (Float: 1e-3·k).
  public func inclusionLoss<L: Logits>(
    for logits: L, largest count: Int, target: L, scales: L? = nil
  ) -> L.PerRow {
    L.form(of: sums(of: logits.asRows, scales?.asRows, largest: count, targets: target.asRows))
  }

  /// The loss, and its gradients in the logits, π − y, and in the scales: what the noise is in the mean where a class is
  /// included, less y_i times its mean.
  ///
  /// - Precondition: as for ``inclusionLoss(for:largest:target:scales:)``.
  public func inclusionLossWithGradient<L: Logits>(
    for logits: L, largest count: Int, target: L, scales: L? = nil
  ) -> (value: L.PerRow, logits: L, scales: L) {
    sumsWithGradient(of: logits, scales?.asRows, largest: count, targets: target.asRows)
  }

  /// E[sum of the k largest], and its gradients in the logits, ``inclusionProbabilities(for:largest:scales:)``, and in the
  /// scales: what the noise is in the mean where a class is included.
  ///
  /// - Precondition: as for ``inclusionProbabilities(for:largest:scales:)``.
  public func expectedSumWithGradient<L: Logits>(
    for logits: L, largest count: Int, scales: L? = nil
  ) -> (value: L.PerRow, logits: L, scales: L) {
    sumsWithGradient(of: logits, scales?.asRows, largest: count, targets: nil)
  }
}

extension NoisyArgmax {
  private func sumsWithGradient<L: Logits>(
    of logits: L, _ scales: Rows<L.Scalar>?, largest count: Int, targets: Rows<L.Scalar>?
  ) -> (value: L.PerRow, logits: L, scales: L) {
    let rows = logits.asRows
    let values = sums(of: rows, scales, largest: count, targets: targets)
    let law = classLaw(for: "mean of the k largest")
    var workspace = Workspace()
    let (inLogits, inScales) = freshArrays(like: rows) { logits, result, inScales in
      withOptionalBuffer(scales) { scales in
        forEachScaledRow(
          of: logits, scales, rows.shape, largest: count, under: law, numbers: 2, workspace: &workspace
        ) { row, slots, numbers, workspace in
          writeSumGradient(
            of: row, { index in targets.map { Double($0.elements[slots.lowerBound + index]) } ?? 0 },
            numbers, to: UnsafeMutableBufferPointer(rebasing: result[slots]),
            scales: UnsafeMutableBufferPointer(rebasing: inScales[slots]), scratch: &workspace.method)
        }
      }
    }
    return (L.form(of: values), L.form(of: inLogits), L.form(of: inScales))
  }

  /// Writes those gradients of E[sum of the k largest] − Σ y_i E[X_i] of one row that are wanted, in memory for two numbers
  /// a class.
  func writeSumGradient<Scalar: LogitScalar>(
    of row: ScaledRow, _ weight: (Int) -> Double, _ numbers: UnsafeMutableBufferPointer<Double>,
    to gradient: UnsafeMutableBufferPointer<Scalar>?, scales: UnsafeMutableBufferPointer<Scalar>?,
    scratch: inout Scratch
  ) {
    let n = row.count
    let p = UnsafeMutableBufferPointer(rebasing: numbers[..<n])
    let noise = UnsafeMutableBufferPointer(rebasing: numbers[n..<2 * n])
    row.writeInclusions(to: p, noise: noise, scratch: &scratch)
    for index in 0..<n {
      let weight = row.isOpen(index) ? weight(index) : 0
      gradient?[index] = Scalar(p[index] - weight)
      scales?[index] = Scalar(unit * (noise[index] - weight * (row.law.mean + row.law.location)))
    }
  }

  /// E[sum of the k largest] of every row, less Σ y_i E[X_i] if there are targets.
  private func sums<Scalar: LogitScalar>(
    of rows: Rows<Scalar>, _ scales: Rows<Scalar>?, largest count: Int, targets: Rows<Scalar>?
  ) -> [Scalar] {
    if let scales { rows.shape.check(scales.shape, "scales") }
    if let targets {
      rows.shape.check(targets.shape, "targets")
      for row in 0..<rows.count { checkWeights(targets[row], sum: count) }
    }
    var workspace = Workspace()
    return freshNumbers(rows.count) { values in
      rows.elements.withUnsafeBufferPointer { logits in
        withOptionalBuffer(scales) { scales in
          withOptionalBuffer(targets) {
            writeSums(
              of: logits, scales, rows.shape, largest: count, targets: $0, to: values, workspace: &workspace)
          }
        }
      }
    }
  }

  private func writeSums<Scalar: LogitScalar>(
    of rows: UnsafeBufferPointer<Scalar>, _ scales: UnsafeBufferPointer<Scalar>?, _ shape: RowShape,
    largest count: Int, targets: UnsafeBufferPointer<Scalar>?, to values: UnsafeMutableBufferPointer<Scalar>,
    workspace: inout Workspace
  ) {
    let law = classLaw(for: "mean of the k largest")
    let length = Swift.max(shape.rowLength, 1)
    values.update(repeating: targets == nil ? -.infinity : 0)
    forEachScaledRow(
      of: rows, scales, shape, largest: count, under: law, numbers: 1, workspace: &workspace
    ) { row, slots, marks, workspace in
      values[slots.lowerBound / length] = Scalar(
        row.sum(
          largest: count, weight: targets.map { targets in { Double(targets[slots.lowerBound + $0]) } },
          marks: marks, scratch: &workspace.method))
    }
  }

  /// Stops where weights are not those of so many classes.
  private func checkWeights<Scalar: LogitScalar>(_ weights: [Scalar], sum count: Int) {
    let tolerance = Scalar.sumTolerance
    var sum = 0.0
    for (index, weight) in weights.enumerated() {
      require(
        weight >= 0 && Double(weight) <= 1 + tolerance,
        "the weight \(weight) of class \(index) is not from 0 to 1")
      sum += Double(weight)
    }
    require(
      weights.isEmpty || (sum - Double(count)).magnitude <= tolerance * Double(count),
      "the weights of a target for the \(count) largest sum to \(sum)")
  }
}

extension ScaledRow {
  /// E[sum of the k largest], less Σ w_i E[X_i] if there are weights, in the row's own units.
  func sum(
    largest count: Int, weight: ((Int) -> Double)?, marks: UnsafeMutableBufferPointer<Double>,
    scratch: inout Scratch
  ) -> Double {
    if kind == .undefined { return .nan }
    markLargest(in: marks)
    let excess = excess(over: marks, scratch: &scratch)
    if let weight { return (excess + lostMean(of: weight, from: marks)) / factor }
    if infinite != nil { return .infinity }
    guard taking >= count else { return -.infinity }
    var sum = CompensatedSum(excess)
    for slot in 0..<taking where marks[indices[slot]] != 0 { sum.add(mean(indices[slot])) }
    return sum.value / factor
  }
}
