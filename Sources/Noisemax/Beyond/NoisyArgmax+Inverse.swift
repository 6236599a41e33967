// The logits that have given probabilities.

extension NoisyArgmax {
  /// The logits whose probabilities these are: those of mean 0, the only ones but for a shift.
  ///
  /// ```swift
  /// let logits = argmax.logits(for: [0.5, 0.3, 0.2])
  /// argmax.probabilities(for: logits)                   // [0.5, 0.3, 0.2]
  /// ```
  ///
  /// They minimise the convex E[max(μ + s·ε)] − ⟨μ, q⟩. A class with probability 0 has the logit −∞, and the mean is that of the
  /// others. Under noise with bounded support, such as Uniform, a class as far behind the leader as the support is wide
  /// cannot win: there a class with probability 0 has the largest logit with which it cannot.
  ///
  /// Accuracy: the probabilities of the result are those given within 3e-12 relative, down to 1e-250, but for what rounding
  /// the logits changes. Cost: some two Jacobians and five forward passes for rows of up to 64 classes, and for
  /// longer ones some dozens of pullbacks.
  ///
  /// - Parameters:
  ///   - probabilities: q, one row or many ``Rows``.
  ///   - scales: what the noise of each class is multiplied by besides the transform's own ``scale``, in the same shape; 1
  ///     unless said otherwise.
  /// - Returns: μ, in the same shape.
  /// - Precondition: the method is exact; no probability is negative, and those of a row sum to 1 within 1e-6 (Float: 1e-3); no
  ///   scale is negative, and at most one class of scale 0 has a probability above 0.
  public func logits<L: Logits>(for probabilities: L, scales: L? = nil) -> L {
    requireExact("inverse")
    let (rows, scales) = (probabilities.asRows, scales?.asRows)
    if let scales { rows.shape.check(scales.shape, "scales") }
    return L.form(of: Rows(inverses(of: rows, scales), rows.shape))
  }

  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  private func inverses<Scalar: LogitScalar>(of rows: Rows<Scalar>, _ scales: Rows<Scalar>?) -> [Scalar] {
    var elements: [Scalar] = []
    elements.reserveCapacity(rows.elements.count)
    for row in 0..<rows.count {
      let complaint = Self.complaint(aboutProbabilities: rows[row])
      require(complaint == nil, complaint ?? "")
      let q = rows[row].map { Double($0) }
      let scales = scales?[row].map { Double($0) } ?? [Double](repeating: 1, count: q.count)
      for (index, scale) in scales.enumerated() { requireScale(scale, ofClass: index) }
      elements += inverse(of: q, scales).map { Scalar($0) }
    }
    return elements
  }

  /// Why numbers are not the probabilities of a row; nil where they are.
  package static func complaint<Scalar: LogitScalar>(aboutProbabilities q: [Scalar]) -> String? {
    for (index, value) in q.enumerated() where !(value >= 0) {
      return "the probability \(value) of class \(index) is not 0 or more"
    }
    let tolerance = Precision(of: Scalar.self) == .double ? 1e-6 : 1e-3
    let sum = CompensatedSum(of: q.lazy.map { Double($0) }).value
    guard !q.isEmpty, !((sum - 1).magnitude <= tolerance) else { return nil }
    return "the probabilities of a row of \(q.count) sum to \(sum), not to 1"
  }

  private func inverse(of q: [Double], _ scales: [Double]) -> [Double] {
    let open = q.indices.filter { q[$0] > 0 }
    let still = open.filter { scales[$0] == 0 }
    require(still.count < 2, "classes \(still) have scale 0: only one of them can have a probability above 0")
    let total = CompensatedSum(of: q).value
    let found =
      open.count < 2
      ? open.map { _ in 0.0 } : inverse(ofOpen: open.map { q[$0] / total }, open.map { scales[$0] })
    let mean = CompensatedSum(of: found).value / Double(Swift.max(found.count, 1))
    var result = [Double](repeating: -.infinity, count: q.count)
    for (slot, index) in open.enumerated() { result[index] = found[slot] - mean }
    // A class without a probability is at most where all of its noise is below all of another's.
    let law = StandardizedNoise(noise).standard
    let (lower, upper) = (law.quantile(at: 0), law.quantile(at: 1))
    func scaled(_ end: Double, of index: Int) -> Double {
      scales[index] == 0 ? 0 : scales[index] * (unit * end + location)
    }
    let floor = open.reduce(-.infinity) { Swift.max($0, result[$1] + scaled(lower, of: $1)) }
    for index in q.indices where q[index] == 0 {
      let reach = scaled(upper, of: index)
      let highest = floor - reach
      // Rounding must leave it no chance, and two classes without noise must not tie.
      let gap = DoubleDouble(highest) - DoubleDouble(floor)
      let canWin = (gap + DoubleDouble(reach)).value > 0 || scales[index] == 0
      result[index] = canWin ? highest.nextDown : highest
    }
    return result
  }

  /// The logits of at least two classes, all of which can win.
  private func inverse(ofOpen q: [Double], _ scales: [Double]) -> [Double] {
    let logarithms = q.map { logarithm($0) }
    let largest = scales.reduce(0) { Swift.max($0, $1) }
    let isCommon = scales.allSatisfy { $0 == largest }
    if isCommon && isSoftmax { return logarithms.map { unit * largest * $0 } }
    // In units of the standard law, and of the largest scale.
    let search = InverseSearch(
      NoisyArgmax(self, scale: scale / unit),
      // Noise that underflows beside the largest is noise still.
      scales: isCommon ? nil : scales.map { $0 == 0 ? 0 : Swift.max($0 / largest, 0x1p-1000) }, q, logarithms)
    return search.result().map { $0 * unit * largest }
  }
}
