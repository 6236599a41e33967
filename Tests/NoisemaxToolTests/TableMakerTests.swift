import Foundation
import Noisemax
import Testing

@Suite struct TableMakerTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  @Test func writesShortestDecimals() throws {
    #expect(try shell.run("$TABLE_MAKER --points 3,1 --noise uniform --output out") == Outcome())
    #expect(try shell.read("out/uniform.csv") == "points,k,quantile\n3,1,0.25\n3,2,0.5\n3,3,0.75\n1,1,0.5\n")
    #expect(try shell.run("$TABLE_MAKER --points=3 --noise=NORMAL --output=out/") == Outcome())
    let normal = "points,k,quantile\n3,1,-0.6744897501960817\n3,2,0\n3,3,0.6744897501960817\n"
    #expect(try shell.read("out/normal.csv") == normal)
    #expect(try shell.files(in: "out") == ["normal.csv", "uniform.csv"])
  }

  @Test func writesEveryLaw() throws {
    #expect(try shell.run("$TABLE_MAKER --points 2") == Outcome())
    #expect(try shell.files(in: "Tables") == ShippedLaw.all.map { $0.name + ".csv" }.sorted())
  }

  @Test func shippedTablesAreUpToDate() throws {
    #expect(try shell.run("$TABLE_MAKER --check --output \"$TABLES\"") == Outcome())
    for law in ShippedLaw.all {
      let file = repository.appendingPathComponent("Tables/\(law.name).csv")
      let rows = String(decoding: try Data(contentsOf: file), as: UTF8.self).split(separator: "\n")
      #expect(rows.count == 1 + (3...10).reduce(0) { $0 + (1 << $1) })
    }
  }

  @Test func checkNamesTheFirstStaleRow() throws {
    let check = "$TABLE_MAKER --points 3 --noise uniform --check"
    #expect(try shell.run(check) == Outcome(errors: "table-maker: Tables/uniform.csv: missing\n", code: 1))
    #expect(try shell.run("$TABLE_MAKER --points 3 --noise uniform; " + check) == Outcome())
    let path = "Tables/uniform.csv"
    let stale: [(String, String)] = [
      ("points,k,quantile\n3,1,0.25\n3,2,0.6\n3,3,1\n", "\(path):3: \"3,2,0.6\" should be \"3,2,0.5\""),
      ("points,k,quantile\n3,1,0.25\n", "\(path):3: \"3,2,0.5\" is missing"),
      ("points,k,quantile\n3,1,0.25\n3,2,0.5\n3,3,0.75\n4", "\(path):5: \"4\" should not be there"),
      ("points,k,quantile\n3,1,0.25\n3,2,0.5\n3,3,0.75", "\(path):4: the last line is not ended"),
      ("points,k,quantile\r\n", "\(path):1: \"points,k,quantile\\r\" should be \"points,k,quantile\""),
      ("", "\(path):1: \"points,k,quantile\" is missing"),
    ]
    for (text, message) in stale {
      try shell.write(text, to: path)
      #expect(try shell.run(check) == Outcome(errors: "table-maker: \(message)\n", code: 1))
      #expect(try shell.read(path) == text)
    }
  }

  /// A limit on the size of files ends the command in the middle of its writing, or fails it there.
  @Test(arguments: ["", "trap '' XFSZ;"])
  func aRunThatCannotWriteLeavesTheOldTable(trap: String) throws {
    try FileManager.default.createDirectory(
      at: shell.directory.appendingPathComponent("out"), withIntermediateDirectories: true)
    try shell.write("old", to: "out/normal.csv")
    let outcome = try shell.run(
      "(\(trap) ulimit -f 1; exec $TABLE_MAKER --points 1000 --noise normal --output out 2> errors)")
    #expect(outcome.code != 0, "\(outcome)")
    #expect(try shell.read("out/normal.csv") == "old", "\(outcome)")
  }

  @Test func aKilledRunLeavesWholeTables() throws {
    let old = "points,k,quantile\n1,1,old\n"
    for (signal, delays) in [("TERM", ["0", "0.01", "0.03", "0.1"]), ("KILL", ["0.02", "0.06"])] {
      for delay in delays {
        for law in ["gumbel", "normal"] {
          try? FileManager.default.createDirectory(
            at: shell.directory.appendingPathComponent("out"), withIntermediateDirectories: true)
          try shell.write(old, to: "out/\(law).csv")
        }
        _ = try shell.run(
          "$TABLE_MAKER --points 20000 --output out & sleep \(delay); kill -\(signal) $!; wait $!; true")
        for law in ["gumbel", "normal"] {
          let text = try shell.read("out/\(law).csv")
          #expect(text == old || text.filter { $0 == "\n" }.count == 20001 && text.last == "\n")
        }
        if signal == "TERM" {
          #expect(try shell.files(in: "out").allSatisfy { $0.hasSuffix(".csv") })
        }
      }
    }
  }

  /// A directory stands where the table should: it stays, and nothing else does.
  @Test func aTableThatCannotBePutInPlaceLeavesNothing() throws {
    let outcome = try shell.run(
      "mkdir -p out/normal.csv; $TABLE_MAKER --noise normal --points 7 --output out")
    #expect(outcome.code == 74 && outcome.errors.hasPrefix("table-maker: out/normal.csv: "), "\(outcome)")
    #expect(try shell.files(in: "out") == ["normal.csv"])
  }

  @Test func saysWhatIsWrong() throws {
    let laws = ShippedLaw.all.map(\.name).joined(separator: ", ")
    let wrong: [(String, String, Int32)] = [
      ("--noise cauchy", "unknown noise \"cauchy\": there are \(laws)", 64),
      ("--points 7,0", "--points takes whole numbers from 1 to 65536, not \"0\"", 64),
      ("--points 7,", "--points takes whole numbers from 1 to 65536, not \"\"", 64),
      ("--points -3", "--points takes whole numbers from 1 to 65536, not \"-3\"", 64),
      ("--points 7,7", "--points has 7 twice", 64),
      ("--points 7,8,7", "--points has 7 twice", 64),
      ("--points 7 --points 8", "--points is given twice", 64),
      ("--points", "--points needs a value", 64),
      ("--check --check", "--check is given twice", 64),
      ("--check=yes", "--check takes no value: \"--check=yes\"", 64),
      ("normal", "unknown command \"normal\": there are help, completions, manual", 64),
      (
        "--table",
        "unknown option \"--table\": there are --points, --noise, --output, --check, --version, --help", 64
      ),
      ("--output no/where", "no/where: No such file or directory", 74),
      ("--output /dev/null", "/dev/null/\(ShippedLaw.all[0].name).csv: Not a directory", 74),
    ]
    for (arguments, message, code) in wrong {
      let outcome = try shell.run("$TABLE_MAKER \(arguments)")
      #expect(outcome.errors.hasPrefix("table-maker: \(message)"), "\(arguments): \(outcome.errors)")
      #expect(outcome.errors.hasSuffix("\n") && outcome.errors.filter { $0 == "\n" }.count == 1)
      #expect(outcome.code == code && outcome.output.isEmpty, "\(arguments)")
    }
    #expect(try shell.files(in: ".").isEmpty)
  }

  @Test func helps() throws {
    let help = try shell.run("$TABLE_MAKER --help")
    #expect(help.output.hasPrefix("usage: table-maker [--points LIST]") && help.code == 0)
    #expect(try shell.run("$TABLE_MAKER -h") == help)
    #expect(help.output.split(separator: "\n").allSatisfy { $0.count < 100 })
  }

  @Test(.enabled(if: isInstalled("python3"), "python3 is not installed: the Python example did not run"))
  func thePythonExampleOfTheTablesRuns() throws {
    try check(example: "python", by: "python3", NoisyArgmax(.normal, method: .quantileRule(points: 64)))
  }

  @Test(.enabled(if: isInstalled("node"), "node is not installed: the JavaScript example did not run"))
  func theJavaScriptExampleOfTheTablesRuns() throws {
    try check(example: "javascript", by: "node", NoisyArgmax(.logistic, method: .quantileRule(points: 64)))
  }

  /// Runs the only example in that language of the page on the tables, which prints the probabilities of a row.
  private func check(example language: String, by interpreter: String, _ argmax: NoisyArgmax) throws {
    let page = try String(
      contentsOf: repository.appendingPathComponent("Tables/README.md"), encoding: .utf8)
    let parts = page.components(separatedBy: "```\(language)\n")
    let example = try #require(parts.count == 2 ? parts[1].components(separatedBy: "```").first : nil)
    try shell.write(example, to: "example")
    let outcome = try shell.run("cp -r \"$TABLES\" . && \(interpreter) example")
    #expect(outcome.errors.isEmpty && outcome.code == 0, "\(outcome)")
    let printed = outcome.output.split(whereSeparator: { "[], \n".contains($0) }).compactMap { Double($0) }
    let expected = argmax.probabilities(for: [2, 1, 0.5, -1])
    #expect(printed.count == expected.count, "\(outcome)")
    for (value, right) in zip(printed, expected) { #expect(abs(value - right) <= 1e-12, "\(outcome)") }
  }
}
