/// An option of a command, as `--help` shows it.
package struct Option: Sendable {
  /// Its name, with the dashes.
  package let name: String
  /// What its value is called, or nil for a switch without one.
  package let value: String?
  package let explanation: String

  package init(_ name: String, _ value: String? = nil, _ explanation: String) {
    self.name = name
    self.value = value
    self.explanation = explanation
  }
}

/// The arguments of a command, taken apart: options with a value (`--noise normal` or `--noise=normal`), switches, and
/// everything else in order. After `--` nothing is an option; `-` alone never is one.
package struct Arguments: Sendable {
  package private(set) var operands: [String] = []
  private var values: [String: String] = [:]

  package init(_ arguments: [String], options: [Option]) throws(Failure) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        operands += rest
        return
      }
      guard argument.hasPrefix("-"), argument != "-" else {
        operands.append(argument)
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts[0] == "-h" ? "--help" : String(parts[0])
      guard let option = options.first(where: { $0.name == name }) else {
        throw .unknown("option", name, outOf: options.map(\.name))
      }
      guard values[name] == nil else { throw Failure(.usage, "\(name) is given twice") }
      if option.value == nil, parts.count > 1 {
        throw Failure(.usage, "\(name) takes no value: \(quoted(argument))")
      }
      guard let value = option.value == nil ? "" : parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
        throw Failure(.usage, "\(name) needs a value")
      }
      values[name] = value
    }
  }

  /// Whether an option or a switch is given.
  package func has(_ name: String) -> Bool { values[name] != nil }

  /// The value of an option, or nil where it is not given.
  package func value(of name: String) -> String? { values[name] }

  /// Complains about the first operand after those that the command takes.
  package func allow(operands count: Int) throws(Failure) {
    if operands.count > count { throw Failure(.usage, "unexpected argument \(quoted(operands[count]))") }
  }
}

/// A whole number of points out of `range`, as an option gives it.
package func wholeNumber(
  _ text: some StringProtocol, of option: String, in range: ClosedRange<Int>
) throws(Failure) -> Int {
  guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(text), range.contains(number)
  else {
    let (lowest, highest) = (range.lowerBound, range.upperBound)
    throw Failure(
      .usage, "\(option) takes whole numbers from \(lowest) to \(highest), not \(quoted(String(text)))")
  }
  return number
}
