import Charts

/// Bias and variance as charts: against the temperature, and against the number of draws.
enum VarianceFigure {
  static func figure(of results: [VarianceResult], _ settings: VarianceSettings) -> ChartFigure {
    ChartFigure(
      "Estimators of a gradient",
      subtitle:
        "Bias with a band of two standard errors; \(settings.draws) draws each, seed \(settings.seed)",
      charts: results.flatMap { charts(of: $0, settings) }, columns: 2, plotWidth: 330, plotHeight: 200)
  }

  private static func charts(of result: VarianceResult, _ settings: VarianceSettings) -> [Chart] {
    var charts: [Chart] = []
    let name = result.experiment.name
    if result.experiment.estimators.contains(where: { $0.temperature != nil }) {
      let axis = ChartAxis("temperature τ", isLogarithmic: true, range: range(of: settings.temperatures))
      charts += pair(name, axis, "variance of a single draw", linesByTemperature(of: result, settings))
      charts += result.shares?.charts(axis) ?? []
    }
    let lines = result.bySize.map { estimator, points in
      Line(
        label: estimator.label, color: estimator.color, isDashed: false,
        points: points.map { (Double($0.size), $0.measurement) })
    }
    let temperature = result.bySize.compactMap(\.estimator.temperature).first
    let title = name + (temperature.map { ", τ = \(plainNumber($0))" } ?? "")
    let axis = ChartAxis(
      "number of draws", isLogarithmic: true, range: range(of: settings.sizes.map(Double.init)))
    return charts + pair(title, axis, "variance of the estimate", lines)
  }

  private static func range(of values: [Double]) -> ClosedRange<Double>? {
    values.min().flatMap { least in values.max().map { least...$0 } }
  }

  /// A line of measurements.
  private struct Line {
    let label: String
    let color: Int
    let isDashed: Bool
    var points: [(x: Double, measurement: VarianceMeasurement)]
  }

  /// One line for all temperatures of an estimator; one without is the same at every temperature.
  private static func linesByTemperature(of result: VarianceResult, _ settings: VarianceSettings) -> [Line] {
    var lines: [Line] = []
    for (estimator, measurements) in zip(result.experiment.estimators, result.measurements) {
      let points = (estimator.temperature.map { [$0] } ?? settings.temperatures).map { ($0, measurements[0]) }
      if let known = lines.firstIndex(where: { $0.label == estimator.label }) {
        lines[known].points += points
      } else {
        let isDashed = estimator.temperature == nil
        lines.append(
          Line(label: estimator.label, color: estimator.color, isDashed: isDashed, points: points))
      }
    }
    return lines
  }

  /// The bias and the variance over one axis.
  private static func pair(_ name: String, _ axis: ChartAxis, _ variance: String, _ lines: [Line]) -> [Chart]
  {
    [
      Chart(
        "\(name): bias", x: axis, y: ChartAxis("bias"),
        series: lines.map { line in
          series(line) { x, measured in
            let margin = 2 * measured.biasError
            return ChartPoint(
              x: x, y: measured.bias, range: (measured.bias - margin)...(measured.bias + margin))
          }
        }),
      Chart(
        "\(name): variance", x: axis, y: ChartAxis(variance, isLogarithmic: true),
        series: lines.map { line in series(line) { x, measured in ChartPoint(x: x, y: measured.variance) } }),
    ]
  }

  private static func series(
    _ line: Line, _ point: (Double, VarianceMeasurement) -> ChartPoint
  ) -> ChartSeries {
    ChartSeries(
      line.label, color: line.color, marks: line.isDashed ? .dashedLine : [.line, .dots],
      points: line.points.map(point))
  }
}
