extension Lattice {
  func excess(
    of row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> Double? {
    let leader = row.firstIndex(of: 0) ?? 0
    var pass = LatticePass(
      UnsafeBufferPointer(row), depth: table.depth, table: table, precision: precision, scratch: &scratch)
    pass.integrate()
    pass.weigh(by: shortfalls)
    // The pass divides its results by their sum.
    pass.takeLogarithms()
    let sum = 1 + pass.evaluate(row)
    var others = CompensatedSum()
    for index in row.indices where index != leader { others.add(row[index]) }
    return others.value * sum
  }
}

extension LatticePass {
  /// Multiplies G by the mean shortfall at every node.
  fileprivate func weigh(by shortfalls: ShortfallSamples) {
    for index in 0..<nodes { g[index] *= shortfalls[(firstNode + index) * step] }
    integrals(of: g, to: heights)
  }
}

/// The mean shortfall at the samples of a table, as far as classes of a probability of 1e-300 need it.
struct ShortfallSamples: Sendable {
  private let first: Int
  private let values: [Double]

  init(_ table: LatticeTable) {
    func samples(_ noise: some SmoothNoise) -> (first: Int, values: [Double]) {
      let deepest = table.lowestNode(deepest: -table.depth)
      // A row may begin up to two of the coarsest steps lower, and end as much higher.
      let margin = 64
      let first = Int((deepest / table.unit).rounded(.down)) - margin
      let last =
        Int((noise.upperQuantile(at: Precision.double.tail / 1e9) / table.unit).rounded(.up)) + margin
      let shortfall = MeanShortfall(
        kinks: [], lowerEnd: -.infinity, deviation: noise.variance.squareRoot())
      var values: [Double] = []
      values.reserveCapacity(last - first + 1)
      for index in first...last {
        let place = Double(index) * table.unit
        let known = values.last.map { (place - table.unit, $0) }
        values.append(shortfall.value(at: place, under: noise, from: known))
      }
      return (first, values)
    }
    (first, values) = samples(table.noise)
  }

  /// Below the first sample nothing is held, and above the last F is 1: the shortfall grows as the place does.
  subscript(index: Int) -> Double {
    values[Swift.min(Swift.max(index - first, 0), values.count - 1)]
  }
}
