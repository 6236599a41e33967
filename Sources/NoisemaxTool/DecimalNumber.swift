#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

import Noisemax

/// A decimal number as it is written: ±digits · 10^exponent.
///
/// The grammar is that of JSON and of every CSV writer, a little wider: an optional sign, digits with at most one point
/// anywhere in them, and an optional exponent. No hexadecimal, no separators.
package struct DecimalNumber {
  var isNegative = false
  /// The digits as one whole number; meaningless where `holdsAllDigits` is false.
  var digits: UInt64 = 0
  var exponent = 0
  /// Up to 19 digits fit in 64 bits, whatever they are.
  var holdsAllDigits = false

  /// Reads the number that starts at `cursor` and moves behind it; nil where none does.
  @inline(__always)
  init?(at cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) {
    if cursor < end, cursor.pointee == UInt8(ascii: "-") || cursor.pointee == UInt8(ascii: "+") {
      isNegative = cursor.pointee == UInt8(ascii: "-")
      cursor += 1
    }
    var count = appendDigits(at: &cursor, end: end)
    if cursor < end, cursor.pointee == UInt8(ascii: ".") {
      cursor += 1
      let decimals = appendDigits(at: &cursor, end: end)
      exponent = -decimals
      count += decimals
    }
    guard count > 0 else { return nil }
    holdsAllDigits = count <= 19
    if cursor < end, cursor.pointee | 0x20 == UInt8(ascii: "e") {
      cursor += 1
      guard let power = Self.power(at: &cursor, end: end) else { return nil }
      exponent += power
    }
  }

  @inline(__always)
  private mutating func appendDigits(at cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Int
  {
    let start = cursor
    while cursor < end {
      let digit = cursor.pointee &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      digits = digits &* 10 &+ UInt64(digit)
      cursor += 1
    }
    return cursor - start
  }

  /// What stands after the e. Beyond a million it stops growing: the number is out of range by far, and is converted
  /// from its text anyway.
  private static func power(at cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Int? {
    var isNegative = false
    if cursor < end, cursor.pointee == UInt8(ascii: "-") || cursor.pointee == UInt8(ascii: "+") {
      isNegative = cursor.pointee == UInt8(ascii: "-")
      cursor += 1
    }
    let start = cursor
    var power = 0
    while cursor < end {
      let digit = cursor.pointee &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      if power < 1_000_000 { power = power * 10 + Int(digit) }
      cursor += 1
    }
    return cursor == start ? nil : isNegative ? -power : power
  }
}

/// The types that a logit can be read as: always the nearest value of that type.
package protocol DecimalScalar: LogitScalar, TextOutputStreamable {
  /// The nearest value to a number, infinite where it is too large for the type; `text` is how it is written.
  static func nearest(to number: DecimalNumber, text: UnsafeBufferPointer<UInt8>) -> Self
}

extension Double: DecimalScalar {
  @inline(__always)
  package static func nearest(to number: DecimalNumber, text: UnsafeBufferPointer<UInt8>) -> Double {
    let magnitude = number.holdsAllDigits ? nearest(to: number.digits, exponent: number.exponent) : nil
    guard let magnitude else { return converted(text) { strtod($0, nil) } }
    return number.isNegative ? -magnitude : magnitude
  }

  /// Without the C library, where that is certain to be right (W. Clinger, "How to read floating point numbers
  /// accurately", 1990): one rounding of exact operands; or, of more than 53 bits, a quotient in twice the precision
  /// that is not near the midpoint of two Doubles.
  @inline(__always)
  private static func nearest(to digits: UInt64, exponent: Int) -> Double? {
    if digits == 0 { return 0 }
    guard exponent >= -22, exponent <= 22 else { return nil }
    let leading = Double(digits)
    if digits <= 1 << 53 {
      return exponent < 0 ? leading / powersOfTen[-exponent] : leading * powersOfTen[exponent]
    }
    guard exponent <= 0 else { return nil }
    let power = powersOfTen[-exponent]
    let quotient = leading / power
    let remainder = leading.addingProduct(-quotient, power)
    let trailing = Double(Int64(bitPattern: digits &- UInt64(leading)))
    return DoubleDouble(quotient, (remainder + trailing) / power).nearestDouble(within: quotient * 0x1p-100)
  }

  /// The powers of ten that are Doubles.
  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]
}

extension Float: DecimalScalar {
  @inline(__always)
  package static func nearest(to number: DecimalNumber, text: UnsafeBufferPointer<UInt8>) -> Float {
    let double = Double.nearest(to: number, text: text)
    // Rounding twice goes wrong only where the first lands on the midpoint of two Floats.
    let isMidpoint = double.bitPattern & 0x1fff_ffff == 0x1000_0000
    if !isMidpoint, double.magnitude >= Double(Float.leastNormalMagnitude) || double == 0 {
      return Float(double)
    }
    return converted(text) { strtof($0, nil) }
  }
}

/// What the C library makes of a number, in its "C" locale: no command here ever sets another.
private func converted<Scalar>(
  _ text: UnsafeBufferPointer<UInt8>, by convert: (UnsafePointer<CChar>) -> Scalar
) -> Scalar {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { copy in
    for index in text.indices { copy[index] = CChar(bitPattern: text[index]) }
    copy[text.count] = 0
    return copy.withMemoryRebound(to: CChar.self) { convert(UnsafePointer($0.baseAddress.unsafelyUnwrapped)) }
  }
}
