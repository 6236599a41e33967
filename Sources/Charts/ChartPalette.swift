/// The colours of charts, on light paper and on dark.
///
/// Every colour differs from its paper by a contrast of 3 or more, and the colours of a series from one another by
/// 24 or more of CIELAB, as they are and as people without one of the three kinds of cones see them.
package enum ChartPalette {
  /// The colours of the series, light and dark.
  package static let series: [(light: String, dark: String)] = [
    ("#2600a4", "#5a70f6"), ("#a40000", "#e37115"), ("#098142", "#2da25b"), ("#9c2fa7", "#b05ea7"),
    ("#c38a00", "#ece363"), ("#0c98ff", "#97c3ff"), ("#5c6065", "#acb0b5"),
  ]

  /// What is no series: the name of its class, whether it fills or strokes, and its colours.
  package static let plain = [
    ("paper", "fill", "#ffffff", "#12161c"), ("ink", "fill", "#1f2328", "#e8eaed"),
    ("soft", "fill", "#59636e", "#a3acb7"), ("grid", "stroke", "#e4e7eb", "#2a313a"),
    ("axis", "stroke", "#8b949e", "#6e7781"),
  ]

  /// The light colours are attributes, so that every reader of SVG shows them; the dark ones are a style sheet.
  static var darkStyle: String {
    var rules = plain.map { name, property, _, dark in ".\(name){\(property):\(dark)}" }
    for (number, color) in series.enumerated() {
      rules.append(".s\(number){stroke:\(color.dark)}.f\(number){fill:\(color.dark)}")
    }
    return "@media(prefers-color-scheme:dark){\(rules.joined())}"
  }

  /// The attributes of what is no series.
  static func attributes(_ name: String) -> String {
    guard let (_, property, light, _) = plain.first(where: { $0.0 == name }) else { return "" }
    return "class=\"\(name)\" \(property)=\"\(light)\""
  }

  static func stroke(_ color: Int) -> String {
    let index = index(color)
    return "class=\"s\(index)\" stroke=\"\(series[index].light)\""
  }

  static func fill(_ color: Int) -> String {
    let index = index(color)
    return "class=\"f\(index)\" fill=\"\(series[index].light)\""
  }

  private static func index(_ color: Int) -> Int {
    let remainder = color % series.count
    return remainder < 0 ? remainder + series.count : remainder
  }
}
