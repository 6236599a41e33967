/// An experiment of `noisemax variance`: slopes whose exact values are known, and the estimators set beside them.
struct VarianceExperiment: Sendable {
  let name: String
  /// What z and f are.
  let subject: String
  /// What the slopes are taken in, such as "logit 2".
  let parameters: [String]
  /// The slopes of E[f(z)].
  let exact: [Double]
  let estimators: [VarianceEstimator]
  /// What the table does not say and the reader should know.
  var remark = ""
  /// Where relaxed samples go: only of the annealing.
  var shares: (@Sendable (VarianceSettings) -> VarianceShares)? = nil
}

/// An estimator at a temperature, if it has one.
package struct VarianceEstimator: Sendable {
  let label: String
  /// Of the ``ChartPalette``.
  let color: Int
  let temperature: Double?
  /// For every parameter, the estimate from so many draws and its standard error.
  let estimates: @Sendable (_ draws: Int, _ seed: UInt64) -> [Estimate]

  package init(
    label: String, color: Int, temperature: Double? = nil,
    estimates: @escaping @Sendable (_ draws: Int, _ seed: UInt64) -> [Estimate]
  ) {
    (self.label, self.color, self.temperature, self.estimates) = (label, color, temperature, estimates)
  }

  package struct Estimate {
    let value: Double
    let standardError: Double

    package init(value: Double, standardError: Double) {
      (self.value, self.standardError) = (value, standardError)
    }
  }

  /// The label, with the temperature.
  var fullLabel: String { temperature.map { "\(label), τ = \(plainNumber($0))" } ?? label }
}

/// What an estimator made of one slope.
package struct VarianceMeasurement {
  package let value: Double
  /// The estimate less the exact slope, and the standard error that this is known to.
  package let bias: Double
  package let biasError: Double
  /// Of the estimate from a single draw, or from as many as stated.
  package let variance: Double
}

extension VarianceEstimator {
  /// One estimate from all draws, for every parameter: its variance is that of a single draw.
  func measurements(of exact: [Double], draws: Int, seed: UInt64) -> [VarianceMeasurement] {
    zip(estimates(draws, seed), exact).map { estimate, exact in
      VarianceMeasurement(
        value: estimate.value, bias: estimate.value - exact, biasError: estimate.standardError,
        variance: estimate.standardError * estimate.standardError * Double(draws))
    }
  }

  /// As many estimates from `size` draws each as `draws` are enough for: the mean of the first parameter's, and their
  /// true spread.
  package func repeated(of exact: Double, size: Int, draws: Int, seed: UInt64) -> VarianceMeasurement {
    let runs = draws / size
    var (mean, squares) = (0.0, 0.0)
    for run in 0..<runs {
      // Seeds of their own, away from those a reader might choose next.
      let value = estimates(size, seed &+ UInt64(run + 1) &* 0x1_0000_0001)[0].value
      let offset = value - mean
      mean += offset / Double(run + 1)
      squares += offset * (value - mean)
    }
    let variance = squares / Double(runs - 1)
    return VarianceMeasurement(
      value: mean, bias: mean - exact, biasError: (variance / Double(runs)).squareRoot(), variance: variance)
  }
}
