/// Polynomials through Chebyshev's nodes of a cell.
struct CellFit {
  let terms: Int
  private let nodes: [Double]
  /// matrix[j][node]: the part of the value at a node in the coefficient of Chebyshev's polynomial j, and those as powers.
  private let matrix: [[Double]]
  private let chebyshev: [[Double]]

  /// r has one coefficient less than log F.
  init(terms: Int) {
    self.terms = terms
    let count = terms - 1
    let nodes = (0..<count).map { GaussLegendre.cosineOfHalfTurns((Double($0) + 0.5) / Double(count)) }
    var chebyshev: [[Double]] = [[1]]
    for k in 1..<count {
      var next = [0] + chebyshev[k - 1].map { $0 * (k == 1 ? 1 : 2) }
      if k > 1 { for (power, value) in chebyshev[k - 2].enumerated() { next[power] -= value } }
      chebyshev.append(next)
    }
    (self.nodes, self.chebyshev) = (nodes, chebyshev)
    var values = [[Double](repeating: 1, count: count), nodes]
    for j in 2..<count {
      values.append(nodes.indices.map { 2 * nodes[$0] * values[j - 1][$0] - values[j - 2][$0] })
    }
    matrix = values.enumerated().map { j, row in row.map { $0 * (j == 0 ? 1 : 2) / Double(count) } }
  }

  private func hazard(of law: SampledLaw, cell: Int, width: Double) -> [Double] {
    let values = nodes.map { exponential(law.logHazard(at: (Double(cell) + ($0 + 1) / 2) * width)) }
    var coefficients = [Double](repeating: 0, count: terms - 1)
    // By way of Chebyshev's coefficients, which become small: powers straight from the values would cancel.
    for j in chebyshev.indices {
      var share = 0.0
      for node in values.indices { share += matrix[j][node] * values[node] }
      for power in 0...j { coefficients[power] += share * chebyshev[j][power] }
    }
    return coefficients
  }

  /// The coefficients of log F on a cell.
  func coefficients(of law: SampledLaw, cell: Int, width: Double) -> [Double] {
    let hazard = hazard(of: law, cell: cell, width: width)
    return [law.logCumulative(at: (Double(cell) + 0.5) * width)]
      + hazard.enumerated().map { $1 * (width / 2) / Double($0 + 1) }
  }

  func error(
    of law: SampledLaw, width: Double, low: Double, high: Double, steepest: Double, most: Double
  ) -> Double {
    let cases = [(0.0, most), (steepest, 1.0)]
    let places = (Int(low / width)...Int(high / width)).filter { $0 % 7 == 0 }
    var worst = 0.0
    for (gap, leaders) in cases {
      func height(_ z: Double) -> Double { law.logIntegrand(gap: gap, leaders: leaders, at: z) }
      let top = places.map { height(Double($0) * width) }.max() ?? 0
      for cell in places {
        let coefficients = hazard(of: law, cell: cell, width: width)
        for t in [-1, -0.55, 0.2, 0.8] {
          let z = (Double(cell) + (t + 1) / 2) * width
          let truth = exponential(law.logHazard(at: z))
          let error = (polynomial(coefficients, at: t) - truth).magnitude
          // As the class's own hazard, and in log F of a leader.
          let own = error / truth * exponential(min(0, height(z - gap) - top))
          let others = most * error * width / 2 * exponential(min(0, height(z) - top))
          worst = max(worst, own, others)
        }
      }
    }
    return worst
  }
}
