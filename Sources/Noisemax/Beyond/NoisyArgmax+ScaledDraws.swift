// Random indices where every class has a scale of its own.

extension NoisyArgmax {
  /// A random index: argmax(μ_i + s·s_i·ε_i) for one draw of the noise.
  ///
  /// A class of scale 0 gets no noise and costs no draw; otherwise as ``randomIndex(for:using:)``, by any method.
  ///
  /// - Parameters:
  ///   - logits: μ, in any order, of one row or of many; −∞ masks a class.
  ///   - scales: the scales of the classes, in the same shape.
  ///   - generator: what the randomness comes from.
  /// - Returns: the index, or nil where there is none.
  /// - Precondition: the shapes are the same, and no scale is negative.
  public func randomIndex<L: Logits>(
    for logits: L, scales: L, using generator: inout some RandomNumberGenerator
  ) -> L.IndexPerRow {
    let (rows, scales) = (logits.asRows, scales.asRows)
    rows.shape.check(scales.shape, "scales")
    if logits is [L.Scalar] {
      return L.form(of: [winner(of: rows[0], scales[0], using: &generator)])
    }
    let streams = RowStreams(using: &generator)
    return L.form(
      of: (0..<rows.count).map { row in
        var generator = streams.generator(ofRow: row)
        return winner(of: rows[row], scales[row], using: &generator)
      })
  }

  private func winner<Scalar: LogitScalar>(
    of row: [Scalar], _ scales: [Scalar], using generator: inout some RandomNumberGenerator
  ) -> Int? {
    for (index, scale) in scales.enumerated() { requireScale(scale, ofClass: index) }
    let top: Double
    switch row.withUnsafeBufferPointer({ RowKind(of: $0) }) {
    case .undefined, .masked: return nil
    case .certain(let index): return index
    case .regular(let largest, _): top = largest
    }
    var (winner, best): (Int?, Double) = (nil, -.infinity)
    for index in row.indices where row[index] > -.infinity {
      let scale = Double(scales[index])
      let noise = scale > 0 ? scale * (unit * sampler.draw(using: &generator) + location) : 0
      let score = (Double(row[index]) - top) + noise
      if winner == nil || score > best { (winner, best) = (index, score) }
    }
    return winner
  }
}
