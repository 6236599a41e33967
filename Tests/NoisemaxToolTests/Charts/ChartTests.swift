import Charts
import Foundation
import Noisemax
import NoisemaxTool
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct ChartTests {
  @Test func linearTicksAreRound() {
    let cases: [([Double], Int, [String])] = [
      ([0, 1], 5, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
      ([-6, 6], 6, ["−6", "−4", "−2", "0", "2", "4", "6"]),
      ([3, 96], 5, ["0", "20", "40", "60", "80", "100"]),
      ([0.013, 0.0171], 4, ["0.012", "0.014", "0.016", "0.018"]),
      ([0, 3e7], 3, ["0", "10⁷", "2·10⁷", "3·10⁷"]), ([2, 2], 3, ["1", "2", "3"]),
      ([], 2, ["0", "0.5", "1.0"]), ([.nan, .infinity, -.infinity, 0, 1e301], 2, ["−1", "0", "1"]),
    ]
    for (values, count, labels) in cases {
      let scale = ChartScale(ChartAxis(""), values: values, tickCount: count)
      #expect(scale.ticks.map(\.label) == labels, "\(values), \(count) ticks")
      #expect(scale.ticks.first.flatMap { scale.position(of: $0.value) }.map { abs($0) < 1e-9 } ?? false)
      #expect(scale.ticks.last.flatMap { scale.position(of: $0.value) }.map { abs($0 - 1) < 1e-9 } ?? false)
    }
  }

  @Test func logarithmicTicksAreDecades() {
    let cases: [([Double], Int, [String])] = [
      ([1, 1000], 5, ["1", "10", "100", "1000"]), ([0.02, 0.5], 5, ["0.02", "0.05", "0.1", "0.2", "0.5"]),
      ([1e-12, 0.4], 4, ["10⁻¹⁵", "10⁻¹⁰", "10⁻⁵", "1"]),
      ([1e-5, 3e-4], 4, ["10⁻⁵", "2·10⁻⁵", "5·10⁻⁵", "10⁻⁴", "2·10⁻⁴", "5·10⁻⁴"]),
      ([0, -1, .nan, 1, 10], 4, ["1", "2", "5", "10"]),
      ([1e-300, 1e300], 3, ["10⁻⁴⁰⁰", "10⁻²⁰⁰", "1", "10²⁰⁰", "10⁴⁰⁰"]),
    ]
    for (values, count, labels) in cases {
      let scale = ChartScale(ChartAxis("", isLogarithmic: true), values: values, tickCount: count)
      #expect(scale.ticks.map(\.label) == labels, "\(values), \(count) ticks")
      #expect(
        scale.position(of: 0) == nil && scale.position(of: -1) == nil && scale.position(of: .nan) == nil)
    }
  }

  @Test func aStatedRangeAndStatedTicksAreKept() {
    let axis = ChartAxis(
      "K", isLogarithmic: true, range: 4...64,
      ticks: [ChartTick(4, "four"), ChartTick(16, "16"), ChartTick(99, "no")])
    let scale = ChartScale(axis, values: [1, 1000], tickCount: 3)
    #expect(scale.ticks.map(\.label) == ["four", "16"])
    #expect(scale.position(of: 4) == 0 && scale.position(of: 64) == 1)
    #expect(abs((scale.position(of: 16) ?? 0) - 0.5) < 1e-15)
  }

  @Test func linesThatCoincideAreNoted() {
    func line(_ label: String, _ color: Int, _ ys: [Double], _ marks: ChartSeries.Marks = .line)
      -> ChartSeries
    {
      ChartSeries(
        label, color: color, marks: marks, points: ys.enumerated().map { ChartPoint(x: Double($0), y: $1) })
    }
    func svg(_ series: [ChartSeries]) -> String {
      ChartFigure("", charts: [Chart(x: ChartAxis("x"), y: ChartAxis("y"), series: series)]).svg
    }
    let noted = svg([line("a", 0, [0, 1, 4]), line("b", 1, [0, 1, 3.9]), line("c", 2, [0, 1, 4 + 1e-9])])
    #expect(noted.contains(">a = c</text>") && !noted.contains("= b"), "\(noted)")
    let dots = svg([line("a", 0, [0, 1], .dots), line("b", 1, [0, 1], .dots)])
    #expect(!dots.contains(" = b"), "\(dots)")
  }

  @Test func decimalsAreTheSameEverywhere() {
    let cases: [(Double, Int, String)] = [
      (0.25, 3, "0.250"), (-1, 1, "-1.0"), (-0.0001, 2, "0.00"), (12.5, 0, "13"), (0.999, 2, "1.00"),
      (-3.05, 0, "-3"),
    ]
    for (number, count, text) in cases { #expect(fixedDecimals(number, count) == text) }
  }

  /// Whatever the points, the picture is well-formed and its coordinates are numbers.
  @Test func anyPointsMakeAPicture() throws {
    let extremes: [Double] = [
      0, -0.0, 1, -1, .nan, .infinity, -.infinity, 1e308, -1e308, .leastNonzeroMagnitude, 1e-300, 1 + 1e-15,
      0.1, 1e16, 1e300,
      -1e300,
    ]
    var generator = StreamGenerator(seed: 1)
    for trial in 0..<60 {
      let charts = (0..<3).map { _ in
        Chart(
          "a < b & \"c\"\u{7}", x: ChartAxis("x", isLogarithmic: trial % 2 == 0),
          y: ChartAxis("y", isLogarithmic: trial % 3 == 0),
          series: (0..<(trial % 5)).map { number in
            let marks = ChartSeries.Marks(rawValue: Int.random(in: 0...15, using: &generator))
            return ChartSeries(
              "<\(number)>", color: number * 5 - 7, marks: marks,
              points: (0..<(trial % 7)).map { _ in
                let (x, y) = (
                  extremes.randomElement(using: &generator) ?? 0,
                  extremes.randomElement(using: &generator) ?? 0
                )
                return ChartPoint(
                  x: x, y: y, range: y.isNaN || trial % 4 == 0 ? nil : y...(y < 0 ? 0 : .infinity))
              })
          })
      }
      let figure = ChartFigure(
        "\(trial)", charts: charts, columns: trial % 4, names: trial % 2 == 0 ? .legend : .lineEnds)
      let svg = figure.svg
      #expect(svg == figure.svg)
      #expect(XMLParser(data: Data(svg.utf8)).parse(), "trial \(trial): \(svg)")
      #expect(!svg.contains("nan") && !svg.contains("inf"), "trial \(trial): \(svg)")
    }
  }

  @Test func seriesAreNamedOnce() {
    func chart(_ names: [String]) -> Chart {
      Chart(
        x: ChartAxis(""), y: ChartAxis(""),
        series: names.enumerated().map { number, name in
          ChartSeries(name, color: number, points: [ChartPoint(x: 0, y: 0), ChartPoint(x: 1, y: 1)])
        })
    }
    let charts = [chart(["one", "two"]), chart(["one", "two", ""])]
    let legend = ChartFigure("t", charts: charts).svg
    let ends = ChartFigure("t", charts: charts, names: .lineEnds).svg
    #expect(legend.components(separatedBy: ">one<").count == 2)
    #expect(ends.components(separatedBy: ">one<").count == 3)
    // Both lines end in one place, their names do not.
    let names = ends.split(separator: "\n").filter { $0.contains(">one<") || $0.contains(">two<") }
    let heights = names.compactMap { name in name.split(separator: " ").first { $0.hasPrefix("y=") } }
    #expect(Set(heights).count == 2)
  }
}
