import Foundation
import Noisemax
import NoisemaxTool
import Testing

@Suite struct ProbabilitiesCommandTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  @Test func writesWhatTheLibrarySays() throws {
    let logits = [[2, 1, 0.5, -1], [0.1, 0.2], [-7.25]]
    let rows = logits.map(line).joined()
    let rule = NoisyArgmax.Method.quantileRule(points: 12)
    let raw = NoisyArgmax.Method.quantileRule(points: 64, normalized: false)
    let expected: [(String, NoisyArgmax, Bool)] = [
      ("", NoisyArgmax(.gumbel), false),
      ("--method exact --noise gumbel --scale 1", NoisyArgmax(.gumbel), false),
      ("--scale 0.5", NoisyArgmax(.gumbel, scale: 0.5), false),
      ("--log", NoisyArgmax(.gumbel), true),
      ("--method quantile-rule --points 12 --noise=normal", NoisyArgmax(.normal, method: rule), false),
      ("--method=quantile-rule --raw --noise Logistic", NoisyArgmax(.logistic, method: raw), false),
      ("--noise uniform --method quantile-rule --raw --log", NoisyArgmax(.uniform, method: raw), true),
    ]
    for (options, argmax, logarithms) in expected {
      let result = logits.map {
        logarithms ? argmax.logProbabilities(for: $0) : argmax.probabilities(for: $0)
      }
      let outcome = try shell.run("$NOISEMAX probabilities \(options) rows.csv", rows: rows)
      #expect(outcome == Outcome(output: result.map(line).joined()), "\(options)")
      let single = logits.map { row in
        let row = row.map { Float($0) }
        return logarithms ? argmax.logProbabilities(for: row) : argmax.probabilities(for: row)
      }
      let singleOutcome = try shell.run("$NOISEMAX probabilities --float \(options) - < rows.csv")
      #expect(singleOutcome == Outcome(output: single.map(line).joined()), "--float \(options)")
    }
  }

  @Test func everyLawHasBothMethods() throws {
    for law in ShippedLaw.all {
      let argmax = NoisyArgmax(law.noise, method: .quantileRule(points: 8))
      let command = "echo 1,0 | $NOISEMAX probabilities --noise \(law.name) --method quantile-rule --points 8"
      #expect(try shell.run(command) == Outcome(output: line(argmax.probabilities(for: [1.0, 0]))))
      let exact = "echo 1,0 | $NOISEMAX probabilities --noise \(law.name)"
      #expect(
        try shell.run(exact) == Outcome(output: line(NoisyArgmax(law.noise).probabilities(for: [1.0, 0]))))
    }
  }

  @Test func readsRowsAsDocumented() throws {
    let one = line(NoisyArgmax(.gumbel).probabilities(for: [1.0, 2]))
    let rows: [(String, String)] = [
      ("", ""), ("1,2", one), ("1,2\n", one), ("1,2\r\n\r\n1,2\r\n", one + one), ("1,2\r", one),
      ("\u{feff}1,2\n", one), ("\u{feff}# comment\n1,2", one), ("\n \t\n# 1,2\n 1 ,\t2 \n\n", one),
      ("1 2\n1\t2 \n \t1  \t 2\r\n", one + one + one),
      ("1,-inf,2\n", one.replacingOccurrences(of: ",", with: ",0,")),
      ("-inf,-Infinity\n5\n1,inf\n", "0,0\n1\n0,1\n"),
    ]
    for (text, output) in rows {
      let outcome = try shell.run("$NOISEMAX probabilities rows.csv", rows: text)
      #expect(outcome == Outcome(output: output), "\(text.debugDescription)")
    }
    #expect(
      try shell.run("$NOISEMAX probabilities --log rows.csv", rows: "-inf,5") == Outcome(output: "-inf,0\n"))
  }

  /// Only a file starts with a byte-order mark: later it is no number, also where a new block of input begins.
  @Test func aByteOrderMarkIsSkippedOnce() throws {
    // As long as one read: the next one starts with the mark.
    let block = "#" + String(repeating: "x", count: (1 << 20) - 2) + "\n"
    for rows in ["1,1\n\u{feff}1,1\n", block + "\u{feff}1,1\n"] {
      let outcome = try shell.run("$NOISEMAX probabilities rows.csv", rows: rows)
      #expect(outcome.code == 65 && outcome.errors.contains(":2:1: not a number"), "\(outcome)")
    }
  }

  @Test func aBadRowEndsTheRun() throws {
    let half = "0.5,0.5\n"
    let bad: [(String, String, String)] = [
      ("1,1\n2,2\n1,abc,3\n1,1\n", half + half, "3:3: not a number: \"abc\""),
      ("# first\n\r\n1,1\r\n1,\r\n", half, "4:3: empty field: \"\""),
      ("1,1\n0, NaN", half, "2:4: nan is no logit: \"NaN\""),
      ("\u{feff}x\n", "", "1:1: not a number: \"x\""),
      ("1,1\n1,1e999\n", half, "2:3: too large for a Double: \"1e999\""),
      ("inf,inf\n", "", "1:5: more than one logit of +infinity: \"inf\""),
      ("1 1\n1\t\t1\n", half, "2:3: empty field: \"\""),
      ("1 1\n1 x 3\n", half, "2:3: not a number: \"x\""),
      (
        "1,1\n1,2 3\n", half, "2:3: commas separate the numbers of a row, or spaces and tabs, not both: \"2\""
      ),
      (
        "1,1\n1 2,3\n", half, "2:3: commas separate the numbers of a row, or spaces and tabs, not both: \"2\""
      ),
      ("1,1\n1;1\n", half, "2:1: not a number: \"1;1\""),
      ("1,1\n\u{7}\n", half, "2:1: not a number: \"\\u{07}\""),
    ]
    for (text, output, message) in bad {
      let outcome = try shell.run("$NOISEMAX probabilities rows.csv", rows: text)
      #expect(outcome == Outcome(output: output, errors: "noisemax: rows.csv:\(message)\n", code: 65))
      let piped = try shell.run("cat rows.csv | $NOISEMAX probabilities")
      #expect(piped == Outcome(output: output, errors: "noisemax: <stdin>:\(message)\n", code: 65))
    }
    let tooLarge = try shell.run("$NOISEMAX probabilities --float rows.csv", rows: "1e39")
    let message = "noisemax: rows.csv:1:1: too large for a Float: \"1e39\"\n"
    #expect(tooLarge == Outcome(errors: message, code: 65))
  }

  /// Many blocks, and rows longer than a block: the order stays, and so does the count of the lines.
  @Test func longInputs() throws {
    let rows = (0..<20_000).map { "\($0),\($0),-inf\n" }.joined()
    let outcome = try shell.run("cat rows.csv rows.csv bad.csv | $NOISEMAX probabilities", rows: rows)
    #expect(outcome.code == 0 && outcome.output == String(repeating: "0.5,0.5,0\n", count: 40_000))
    try shell.write("1,!\n", to: "bad.csv")
    let bad = try shell.run("cat rows.csv rows.csv bad.csv | $NOISEMAX probabilities | tail -n 1")
    #expect(bad.output == "0.5,0.5,0\n" && bad.errors == "noisemax: <stdin>:40001:3: not a number: \"!\"\n")

    let count = 1 << 18
    let wide = Array(repeating: "0.125", count: count).joined(separator: ",")
    let wideOutcome = try shell.run("$NOISEMAX probabilities rows.csv", rows: "1,1\n\(wide)\n1,1")
    let value = "\(1 / Double(count))"
    let expected = Array(repeating: value, count: count).joined(separator: ",")
    #expect(wideOutcome.code == 0 && wideOutcome.output == "0.5,0.5\n\(expected)\n0.5,0.5\n")
  }

  /// A row beyond the limit ends the run where the limit is passed, and so does a line that never ends.
  @Test func rowsHaveALimit() throws {
    let row = "1,1\n1 1 1\n"
    for (limit, output, message) in [
      ("2", "0.5,0.5\n", "rows.csv:2:5: more than 2 classes: --longest-row N allows more"),
      ("1", "", "rows.csv:1:3: more than 1 classes: --longest-row N allows more"),
    ] {
      let outcome = try shell.run("$NOISEMAX probabilities --longest-row \(limit) rows.csv", rows: row)
      #expect(outcome == Outcome(output: output, errors: "noisemax: \(message)\n", code: 65), "\(limit)")
    }
    #expect(try shell.run("$NOISEMAX probabilities --longest-row 3 rows.csv").code == 0)
    // Its first 2 MiB are enough to say so, whether there are more or not.
    for ones in ["yes 1", "yes 1 | head -n 2000000"] {
      let outcome = try shell.run(
        "{ echo 1,1; \(ones) | tr '\\n' ,; echo 1; } | $NOISEMAX probabilities --longest-row 40000")
      let message = "noisemax: <stdin>:2: a line of more than 1280000 bytes: --longest-row N allows more\n"
      #expect(outcome == Outcome(output: "0.5,0.5\n", errors: message, code: 65), "\(ones)")
    }
    let none = try shell.run("$NOISEMAX probabilities --longest-row 0")
    #expect(
      none.code == 64 && none.errors.contains("--longest-row takes whole numbers from 1 to "), "\(none)")
  }

  /// The line about a long input, as far as it is known how long that is.
  @Test func progressIsALine() {
    #expect(progressText(bytes: 89_400_000, of: 234_000_000, rows: 12) == "12 rows, 89 MB of 234 MB, 38 %")
    #expect(progressText(bytes: 89_400_000, of: nil, rows: 12) == "12 rows, 89 MB")
    #expect(progressText(bytes: 3_000_000, of: 2_000_000, rows: 1) == "1 rows, 3 MB")
    #expect(progressText(bytes: 0, of: 0, rows: 0) == "0 rows, 0 MB")
  }

  @Test func saysWhatIsWrongWithTheOptions() throws {
    let laws = ShippedLaw.all.map(\.name).joined(separator: ", ")
    let options =
      "--noise, --scale, --scales, --top, --method, --points, --raw, --log, --float, --longest-row, --help"
    let wrong: [(String, String)] = [
      ("--noise cauchy", "unknown noise \"cauchy\": there are \(laws)"),
      ("--method fast", "unknown method \"fast\": there are exact, quantile-rule"),
      ("--scale 0", "--scale takes a finite number above 0, not \"0\""),
      ("--scale -1", "--scale takes a finite number above 0, not \"-1\""),
      ("--scale=inf", "--scale takes a finite number above 0, not \"inf\""),
      ("--scale two", "--scale takes a finite number above 0, not \"two\""),
      ("--scale 1,2", "--scale takes a finite number above 0, not \"1,2\""),
      ("--points 8", "--points is an option of --method quantile-rule"),
      ("--raw", "--raw is an option of --method quantile-rule"),
      (
        "--method quantile-rule --points 0",
        "--points takes whole numbers from 1 to 1000000, not \"0\""
      ),
      ("--temperature 2", "unknown option \"--temperature\": there are \(options)"),
      ("--log --log", "--log is given twice"), ("--float=yes", "--float takes no value: \"--float=yes\""),
      ("--noise", "--noise needs a value"), ("a.csv b.csv", "unexpected argument \"b.csv\""),
      ("-x", "unknown option \"-x\": there are \(options)"),
    ]
    for (arguments, message) in wrong {
      let outcome = try shell.run("$NOISEMAX probabilities \(arguments)")
      #expect(outcome == Outcome(errors: "noisemax: \(message)\n", code: 64), "\(arguments)")
    }
  }

  @Test func aFileThatCannotBeRead() throws {
    let missing = try shell.run("$NOISEMAX probabilities no.csv")
    #expect(missing == Outcome(errors: "noisemax: no.csv: No such file or directory\n", code: 66))
    let directory = try shell.run("$NOISEMAX probabilities /")
    #expect(directory == Outcome(errors: "noisemax: /: Is a directory\n", code: 66))
    let closed = try shell.run("$NOISEMAX probabilities <&-")
    #expect(closed == Outcome(errors: "noisemax: <stdin>: Bad file descriptor\n", code: 66))
    try shell.write("1,1\n", to: "-x.csv")
    #expect(try shell.run("$NOISEMAX probabilities -- -x.csv") == Outcome(output: "0.5,0.5\n"))
  }

  @Test func aReaderThatStopsEarly() throws {
    let script = "{ yes 1,1; } | { $NOISEMAX probabilities; echo $? >&2; } | head -n 1"
    #expect(try shell.run(script) == Outcome(output: "0.5,0.5\n", errors: "0\n"))
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func aFullDisk() throws {
    let message = Outcome(errors: "noisemax: standard output: No space left on device\n", code: 74)
    #expect(try shell.run("echo 1,1 | $NOISEMAX probabilities >/dev/full") == message)
    for command in ["", "laws", "--help", "probabilities --help"] {
      #expect(try shell.run("$NOISEMAX \(command) >/dev/full") == message, "\(command)")
    }
    let help = try shell.run("$TABLE_MAKER --help >/dev/full")
    #expect(help == Outcome(errors: "table-maker: standard output: No space left on device\n", code: 74))
  }

  @Test func aClosedOutput() throws {
    let message = Outcome(errors: "noisemax: standard output: Bad file descriptor\n", code: 74)
    #expect(try shell.run("$NOISEMAX probabilities rows.csv >&-", rows: "1,1\n") == message)
    #expect(try shell.read("rows.csv") == "1,1\n")
    #expect(try shell.run("$NOISEMAX laws >&-") == message)
  }
}
