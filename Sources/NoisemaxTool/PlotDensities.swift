import Charts
import Noisemax

extension ChartFigure {
  /// The densities of the laws, and their tails on a logarithmic axis.
  static func densities(_ laws: PlotLaws) -> ChartFigure {
    let range = laws.isStandardized ? -4.0...4.0 : -6.0...8.0
    let series = laws.map { law in
      // A jump is upright and a kink is sharp: there are points right at both sides.
      let kinks = law.kinks.filter(range.contains).flatMap { [$0 - 1e-9, $0 + 1e-9] }
      let xs = (points(in: range, count: 561) + kinks).sorted()
      return law.series(xs.map { ChartPoint(x: $0, y: law.density(at: $0)) })
    }
    let x = ChartAxis("noise", range: range)
    return ChartFigure(
      "The laws of noise", subtitle: "The density of each law" + laws.remark,
      charts: [
        Chart("The bulk", x: x, y: ChartAxis("density"), series: series),
        Chart(
          "The tails", x: x, y: ChartAxis("density", isLogarithmic: true, range: 1e-6...2), series: series),
      ], columns: 2)
  }
}
