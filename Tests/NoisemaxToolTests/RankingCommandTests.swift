import Foundation
import Noisemax
import Testing

@Suite struct RankingCommandTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  @Test func writesWhatTheLibrarySays() throws {
    let logits: [[Double]] = [[2, 1, 0.5, -1], [0, 0, 0, 0], [-.infinity, 1, 2, 3]]
    let rows = logits.map(line).joined()
    for (options, law, scales) in [
      ("--noise normal", "normal", nil), ("--noise gumbel --scales 1,2,0.5,1", "gumbel", [1, 2, 0.5, 1]),
    ] as [(String, String, [Double]?)] {
      let argmax = try NoisyArgmax(named: law, scale: 2)
      let truth = logits.map { argmax.orderingLogProbability(for: $0, ordering: [2, 0], scales: scales) }
      let outcome = try shell.run("$NOISEMAX ranking --order 2,0 --scale 2 \(options) rows.csv", rows: rows)
      #expect(outcome == Outcome(output: truth.map { line([$0]) }.joined()), "\(options)")
      let single = logits.map { row in
        argmax.orderingLogProbability(
          for: row.map { Float($0) }, ordering: [2, 0], scales: scales?.map { Float($0) })
      }
      let float = try shell.run("$NOISEMAX ranking --order=2,0 --float --scale 2 \(options) < rows.csv")
      #expect(float == Outcome(output: single.map { line([$0]) }.joined()), "\(options) --float")
    }
  }

  /// Of n equal classes every order is as likely; under Gumbel noise the first two of any come by Plackett and Luce.
  @Test func agreesWithTheClosedForm() throws {
    let (one, two) = (exponential(1), exponential(2))
    let rows: [(String, Double)] = [
      ("0,0,0\n", 1.0 / 6), ("1,0,2\n", two / (one + 1 + two) * one / (one + 1)),
    ]
    for (row, truth) in rows {
      let outcome = try shell.run("$NOISEMAX ranking --order 2,0 rows.csv", rows: row)
      let value = try #require(Double(outcome.output.dropLast()), "\(outcome)")
      #expect(abs(value / logarithm(truth) - 1) < 1e-11, "\(row): \(outcome)")
    }
  }

  @Test func saysWhatIsWrong() throws {
    let wrong: [(String, String, Int32)] = [
      ("", "which order? --order 2,0 is class 2 before class 0", 64),
      ("--order 2,0,2", "--order has 2 twice", 64),
      ("--order 2,", "--order takes whole numbers from 0 to 9223372036854775807, not \"\"", 64),
      ("--order -1", "--order takes whole numbers from 0 to 9223372036854775807, not \"-1\"", 64),
      ("--order 0 --scales 1,0", "with --order every scale is above 0, not that of class 1", 64),
      (
        "--order 0 --method exact",
        "unknown option \"--method\": there are --order, --noise, --scale, --scales, --float, --longest-row, --help",
        64
      ),
      (
        "--order 0,2 rows.csv",
        "rows.csv:1: there is no class 2, which is in --order: the classes are 0 to 1", 65
      ),
      ("--order 0 --scales 1,2,3 rows.csv", "rows.csv:1: 2 classes, but 3 in --scales", 65),
    ]
    try shell.write("1,2\n", to: "rows.csv")
    for (arguments, message, code) in wrong {
      let outcome = try shell.run("$NOISEMAX ranking \(arguments)")
      #expect(outcome == Outcome(errors: "noisemax: \(message)\n", code: code), "\(arguments)")
    }
  }
}
