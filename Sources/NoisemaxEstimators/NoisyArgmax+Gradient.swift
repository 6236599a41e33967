import Noisemax

// Estimates of ∇E[f(z)] for a discrete z, the one-hot of argmax(μ + s·ε), from draws.

/// How ∇E[f(z)] in the logits is estimated, for a z that is the one-hot of a random index, or of several.
public enum DiscreteGradientEstimator: Sendable, Hashable {
  /// f(z)·∇log p(z), also called REINFORCE: unbiased, needs no gradient of f, and has the largest variance.
  case scoreFunction(baseline: ScoreBaseline = .none)

  /// The gradient of f(y) at the relaxed sample y = softmax((μ + s·ε)/τ): Gumbel-Softmax, under every law.
  ///
  /// It is the unbiased gradient of E[f(y)], which differs from that of E[f(z)]: the bias goes to 0 with τ, while the
  /// variance grows like 1/τ. The temperature is finite and above 0.
  case relaxation(temperature: Double)

  /// The gradient of f at the corner z itself, pulled back as if z were the relaxed sample y.
  ///
  /// For a linear f it is the same as ``relaxation(temperature:)``; for others it has a bias that need not vanish with
  /// τ.
  case straightThrough(temperature: Double)

  /// τ, if it has one.
  var temperature: Double? {
    switch self {
    case .scoreFunction: nil
    case .relaxation(let temperature), .straightThrough(let temperature): temperature
    }
  }
}

extension NoisyArgmax {
  /// An estimate of ∇E[f(z)] in the logits, where z is the one-hot of argmax(μ + s·ε), or those of several independent
  /// indices, one a row.
  ///
  /// ```swift
  /// let estimate = argmax.gradient(
  ///   of: f, for: logits, by: .scoreFunction(baseline: .leaveOneOut), draws: 1000, seed: 1)
  /// print(estimate.value, estimate.standardError)
  /// ```
  ///
  /// Where the classes can be enumerated, `exactGradient(of:for:)` has no error and costs one value of f for each class.
  /// The draws need memory for one z only. A score function keeps the scores of classes already met, up to a bounded amount.
  ///
  /// - Parameters:
  ///   - objective: f of all one-hots, row by row, with its gradient unless the estimator is a score function.
  ///   - logits: μ, of one row or of many; −∞ masks a class, whose gradient is 0. A row where no class is open has no
  ///     one-hot: zeros.
  ///   - estimator: which estimator.
  ///   - draws: how many draws of z; each costs one value or one gradient of f.
  ///   - seed: row r of m has in draw d the noise of row d·m + r of this seed, as in
  ///     `relaxedSample(for:temperature:seed:firstRow:)`. Every estimator sees the same draws, and the draws of a short run
  ///     begin a longer one.
  /// - Returns: the mean over the draws and its standard error, row by row. A row with a NaN or with several +∞ makes all of
  ///   it NaN.
  /// - Precondition: there are at least 2 draws. A score function needs the method ``Noisemax/NoisyArgmax/Method/exact``.
  public func gradient(
    of objective: Objective, for logits: some Logits<Double>, by estimator: DiscreteGradientEstimator,
    draws: Int, seed: UInt64
  ) -> GradientEstimate {
    require(draws >= 2, "a standard error takes at least 2 draws, not \(draws)")
    let rows = logits.asRows
    guard rows.haveProbabilities else {
      let undefined = [Double](repeating: .nan, count: rows.elements.count)
      return GradientEstimate(value: undefined, standardError: undefined, draws: draws)
    }
    if let temperature = estimator.temperature {
      require(
        temperature > 0 && temperature.isFinite,
        "the temperature of an estimator is finite and above 0, not \(temperature)")
    }
    let factors = FactorizedIndex(argmax: self, rows: rows, seed: seed)
    switch estimator {
    case .scoreFunction(let baseline):
      return factors.scoreEstimate(of: objective, baseline: baseline, draws: draws)
    case .relaxation(let temperature):
      return factors.relaxedEstimate(draws: draws, temperature: temperature) {
        objective.requiredGradient(at: $0.value.elements)
      }
    case .straightThrough(let temperature):
      return factors.relaxedEstimate(draws: draws, temperature: temperature) {
        objective.requiredGradient(at: $0.hard.elements)
      }
    }
  }
}

/// The independent indices whose draws are numbered: what every estimator draws from.
private struct FactorizedIndex {
  let argmax: NoisyArgmax
  let rows: Rows<Double>
  let seed: UInt64

  func scoreEstimate(of objective: Objective, baseline: ScoreBaseline, draws: Int) -> GradientEstimate {
    var terms = ScoreTerms(baseline: baseline, size: rows.elements.count, draws: draws)
    var scores = IndexScores(argmax, rows)
    let nothing = [Double](repeating: 0, count: rows.elements.count)
    var score = nothing
    for draw in 0..<draws {
      var point = nothing
      let indices = argmax.randomIndex(for: rows, seed: seed, firstRow: draw * rows.count)
      for (row, index) in indices.enumerated() {
        guard let index else { continue }
        let slots = rows.shape.slots(of: row)
        point[slots.lowerBound + index] = 1
        score.replaceSubrange(slots, with: scores.score(of: index, inRow: row))
      }
      terms.add(objective.value(point), score: score)
    }
    return terms.estimate
  }

  func relaxedEstimate(
    draws: Int, temperature: Double, cotangent: (RelaxedSample<Rows<Double>>) -> [Double]
  ) -> GradientEstimate {
    var moments = RunningMoments(size: rows.elements.count)
    for draw in 0..<draws {
      let sample = argmax.relaxedSample(
        for: rows, temperature: temperature, seed: seed, firstRow: draw * rows.count)
      moments.add(sample.pullback(of: rows.replacingElements(by: cotangent(sample))).elements)
    }
    return moments.estimate
  }
}

/// The score ∇log p of each class, J·e/p: pulled back when the class is first met, and kept for the next time.
private struct IndexScores {
  private let argmax: NoisyArgmax
  private let rows: Rows<Double>
  private let probabilities: Rows<Double>
  private var known: [Int: [Double]] = [:]
  /// How many classes are kept: together 8 MB, whatever the length of a row.
  private let limit: Int

  init(_ argmax: NoisyArgmax, _ rows: Rows<Double>) {
    require(argmax.method == .exact, "a score function needs exact probabilities, not the quantile rule's")
    self.argmax = argmax
    self.rows = rows
    probabilities = argmax.probabilities(for: rows)
    limit = 1 << 20 / Swift.max(rows.rowLength, 1)
  }

  /// ∂log p/∂μ of one index of a row, which has a probability above 0.
  mutating func score(of index: Int, inRow row: Int) -> [Double] {
    let slot = row * rows.rowLength + index
    if let score = known[slot] { return score }
    var oneHot = [Double](repeating: 0, count: rows.rowLength)
    oneHot[index] = 1
    let score = argmax.pullback(for: rows[row], of: oneHot).map { $0 / probabilities[row, index] }
    if known.count < limit { known[slot] = score }
    return score
  }
}
