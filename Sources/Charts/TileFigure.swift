/// Grey pictures in rows, as SVG: images, or matrices of shares.
///
/// Like a ``ChartFigure`` it follows its viewer to light or dark: 0 is the paper, 1 the ink.
package struct TileFigure: Sendable {
  package var title: String
  /// A line in small type below the title.
  package var subtitle: String
  package var rows: [Row]
  /// The side of a tile.
  package var tile: Double

  /// Pictures side by side, with a name to the left of them.
  package struct Row: Sendable {
    package var label: String
    package var pictures: [Picture]

    package init(_ label: String, _ pictures: [Picture]) { (self.label, self.pictures) = (label, pictures) }
  }

  /// Row by row, values from 0 to 1; what is beyond is drawn as these.
  package struct Picture: Sendable {
    package var values: [Double]
    package var columns: Int
    /// A name above it.
    package var caption: String

    package init(_ values: [Double], columns: Int, caption: String = "") {
      (self.values, self.columns, self.caption) = (values, columns, caption)
    }

    fileprivate var height: Int { (values.count + columns - 1) / columns }
  }

  package init(_ title: String, subtitle: String = "", rows: [Row], tile: Double = 4) {
    (self.title, self.subtitle, self.rows, self.tile) = (title, subtitle, rows, tile)
  }

  /// The whole file.
  package var svg: String {
    let (margin, gap) = (ChartFigure.margin, 8.0)
    let labelWidth = rows.map { ChartDrawing.width(of: $0.label, size: 13) }.max() ?? 0
    let left = margin + (labelWidth > 0 ? labelWidth + 14 : 0)
    var y = margin
    var width = 2 * margin + ChartDrawing.width(of: title, size: 17)
    var body = ChartFigure.heading(title, subtitle, below: &y)
    y += 12
    for row in rows {
      if row.pictures.contains(where: { !$0.caption.isEmpty }) { y += 18 }
      let height = tile * Double(row.pictures.map(\.height).max() ?? 0)
      let ink = ChartPalette.attributes("ink")
      body += ChartDrawing.text(row.label, x: margin, y: y + height / 2 + 4.5, size: 13, ink)
      var x = left
      for picture in row.pictures {
        if !picture.caption.isEmpty {
          body += ChartDrawing.text(picture.caption, x: x, y: y - 5, size: 13, ink)
        }
        body += drawing(of: picture, x: x, y: y)
        x += tile * Double(picture.columns) + gap
      }
      width = Double.maximum(width, x - gap + margin)
      y += height + gap
    }
    return ChartFigure.document(title, width: width, height: y - gap + margin, body)
  }

  /// How many greys there are between the paper and the ink: few, since each is a path of its own.
  private static let levels = 10

  private func drawing(of picture: Picture, x: Double, y: Double) -> String {
    var paths = [String](repeating: "", count: Self.levels + 1)
    var slot = 0
    while slot < picture.values.count {
      let level = Self.level(of: picture.values[slot])
      let start = slot
      // As many tiles of one grey as stand side by side.
      repeat {
        slot += 1
      } while slot < picture.values.count && !slot.isMultiple(of: picture.columns)
        && Self.level(of: picture.values[slot]) == level
      paths[level] +=
        "M\(start % picture.columns) \(start / picture.columns)h\(slot - start)v1h-\(slot - start)z"
    }
    let place = "translate(\(svgNumber(x)) \(svgNumber(y))) scale(\(svgNumber(tile)))"
    var text = "<g transform=\"\(place)\">\n"
    let look = ChartPalette.attributes("grid")
    text += "<path d=\"M0 0h\(picture.columns)v\(picture.height)h-\(picture.columns)z\" \(look) fill=\"none\""
    text += " stroke-width=\"\(svgNumber(1 / tile))\"/>\n"
    for (level, path) in paths.enumerated() where level > 0 && !path.isEmpty {
      let opacity = svgNumber(Double(level) / Double(Self.levels))
      text += "<path d=\"\(path)\" \(ChartPalette.attributes("ink")) fill-opacity=\"\(opacity)\"/>\n"
    }
    return text + "</g>\n"
  }

  /// NaN is drawn as 0.
  private static func level(of value: Double) -> Int {
    value > 0 ? Int((Double.minimum(1, value) * Double(levels)).rounded()) : 0
  }
}
