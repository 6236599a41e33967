/// What a text on the command line may be. Parsing, the help, the completions and the manual all go by it.
package enum ValueKind: Sendable {
  /// Whatever its command makes of it.
  case text
  /// One of some words of a kind, such as "noise". Upper and lower case are alike.
  case word(String, of: [String])
  /// Some of those words, each once, with commas between them.
  case words(String, of: [String])
  case file
  case directory

  /// The words that there are to choose from.
  package var choices: [String] {
    switch self {
    case .word(_, let choices), .words(_, let choices): choices
    case .text, .file, .directory: []
    }
  }

  /// A text as its command gets it: words in lower case, and none but those that there are.
  func checked(_ text: String, of name: String) throws(Failure) -> String {
    switch self {
    case .text, .file, .directory: return text
    case .word(let kind, let choices): return try Self.word(text, kind, choices)
    case .words(let kind, let choices):
      var words: [String] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        let word = try Self.word(String(part), kind, choices)
        if words.contains(word) { throw Failure(.usage, "\(name) has \(word) twice") }
        words.append(word)
      }
      return words.joined(separator: ",")
    }
  }

  private static func word(_ text: String, _ kind: String, _ choices: [String]) throws(Failure) -> String {
    let word = text.lowercased()
    guard choices.contains(word) else { throw .unknown(kind, text, outOf: choices) }
    return word
  }
}

/// An option of a command.
package struct Option: Sendable {
  /// Its name, with the dashes.
  package let name: String
  /// What its value is called, or nil for a switch without one.
  package let value: String?
  package let kind: ValueKind
  package let explanation: String

  package init(_ name: String, _ value: String, _ kind: ValueKind, _ explanation: String) {
    (self.name, self.value, self.kind, self.explanation) = (name, value, kind, explanation)
  }

  package init(_ name: String, _ value: String? = nil, _ explanation: String) {
    (self.name, self.value, self.kind, self.explanation) = (name, value, .text, explanation)
  }

  /// What every command has.
  package static let help = Option("--help", nil, "show this page; -h is short for it")
}

/// What a command takes besides options.
package struct Operands: Sendable {
  package let kind: ValueKind
  /// How many there may be.
  package let most: Int

  package init(_ kind: ValueKind, most: Int = 1) {
    self.kind = kind
    self.most = most
  }

  package static let none = Operands(.text, most: 0)
}

/// The arguments of a command, taken apart: options with a value (`--noise normal` or `--noise=normal`), switches, and
/// everything else in order. After `--` nothing is an option; `-` alone never is one.
package struct Arguments: Sendable {
  package private(set) var operands: [String] = []
  private var values: [String: String] = [:]

  package init(
    _ arguments: [String], options: [Option], operands allowed: Operands = .none
  ) throws(Failure) {
    var rest = arguments[...]
    var found: [String] = []
    while let argument = rest.popFirst() {
      if argument == "--" {
        found += rest
        break
      }
      guard argument.hasPrefix("-"), argument != "-" else {
        found.append(argument)
        continue
      }
      try take(argument, options, &rest)
    }
    if found.count > allowed.most {
      throw Failure(.usage, "unexpected argument \(quoted(found[allowed.most]))")
    }
    for operand in found { operands.append(try allowed.kind.checked(operand, of: "the command")) }
  }

  private mutating func take(
    _ argument: String, _ options: [Option], _ rest: inout ArraySlice<String>
  ) throws(Failure) {
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
    values[name] = try option.kind.checked(value, of: name)
  }

  /// Whether an option or a switch is given.
  package func has(_ name: String) -> Bool { values[name] != nil }

  /// The value of an option, or nil where it is not given.
  package func value(of name: String) -> String? { values[name] }
}

/// A whole number out of `range`, as an option gives it.
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
