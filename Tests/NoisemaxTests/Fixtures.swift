import Foundation
import Noisemax
import Testing

/// Independent values with 25 digits, as decimal strings: the table of a CSV file, and the argmax cases.
enum Fixture {
  /// The rows of a CSV file, by column name.
  static func table(_ name: String) throws -> [[String: String]] {
    let lines = try text(name).split(whereSeparator: \.isNewline)
    let header = try #require(lines.first).split(separator: ",").map(String.init)
    return lines.dropFirst().map { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      return Dictionary(uniqueKeysWithValues: zip(header, fields))
    }
  }

  /// One row of logits under one law with everything known about it.
  struct ArgmaxCase: Decodable, Sendable, CustomTestStringConvertible {
    let noise: String
    let logits: [Double]
    let probabilities: [String]
    let logProbabilities: [String]
    let expectedMaximum: String
    let cotangent: [Double]
    let pullback: [String]

    var testDescription: String { "\(noise), \(logits.count) classes, first \(logits.prefix(3))" }
  }

  /// The argmax cases of one law.
  static func argmaxCases(of law: String) throws -> [ArgmaxCase] {
    try text("argmax-cases.jsonl").split(separator: "\n")
      .map { try JSONDecoder().decode(ArgmaxCase.self, from: Data($0.utf8)) }
      .filter { $0.noise == law }
  }

  private static func text(_ name: String) throws -> String {
    let url = Bundle.module.url(forResource: "Fixtures", withExtension: nil)?.appendingPathComponent(name)
    return try String(contentsOf: #require(url), encoding: .utf8)
  }
}

/// The decimal value as the nearest Double.
func double(_ decimal: String) throws -> Double { try #require(Double(decimal), "\(decimal)") }

/// The distance of a value from the true one in units of the last place of the true one.
func ulps(from value: Double, to truth: Double) -> Double {
  value == truth ? 0 : (value - truth).magnitude / truth.ulp
}
