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
  /// An estimate of ∇E[f(z)] in the logits, where z is the one-hot of argmax(μ + s·ε).
  ///
  /// ```swift
  /// let estimate = argmax.gradient(
  ///   of: f, at: logits, by: .scoreFunction(baseline: .leaveOneOut), draws: 1000, seed: 1)
  /// print(estimate.value, estimate.standardError)
  /// ```
  ///
  /// Where the classes can be enumerated, `exactGradient(of:at:)` has no error and costs one value of f for each class.
  ///
  /// - Parameters:
  ///   - objective: f, with its gradient unless the estimator is a score function.
  ///   - logits: μ; −∞ masks a class, whose gradient is 0.
  ///   - estimator: which estimator.
  ///   - draws: how many draws of z; each costs one value or one gradient of f.
  ///   - seed: draw d has the noise of row d of this seed, as in `relaxedSample(forRowsOf:…seed:firstRow:)`. Every
  ///     estimator sees the same draws, and the draws of a short run begin a longer one.
  /// - Returns: the mean over the draws and its standard error, of the shape of the logits. A row with a NaN or with
  ///   several +∞ gives NaN.
  /// - Precondition: there are at least 2 draws. A score function needs the method ``Method/exact``.
  public func gradient(
    of objective: Objective, at logits: [Double], by estimator: DiscreteGradientEstimator, draws: Int,
    seed: UInt64
  ) -> GradientEstimate {
    gradient(
      of: objective, atRowsOf: logits, rowLength: logits.count, by: estimator, draws: draws, seed: seed)
  }

  /// An estimate of ∇E[f(z)] in the logits of several independent indices: f takes all their one-hots, row by row.
  ///
  /// The draws need memory for one z only. A score function keeps the scores of classes already met, up to a bounded
  /// amount.
  ///
  /// - Parameters:
  ///   - objective: f, with its gradient unless the estimator is a score function.
  ///   - logits: the rows, one after the other. A row where no class is open has no one-hot: zeros.
  ///   - rowLength: the number of classes of each.
  ///   - estimator: which estimator.
  ///   - draws: how many draws of z; each costs one value or one gradient of f.
  ///   - seed: row r of m has in draw d the noise of row d·m + r of this seed.
  /// - Returns: the mean over the draws and its standard error, of the shape of the logits. A row with a NaN or with
  ///   several +∞ makes all of it NaN.
  /// - Precondition: there are at least 2 draws, and the number of logits is a multiple of `rowLength`. A score
  ///   function needs the method ``Method/exact``.
  public func gradient(
    of objective: Objective, atRowsOf logits: [Double], rowLength: Int,
    by estimator: DiscreteGradientEstimator, draws: Int, seed: UInt64
  ) -> GradientEstimate {
    require(draws >= 2, "a standard error takes at least 2 draws, not \(draws)")
    require(
      rowLength >= 0 && (rowLength == 0 ? logits.isEmpty : logits.count.isMultiple(of: rowLength)),
      "\(logits.count) logits are not a whole number of rows of \(rowLength)")
    guard hasDefinedRows(logits, rowLength: rowLength) else {
      let undefined = [Double](repeating: .nan, count: logits.count)
      return GradientEstimate(value: undefined, standardError: undefined, draws: draws)
    }
    if let temperature = estimator.temperature {
      require(
        temperature > 0 && temperature.isFinite,
        "a relaxation has a gradient at temperatures above 0, finite, not at \(temperature)")
    }
    let factors = FactorizedIndex(argmax: self, logits: logits, rowLength: rowLength, seed: seed)
    switch estimator {
    case .scoreFunction(let baseline):
      return factors.scoreEstimate(of: objective, baseline: baseline, draws: draws)
    case .relaxation(let temperature):
      return factors.relaxedEstimate(draws: draws, temperature: temperature) {
        objective.requiredGradient(at: $0.value)
      }
    case .straightThrough(let temperature):
      return factors.relaxedEstimate(draws: draws, temperature: temperature) {
        objective.requiredGradient(at: $0.hard)
      }
    }
  }

  /// Whether every row has a distribution: no NaN, not several +∞.
  func hasDefinedRows(_ logits: [Double], rowLength: Int) -> Bool {
    logits.withUnsafeBufferPointer { rows in
      places(ofRowsOf: rows.count, rowLength: rowLength).allSatisfy {
        RowKind(of: UnsafeBufferPointer(rebasing: rows[$0])) != .undefined
      }
    }
  }
}

/// The independent indices whose draws are numbered: what every estimator draws from.
private struct FactorizedIndex {
  let argmax: NoisyArgmax
  let logits: [Double]
  let rowLength: Int
  let seed: UInt64

  private var rows: Int { rowLength == 0 ? 0 : logits.count / rowLength }

  func scoreEstimate(of objective: Objective, baseline: ScoreBaseline, draws: Int) -> GradientEstimate {
    var terms = ScoreTerms(baseline: baseline, size: logits.count, draws: draws)
    var scores = IndexScores(argmax, logits: logits, rowLength: rowLength)
    let nothing = [Double](repeating: 0, count: logits.count)
    var score = nothing
    for draw in 0..<draws {
      var point = nothing
      let indices = argmax.randomIndices(
        forRowsOf: logits, rowLength: rowLength, seed: seed, firstRow: draw * rows)
      for (row, index) in indices.enumerated() {
        guard let index else { continue }
        let start = row * rowLength
        point[start + index] = 1
        score.replaceSubrange(start..<start + rowLength, with: scores.score(of: index, inRow: row))
      }
      terms.add(objective.value(point), score: score)
    }
    return terms.estimate
  }

  func relaxedEstimate(
    draws: Int, temperature: Double, cotangent: (RelaxedSample<Double>) -> [Double]
  ) -> GradientEstimate {
    var moments = RunningMoments(size: logits.count)
    for draw in 0..<draws {
      let sample = argmax.relaxedSample(
        forRowsOf: logits, rowLength: rowLength, temperature: temperature, seed: seed, firstRow: draw * rows)
      moments.add(sample.pullback(of: cotangent(sample)))
    }
    return moments.estimate
  }
}

/// The score ∇log p of each class, J·e/p: pulled back when the class is first met, and kept for the next time.
private struct IndexScores {
  private let argmax: NoisyArgmax
  private let logits: [Double]
  private let rowLength: Int
  private let probabilities: [Double]
  private var known: [Int: [Double]] = [:]
  /// How many classes are kept: together 8 MB, whatever the length of a row.
  private let limit: Int

  init(_ argmax: NoisyArgmax, logits: [Double], rowLength: Int) {
    require(argmax.method == .exact, "a score function needs exact probabilities, not the quantile rule's")
    self.argmax = argmax
    self.logits = logits
    self.rowLength = rowLength
    probabilities = argmax.probabilities(forRowsOf: logits, rowLength: rowLength)
    limit = 1 << 20 / Swift.max(rowLength, 1)
  }

  /// ∂log p/∂μ of one index of a row, which has a probability above 0.
  mutating func score(of index: Int, inRow row: Int) -> [Double] {
    let place = row * rowLength + index
    if let score = known[place] { return score }
    var oneHot = [Double](repeating: 0, count: rowLength)
    oneHot[index] = 1
    let start = row * rowLength
    let column = argmax.pullback(at: Array(logits[start..<start + rowLength]), of: oneHot)
    let score = column.map { $0 / probabilities[place] }
    if known.count < limit { known[place] = score }
    return score
  }
}
