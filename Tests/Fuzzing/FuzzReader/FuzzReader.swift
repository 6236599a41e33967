import Glibc

/// A line of any bytes is read as the C library reads every field of it, or refused at a place that it has.
private func check<Scalar: DecimalScalar>(
  _ line: UnsafeBufferPointer<UInt8>, as type: Scalar.Type, by convert: (String) -> Scalar
) {
  var row: [Scalar] = []
  if let error = LogitRow.append(line, to: &row) {
    guard (1...line.count + 1).contains(error.column), !error.message.isEmpty else {
      fatalError("\(Array(line)) is refused at \(error.column): \(error.message)")
    }
    return
  }
  guard !line.isEmpty else { return }
  let fields =
    line.contains(UInt8(ascii: ","))
    ? line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    : line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
  guard fields.count == row.count else { fatalError("\(Array(line)) has \(row.count) numbers") }
  for (field, value) in zip(fields, row) {
    let truth = convert(String(decoding: field, as: UTF8.self))
    guard value == truth && value.sign == truth.sign else {
      fatalError("\(Array(field)) is read as \(value), not \(truth)")
    }
  }
  // One number less is too few, and says so at the last one.
  var shorter: [Scalar] = []
  let error = LogitRow.append(line, to: &shorter, atMost: row.count - 1)
  guard let error, (1...line.count).contains(error.column), shorter.count == row.count - 1 else {
    fatalError("\(Array(line)) is read as \(shorter), at most \(row.count - 1)")
  }
}

/// A line, or the same line up to some thousand times with a separator between, as its first bytes say.
private func repeated(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
  guard bytes.count > 2 else { return Array(bytes) }
  let times = [1, 1, 16, 1024][Int(bytes[0] % 4)]
  let separator = Array([",", " ", " , ", "\t"][Int(bytes[1] % 4)].utf8)
  let piece = bytes[2...]
  return (1..<times).reduce(into: Array(piece)) { line, _ in line += separator + piece }
}

/// What libFuzzer calls with every input it makes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  repeated(UnsafeBufferPointer(start: start, count: count)).withUnsafeBufferPointer { line in
    check(line, as: Double.self) { strtod($0, nil) }
    check(line, as: Float.self) { strtof($0, nil) }
  }
  return 0
}

@_cdecl("FuzzReader_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
  runFuzzer(count, arguments) { start, count in fuzz(start, count) }
}
