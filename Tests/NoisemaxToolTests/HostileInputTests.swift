import Foundation
import Noisemax
import NoisemaxTool
import Testing

/// Whatever it is given, the command ends with an exit code of its own and at most one line of complaint.
@Suite struct HostileInputTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  /// Bytes that a reader of numbers could trip over, and some of any kind.
  private static func bytes(_ count: Int, using generator: inout StreamGenerator) -> [UInt8] {
    let pieces = [
      "1", "0", "-", "+", ".", "e", "E", "inf", "nan", ",", " ", "\t", "\r", "\n", "\r\n", "#", "0x1p-3",
      "1e999", "-1e-999",
      "\u{feff}", "٣", "1_000", "9999999999999999999999", "0.000000000000000000001", "Infinity", "\u{0}",
      "1,2,3\n",
    ]
    var bytes: [UInt8] = []
    while bytes.count < count {
      if Int.random(in: 0..<8, using: &generator) == 0 {
        bytes.append(UInt8.random(in: 0...255, using: &generator))
      } else {
        bytes += Array((pieces.randomElement(using: &generator) ?? "").utf8)
      }
    }
    return bytes
  }

  /// A line is read or refused, and where it is refused the place lies in the line.
  @Test func everyLineIsReadOrRefused() {
    var generator = StreamGenerator(seed: 10)
    for _ in 0..<4000 {
      let line = Self.bytes(Int.random(in: 0...40, using: &generator), using: &generator)
      var row: [Double] = []
      var single: [Float] = []
      let error = line.withUnsafeBufferPointer { LogitRow.append($0, to: &row) }
      let singleError = line.withUnsafeBufferPointer { LogitRow.append($0, to: &single) }
      #expect(row.allSatisfy { !$0.isNaN } && single.allSatisfy { !$0.isNaN }, "\(line)")
      if let error {
        #expect((1...line.count + 1).contains(error.column), "\(line): \(error)")
        #expect(singleError != nil, "\(line): \(error)")
      } else {
        let commas = line.count { $0 == UInt8(ascii: ",") }
        let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.count
        #expect(row.count == (commas > 0 ? commas + 1 : words), "\(line)")
      }
    }
  }

  @Test func everyFileIsWorkedThroughOrRefused() throws {
    var generator = StreamGenerator(seed: 11)
    for trial in 0..<60 {
      let count = trial % 10 == 0 ? 300_000 : Int.random(in: 0...400, using: &generator)
      let file = Self.bytes(count, using: &generator)
      try Data(file).write(to: shell.directory.appendingPathComponent("rows.csv"))
      let commands = [
        "probabilities", "probabilities --log", "probabilities --float",
        "probabilities --method quantile-rule --points 3", "probabilities --scales 1,0,2",
        "probabilities --top 2",
        "logits --float", "ranking --order 1", "samples --count 3",
      ]
      let command = commands[trial % commands.count]
      let outcome = try shell.run("$NOISEMAX \(command) < rows.csv")
      #expect(outcome.code == 0 || outcome.code == 65, "trial \(trial): \(outcome.errors)")
      // Nothing of a row is written but the whole of it.
      #expect(outcome.output.isEmpty || outcome.output.last == "\n", "trial \(trial)")
      let complaints = outcome.errors.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(complaints.count == (outcome.code == 0 ? 1 : 2), "trial \(trial): \(outcome.errors)")
      #expect(
        outcome.code == 0 || outcome.errors.hasPrefix("noisemax: <stdin>:"),
        "trial \(trial): \(outcome.errors)")
    }
  }

  @Test func anyArgumentsAreTakenOrRefused() throws {
    let words = [
      "probabilities", "samples", "ranking", "logits", "laws", "plot", "help", "completions", "manual",
      "bash", "pie", "densities", "--row", "--row=1,x", "--noise", "gumbel",
      "uniform", "--log",
      "--float", "--raw", "--method", "exact", "quantile-rule", "--points", "3", "0", "-1", "--scale",
      "1e400", "--", "-", "",
      "--help", "-h", "--output", "out.svg", "/", "no/where", "=", "--=", "--row=", "\u{1b}[2J", "é",
      "--standardized", "--scales", "1,0,2", "--top", "--order", "--seed", "--count", "--longest-row",
    ]
    var generator = StreamGenerator(seed: 12)
    for trial in 0..<120 {
      let arguments = (0..<Int.random(in: 1...5, using: &generator)).map { number in
        number == 0
          ? words[Int.random(in: 0..<9, using: &generator)] : words.randomElement(using: &generator) ?? ""
      }
      let quoted = arguments.map { "'\($0)'" }.joined(separator: " ")
      let outcome = try shell.run("$NOISEMAX \(quoted)")
      #expect([0, 64, 65, 66, 74].contains(outcome.code), "trial \(trial): \(quoted): \(outcome.code)")
      #expect((outcome.code == 0) == outcome.errors.isEmpty, "trial \(trial): \(quoted): \(outcome.errors)")
      #expect(outcome.errors.filter { $0 == "\n" }.count <= 1, "trial \(trial): \(quoted): \(outcome.errors)")
      #expect(!outcome.errors.contains("\u{1b}"), "trial \(trial): \(quoted)")
    }
  }

  /// Numbers have a point and no separators, in and out, whatever the environment says.
  @Test func theLocaleDoesNotMatter() throws {
    for command in [
      "", "laws", "--help", "probabilities rows.csv", "probabilities --log --scale 0.5 rows.csv",
      "plot --row 1.5,0.25 --noise uniform",
    ] {
      let outcomes = try ["C", "de_DE.UTF-8", "tr_TR.UTF-8", "nonsense"].map { locale in
        try shell.run("LC_ALL=\(locale) LANG=\(locale) $NOISEMAX \(command)", rows: "1.5,-0.25,1e-3\n")
      }
      #expect(outcomes[0].code == 0 && outcomes.allSatisfy { $0 == outcomes[0] }, "\(command)")
    }
  }
}
