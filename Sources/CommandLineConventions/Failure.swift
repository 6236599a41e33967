/// What a command exits with; the numbers are those of `sysexits.h`.
package enum ExitCode: Int32, Sendable {
  case success = 0
  /// `--check` found a table that is not up to date.
  case stale = 1
  case usage = 64
  case badData = 65
  case noInput = 66
  case outputError = 74
}

/// Why a command stops: one line for standard error, and the code to exit with.
package struct Failure: Error, Equatable {
  package let message: String
  package let exitCode: ExitCode

  package init(_ exitCode: ExitCode, _ message: String) {
    self.message = message
    self.exitCode = exitCode
  }

  /// A name that is none of those there are, with the one that was probably meant.
  package static func unknown(_ kind: String, _ name: String, outOf known: [String]) -> Failure {
    let there = suggestion(for: name, outOf: known).map { "did you mean \($0)? There" } ?? "there"
    let verb = known.count == 1 ? "is only" : "are"
    return Failure(
      .usage, "unknown \(kind) \(quoted(name)): \(there) \(verb) \(known.joined(separator: ", "))")
  }
}

/// A text from outside, fit for a line on a terminal: in quotes, control characters escaped, cut after 40 characters.
package func quoted(_ text: String) -> String {
  let start = String(text.unicodeScalars.prefix(40))
  return "\"\(withoutControls(start))\(text.unicodeScalars.count > 40 ? "…" : "")\""
}

/// A text with its control characters escaped: one line, whatever a file is called, and none that a terminal obeys.
package func withoutControls(_ text: String) -> String {
  var shown = ""
  for character in text.unicodeScalars {
    let isControl = character.value < 0x20 || (0x7f..<0xa0).contains(character.value)
    shown += isControl ? character.escaped(asASCII: true) : String(character)
  }
  return shown
}
