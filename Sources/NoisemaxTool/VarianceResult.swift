import Charts
import CommandLineConventions
import Noisemax

/// What an experiment came to.
struct VarianceResult {
  let experiment: VarianceExperiment
  let draws: Int
  /// For every estimator, in every parameter.
  let measurements: [[VarianceMeasurement]]
  /// Estimates of the first slope from fewer draws, with their true spread: only if they are to be drawn.
  let bySize: [(estimator: VarianceEstimator, points: [(size: Int, measurement: VarianceMeasurement)])]
  /// Where relaxed samples go: only of the annealing.
  let shares: VarianceShares?

  static func steps(
    of experiment: VarianceExperiment, _ settings: VarianceSettings, isDrawn: Bool
  ) -> Int {
    experiment.estimators.count
      + (isDrawn ? sizedEstimators(of: experiment, settings).count * settings.sizes.count : 0)
  }

  init(
    of experiment: VarianceExperiment, _ settings: VarianceSettings, isDrawn: Bool, advance: () -> Void
  ) {
    self.experiment = experiment
    draws = settings.draws
    measurements = experiment.estimators.map { estimator in
      defer { advance() }
      return estimator.measurements(of: experiment.exact, draws: settings.draws, seed: settings.seed)
    }
    bySize = (isDrawn ? Self.sizedEstimators(of: experiment, settings) : []).map { estimator in
      let points = settings.sizes.map { size in
        defer { advance() }
        let measurement = estimator.repeated(
          of: experiment.exact[0], size: size, draws: settings.draws, seed: settings.seed)
        return (size, measurement)
      }
      return (estimator, points)
    }
    shares = experiment.shares?(settings)
  }

  /// Of those with a temperature, one is enough.
  private static func sizedEstimators(
    of experiment: VarianceExperiment, _ settings: VarianceSettings
  ) -> [VarianceEstimator] {
    experiment.estimators.filter {
      $0.temperature ?? settings.middleTemperature == settings.middleTemperature
    }
  }

  /// The table of every parameter.
  var text: String {
    var text = "\(experiment.name): \(experiment.subject)\n"
    for (parameter, name) in experiment.parameters.enumerated() {
      text += "\nslope in \(name), exactly \(number(experiment.exact[parameter])); \(draws) draws\n"
      let header = ["estimator", "estimate", "bias", "variance"]
      let lines = zip(experiment.estimators, measurements).map { estimator, measurements in
        let measured = measurements[parameter]
        return [
          estimator.fullLabel, number(measured.value),
          "\(number(measured.bias)) ± \(number(measured.biasError))", number(measured.variance),
        ]
      }
      text += columns([header] + lines)
    }
    if let shares { text += "\n" + shares.text }
    return experiment.remark.isEmpty ? text : text + "\n" + experiment.remark + "\n"
  }
}

/// Lines of cells: the first column to the left, the others to the right.
func columns(_ lines: [[String]]) -> String {
  let widths = (lines.first ?? []).indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
  return lines.map { line in
    zip(line, widths).enumerated().map { column, cell in
      let spaces = String(repeating: " ", count: cell.1 - cell.0.count)
      return column == 0 ? cell.0 + spaces : spaces + cell.0
    }.joined(separator: "   ") + "\n"
  }.joined()
}

/// A number to read: four decimals, or all the digits it has where it is too large for that.
private func number(_ value: Double) -> String {
  value.magnitude < 1e9 ? fixedDecimals(value, 4) : shortestDecimal(value)
}

/// A number that somebody chose.
func plainNumber(_ value: Double) -> String { shortestDecimal(value) }
