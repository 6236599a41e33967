/// A picture of one chart or of several, as SVG.
///
/// ```swift
/// let axis = ChartAxis("samples", isLogarithmic: true)
/// let line = ChartSeries("softmax", color: 0, points: [ChartPoint(x: 1, y: 0.5), ChartPoint(x: 10, y: 0.1)])
/// let chart = Chart(x: axis, y: ChartAxis("error", isLogarithmic: true), series: [line])
/// let text = ChartFigure("Error against samples", charts: [chart]).svg
/// ```
///
/// The picture follows its viewer to light or dark. The same figure gives the same bytes, whatever the locale.
package struct ChartFigure: Sendable {
  package var title: String
  /// A line in small type below the title.
  package var subtitle: String
  package var charts: [Chart]
  /// How many charts stand side by side.
  package var columns: Int
  package var names: Names
  /// The size of what the axes enclose.
  package var plotWidth: Double
  package var plotHeight: Double

  /// Where the series are named.
  package enum Names: Sendable {
    /// Once for all charts, under the title.
    case legend
    /// At the right end of each line.
    case lineEnds
  }

  package init(
    _ title: String, subtitle: String = "", charts: [Chart], columns: Int = 1, names: Names = .legend,
    plotWidth: Double = 400, plotHeight: Double = 260
  ) {
    self.title = title
    self.subtitle = subtitle
    self.charts = charts
    self.columns = columns
    self.names = names
    self.plotWidth = plotWidth
    self.plotHeight = plotHeight
  }

  /// The whole file.
  package var svg: String {
    let drawings = charts.map { chart in
      ChartDrawing(chart, size: (plotWidth, plotHeight), namesLines: names == .lineEnds)
    }
    let columns = max(1, min(self.columns, drawings.count))
    let rows = (drawings.count + columns - 1) / columns
    // Margins are the same all over, so that the charts line up.
    let left = drawings.map(\.left).max() ?? 0
    let cellWidth = left + plotWidth + (drawings.map(\.right).max() ?? 0)
    let top = drawings.map(\.top).max() ?? 0
    let cellHeight = top + plotHeight + (drawings.map(\.bottom).max() ?? 0)
    let width = 2 * Self.margin + Double(columns) * cellWidth + Double(columns - 1) * Self.gutter

    var y = Self.margin
    var body = Self.heading(title, subtitle, below: &y)
    if names == .legend { body += legend(below: &y, width: width - 2 * Self.margin) }
    y += 12
    for (number, drawing) in drawings.enumerated() {
      let (row, column) = (Double(number / columns), Double(number % columns))
      let originX = Self.margin + column * (cellWidth + Self.gutter) + left
      let originY = y + row * (cellHeight + Self.gutter) + top
      body += "<g transform=\"translate(\(svgNumber(originX)) \(svgNumber(originY)))\">\n"
      body += drawing.svg + "</g>\n"
    }
    let height = y + Double(rows) * cellHeight + Double(max(0, rows - 1)) * Self.gutter + Self.margin
    return Self.document(title, width: width, height: height, body)
  }

  /// A file of SVG: its paper, and what is drawn on it.
  static func document(_ title: String, width: Double, height: Double, _ body: String) -> String {
    let size = "\(svgNumber(width.rounded())) \(svgNumber(height.rounded()))"
    let sides = size.split(separator: " ")
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" \
      width="\(sides[0])" height="\(sides[1])" \
      font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif" role="img">
      <title>\(ChartDrawing.escaped(title))</title>
      <style>\(ChartPalette.darkStyle)</style>
      <rect width="100%" height="100%" rx="6" \(ChartPalette.attributes("paper"))/>
      \(body)</svg>

      """
  }

  /// A title, and the line in small type below it.
  static func heading(_ title: String, _ subtitle: String, below y: inout Double) -> String {
    var text = ""
    for (line, size, look) in [
      (title, 17.0, ChartPalette.attributes("ink") + " font-weight=\"600\""),
      (subtitle, 13, ChartPalette.attributes("soft")),
    ] where !line.isEmpty {
      y += size + 5
      text += ChartDrawing.text(line, x: margin, y: y - 5, size: size, look)
    }
    return text
  }

  /// The names of all series, each once, in as many lines as they need.
  private func legend(below y: inout Double, width: Double) -> String {
    var named: [ChartSeries] = []
    for series in charts.flatMap(\.series) where !series.label.isEmpty {
      let isNamed = named.contains { $0.label == series.label && $0.color == series.color }
      if !isNamed { named.append(series) }
    }
    guard !named.isEmpty else { return "" }
    var text = ""
    var x = 0.0
    y += 20
    for series in named {
      let itemWidth = 30 + ChartDrawing.width(of: series.label, size: 13) + 18
      if x > 0, x + itemWidth > width {
        x = 0
        y += 20
      }
      let (left, middle) = (Self.margin + x, y - 4.5)
      if series.marks.isDisjoint(with: [.line, .dashedLine]) {
        text += ChartDrawing.dot(x: left + 11, y: middle, radius: 4.5, color: series.color)
      } else {
        let dash = series.marks.contains(.dashedLine) ? ChartDrawing.dashes : ""
        let line = "M\(svgNumber(left)) \(svgNumber(middle))h22"
        text += "<path d=\"\(line)\" \(ChartPalette.stroke(series.color)) stroke-width=\"2.5\"\(dash)/>\n"
      }
      text += ChartDrawing.text(series.label, x: left + 28, y: y, size: 13, ChartPalette.attributes("ink"))
      x += itemWidth
    }
    return text
  }

  static let margin = 18.0
  private static let gutter = 18.0
}
