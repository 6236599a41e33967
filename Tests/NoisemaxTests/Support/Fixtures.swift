import Foundation
import Noisemax
import Testing

/// Independent values with 25 digits, as decimal strings: tables, rows under one law, and derivatives of those.
///
/// Every query throws if it finds nothing: a test over no values would pass.
enum Fixture {
  /// The rows of a CSV file that hold one law, by column name.
  static func table(_ name: String, of law: String) throws -> [[String: String]] {
    let lines = try text(name).split(whereSeparator: \.isNewline)
    let header = try #require(lines.first).split(separator: ",").map(String.init)
    let rows = lines.dropFirst().map { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      return Dictionary(uniqueKeysWithValues: zip(header, fields))
    }
    return try nonempty(rows.filter { $0["noise"] == law }, of: law, in: name)
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

    var testDescription: String { "\(noise), logits \(logits), cotangent \(cotangent)" }
  }

  /// The argmax cases of one law, of rows up to a length.
  static func argmaxCases(of law: String, upTo length: Int = .max) throws -> [ArgmaxCase] {
    let name = "argmax-cases.jsonl"
    let cases = try lines(of: name, as: ArgmaxCase.self)
    return try nonempty(cases.filter { $0.noise == law && $0.logits.count <= length }, of: law, in: name)
  }

  /// One probability of a spread row, with its derivatives in every logit.
  struct DerivativeCase: Decodable, Sendable, CustomTestStringConvertible {
    let noise: String
    let logits: [Double]
    /// The class t whose probability it is.
    let target: Int
    let logProbability: String
    /// ∂p_t/∂μ_i.
    let pullback: [String]
    /// What an entry is summed from.
    let content: [String]
    /// −∂(log p_t)/∂μ_i.
    let likelihoodGradient: [String]

    var testDescription: String { "\(noise), logits \(logits), target \(target)" }
  }

  /// The derivatives of one law.
  static func derivativeCases(of law: String) throws -> [DerivativeCase] {
    let name = "derivative-cases.jsonl"
    return try nonempty(
      lines(of: name, as: DerivativeCase.self).filter { $0.noise == law }, of: law, in: name)
  }

  /// One row of classes with scales, and what is known about its largest classes.
  struct TransformCase: Decodable, Sendable, CustomTestStringConvertible {
    let noise: String
    let logits: [Double]
    /// Nil where all are 1.
    let scales: [Double]?
    let cotangent: [Double]
    let probabilities: [String]
    let logitPullback: [String]
    let scalePullback: [String]
    /// P(i among the two, the three largest).
    let topTwo: [String]
    let topThree: [String]
    let firstThenSecond: [Pair]

    /// P(one is first and another second).
    struct Pair: Decodable, Sendable {
      let first, second: Int
      let probability: String

      init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        first = try values.decode(Int.self)
        second = try values.decode(Int.self)
        probability = try values.decode(String.self)
      }
    }

    var everyScale: [Double] { scales ?? logits.map { _ in 1 } }
    var testDescription: String { "\(noise), logits \(logits), scales \(everyScale), cotangent \(cotangent)" }
  }

  /// The laws of the transform cases.
  static let transformLaws = ["normal", "logistic", "gumbel", "uniform", "exponential", "laplace"]

  /// The transform cases of one law.
  static func transformCases(of law: String) throws -> [TransformCase] {
    let name = "transform-cases.jsonl"
    return try nonempty(
      lines(of: name, as: TransformCase.self).filter { $0.noise == law }, of: law, in: name)
  }

  /// Nothing was found.
  struct NoRows: Error, CustomStringConvertible {
    let description: String
  }

  private static func nonempty<Row>(_ rows: [Row], of law: String, in name: String) throws -> [Row] {
    if rows.isEmpty { throw NoRows(description: "\(name) has no rows of \(law)") }
    return rows
  }

  private static func lines<Row: Decodable>(of name: String, as row: Row.Type) throws -> [Row] {
    try text(name).split(separator: "\n").map { try JSONDecoder().decode(row, from: Data($0.utf8)) }
  }

  private static func text(_ name: String) throws -> String {
    let url = Bundle.module.url(forResource: "Fixtures", withExtension: nil)?.appendingPathComponent(name)
    return try String(contentsOf: #require(url), encoding: .utf8)
  }
}

/// The loader itself.
@Suite struct FixtureTests {
  @Test func aQueryThatFindsNothingFails() {
    #expect(throws: Fixture.NoRows.self) { try Fixture.argmaxCases(of: "no such law") }
    #expect(throws: Fixture.NoRows.self) { try Fixture.argmaxCases(of: "normal", upTo: 0) }
    #expect(throws: Fixture.NoRows.self) { try Fixture.derivativeCases(of: "no such law") }
    #expect(throws: Fixture.NoRows.self) { try Fixture.transformCases(of: "no such law") }
    #expect(throws: Fixture.NoRows.self) { try Fixture.table("quantile-values.csv", of: "no such law") }
  }

  @Test(arguments: ShippedLaw.all.map(\.name))
  func everyLawHasReferences(law: String) throws {
    #expect(try Fixture.argmaxCases(of: law).count >= 20)
    #expect(try Fixture.table("distribution-values.csv", of: law).count >= 200)
    #expect(try Fixture.table("quantile-values.csv", of: law).count >= 150)
    for row in try Fixture.argmaxCases(of: law) {
      for values in [row.probabilities, row.logProbabilities, row.pullback] {
        #expect(values.count == row.logits.count, "\(row.testDescription)")
      }
      #expect(row.cotangent.count == row.logits.count, "\(row.testDescription)")
    }
  }

  @Test(arguments: ["normal", "logistic", "reversed-gumbel"])
  func derivativesFitTheirRows(law: String) throws {
    for row in try Fixture.derivativeCases(of: law) {
      #expect(row.logits.indices.contains(row.target), "\(row.testDescription)")
      for values in [row.pullback, row.content, row.likelihoodGradient] {
        #expect(values.count == row.logits.count, "\(row.testDescription)")
      }
    }
  }
}

extension FixtureTests {
  @Test(arguments: Fixture.transformLaws)
  func transformsFitTheirRows(law: String) throws {
    #expect(try Fixture.transformCases(of: law).count >= 5)
    for row in try Fixture.transformCases(of: law) {
      for values in [row.probabilities, row.logitPullback, row.scalePullback, row.topTwo, row.topThree] {
        #expect(values.count == row.logits.count, "\(row.testDescription)")
      }
      #expect(row.cotangent.count == row.logits.count && row.everyScale.count == row.logits.count)
      #expect(!row.firstThenSecond.isEmpty, "\(row.testDescription)")
    }
  }
}

/// The decimal value as the nearest Double.
func double(_ decimal: String) throws -> Double { try #require(Double(decimal), "\(decimal)") }

/// The distance of a value from the true one in units of the last place of the true one.
func ulps(from value: Double, to truth: Double) -> Double {
  value == truth ? 0 : (value - truth).magnitude / truth.ulp
}
