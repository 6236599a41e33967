// Noise with a scale of its own for every class: argmax(μ_i + s·s_i·ε_i).

extension NoisyArgmax {
  /// The probabilities that each class wins where every class has a scale of its own: p_i = P[argmax(μ_i + s·s_i·ε_i) = i].
  ///
  /// ```swift
  /// argmax.probabilities(for: means, scales: deviations)
  /// ```
  ///
  /// For posterior means and deviations, ratings with uncertainty, a learned deviation for every expert.
  ///
  /// A class of scale 0 has no noise. Where all open classes have the same scale the result is that of
  /// ``NoisyArgmax/init(_:scale:)`` with that scale, bit for bit. Unlike there the order of the logits need not be kept.
  ///
  /// Accuracy: 3e-12 relative down to 1e-290. Cost: some 300 evaluations of the law for every class, more where the scales
  /// are orders of magnitude apart. A scale is resolved down to 1e-25 of the largest logit.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - scales: what the noise of each class is multiplied by besides the transform's own ``scale``, in the same shape.
  /// - Returns: p, in the same shape.
  /// - Precondition: the method is exact, the shapes are the same, no scale is negative, and no two open classes of scale 0
  ///   tie.
  public func probabilities<L: Logits>(for logits: L, scales: L) -> L {
    inclusionProbabilities(for: logits, largest: 1, scales: scales)
  }

  /// Writes the probabilities where every class has a scale of its own, by memory that is kept.
  ///
  /// - Precondition: as for ``probabilities(for:scales:)``, and the number of logits is a multiple of `rowLength`.
  public func writeProbabilities<Scalar: LogitScalar>(
    for logits: Span<Scalar>, scales: Span<Scalar>, rowLength: Int? = nil,
    to result: inout MutableSpan<Scalar>, workspace: inout Workspace
  ) {
    writeInclusionProbabilities(
      for: logits, largest: 1, scales: scales, rowLength: rowLength, to: &result, workspace: &workspace)
  }

  /// The gradients of Σ v_i p_i in the logits and in the scales: Σ_i v_i ∂p_i/∂μ_j and Σ_i v_i ∂p_i/∂s_j.
  ///
  /// Every entry is accurate to 1e-10 of what it is summed from. The slope in a scale of 0 is the limit from above. Cost: about
  /// three times that of the probabilities.
  ///
  /// - Parameters:
  ///   - logits: μ, of one row or of many ``Rows``.
  ///   - scales: the scales of the classes, in the same shape.
  ///   - cotangent: v, in the same shape.
  /// - Returns: the gradient in the logits and that in the scales, in the same shape.
  /// - Precondition: as for ``probabilities(for:scales:)``.
  public func pullback<L: Logits>(
    for logits: L, scales: L, of cotangent: L
  ) -> (logits: L, scales: L) {
    inclusionPullback(for: logits, largest: 1, of: cotangent, scales: scales)
  }

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
}

extension ScaledRow {
  /// Below this a probability may have lost digits, and has its logarithm from ``DeepScaledClass``.
  private var leastProbability: Double { precision == .double ? 0x1p-960 : 0x1p-140 }

  /// Replaces probabilities by their logarithms.
  func takeLogarithms(of p: UnsafeMutableBufferPointer<Double>, scratch: inout Scratch) {
    if kind == .undefined { return }
    // The logarithm of one that is likelier than not is that of what the others leave it.
    let likeliest = p.indices.max { p[$0] < p[$1] } ?? 0
    var others = CompensatedSum()
    for index in p.indices where index != likeliest { others.add(p[index]) }
    for index in p.indices {
      p[index] =
        index == likeliest && p[index] > 0.5 ? logarithmOfOnePlus(-others.value) : logarithm(p[index])
    }
    guard kind == .regular, wanted > 0 else { return }
    var classes: ScaledClasses?
    for slot in 0..<taking where p[indices[slot]] < logarithm(leastProbability) {
      if classes == nil {
        var memory = Pieces(of: scratch.reserve(ScaledClasses.memory(for: taking)))
        classes = self.classes(memory: &memory)
      }
      if let classes { p[indices[slot]] = DeepScaledClass(slot, of: classes).logProbability() }
    }
  }
}
