/// Log F on narrow cells, as direct sums need it: the polynomial whose derivative goes through r at Chebyshev's zeros.
struct CellFit {
  /// The number of coefficients of log F; r has one less.
  let terms: Int
  private let zeros: [Double]
  /// shares[(terms − 1)·k + i]: the share of the value at zero i in the coefficient of T_k. powers[k]: T_k in powers of t.
  private let shares: [Double]
  private let powers: [[Double]]

  init(terms: Int) {
    self.terms = terms
    let count = terms - 1
    zeros = Chebyshev.zeros(count)
    shares = (0..<count).flatMap { k in (0..<count).map { Chebyshev.share(ofZero: $0, in: k, of: count) } }
    powers = Chebyshev.powers(count)
  }

  /// The coefficients of r on the cell from index · width on.
  private func reversedHazard(of noise: some SmoothNoise, cell: Int, width: Double) -> [Double] {
    let count = terms - 1
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { values in
      for i in 0..<count {
        values[i] = exponential(noise.logReversedHazard(at: (Double(cell) + (zeros[i] + 1) / 2) * width))
      }
      var coefficients = [Double](repeating: 0, count: count)
      // By way of Chebyshev's coefficients, which become small: powers straight from the values would cancel.
      for k in 0..<count {
        var share = 0.0
        for i in 0..<count { share += shares[count * k + i] * values[i] }
        for power in stride(from: k & 1, through: k, by: 2) {
          coefficients[power] += share * powers[k][power]
        }
      }
      return coefficients
    }
  }

  /// The coefficients of log F on a cell.
  func coefficients(of noise: some SmoothNoise, cell: Int, width: Double) -> [Double] {
    var coefficients = reversedHazard(of: noise, cell: cell, width: width)
    for power in coefficients.indices { coefficients[power] *= width / 2 / Double(power + 1) }
    coefficients.insert(noise.logCumulative(at: (Double(cell) + 0.5) * width), at: 0)
    return coefficients
  }

  /// The largest error on cells of a width, relative to the peak of an integrand: that of r of the class itself, and that of
  /// log F times the number of leaders. `heights` are the logarithms of the integrands, of classes that far behind.
  func error(
    of noise: some SmoothNoise, width: Double, low: Double, high: Double, leaders: Double,
    heights: [(gap: Double, height: (Double) -> Double)]
  ) -> Double {
    let cells = (Int(low / width)...Int(high / width)).filter { $0 % 7 == 0 }
    let tops = heights.map { height in cells.reduce(-.infinity) { max($0, height.height(Double($1) * width)) }
    }
    var worst = 0.0
    for cell in cells {
      let coefficients = reversedHazard(of: noise, cell: cell, width: width)
      for t in [-1, -0.55, 0.2, 0.8] {
        let z = (Double(cell) + (t + 1) / 2) * width
        let truth = exponential(noise.logReversedHazard(at: z))
        let error = (polynomial(coefficients, at: t) - truth).magnitude
        for ((gap, height), top) in zip(heights, tops) {
          let own = error / truth * exponential(min(0, height(z - gap) - top))
          let others = leaders * error * width / 2 * exponential(min(0, height(z) - top))
          worst = max(worst, own, others)
        }
      }
    }
    return worst
  }
}
