/// A command of a program: what it is called, what it takes, and what it does.
///
/// This is the only description of it. What is parsed, the help, the completions and the manual are made from it.
package struct Command: Sendable {
  package typealias Body = @Sendable (Arguments, borrowing StandardOutput) throws(Failure) -> Void
  /// What a command does that speaks of its program.
  typealias ProgramBody = @Sendable (Program, Arguments, borrowing StandardOutput) throws(Failure) -> Void

  /// Its name; empty for what the program does without one.
  package let name: String
  /// What it does, in a line.
  package let gist: String
  /// What follows the name, in each of the ways to call it.
  package let usage: [String]
  package let summary: String
  /// Its options, and `--help`.
  package let options: [Option]
  package let operands: Operands
  package let notes: String
  let body: ProgramBody

  package init(
    _ name: String, _ gist: String, usage: [String] = [""], summary: String, options: [Option] = [],
    operands: Operands = .none, notes: String = "", body: @escaping Body
  ) {
    self.init(
      name, gist, usage: usage, summary: summary, options: options, operands: operands, notes: notes,
      ofProgram: { _, arguments, output throws(Failure) in try body(arguments, output) })
  }

  init(
    _ name: String, _ gist: String, usage: [String] = [""], summary: String, options: [Option] = [],
    operands: Operands = .none, notes: String = "", ofProgram body: @escaping ProgramBody
  ) {
    (self.name, self.gist, self.usage, self.summary) = (name, gist, usage, summary)
    (self.operands, self.notes, self.body) = (operands, notes, body)
    self.options = options + [.help]
  }

  /// What `--help` prints, for a command of a program; the main command's page lists the others.
  func page(in program: Program) -> String {
    var text = ""
    for (index, line) in usage(in: program).enumerated() {
      text += (index == 0 ? "usage: " : "       ") + line + "\n"
    }
    text += "\n" + summary + "\n"
    if name.isEmpty {
      text += "\nCommands:\n" + Self.columns(program.commands.map { ($0.name, $0.gist) })
    }
    text += "\nOptions:\n" + Self.columns(options.map { ($0.nameWithValue, $0.explanation) })
    return notes.isEmpty ? text : text + "\n" + notes + "\n"
  }

  /// The ways to call it, in full.
  func usage(in program: Program) -> [String] {
    usage.map { [program.name, name, $0].filter { !$0.isEmpty }.joined(separator: " ") }
  }

  /// Names on the left, and beside them explanations of a line or several.
  private static func columns(_ entries: [(name: String, explanation: String)]) -> String {
    let width = (entries.map(\.name.count).max() ?? 0) + 2
    var text = ""
    for (name, explanation) in entries {
      let lines = explanation.split(separator: "\n", omittingEmptySubsequences: false)
      for (index, line) in lines.enumerated() {
        text += "  " + (index == 0 ? name : "").padded(to: width) + line + "\n"
      }
    }
    return text
  }
}

extension Option {
  /// `--noise NAME`.
  var nameWithValue: String { name + (value.map { " " + $0 } ?? "") }
}

extension String {
  /// The text, with spaces after it up to a width.
  package func padded(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }
}
