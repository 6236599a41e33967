/// Text as its bytes, to write numbers into without making a String of each.
package struct ByteText: TextOutputStream, Sendable {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func write(_ string: String) { bytes.append(contentsOf: string.utf8) }

  /// How the standard library hands over the digits of a number; without it they would come as Strings.
  package mutating func _writeASCII(_ digits: UnsafeBufferPointer<UInt8>) { bytes.append(contentsOf: digits) }

  package mutating func append(_ byte: UInt8) { bytes.append(byte) }

  /// The shortest decimal that reads back as this number: `0.1`, `1e-05`, `2` and not `2.0`.
  package mutating func append(_ number: some BinaryFloatingPoint & TextOutputStreamable) {
    number.write(to: &self)
    let end = bytes.count
    if end > 2, bytes[end - 1] == UInt8(ascii: "0"), bytes[end - 2] == UInt8(ascii: ".") {
      bytes.removeLast(2)
    }
  }

  /// Forgets the text and keeps the memory.
  package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
}

/// The shortest decimal that reads back as this number.
package func shortestDecimal(_ number: Double) -> String {
  var text = ByteText()
  text.append(number)
  return String(decoding: text.bytes, as: UTF8.self)
}
