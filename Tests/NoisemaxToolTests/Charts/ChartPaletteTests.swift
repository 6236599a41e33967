import Charts
import Foundation
import NoisemaxTool
import Testing

@Suite struct ChartPaletteTests {
  /// What is left of red, green and blue without one kind of cones (Machado, Oliveira and Fernandes, 2009).
  static let visions: [(name: String, matrix: [[Double]])] = [
    ("all cones", [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    (
      "protanopia",
      [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    (
      "deuteranopia",
      [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    (
      "tritanopia",
      [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
  ]

  @Test func coloursDifferForEveryEye() {
    for (shade, colors) in [
      ("light", ChartPalette.series.map(\.light)), ("dark", ChartPalette.series.map(\.dark)),
    ] {
      for (vision, matrix) in Self.visions {
        let seen = colors.map { Self.lab(Self.seen(Self.linear($0), through: matrix)) }
        for first in seen.indices {
          for second in seen.indices where second > first {
            let difference = zip(seen[first], seen[second]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            #expect(
              difference.squareRoot() >= 24, "\(shade), \(vision): \(colors[first]) and \(colors[second])")
          }
        }
      }
    }
  }

  @Test func coloursStandOutFromThePaper() throws {
    let paper = try #require(ChartPalette.plain.first { $0.0 == "paper" })
    for (light, dark) in ChartPalette.series {
      #expect(Self.contrast(light, paper.2) >= 3, "\(light)")
      #expect(Self.contrast(dark, paper.3) >= 3, "\(dark)")
    }
    for text in ["ink", "soft"] {
      let colors = try #require(ChartPalette.plain.first { $0.0 == text })
      #expect(Self.contrast(colors.2, paper.2) >= 4.5 && Self.contrast(colors.3, paper.3) >= 4.5, "\(text)")
    }
  }

  private static func linear(_ color: String) -> [Double] {
    let number = Int(color.dropFirst(), radix: 16) ?? 0
    return [16, 8, 0].map { shift in
      let share = Double(number >> shift & 255) / 255
      return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
    }
  }

  private static func contrast(_ first: String, _ second: String) -> Double {
    let lights = [first, second].map {
      zip([0.2126, 0.7152, 0.0722], linear($0)).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return (max(lights[0], lights[1]) + 0.05) / (min(lights[0], lights[1]) + 0.05)
  }

  private static func seen(_ color: [Double], through matrix: [[Double]]) -> [Double] {
    matrix.map { row in min(1, max(0, zip(row, color).reduce(0) { $0 + $1.0 * $1.1 })) }
  }

  private static func lab(_ color: [Double]) -> [Double] {
    let white = [0.9505, 1, 1.089]
    let rows = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    let bent = zip(rows, white).map { row, white in
      let share = zip(row, color).reduce(0) { $0 + $1.0 * $1.1 } / white
      return share > 0.008856 ? cbrt(share) : 7.787 * share + 16 / 116.0
    }
    return [116 * bent[1] - 16, 500 * (bent[0] - bent[1]), 200 * (bent[1] - bent[2])]
  }
}
