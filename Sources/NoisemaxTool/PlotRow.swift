import Charts
import CommandLineConventions
import Noisemax

extension ChartFigure {
  /// Where the axis of orders of magnitude ends: more of them cannot be told apart.
  private static let leastShown = 1e-20

  /// What every law makes of one row of logits: a group of bars for each class, and the same as dots on a logarithmic
  /// axis.
  static func row(_ logits: [Double], _ laws: PlotLaws) -> ChartFigure {
    let labels = logits.map { typographic(shortestDecimal($0)) }
    let labelWidth = labels.map { ChartDrawing.width(of: $0, size: 12) }.max() ?? 0
    let classWidth = Double.maximum(8 * Double(laws.laws.count) + 14, labelWidth + 12)
    let width = Double.maximum(280, Double(logits.count) * classWidth)
    let barDistance = 8 * Double(logits.count) / width
    let x = ChartAxis(
      "logit", range: -0.5...(Double(logits.count) - 0.5),
      ticks: labels.enumerated().map { ChartTick(Double($0), $1) })

    let rows = laws.map { $0.argmax().probabilities(for: logits) }
    func series(_ marks: ChartSeries.Marks) -> [ChartSeries] {
      zip(laws.laws, rows).enumerated().map { number, row in
        // Side by side, in the order of the legend.
        let offset = (Double(number) - Double(rows.count - 1) / 2) * barDistance
        let (law, probabilities) = row
        return law.series(
          probabilities.enumerated().map { ChartPoint(x: Double($0) + offset, y: $1) }, marks: marks)
      }
    }
    let positive = rows.joined().filter { $0 > 0 }
    let shares = 0...(positive.max() ?? 1)
    let least = Double.maximum(leastShown, Double.minimum(0.1, (positive.min() ?? 1) / 2))
    let hidden = positive.count { $0 < least }
    let note = hidden == 0 ? "" : "; \(hidden) below \(shortestDecimal(least)) are not shown"
    return ChartFigure(
      "One row of logits under each law of noise",
      subtitle: "The probability that a class wins" + laws.remark + note,
      charts: [
        Chart("Shares", x: x, y: ChartAxis("probability", range: shares), series: series(.stems)),
        Chart(
          "Orders of magnitude", x: x, y: ChartAxis("probability", isLogarithmic: true, range: least...1),
          series: series(.dots)),
      ], columns: width > 560 ? 1 : 2, plotWidth: width)
  }
}
