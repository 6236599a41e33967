import Foundation
import Noisemax
import Testing

@Suite struct LogitsCommandTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  /// What comes out has the probabilities that went in, and mean 0.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func undoesProbabilities(law: String) throws {
    let rows = "0.5,0.3,0.2\n0.9,0.0999,0.0001\n"
    let logits = try shell.run("$NOISEMAX logits --noise \(law) --scale 3 rows.csv", rows: rows)
    let numbers = logits.output.split(separator: "\n").map {
      $0.split(separator: ",").compactMap { Double($0) }
    }
    try #require(numbers.map(\.count) == [3, 3], "\(logits)")
    for row in numbers { #expect(abs(row.reduce(0, +)) < 1e-12, "\(row)") }
    try shell.write(logits.output, to: "logits.csv")
    let back = try shell.run("$NOISEMAX probabilities --noise \(law) --scale 3 logits.csv")
    let found = back.output.split(whereSeparator: { ",\n".contains($0) }).compactMap { Double($0) }
    let given = [0.5, 0.3, 0.2, 0.9, 0.0999, 0.0001]
    try #require(found.count == given.count, "\(back)")
    for (one, other) in zip(found, given) { #expect(abs(one / other - 1) < 1e-11, "\(logits), \(back)") }
  }

  /// Under Gumbel noise the logits are logarithms, moved to mean 0: here 2/3 log 2 and −1/3 log 2.
  @Test func agreesWithTheClosedForm() throws {
    let outcome = try shell.run("$NOISEMAX logits --float rows.csv", rows: "0.5\t0.25\t0.25\n1\n0,1\n")
    let lines = outcome.output.split(separator: "\n")
    try #require(lines.count == 3 && outcome.code == 0, "\(outcome)")
    let found = lines[0].split(separator: ",").compactMap { Double($0) }
    for (value, truth) in zip(found, [0.46209812037329684, -0.23104906018664842, -0.23104906018664842]) {
      #expect(abs(value - truth) < 1e-6, "\(outcome)")
    }
    #expect(lines[1...] == ["0", "-inf,0"], "\(outcome)")
  }

  @Test func aBadRowEndsTheRun() throws {
    let bad: [(String, String)] = [
      ("0.5,0.4", "1: the probabilities of a row of 2 sum to 0.9, not to 1"),
      ("1,-0.5,0.5", "1: the probability -0.5 of class 1 is not 0 or more"),
      ("inf,0", "1: the probabilities of a row of 2 sum to inf, not to 1"),
      ("1,nan", "1:3: nan is no logit: \"nan\""),
      ("1\n\n1,1", "3: the probabilities of a row of 2 sum to 2.0, not to 1"),
    ]
    for (rows, message) in bad {
      let outcome = try shell.run("$NOISEMAX logits rows.csv", rows: rows)
      #expect(
        outcome.errors == "noisemax: rows.csv:\(message)\n" && outcome.code == 65, "\(rows): \(outcome)")
    }
    let scales = try shell.run("$NOISEMAX logits --scales 1,2 rows.csv")
    #expect(scales.code == 64 && scales.errors.contains("did you mean --scale?"), "\(scales)")
  }
}
