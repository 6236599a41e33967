#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

import Charts
import Noisemax

extension ChartFigure {
  /// How the probability of one class follows its logit, beside one other class and beside nine.
  static func gaps(_ laws: PlotLaws) -> ChartFigure {
    let charts = [2, 10].flatMap { classes in
      let rest = classes == 2 ? "one other class" : "nine others"
      return [
        gapChart(laws, "Against \(rest)", classes, gaps: -5...7, ChartAxis("probability", range: 0...1)),
        gapChart(
          laws, "Far behind \(rest)", classes, gaps: -12...0,
          ChartAxis("probability", isLogarithmic: true, range: 1e-12...1)),
      ]
    }
    return ChartFigure(
      "What a logit is worth under each law of noise",
      subtitle: "The probability of one class, by how far its logit is above or below the others, all equal"
        + laws.remark,
      charts: charts, columns: 2)
  }

  private static func gapChart(
    _ laws: PlotLaws, _ title: String, _ classes: Int, gaps: ClosedRange<Double>, _ axis: ChartAxis
  ) -> Chart {
    let series = laws.map { law in
      let argmax = law.argmax()
      let points = law.gaps(in: gaps).map { gap in
        let row = [gap] + [Double](repeating: 0, count: classes - 1)
        return ChartPoint(x: gap, y: argmax.probabilities(for: row)[0])
      }
      return law.series(points)
    }
    return Chart(title, x: ChartAxis("logit gap", range: gaps), y: axis, series: series)
  }
}

extension PlotLaw {
  /// Where the curve is computed: evenly, and ever more densely towards gaps at which two kinks meet. Beyond one of them
  /// bounded noise gives probability 0, which a logarithmic axis cannot show: the curve falls off the chart before.
  fileprivate func gaps(in range: ClosedRange<Double>) -> [Double] {
    let kinks = kinks
    let meetings = kinks.flatMap { kink in kinks.map { kink - $0 } }
    let nearby = meetings.flatMap { gap in (4...26).map { gap + pow(10, -Double($0) / 4) } }
    return (points(in: range, count: 361) + nearby.filter(range.contains)).sorted()
  }
}
