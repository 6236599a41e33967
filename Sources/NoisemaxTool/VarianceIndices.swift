import Noisemax
import NoisemaxEstimators

// The experiments on discrete z: one index, several, and the annealing of a relaxed one.

extension VarianceExperiment {
  static func index(under noise: some ExactNoise, temperatures: [Double]) -> VarianceExperiment {
    let target = [0.2, 0.5, 0.2, 0.1]
    let f = Objective(
      value: { z in zip(z, target).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } },
      gradient: { z in zip(z, target).map { 2 * ($0 - $1) } })
    return VarianceIndices(noise, logits: [1, 0.5, 0, -1], rowLength: 4, objective: f, parameter: 1)
      .experiment(
        "index",
        subject: """
          z is the one-hot of one index of 4 classes with the logits 1, 0.5, 0, -1,
          f(z) its squared distance from (0.2, 0.5, 0.2, 0.1)
          """, parameterName: "logit 2", temperatures: temperatures)
  }

  static func factors(under noise: some ExactNoise, temperatures: [Double]) -> VarianceExperiment {
    /// How many more than 5 are yes.
    @Sendable func excess(_ z: [Double]) -> Double {
      stride(from: 1, to: 12, by: 2).reduce(-5) { $0 + z[$1] }
    }
    let f = Objective(
      value: { z in excess(z) * excess(z) },
      gradient: { z in z.indices.map { $0.isMultiple(of: 2) ? 0 : 2 * excess(z) } })
    let logits = [-1, -0.6, -0.2, 0.2, 0.6, 1].flatMap { [0, $0] as [Double] }
    return VarianceIndices(noise, logits: logits, rowLength: 2, objective: f, parameter: 1)
      .experiment(
        "factors",
        subject: """
          z is 6 choices between no and yes, the logits of yes -1, -0.6, -0.2, 0.2, 0.6, 1,
          f(z) the square of how many more than 5 are yes
          """, parameterName: "the first logit of yes", temperatures: temperatures)
  }

  static func annealing(under noise: some ExactNoise, temperatures: [Double]) -> VarianceExperiment {
    let logits = [1, 0.5, 0]
    let rewards = [0, 1, 0.3]
    let f = Objective(
      value: { z in zip(z, rewards).reduce(0) { $0 + $1.0 * $1.1 } }, gradient: { _ in rewards })
    let indices = VarianceIndices(noise, logits: logits, rowLength: 3, objective: f, parameter: 1)
    let plain = temperatures.map { temperature in
      VarianceEstimator(label: "plain softmax", color: 6, temperature: temperature) { _, _ in
        let softmax = NoisyArgmax(.gumbel, scale: temperature)
        let slope = softmax.pullback(for: logits, of: rewards)[1]
        return [.init(value: slope, standardError: 0)]
      }
    }
    return VarianceExperiment(
      name: "annealing",
      subject: """
        z is the one-hot of one index of 3 classes with the logits 1, 0.5, 0,
        f(z) its reward, 0, 1 or 0.3; plain softmax has softmax(logits/τ) in place of z, no noise
        """, parameters: ["logit 2"], exact: indices.exact,
      estimators: indices.relaxations(temperatures) + plain,
      remark: """
        With noise, y goes to the one-hot of every class at its rate; without, only to that of the
        largest logit. (Under Gumbel noise softmax at τ = 1 is the distribution of z itself, and exact
        for this f; it is no one-hot.)
        """,
      shares: { VarianceShares(indices.argmax, logits: logits, $0) })
  }
}

/// Estimators of one slope of E[f(z)] for a z of indices.
private struct VarianceIndices: Sendable {
  let argmax: NoisyArgmax
  let logits: [Double]
  let rowLength: Int
  let objective: Objective
  let parameter: Int

  init(
    _ noise: some ExactNoise, logits: [Double], rowLength: Int, objective: Objective, parameter: Int
  ) {
    argmax = NoisyArgmax(noise)
    self.logits = logits
    self.rowLength = rowLength
    self.objective = objective
    self.parameter = parameter
  }

  var exact: [Double] {
    [argmax.exactGradient(of: objective, for: Rows(logits, length: rowLength)).elements[parameter]]
  }

  func experiment(
    _ name: String, subject: String, parameterName: String, temperatures: [Double]
  ) -> VarianceExperiment {
    let scores = varianceBaselines.enumerated().map { color, baseline in
      estimator(baseline.label, color, .scoreFunction(baseline: baseline.baseline))
    }
    let straightThrough = temperatures.map {
      estimator("straight-through", 4, .straightThrough(temperature: $0), temperature: $0)
    }
    return VarianceExperiment(
      name: name, subject: subject, parameters: [parameterName], exact: exact,
      estimators: scores + relaxations(temperatures) + straightThrough)
  }

  func relaxations(_ temperatures: [Double]) -> [VarianceEstimator] {
    temperatures.map { estimator("relaxation", 3, .relaxation(temperature: $0), temperature: $0) }
  }

  private func estimator(
    _ label: String, _ color: Int, _ method: DiscreteGradientEstimator, temperature: Double? = nil
  ) -> VarianceEstimator {
    VarianceEstimator(label: label, color: color, temperature: temperature) { draws, seed in
      let estimate = argmax.gradient(
        of: objective, for: Rows(logits, length: rowLength), by: method, draws: draws, seed: seed)
      return [
        .init(value: estimate.value[parameter], standardError: estimate.standardError[parameter])
      ]
    }
  }
}

/// The score functions, in the order of their colours.
let varianceBaselines: [(label: String, baseline: ScoreBaseline)] = [
  ("score function", .none), ("score, running mean", .runningMean), ("score, leave-one-out", .leaveOneOut),
]
