import Foundation
import Noisemax
import Testing

@Suite struct SamplesCommandTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  /// Row r draws from stream r of the seed, whatever stands between the rows and however they are cut into pieces.
  @Test func writesWhatTheLibraryDraws() throws {
    let logits = (0..<300).map { [Double($0 % 7) / 4, 1, 0.5] }
    let rows = logits.enumerated().map { ($0 % 5 == 0 ? "# \($0)\n\n" : "") + line($1) }.joined()
    let argmax = NoisyArgmax(.normal, scale: 2)
    let expected = logits.enumerated().map { row, logits in
      var generator = StreamGenerator(seed: 7, stream: UInt64(row))
      return line(argmax.randomIndices(for: logits, count: 5, using: &generator))
    }.joined()
    let options = "--seed 7 --count 5 --noise normal --scale 2"
    #expect(try shell.run("$NOISEMAX samples \(options) rows.csv", rows: rows) == Outcome(output: expected))
    // In many blocks.
    let slow = try shell.run(
      "{ head -c 500 rows.csv; sleep 0.02; tail -c +501 rows.csv; } | $NOISEMAX samples \(options)")
    #expect(slow == Outcome(output: expected))
    let scaled = logits.prefix(20).enumerated().map { row, logits in
      var generator = StreamGenerator(seed: 1, stream: UInt64(row))
      let indices = (0..<3).compactMap { _ in
        NoisyArgmax(.gumbel).randomIndex(for: logits, scales: [0, 2, 0], using: &generator)
      }
      return line(indices)
    }.joined()
    try shell.write(logits.prefix(20).map(line).joined(), to: "rows.csv")
    let outcome = try shell.run("$NOISEMAX samples --count 3 --scales 0,2,0 rows.csv")
    #expect(outcome == Outcome(output: scaled))
  }

  /// 100,000 draws: within five standard errors of the probabilities.
  @Test func drawsEveryClassAtItsRate() throws {
    let outcome = try shell.run(
      "$NOISEMAX samples --count 100000 --noise laplace rows.csv", rows: "1,0,-inf,0.5\n")
    let drawn = outcome.output.dropLast().split(separator: ",").compactMap { Int($0) }
    try #require(drawn.count == 100_000)
    let truth = NoisyArgmax(.laplace).probabilities(for: [1, 0, -.infinity, 0.5])
    for (index, p) in truth.enumerated() {
      let share = Double(drawn.count { $0 == index }) / 100_000
      #expect(
        abs(share - p) <= 5 * (p * (1 - p) / 100_000).squareRoot(), "class \(index): \(share), not \(p)")
    }
  }

  @Test func edges() throws {
    #expect(try shell.run("$NOISEMAX samples rows.csv", rows: "1,inf\n5\n") == Outcome(output: "1\n0\n"))
    let masked = try shell.run("$NOISEMAX samples rows.csv", rows: "5\n-inf,-inf\n")
    let message = "noisemax: rows.csv:2: every class is masked: there is nothing to draw\n"
    #expect(masked == Outcome(output: "0\n", errors: message, code: 65))
    for (arguments, message) in [
      ("--count 0", "--count takes whole numbers from 1 to 10000000, not \"0\""),
      ("--seed -1", "--seed takes whole numbers from 0 to 9223372036854775807, not \"-1\""),
      ("--scales 1,-1", "--scales takes finite numbers of 0 or more, not -1"),
    ] {
      let outcome = try shell.run("$NOISEMAX samples \(arguments)")
      #expect(outcome == Outcome(errors: "noisemax: \(message)\n", code: 64), "\(arguments)")
    }
  }
}
