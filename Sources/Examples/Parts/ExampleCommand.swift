import Charts
import CommandLineConventions
import Foundation
internal import Noisemax

/// What the command line of an example says.
package struct Settings {
  package let seed: UInt64
  /// How many passes over the data.
  package let epochs: Int
  /// Whether it is to take seconds: a smaller task, on which learning still shows.
  package let isQuick: Bool
  package let progress: ProgressLine
}

/// What an example found.
package struct Findings {
  package var tables: [Table]
  /// SVG by name.
  package var pictures: KeyValuePairs<String, String>
  package var checks: [Check]

  package init(tables: [Table], pictures: KeyValuePairs<String, String>, checks: [Check]) {
    (self.tables, self.pictures, self.checks) = (tables, pictures, checks)
  }
}

/// A number that has to be reached if what the example shows is to be believed.
package struct Check {
  let name: String
  let value: Double
  let bounds: ClosedRange<Double>

  package init(_ name: String, _ value: Double, atLeast least: Double) {
    (self.name, self.value, bounds) = (name, value, least...Double.infinity)
  }

  package init(_ name: String, _ value: Double, atMost most: Double) {
    (self.name, self.value, bounds) = (name, value, -Double.infinity...most)
  }

  /// Nil where it is reached. A NaN never is.
  package var complaint: String? {
    if bounds.contains(value) { return nil }
    let limit =
      bounds.upperBound < .infinity ? "at most \(bounds.upperBound)" : "at least \(bounds.lowerBound)"
    return "\(name) should be \(limit), and is \(value)"
  }
}

/// A line on standard error that says how far it is, if that is a terminal.
package final class ProgressLine {
  /// How often it is to be advanced.
  package var total = 0
  private var done = 0
  private let isShown = standardErrorIsTerminal

  init() {}

  package func advance(_ remark: String) {
    done += 1
    guard isShown else { return }
    let filled = total > 0 ? min(30, 30 * done / total) : 0
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
    writeToStandardError("\r\u{1b}[K\(bar) \(done)/\(total) \(remark)")
  }

  func finish() { if isShown { writeToStandardError("\r\u{1b}[K") } }
}

/// Runs an example: takes its options, prints its tables, draws its picture, and fails if it has not learned.
///
/// - Parameters:
///   - name: the command.
///   - summary: what it does, for `--help`.
///   - epochs: the passes over the data, unless `--epochs` says otherwise.
///   - quickEpochs: the same with `--quick`.
///   - body: the example itself.
package func runExample(
  _ name: String, _ summary: String, epochs: Int, quickEpochs: Int,
  _ body: @escaping @Sendable (Settings) -> Findings
) -> Never {
  let example = Command(
    "", "an example of Noisemax, trained to the end", usage: ["[options]", "COMMAND ..."], summary: summary,
    options: [
      Option("--seed", "N", "where the randomness begins: the same seed, the same result (1)"),
      Option("--epochs", "N", "passes over the data (\(epochs), or \(quickEpochs) with --quick)"),
      Option("--quick", nil, "a small run of seconds"),
      Option("--pictures", "FOLDER", .directory, "draw the pictures into a folder, as SVG"),
    ],
    notes:
      "Exit codes: 0 done, 64 wrong usage, 65 it has not learned what it should, 74 output cannot be written."
  ) { arguments, output throws(Failure) in
    let folder = arguments.value(of: "--pictures")
    if folder == "" { throw Failure(.usage, "--pictures needs the name of a folder") }
    let isQuick = arguments.has("--quick")
    let seed = try wholeNumber(arguments.value(of: "--seed") ?? "1", of: "--seed", in: 0...Int.max)
    let chosen = arguments.value(of: "--epochs") ?? "\(isQuick ? quickEpochs : epochs)"
    let passes = try wholeNumber(chosen, of: "--epochs", in: 1...100_000)

    let progress = ProgressLine()
    let findings = body(
      Settings(seed: UInt64(seed), epochs: passes, isQuick: isQuick, progress: progress))
    progress.finish()
    if let folder {
      for (name, picture) in findings.pictures {
        try replaceFile("\(folder)/\(name).svg", with: Array(picture.utf8))
      }
    }
    try output.write(findings.tables.map(\.text).joined(separator: "\n"))
    let complaints = findings.checks.compactMap(\.complaint)
    if !complaints.isEmpty { throw Failure(.badData, complaints.joined(separator: "; ")) }
  }
  let program = Program(name, version: noisemaxVersion, main: example)
  run(name) { words, output throws(Failure) in try program.run(words, to: output) }
}

/// How long the processors work on something, all threads together. What other programs do meanwhile does not count.
package func processorSeconds(of work: () -> Void) -> Double {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }
  let start = now()
  work()
  return now() - start
}

/// `97.3` for 0.973.
package func percent(_ share: Double) -> String { fixed(100 * share, 1) }

/// A number with a fixed count of decimals; infinities and NaN as words.
package func fixed(_ number: Double, _ decimals: Int) -> String {
  number.isFinite ? typographic(fixedDecimals(number, decimals)) : number.isNaN ? "not a number" : "∞"
}
