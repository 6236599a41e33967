import Charts
import Noisemax

/// Where a relaxed choice among a few classes goes as the temperature falls, with noise and without.
///
/// With noise, it goes to the one-hot of a random class, each as often as it is likely. Without, softmax(logits/τ) can
/// only ever reach the one-hot of the largest logit.
struct VarianceShares {
  let probabilities: [Double]
  let rows: [Row]

  struct Row {
    let temperature: Double
    /// The mean of the relaxed samples, and of the largest component of each.
    let mean: [Double]
    let largest: Double
    let plain: [Double]
  }

  init(_ argmax: NoisyArgmax, logits: [Double], _ settings: VarianceSettings) {
    probabilities = argmax.probabilities(for: logits)
    rows = settings.temperatures.map { temperature in
      var mean = [Double](repeating: 0, count: logits.count)
      var largest = 0.0
      for draw in 0..<settings.draws {
        let y = argmax.relaxedSample(
          for: Rows(logits, length: logits.count), temperature: temperature, seed: settings.seed,
          firstRow: draw
        ).value.elements
        for index in y.indices { mean[index] += y[index] / Double(settings.draws) }
        largest += (y.max() ?? 0) / Double(settings.draws)
      }
      return Row(
        temperature: temperature, mean: mean, largest: largest,
        plain: NoisyArgmax(.gumbel, scale: temperature).probabilities(for: logits))
    }
  }

  var text: String {
    func shares(_ values: [Double]) -> String {
      values.map { fixedDecimals($0, 3) }.joined(separator: " ")
    }
    let header = ["τ", "relaxation: mean y", "mean of largest", "plain softmax: y"]
    let lines = rows.map { row in
      [plainNumber(row.temperature), shares(row.mean), fixedDecimals(row.largest, 3), shares(row.plain)]
    }
    return "where y goes as τ falls; the probabilities of the classes are \(shares(probabilities))\n"
      + columns([header] + lines)
  }

  /// The share of the second class: its probability, the mean of relaxed samples, and plain softmax. And how near to a
  /// one-hot both are.
  func charts(_ axis: ChartAxis) -> [Chart] {
    func line(_ label: String, _ color: Int, _ marks: ChartSeries.Marks, _ y: (Row) -> Double) -> ChartSeries
    {
      ChartSeries(
        label, color: color, marks: marks, points: rows.map { ChartPoint(x: $0.temperature, y: y($0)) })
    }
    let solid: ChartSeries.Marks = [.line, .dots]
    let share = Chart(
      "annealing: share of the second class", x: axis, y: ChartAxis("mean of y", range: 0...0.5),
      series: [
        line("relaxation", 3, solid) { $0.mean[1] }, line("plain softmax", 6, solid) { $0.plain[1] },
        line("probability", 2, .dashedLine) { _ in probabilities[1] },
      ])
    let largest = Chart(
      "annealing: the largest component", x: axis, y: ChartAxis("mean of the largest y", range: 0...1),
      series: [
        line("relaxation", 3, solid) { $0.largest },
        line("plain softmax", 6, solid) { $0.plain.max() ?? 0 },
      ])
    return [share, largest]
  }
}
