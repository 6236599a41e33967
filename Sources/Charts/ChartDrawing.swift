/// The drawing of one chart: its origin is the upper left corner of what the axes enclose.
package struct ChartDrawing {
  /// The room that the labels take on each side.
  let (left, right, top, bottom): (Double, Double, Double, Double)
  let svg: String

  static let dashes = " stroke-dasharray=\"6 4\""

  init(_ chart: Chart, size: (width: Double, height: Double), namesLines: Bool) {
    let (width, height) = size
    let x = ChartScale(
      chart.x, values: chart.series.lazy.flatMap { $0.points.lazy.map(\.x) }, tickCount: Int(width / 65))
    let y = ChartScale(
      chart.y,
      values: chart.series.lazy.flatMap { series in
        series.points.lazy.flatMap { [$0.y, $0.range?.lowerBound ?? $0.y, $0.range?.upperBound ?? $0.y] }
      }, tickCount: Int(height / 45))

    var axes = ""
    var grid = ""
    func placeX(_ position: Double) -> Double { position * width }
    func placeY(_ position: Double) -> Double { (1 - position) * height }
    for tick in x.ticks {
      guard let place = x.position(of: tick.value).map(placeX) else { continue }
      grid += "M\(svgNumber(place)) 0v\(svgNumber(height))"
      let look = ChartPalette.attributes("soft") + " text-anchor=\"middle\""
      axes += Self.text(tick.label, x: place, y: height + 17, size: 12, look)
    }
    for tick in y.ticks {
      guard let place = y.position(of: tick.value).map(placeY) else { continue }
      grid += "M0 \(svgNumber(place))h\(svgNumber(width))"
      let look = ChartPalette.attributes("soft") + " text-anchor=\"end\""
      axes += Self.text(tick.label, x: -8, y: place + 4, size: 12, look)
    }
    left = 10 + (y.ticks.map { Self.width(of: $0.label, size: 12) }.max() ?? 0)
    bottom = (x.ticks.isEmpty ? 4 : 22) + (chart.x.label.isEmpty ? 0 : 18)
    if !chart.x.label.isEmpty {
      let look = ChartPalette.attributes("soft") + " text-anchor=\"middle\""
      axes += Self.text(chart.x.label, x: width / 2, y: height + bottom - 3, size: 12, look)
    }
    // The title, and the label of the upright axis under it: both begin at the left end of its ticks.
    var above = 10.0
    if !chart.y.label.isEmpty {
      axes += Self.text(chart.y.label, x: -left, y: -above, size: 12, ChartPalette.attributes("soft"))
      above += 17
    }
    if !chart.title.isEmpty {
      let look = ChartPalette.attributes("ink") + " font-weight=\"600\""
      axes += Self.text(chart.title, x: -left, y: -above, size: 14, look)
      above += 19
    }
    top = above

    let base = placeY(y.basePosition)
    let marks = chart.series.map { series in
      ChartMarks(series, base: base) { point in
        guard let across = x.position(of: point.x), let up = y.position(of: point.y) else { return nil }
        return (placeX(across), placeY(up))
      }
    }
    axes += Self.coincidences(of: chart.series, marks, at: (width, -10))
    let names = namesLines ? Self.names(of: chart.series, at: marks.map(\.lastPlace), size: size) : ""
    let nameWidth = chart.series.map { Self.width(of: $0.label, size: 13) }.max() ?? 0
    let tickWidth = (x.ticks.last.map { Self.width(of: $0.label, size: 12) } ?? 0) / 2
    right = Double.maximum(namesLines ? nameWidth + 24 : 0, tickWidth)

    // An inner picture cuts off what lies beyond the axes, a little further out than they are, for the lines' width.
    let slack = 5.0
    let (outerWidth, outerHeight) = (svgNumber(width + 2 * slack), svgNumber(height + 2 * slack))
    svg = """
      <path d="\(grid)" \(ChartPalette.attributes("grid")) fill="none"/>
      <path d="M0 \(svgNumber(base))h\(svgNumber(width))" \(ChartPalette.attributes("axis")) fill="none"/>
      \(axes)<svg x="\(-Int(slack))" y="\(-Int(slack))" width="\(outerWidth)" height="\(outerHeight)" \
      viewBox="\(-Int(slack)) \(-Int(slack)) \(outerWidth) \(outerHeight)">
      \(marks.map(\.svg).joined())</svg>
      \(names)
      """
  }

  /// A note of the lines that lie over one another, where the label of the upright axis leaves room.
  private static func coincidences(
    of series: [ChartSeries], _ marks: [ChartMarks], at place: (x: Double, y: Double)
  ) -> String {
    var groups: [[Int]] = []
    for index in series.indices where !series[index].marks.isDisjoint(with: [.line, .dashedLine]) {
      if let known = groups.firstIndex(where: { marks[$0[0]].coincides(with: marks[index]) }) {
        groups[known].append(index)
      } else {
        groups.append([index])
      }
    }
    let notes = groups.filter { $0.count > 1 }.map { $0.map { series[$0].label }.joined(separator: " = ") }
    if notes.isEmpty { return "" }
    let look = ChartPalette.attributes("soft") + " text-anchor=\"end\""
    return text(notes.joined(separator: ", "), x: place.x, y: place.y, size: 12, look)
  }

  /// The names of lines beside their right ends: in the order of the ends, none over another.
  private static func names(
    of series: [ChartSeries], at ends: [(x: Double, y: Double)?], size: (width: Double, height: Double)
  ) -> String {
    let lineHeight = 16.0
    func inside(_ y: Double) -> Double { Double.minimum(size.height, Double.maximum(0, y)) }
    var named = zip(series, ends).compactMap { series, end in
      series.label.isEmpty ? nil : end.map { (series, end: $0, y: inside($0.y)) }
    }
    named.sort { $0.y < $1.y }
    // Down as far as the name above needs, then up again from the lower end.
    for index in named.indices.dropFirst() {
      named[index].y = Double.maximum(named[index].y, named[index - 1].y + lineHeight)
    }
    var floor = Double.maximum(size.height, Double(named.count - 1) * lineHeight)
    for index in named.indices.reversed() {
      named[index].y = Double.minimum(named[index].y, floor)
      floor = named[index].y - lineHeight
    }
    var text = ""
    for (series, end, y) in named {
      let (fromX, fromY, toX) = (svgNumber(end.x + 3), svgNumber(inside(end.y)), svgNumber(size.width + 16))
      let line = "M\(fromX) \(fromY)L\(toX) \(svgNumber(y))"
      text += "<path d=\"\(line)\" \(ChartPalette.stroke(series.color)) fill=\"none\"/>\n"
      let look = ChartPalette.attributes("ink")
      text += Self.text(series.label, x: size.width + 20, y: y + 4.5, size: 13, look)
    }
    return text
  }

  static func dot(x: Double, y: Double, radius: Double, color: Int) -> String {
    "<circle cx=\"\(svgNumber(x))\" cy=\"\(svgNumber(y))\" r=\"\(svgNumber(radius))\" "
      + "\(ChartPalette.fill(color))/>\n"
  }

  static func text(_ text: String, x: Double, y: Double, size: Double, _ look: String) -> String {
    "<text x=\"\(svgNumber(x))\" y=\"\(svgNumber(y))\" font-size=\"\(svgNumber(size))\" "
      + "\(look)>\(escaped(text))</text>\n"
  }

  /// About how wide a text is; the font is the viewer's.
  package static func width(of text: String, size: Double) -> Double { Double(text.count) * size * 0.58 }

  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\u{0}"..<" ": result += " "
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
