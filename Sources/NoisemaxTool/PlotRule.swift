import Charts
import Noisemax

extension ChartFigure {
  /// The error of the quantile rule against its number of points, beside what the exact methods promise.
  static func rule(_ laws: PlotLaws) -> ChartFigure {
    let counts = (2...10).map { 1 << $0 }
    let x = ChartAxis(
      "points K", isLogarithmic: true, range: 4...1024,
      ticks: stride(from: 0, to: counts.count, by: 2).map { ChartTick(Double(counts[$0]), "\(counts[$0])") })
    let y = ChartAxis("largest error of a probability", isLogarithmic: true, range: 1e-13...1)
    let bound = [counts[0], counts[counts.count - 1]].map { ChartPoint(x: Double($0), y: exactBound) }
    let exact = ChartSeries("exact methods, at most", color: 6, marks: .dashedLine, points: bound)
    let charts = [2, 10].map { classes in
      let rows = randomRows(of: classes)
      let series = laws.map { law in
        let truth = rows.flatMap { law.argmax().probabilities(for: $0) }
        let points = counts.map { count in
          let rule = law.argmax(.quantileRule(points: count))
          let errors = zip(rows.flatMap { rule.probabilities(for: $0) }, truth).map { abs($0 - $1) }
          return ChartPoint(x: Double(count), y: errors.max() ?? 0)
        }
        return law.series(points, marks: [.line, .dots])
      }
      return Chart("\(classes) classes", x: x, y: y, series: series + [exact])
    }
    return ChartFigure(
      "The quantile rule gains a digit for ten times the points",
      subtitle: "Largest |Δp| in \(rowCount) random rows N(0, 1.5²), the rule divided by its sum"
        + laws.remark,
      charts: charts, columns: 2)
  }

  /// What the exact methods' errors keep below, relative to a probability and so absolutely too.
  private static let exactBound = 3e-12
  private static let rowCount = 20

  /// The same rows on every machine.
  private static func randomRows(of classes: Int) -> [[Double]] {
    var generator = StreamGenerator(seed: UInt64(classes))
    let law = Normal().scaled(by: 1.5)
    return (0..<rowCount).map { _ in (0..<classes).map { _ in law.random(using: &generator) } }
  }
}
