/// How the temperature of a relaxation falls with the steps of training: a plain function of the step.
///
/// A relaxed sample at a high temperature has gradients of low variance and is far from a one-hot; training starts
/// warm and cools down.
///
/// ```swift
/// let schedule = AnnealingSchedule.exponential(from: 1, rate: 1e-4, floor: 0.5)
/// let y = argmax.relaxedSample(for: logits, temperature: schedule.temperature(at: step), using: &generator)
/// ```
public enum AnnealingSchedule: Sendable, Hashable {
  /// max(`floor`, `from` · e^(−`rate` · step)): the schedule of the paper on the Gumbel-Softmax by Jang, Gu and Poole.
  case exponential(from: Double, rate: Double, floor: Double)

  /// `from` + (`to` − `from`) · t with t = min(step/`steps`, 1).
  case linear(from: Double, to: Double, steps: Int)

  /// `to` + (`from` − `to`) · (1 + cos πt)/2 with t = min(step/`steps`, 1): slow at both ends.
  case cosine(from: Double, to: Double, steps: Int)

  /// The temperature at a step, counted from 0: `from` at step 0, and exactly the `floor` or `to` in the end.
  ///
  /// - Precondition: the step is not negative, temperatures are finite and not negative, the rate is finite and not
  ///   negative, and `steps` is at least 1.
  public func temperature(at step: Int) -> Double {
    require(step >= 0, "steps are counted from 0, not \(step)")
    switch self {
    case .exponential(let first, let rate, let floor):
      checkTemperatures(first, floor)
      require(rate >= 0 && rate.isFinite, "a rate is finite and not negative, not \(rate)")
      return Double.maximum(floor, first * Noisemax.exponential(-rate * Double(step)))
    case .linear(let first, let last, let steps):
      checkTemperatures(first, last)
      let share = share(of: step, outOf: steps)
      return share < 1 ? first + (last - first) * share : last
    case .cosine(let first, let last, let steps):
      checkTemperatures(first, last)
      let share = share(of: step, outOf: steps)
      return share < 1 ? last + (first - last) * ((1 + Noisemax.cosine(.pi * share)) / 2) : last
    }
  }

  private func share(of step: Int, outOf steps: Int) -> Double {
    require(steps >= 1, "a schedule takes at least 1 step, not \(steps)")
    return Double(step) / Double(steps)
  }

  private func checkTemperatures(_ first: Double, _ last: Double) {
    for temperature in [first, last] {
      require(
        temperature >= 0 && temperature.isFinite,
        "a temperature is finite and not negative, not \(temperature)")
    }
  }
}
