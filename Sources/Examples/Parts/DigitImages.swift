import Foundation
package import Noisemax

/// Handwritten digits: 64 grey values each, from 0 to 1, with their labels.
package struct DigitImages: Sendable {
  package static let side = 8
  package var images: Rows<Float>
  package var labels: [Int]
  package var count: Int { labels.count }

  /// All 1,797 digits, from the file that ships with the examples and names its source and licence.
  package static func load() -> DigitImages {
    guard let file = Bundle.module.url(forResource: "digits", withExtension: "txt"),
      let text = try? String(contentsOf: file, encoding: .utf8)
    else { fatalError("digits.txt is not beside the program") }
    var elements: [Float] = []
    var labels: [Int] = []
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let values = line.prefix(side * side).compactMap { $0.hexDigitValue ?? ($0 == "g" ? 16 : nil) }
      guard values.count == side * side, line.count == side * side + 2, let label = Int(line.suffix(1)) else {
        fatalError("digits.txt has a line that is no digit: \(line)")
      }
      elements += values.map { Float($0) / 16 }
      labels.append(label)
    }
    return DigitImages(images: Rows(elements, length: side * side), labels: labels)
  }

  package subscript(numbers: some Sequence<Int>) -> DigitImages {
    DigitImages(images: images.rows(numbers), labels: numbers.map { labels[$0] })
  }

  /// The digits in random order, cut in two: two thirds to learn from, one third to be tested on.
  package func split(using generator: inout StreamGenerator) -> (training: DigitImages, test: DigitImages) {
    let order = (0..<count).shuffled(using: &generator)
    return (self[order[..<(2 * count / 3)]], self[order[(2 * count / 3)...]])
  }

  /// The digits in random order, in batches of a size; the last may be smaller.
  package func batches(of size: Int, using generator: inout StreamGenerator) -> [DigitImages] {
    let order = (0..<count).shuffled(using: &generator)
    return stride(from: 0, to: count, by: size).map { self[order[$0..<Swift.min($0 + size, count)]] }
  }
}
