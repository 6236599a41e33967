import CommandLineConventions

/// What is wrong with a field of a row.
package struct FieldError: Equatable {
  /// Where the field's text starts in its line, in bytes from 1.
  package let column: Int
  package let message: String
}

/// Reads rows of comma-separated logits from the bytes of a line.
package enum LogitRow {
  /// Appends the logits of a line, which comes without its end.
  ///
  /// - Returns: nil, or what is wrong with the first bad field.
  @inline(__always)
  package static func append<Scalar: DecimalScalar>(
    _ line: UnsafeBufferPointer<UInt8>, to row: inout [Scalar]
  ) -> FieldError? {
    guard let start = line.baseAddress else { return nil }
    let end = start + line.count
    var cursor = start
    var hasInfinity = false
    while true {
      skipBlanks(&cursor, end)
      let field = cursor
      guard let logit: Scalar = number(at: &cursor, end: end) ?? word(at: &cursor, end: end),
        logit < .infinity || !hasInfinity
      else { return diagnosis(of: field, in: line, as: Scalar.self) }
      if logit == .infinity { hasInfinity = true }
      skipBlanks(&cursor, end)
      guard cursor == end || cursor.pointee == UInt8(ascii: ",") else {
        return diagnosis(of: field, in: line, as: Scalar.self)
      }
      row.append(logit)
      if cursor == end { return nil }
      cursor += 1
    }
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

  private static func diagnosis<Scalar: DecimalScalar>(
    of field: UnsafePointer<UInt8>, in line: UnsafeBufferPointer<UInt8>, as type: Scalar.Type
  ) -> FieldError? {
    guard let start = line.baseAddress else { return nil }
    let end = start + line.count
    let text = fieldText(from: field, to: end)
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
    return FieldError(column: field - start + 1, message: "\(problem): \(quoted(text))")
  }

  /// The field that starts at a byte, without the blanks after it.
  private static func fieldText(from start: UnsafePointer<UInt8>, to end: UnsafePointer<UInt8>) -> String {
    let field = UnsafeBufferPointer(start: start, count: end - start).prefix { $0 != UInt8(ascii: ",") }
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
