/// The marks of one series, in the coordinates of its chart.
struct ChartMarks {
  typealias Place = (x: Double, y: Double)

  let svg: String
  /// The places that could be shown, in their order.
  let places: [Place]

  /// The last of them, where a line has its name.
  var lastPlace: Place? { places.last }

  /// Places are rounded before anything is made of them: which of them a line can do without does not depend on the
  /// last bits of their computation.
  ///
  /// - Parameters:
  ///   - series: what is drawn.
  ///   - base: the height that stems begin at.
  ///   - unrounded: where a point lies, or nil where the axes cannot show it.
  init(_ series: ChartSeries, base: Double, place unrounded: (ChartPoint) -> Place?) {
    func place(_ point: ChartPoint) -> Place? {
      unrounded(point).map { (svgRounded($0.x), svgRounded($0.y)) }
    }
    let runs = series.points.map(place).split { $0 == nil }.map { run in run.compactMap { $0 } }
    places = Array(runs.joined())
    var text = ""
    let isLine = !series.marks.isDisjoint(with: [.line, .dashedLine])
    let stroke = ChartPalette.stroke(series.color)

    if isLine {
      let ranged = series.points.map { point in
        point.range.flatMap { range -> (low: Place, high: Place)? in
          guard let low = place(ChartPoint(x: point.x, y: range.lowerBound)),
            let high = place(ChartPoint(x: point.x, y: range.upperBound))
          else { return nil }
          return (low, high)
        }
      }
      for run in ranged.split(whereSeparator: { $0 == nil }) where run.count > 1 {
        let places = run.compactMap { $0 }
        let outline = Self.simplified(places.map(\.high)) + Self.simplified(places.map(\.low)).reversed()
        let fill = ChartPalette.fill(series.color)
        text += "<path d=\"\(Self.path(outline))z\" \(fill) fill-opacity=\"0.16\"/>\n"
      }
      let lines = runs.filter { $0.count > 1 }.map { Self.path(Self.simplified($0)) }.joined()
      if !lines.isEmpty {
        text += "<path d=\"\(lines)\" \(stroke) fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\""
        text += (series.marks.contains(.dashedLine) ? ChartDrawing.dashes : "") + "/>\n"
      }
    }

    var bars = ""
    for point in series.points where !isLine {
      guard let range = point.range, let low = place(ChartPoint(x: point.x, y: range.lowerBound)),
        let high = place(ChartPoint(x: point.x, y: range.upperBound))
      else { continue }
      bars += Self.path([low, high])
    }
    if !bars.isEmpty { text += "<path d=\"\(bars)\" \(stroke) stroke-width=\"1.5\"/>\n" }
    if series.marks.contains(.stems) {
      let stems = runs.joined().map { Self.path([($0.x, base), $0]) }.joined()
      if !stems.isEmpty { text += "<path d=\"\(stems)\" \(stroke) stroke-width=\"5\"/>\n" }
    }
    if series.marks.contains(.dots) {
      for place in runs.joined() {
        text += ChartDrawing.dot(x: place.x, y: place.y, radius: 3, color: series.color)
      }
    }
    svg = text
  }

  /// Whether two lines look like one: place for place they are no further apart than lines are simplified by.
  func coincides(with other: ChartMarks) -> Bool {
    places.count > 1 && places.count == other.places.count
      && zip(places, other.places).allSatisfy {
        ($0.x - $1.x).magnitude < 0.05 && ($0.y - $1.y).magnitude < 0.05
      }
  }

  private static func path(_ places: [Place]) -> String {
    var text = ""
    for (number, place) in places.enumerated() {
      text += (number == 0 ? "M" : number == 1 ? "L" : " ") + svgNumber(place.x) + " " + svgNumber(place.y)
    }
    return text
  }

  /// A line without the places that lie within a twentieth of a unit of it (Douglas and Peucker).
  private static func simplified(_ places: [Place]) -> [Place] {
    guard places.count > 2 else { return places }
    var isKept = places.map { _ in false }
    isKept[0] = true
    isKept[places.count - 1] = true
    var pieces = [(first: 0, last: places.count - 1)]
    while let (first, last) = pieces.popLast() {
      let (from, to) = (places[first], places[last])
      let (dx, dy) = (to.x - from.x, to.y - from.y)
      let length = (dx * dx + dy * dy).squareRoot()
      var farthest = (index: first, distance: 0.05)
      for index in first..<last where index > first {
        let (x, y) = (places[index].x - from.x, places[index].y - from.y)
        let distance = length > 0 ? (x * dy - y * dx).magnitude / length : (x * x + y * y).squareRoot()
        if distance > farthest.distance { farthest = (index, distance) }
      }
      guard farthest.index > first else { continue }
      isKept[farthest.index] = true
      pieces.append((first, farthest.index))
      pieces.append((farthest.index, last))
    }
    return zip(places, isKept).filter(\.1).map(\.0)
  }
}
