import Benchmarks
import Foundation
import Noisemax
import Testing

@Suite struct BenchmarksTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  @Test func medians() {
    #expect(median(of: []) == nil)
    #expect(median(of: [3]) == 3)
    #expect(median(of: [5, 1, 100]) == 5)
    #expect(median(of: [4, 1, 100, 2]) == 3)
  }

  private func picked(_ list: String) -> [String] {
    let selection = Selection(list)
    return BenchmarkCase.all.filter(selection.picks).map(\.name)
  }

  @Test func onlyPicksByWholeParts() {
    #expect(
      picked("normal/exact/Double/1000")
        == ["normal/exact/Double/1000/forward", "normal/exact/Double/1000/backward"])
    #expect(
      picked("NORMAL/float/10/Forward").map { $0.split(separator: "/")[1] } == ["exact", "quantile-rule"])
    #expect(picked("gumbel").allSatisfy { $0.hasPrefix("gumbel/") } && !picked("gumbel").isEmpty)
    #expect(
      Set(picked("gumbel/exact/Float/2/forward,uniform/exact/Float/3/forward,nonsense"))
        == ["gumbel/exact/Float/2/forward", "uniform/exact/Float/3/forward"])
    #expect(picked("exact").count == ShippedLaw.all.count * 2 * 2 * 9)
    // Long rows only where the rule is fast: under the four smooth laws.
    #expect(picked("quantile-rule/10000").count == 4 * 2 * 2)
    for nothing in ["", ",", "/", "norm", "1000/normal", "normal/normal", "uniform/quantile-rule/10000"] {
      #expect(picked(nothing).isEmpty, "\(nothing)")
    }
  }

  @Test func numbersForReading() {
    let numbers: [(Double, String)] = [
      (1.2, "1.20"), (345, "345"), (9.996, "10.0"), (0.00731, "0.00731"), (0, "0"), (12345, "12300"),
      (0.9999, "1.00"),
    ]
    for (number, text) in numbers { #expect(significant(number) == text) }
    let times = [(0.5, "0.500 ns"), (999.6, "1.00 µs"), (4.56e6, "4.56 ms"), (2e9, "2.00 s")]
    for (nanoseconds, text) in times { #expect(time(nanoseconds: nanoseconds) == text) }
    #expect(scientific(2.2e-16) == "< 1e-15" && scientific(-3.14159e-8) == "-3.1e-08")
  }

  @Test func tablesLineUp() {
    var table = MarkdownTable(["name", "µ"], textColumns: 1)
    table.append(["a", "12345"])
    table.append(["longer", "–"])
    #expect(
      table.text == """
        | name   |     µ |
        | ------ | ----: |
        | a      | 12345 |
        | longer |     – |

        """)
  }

  /// The part of the JSON file that is looked at here.
  private struct Report: Decodable {
    struct Measurement: Decodable {
      let law, method, precision, pass: String
      let size, rows, rounds: Int
      let nanosecondsPerRow, nanosecondsPerElement: Double
      let maximumError: Double?
    }
    let measurements: [Measurement]
    let peers: [Measurement]
    let missingPeers: [String: String]
    let instructionSet: String
  }

  private func report(_ name: String) throws -> Report {
    try JSONDecoder().decode(Report.self, from: Data(try shell.read(name).utf8))
  }

  @Test func measuresOneCase() throws {
    let outcome = try shell.run("$BENCHMARKS --only gumbel/exact/Float/10/forward --json out.json")
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let rows = outcome.output.split(separator: "\n").filter {
      $0.hasPrefix("| gumbel") && $0.contains("forward")
    }
    #expect(rows.count == 1 && rows[0].contains("| exact  | forward | Float     |  10 |"))
    let report = try report("out.json")
    let one = try #require(report.measurements.first)
    #expect(report.measurements.count == 1 && report.peers.isEmpty && !report.instructionSet.isEmpty)
    #expect([one.law, one.method, one.precision, one.pass] == ["gumbel", "exact", "Float", "forward"])
    #expect(one.size == 10 && one.rows > 0 && one.rounds > 0)
    #expect(
      one.nanosecondsPerRow > 0 && abs(one.nanosecondsPerElement * 10 / one.nanosecondsPerRow - 1) < 1e-9)
    #expect(try #require(one.maximumError) < 1e-6)
  }

  @Test func peersThatAreNotThereAreNamed() throws {
    // A Python that knows no package but its own.
    let fake =
      "#!/bin/sh\nexec $(PATH=/usr/local/bin:/usr/bin:/bin command -v python3 || echo false) -S -E \"$@\"\n"
    try shell.write(fake, to: "python3")
    let outcome = try shell.run(
      "chmod +x python3; PATH=\"$PWD:$PATH\" $BENCHMARKS --peers --only gumbel/exact/Float/2/forward --json out.json"
    )
    #expect(outcome.code == 0)
    #expect(outcome.output.contains("Not measured: ") && outcome.output.contains("requirements.txt"))
    let report = try report("out.json")
    #expect(report.peers.isEmpty && !report.missingPeers.isEmpty && report.measurements.count == 1)
  }

  @Test func saysWhatIsWrong() throws {
    let wrong: [(String, String, Int32)] = [
      ("--only cauchy", "--only \"cauchy\" picks nothing: a case is like gumbel/exact/Float/2/forward", 64),
      ("--only", "--only needs a value", 64),
      ("speed", "unknown command \"speed\": there are accuracy, help, completions, manual", 64),
      ("accuracy now", "unexpected argument \"now\"", 64),
      ("--json no/where.json", "no/where.json: its directory is not there", 74),
      ("--fast", "unknown option \"--fast\"", 64),
    ]
    for (arguments, message, code) in wrong {
      let outcome = try shell.run("$BENCHMARKS \(arguments)")
      #expect(outcome.errors.hasPrefix("benchmarks: \(message)"), "\(arguments): \(outcome.errors)")
      #expect(
        outcome.errors.filter { $0 == "\n" }.count == 1 && outcome.output.isEmpty && outcome.code == code)
    }
  }

  @Test func helps() throws {
    for (command, start) in [
      ("", "usage: benchmarks [--only LIST]"), ("accuracy", "usage: benchmarks accuracy"),
    ] {
      let help = try shell.run("$BENCHMARKS \(command) --help")
      #expect(help.output.hasPrefix(start) && help.code == 0 && help.errors.isEmpty)
      #expect(help.output.split(separator: "\n").allSatisfy { $0.count < 100 })
    }
  }
}
