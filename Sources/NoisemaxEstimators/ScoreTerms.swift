import Noisemax

/// The terms (f − b)·∇log p of a score function, for every choice of the baseline b.
struct ScoreTerms {
  private let baseline: ScoreBaseline
  private var moments: RunningMoments
  private var covariance: RunningCovariance
  /// The mean of f so far, and of how many draws.
  private var mean = 0.0
  private var count = 0.0

  init(baseline: ScoreBaseline, size: Int, draws: Int) {
    require(
      baseline != .leaveOneOut || draws >= 4,
      "leaving one out takes at least 4 draws for a standard error, not \(draws)")
    self.baseline = baseline
    moments = RunningMoments(size: baseline == .leaveOneOut ? 0 : size)
    covariance = RunningCovariance(size: baseline == .leaveOneOut ? size : 0)
  }

  /// Adds a draw: its f and its ∇log p.
  mutating func add(_ value: Double, score: [Double]) {
    switch baseline {
    case .none: moments.add(score, times: value)
    case .runningMean:
      moments.add(score, times: value - mean)
      count += 1
      mean += (value - mean) / count
    case .leaveOneOut: covariance.add(value, score)
    }
  }

  var estimate: GradientEstimate {
    baseline == .leaveOneOut ? covariance.estimate : moments.estimate
  }
}
