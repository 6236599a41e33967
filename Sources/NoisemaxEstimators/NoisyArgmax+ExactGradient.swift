import Noisemax

// ∇E[f(z)] without draws, where the values of z can be enumerated.
//
// For independent indices z_1 … z_m, E[f] is linear in the probabilities of each. Its gradient in those of z_r is
// c_r[k] = E[f(z) | z_r = k], a sum over the other indices, and the gradient in the logits the pullback of c_r.

extension NoisyArgmax {
  /// ∇E[f(z)] in the logits, where z is the one-hot of argmax(μ + s·ε), or those of several independent indices, one a
  /// row: the pullback of the values of f.
  ///
  /// Its accuracy is that of `pullback(for:of:)`; with the quantile rule it is the gradient of the sum that the rule gives.
  /// Cost: one value of f for each combination of classes with a probability above 0.
  ///
  /// - Parameters:
  ///   - objective: f of all one-hots, row by row; its gradient is not used.
  ///   - logits: μ, of one row or of many; −∞ masks a class. A row where no class is open has no one-hot: zeros.
  /// - Returns: the gradient, 0 at masked classes. A row with a NaN or with several +∞ makes all of it NaN.
  /// - Precondition: there are at most 2²⁴ combinations.
  public func exactGradient<L: Logits<Double>>(of objective: Objective, for logits: L) -> L {
    let rows = logits.asRows
    guard rows.haveProbabilities else {
      return L.form(of: rows.replacingElements(by: [Double](repeating: .nan, count: rows.elements.count)))
    }
    let probabilities = probabilities(for: rows).elements
    let choices = (0..<rows.count).map { row in
      rows.shape.slots(of: row).filter { probabilities[$0] > 0 }
    }.filter { !$0.isEmpty }
    let combinations = choices.reduce(1.0) { $0 * Double($1.count) }
    require(
      combinations <= 0x1p24, "\(combinations) combinations of classes are too many to enumerate: estimate")
    let means = conditionalMeans(of: objective, choices, probabilities)
    return L.form(of: pullback(for: rows, of: rows.replacingElements(by: means)))
  }

  /// E[f(z) | z_r = k] for every class: `choices` are the slots in the batch that each index chooses from.
  private func conditionalMeans(
    of objective: Objective, _ choices: [[Int]], _ probabilities: [Double]
  ) -> [Double] {
    var means = [Double](repeating: 0, count: probabilities.count)
    if choices.isEmpty { return means }
    /// The combination in turn, and the probability of what comes before and after each index in it.
    var turn = [Int](repeating: 0, count: choices.count)
    var before = [Double](repeating: 1, count: choices.count + 1)
    while true {
      var point = [Double](repeating: 0, count: probabilities.count)
      for (row, choice) in turn.enumerated() {
        let slot = choices[row][choice]
        point[slot] = 1
        before[row + 1] = before[row] * probabilities[slot]
      }
      let value = objective.value(point)
      var after = 1.0
      for row in choices.indices.reversed() {
        let slot = choices[row][turn[row]]
        means[slot] += value * before[row] * after
        after *= probabilities[slot]
      }
      // The next combination, the last index turning fastest.
      guard let row = turn.indices.last(where: { turn[$0] + 1 < choices[$0].count }) else { return means }
      turn[row] += 1
      for later in turn.index(after: row)..<turn.endIndex { turn[later] = 0 }
    }
  }
}
