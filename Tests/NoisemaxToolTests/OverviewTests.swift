import Foundation
import Noisemax
import Testing

/// What the command says about itself and its laws.
@Suite struct OverviewTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  @Test func theExampleFitsATerminal() throws {
    let outcome = try shell.run("$NOISEMAX")
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.allSatisfy { $0.count < 80 && $0.last != " " })
    #expect(lines.count < 24)
    let words = lines.map { $0.split(separator: " ") }
    #expect(words.contains(["logit", "2", "1", "0.5", "-1"]))
    #expect(words.contains(["gumbel", "0.609", "████▉", "0.224", "█▊", "0.136", "█▏", "0.030", "▎"]))
    for law in ShippedLaw.all {
      #expect(words.contains { $0.first == law.name[...] })
    }
  }

  @Test func listsTheLaws() throws {
    let outcome = try shell.run("$NOISEMAX laws")
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(lines[0] == ["law", "support", "mean", "variance", "methods"])
    #expect(lines.dropFirst().map { String($0[0]) } == ShippedLaw.all.map(\.name))
    let gumbel = ["(-inf,", "inf)", "0.5772156649015329", "1.6449340668482264", "exact,", "quantile-rule"]
    #expect(lines.contains(["gumbel"] + gumbel.map { $0[...] }))
    let uniform = try #require(lines.first { $0[0] == "uniform" })
    #expect(uniform[1...4] == ["[0,", "1]", "0.5", "0.08333333333333333"])
    let exponential = try #require(lines.first { $0[0] == "exponential" })
    #expect(exponential[1...4] == ["[0,", "inf)", "1", "1"])
    #expect(lines.dropFirst().allSatisfy { $0.suffix(2) == ["exact,", "quantile-rule"] })
  }

  /// The page of changes begins with the version that the command prints.
  @Test func printsTheVersion() throws {
    let outcome = try shell.run("$NOISEMAX --version")
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let words = outcome.output.split(separator: " ")
    try #require(words.count == 2, "\(outcome)")
    #expect(words[0] == "noisemax" && outcome.output.hasSuffix("\n"))
    let changes = try String(
      contentsOf: repository.appendingPathComponent("Sources/Noisemax/Noisemax.docc/Changes.md"),
      encoding: .utf8)
    #expect(changes.contains("\nVersion \(words[1].dropLast()): "), "\(outcome.output)")
  }

  @Test func saysWhatThereIs() throws {
    let commands =
      "probabilities, logits, ranking, samples, laws, plot, variance, help, completions, manual"
    let wrong: [(String, String)] = [
      ("softmax", "unknown command \"softmax\": there are \(commands)"),
      ("--verbose", "unknown option \"--verbose\": there are --version, --help"),
      ("laws gumbel", "unexpected argument \"gumbel\""),
      ("laws --all", "unknown option \"--all\": there is only --help"),
      ("\"$(printf 'a\\tb')\"", "unknown command \"a\\tb\": there are \(commands)"),
      (
        "\"$(printf 'a\\177b')\"",
        "unknown command \"a\\u{7F}b\": there are \(commands)"
      ),
      // Cut after 40 characters.
      (
        String(repeating: "x", count: 40),
        "unknown command \"\(String(repeating: "x", count: 40))\": there are \(commands)"
      ),
      (
        String(repeating: "x", count: 41),
        "unknown command \"\(String(repeating: "x", count: 40))…\": there are \(commands)"
      ),
    ]
    for (arguments, message) in wrong {
      let outcome = try shell.run("$NOISEMAX \(arguments)")
      #expect(outcome == Outcome(errors: "noisemax: \(message)\n", code: 64), "\(arguments)")
    }
  }

  @Test func noEnvironmentStopsIt() throws {
    let names = InstructionSet.available.map(\.rawValue)
    let usual = try shell.run("$NOISEMAX laws")
    let complaint =
      "noisemax: NOISEMAX_INSTRUCTION_SET is ignored: it is none of \(names.joined(separator: ", "))\n"
    for name in ["nonsense", " baseline", "AVX2"] {
      let outcome = try shell.run("NOISEMAX_INSTRUCTION_SET='\(name)' $NOISEMAX laws")
      #expect(outcome == Outcome(output: usual.output, errors: complaint), "\(name)")
    }
    for name in [""] + names {
      #expect(try shell.run("NOISEMAX_INSTRUCTION_SET=\(name) $NOISEMAX laws") == usual, "\(name)")
    }
  }
}
