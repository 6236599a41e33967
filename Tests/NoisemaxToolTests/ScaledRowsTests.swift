import Foundation
import Noisemax
import Testing

/// `noisemax probabilities` where classes have scales of their own, and among the k largest.
@Suite struct ScaledRowsTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  @Test func writesWhatTheLibrarySays() throws {
    let logits: [[Double]] = [[2, 1, 0.5], [0, -.infinity, 3], [.infinity, 0, 0]]
    let scales = [0.5, 2, 1]
    let rows = logits.map(line).joined()
    for law in ["gumbel", "normal", "uniform"] {
      let noise = try NoisyArgmax(named: law, scale: 0.75)
      let all: [(String, ([Double]) -> [Double])] = [
        ("--scales 0.5,2,1", { noise.probabilities(for: $0, scales: scales) }),
        ("--scales '0.5 2 1' --log", { noise.logProbabilities(for: $0, scales: scales) }),
        ("--top 2", { noise.inclusionProbabilities(for: $0, largest: 2) }),
        ("--top=2 --scales=0.5,2,1", { noise.inclusionProbabilities(for: $0, largest: 2, scales: scales) }),
      ]
      for (options, truth) in all {
        let expected = Outcome(output: logits.map { line(truth($0)) }.joined())
        let command = "$NOISEMAX probabilities --noise \(law) --scale 0.75 \(options) rows.csv"
        #expect(try shell.run(command, rows: rows) == expected, "\(law) \(options)")
      }
      let single = logits.map { row in
        line(noise.probabilities(for: row.map { Float($0) }, scales: [0.5, 2, 1]))
      }
      let command = "$NOISEMAX probabilities --noise \(law) --scale 0.75 --scales 0.5,2,1 --float rows.csv"
      #expect(try shell.run(command) == Outcome(output: single.joined()), "\(law) --float")
    }
  }

  /// P(X₀ > X₁) = Φ((μ₀ − μ₁)/√(s₀² + s₁²)), and of two classes both are among the two largest.
  @Test func agreesWithTheClosedForm() throws {
    let outcome = try shell.run(
      "$NOISEMAX probabilities --noise normal --scales 3,4 rows.csv", rows: "5,0\n0,5\n")
    let values = outcome.output.split(whereSeparator: { ",\n".contains($0) }).compactMap { Double($0) }
    try #require(values.count == 4, "\(outcome)")
    // Φ(1) and Φ(−1).
    for (value, truth) in zip(
      values, [0.8413447460685429, 0.15865525393145707, 0.15865525393145707, 0.8413447460685429])
    {
      #expect(abs(value / truth - 1) < 3e-12, "\(outcome)")
    }
    #expect(try shell.run("$NOISEMAX probabilities --top 2 rows.csv") == Outcome(output: "1,1\n1,1\n"))
  }

  @Test func aBadRowEndsTheRun() throws {
    let bad: [(String, String, String, String)] = [
      ("--scales 2,2", "0,0\n0,0,0\n", "0.5,0.5\n", "2: 3 classes, but 2 in --scales"),
      ("--scales 1,1 --top 1", "# two\n0,0\n1\n", "0.5,0.5\n", "3: 1 classes, but 2 in --scales"),
      ("--top 3", "0,0,0\n0,0\n", "1,1,1\n", "2: --top 3 of 2 classes"),
      (
        "--scales 0,1,0 --noise uniform", "9,1,5\n2,1,2\n", "1,0,0\n",
        "2: classes 0 and 2 have scale 0 and the same logit"
      ),
      (
        "--scales 0,0,0", "-inf,-inf,1\n3,4,3\n", "0,0,1\n",
        "2: classes 0 and 2 have scale 0 and the same logit"
      ),
    ]
    for (options, rows, output, message) in bad {
      let outcome = try shell.run("$NOISEMAX probabilities \(options) rows.csv", rows: rows)
      #expect(
        outcome == Outcome(output: output, errors: "noisemax: rows.csv:\(message)\n", code: 65), "\(options)")
    }
  }

  @Test func saysWhatIsWrongWithTheOptions() throws {
    let wrong: [(String, String)] = [
      ("--scales 1,-2", "--scales takes finite numbers of 0 or more, not -2"),
      ("--scales 1,nan", "--scales, byte 3: nan is no logit: \"nan\""),
      ("--scales inf,1", "--scales takes finite numbers of 0 or more, not inf"),
      ("--scales 1,,2", "--scales, byte 3: empty field: \"\""),
      ("--scales 1e300,1 --scale 1e10", "1e+300 of --scales times --scale 10000000000 is out of range"),
      ("--scales 1e-300,1 --scale 1e-10", "1e-300 of --scales times --scale 1e-10 is out of range"),
      ("--scales 1e39 --float", "--scales, byte 1: too large for a Float: \"1e39\""),
      ("--scales 1 --method quantile-rule", "--scales is an option of --method exact"),
      ("--top 2 --method quantile-rule", "--top is an option of --method exact"),
      ("--top 0", "--top takes whole numbers from 1 to 9223372036854775807, not \"0\""),
      ("--top 2 --log", "--top goes without --log"),
    ]
    for (arguments, message) in wrong {
      let outcome = try shell.run("$NOISEMAX probabilities \(arguments)")
      #expect(outcome == Outcome(errors: "noisemax: \(message)\n", code: 64), "\(arguments)")
    }
  }
}
