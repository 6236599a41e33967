import CommandLineConventions

/// What is wrong with a field of a row.
package struct FieldError: Equatable {
  /// Where the field's text starts in its line, in bytes from 1.
  package let column: Int
  package let message: String
}

/// Reads rows of numbers from the bytes of a line: with commas between them, or with spaces and tabs.
package enum LogitRow {
  /// What stands between the numbers of a row.
  private enum Separator { case comma, blanks }

  /// Appends the logits of a line, which comes without its end.
  ///
  /// - Parameters:
  ///   - line: the bytes of the line.
  ///   - row: what is appended to.
  ///   - longest: how many logits there may be.
  /// - Returns: nil, or what is wrong with the first bad field.
  @inline(__always)
  package static func append<Scalar: DecimalScalar>(
    _ line: UnsafeBufferPointer<UInt8>, to row: inout [Scalar], atMost longest: Int = .max
  ) -> FieldError? {
    guard let start = line.baseAddress else { return nil }
    let end = start + line.count
    var cursor = start
    var hasInfinity = false
    var separator: Separator?
    skipBlanks(&cursor, end)
    while true {
      let field = cursor
      guard let logit: Scalar = number(at: &cursor, end: end) ?? word(at: &cursor, end: end),
        logit < .infinity || !hasInfinity
      else { return diagnosis(of: field, in: line, as: Scalar.self) }
      if logit == .infinity { hasInfinity = true }
      if row.count == longest {
        return error("more than \(longest) classes: --longest-row N allows more", at: field, in: line)
      }
      row.append(logit)
      let behind = cursor
      skipBlanks(&cursor, end)
      if cursor == end { return nil }
      let isComma = cursor.pointee == UInt8(ascii: ",")
      guard isComma || cursor > behind else { return diagnosis(of: field, in: line, as: Scalar.self) }
      if separator != (isComma ? .comma : .blanks) {
        guard separator == nil else { return mixture(of: field, in: line) }
        separator = isComma ? .comma : .blanks
      }
      if isComma {
        cursor += 1
        skipBlanks(&cursor, end)
      } else if let tab = secondTab(from: behind, to: cursor) {
        return error("empty field: \(quoted(""))", at: tab, in: line)
      }
    }
  }

  private static func error(
    _ message: String, at byte: UnsafePointer<UInt8>, in line: UnsafeBufferPointer<UInt8>
  ) -> FieldError? {
    line.baseAddress.map { FieldError(column: byte - $0 + 1, message: message) }
  }

  /// Where blanks enclose nothing, as in a table with an empty cell.
  private static func secondTab(
    from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>
  ) -> UnsafePointer<UInt8>? {
    guard end - start > 1 else { return nil }
    let tabs = (0..<end - start).filter { start[$0] == UInt8(ascii: "\t") }
    return tabs.count > 1 ? start + tabs[1] : nil
  }

  /// A finite decimal number.
  @inline(__always)
  private static func number<Scalar: DecimalScalar>(
    at cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>
  ) -> Scalar? {
    var behind = cursor
    guard let number = DecimalNumber(at: &behind, end: end) else { return nil }
    let value = Scalar.nearest(to: number, text: UnsafeBufferPointer(start: cursor, count: behind - cursor))
    guard value.isFinite else { return nil }
    cursor = behind
    return value
  }

  /// `inf` or `infinity` in upper or lower case, with or without a sign.
  private static func word<Scalar: DecimalScalar>(
    at cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>
  ) -> Scalar? {
    var behind = cursor
    guard behind < end else { return nil }
    let isNegative = behind.pointee == UInt8(ascii: "-")
    if isNegative || behind.pointee == UInt8(ascii: "+") { behind += 1 }
    guard skip("inf", at: &behind, end) else { return nil }
    _ = skip("inity", at: &behind, end)
    cursor = behind
    return isNegative ? -.infinity : .infinity
  }

  private static func skip(
    _ letters: StaticString, at cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) -> Bool {
    let count = letters.utf8CodeUnitCount
    guard end - cursor >= count else { return false }
    for index in 0..<count where cursor[index] | 0x20 != letters.utf8Start[index] { return false }
    cursor += count
    return true
  }

  /// What is wrong where a number is not followed as those before it are.
  private static func mixture(
    of field: UnsafePointer<UInt8>, in line: UnsafeBufferPointer<UInt8>
  ) -> FieldError? {
    let text = quoted(fieldText(from: field, in: line))
    return error(
      "commas separate the numbers of a row, or spaces and tabs, not both: \(text)", at: field, in: line)
  }

  private static func diagnosis<Scalar: DecimalScalar>(
    of field: UnsafePointer<UInt8>, in line: UnsafeBufferPointer<UInt8>, as type: Scalar.Type
  ) -> FieldError? {
    guard let start = line.baseAddress else { return nil }
    let end = start + line.count
    let text = fieldText(from: field, in: line)
    var behind = field
    let problem: String
    if text.isEmpty {
      problem = "empty field"
    } else if ["nan", "+nan", "-nan"].contains(text.lowercased()) {
      problem = "nan is no logit"
    } else if let _: Scalar = word(at: &behind, end: end), behind == field + text.utf8.count {
      problem = "more than one logit of +infinity"
    } else if DecimalNumber(at: &behind, end: end) != nil, behind == field + text.utf8.count {
      problem = "too large for a \(Scalar.self)"
    } else {
      problem = "not a number"
    }
    return error("\(problem): \(quoted(text))", at: field, in: line)
  }

  /// The text from a byte on up to a comma, or if there is none to a blank, without blanks at its end.
  private static func fieldText(
    from start: UnsafePointer<UInt8>, in line: UnsafeBufferPointer<UInt8>
  ) -> String {
    let rest = line[(line.baseAddress.map { start - $0 } ?? 0)...]
    let hasComma = rest.contains(UInt8(ascii: ","))
    let field = rest.prefix { hasComma ? $0 != UInt8(ascii: ",") : !isBlank($0) }
    let blanks = field.reversed().prefix { isBlank($0) }.count
    return String(decoding: field.dropLast(blanks), as: UTF8.self)
  }

  @inline(__always)
  private static func skipBlanks(_ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) {
    while cursor < end, isBlank(cursor.pointee) { cursor += 1 }
  }

  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
