import Charts
import Noisemax

extension ChartFigure {
  /// How the probability of being the best follows what is not known of one arm: its mean is behind that of two rivals, its
  /// deviation grows. A chart for every law.
  static func arms(_ laws: PlotLaws) -> ChartFigure {
    let means = [0.0, 0.5, 0.3]
    let deviations = points(in: 0...3, count: 121)
    let charts = laws.map { law in
      let argmax = law.argmax()
      let rows = deviations.map { argmax.probabilities(for: means, scales: [$0, 0.2, 0.6]) }
      func series(_ name: String, _ arm: Int) -> ChartSeries {
        ChartSeries(
          name, color: arm, marks: .line,
          points: zip(deviations, rows).map { ChartPoint(x: $0, y: $1[arm]) })
      }
      return Chart(
        law.name, x: ChartAxis("scale of the arm’s noise", range: 0...3),
        y: ChartAxis("probability of being the best", range: 0...1),
        series: [
          series("the arm: 0", 0), series("a rival: 0.5, scale 0.2", 1), series("a rival: 0.3, scale 0.6", 2),
        ])
    }
    return ChartFigure(
      "Winning by what is not known",
      subtitle: "Three arms with their logits; the noise of the first one grows" + laws.remark,
      charts: charts, columns: 2)
  }
}
