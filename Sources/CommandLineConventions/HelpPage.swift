/// What `--help` prints.
package struct HelpPage: Sendable {
  package let usage: [String]
  package let summary: String
  package let options: [Option]
  package let notes: String

  package init(usage: [String], summary: String, options: [Option], notes: String = "") {
    self.usage = usage
    self.summary = summary
    self.options = options
    self.notes = notes
  }

  package var text: String {
    var text = ""
    for (index, line) in usage.enumerated() { text += (index == 0 ? "usage: " : "       ") + line + "\n" }
    text += "\n" + summary + "\n"
    if !options.isEmpty {
      text += "\nOptions:\n"
      let names = options.map { $0.name + ($0.value.map { " " + $0 } ?? "") }
      let width = (names.map(\.count).max() ?? 0) + 2
      for (name, option) in zip(names, options) {
        let lines = option.explanation.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
          text += "  " + (index == 0 ? name : "").padded(to: width) + line + "\n"
        }
      }
    }
    return notes.isEmpty ? text : text + "\n" + notes + "\n"
  }
}

extension String {
  /// The text, with spaces after it up to a width.
  package func padded(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }
}
