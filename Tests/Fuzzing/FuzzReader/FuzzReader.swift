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
  let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
  guard fields.count == row.count else { fatalError("\(Array(line)) has \(row.count) numbers") }
  for (field, value) in zip(fields, row) {
    let truth = convert(String(decoding: field, as: UTF8.self))
    guard value == truth && value.sign == truth.sign else {
      fatalError("\(Array(field)) is read as \(value), not \(truth)")
    }
  }
}

/// What libFuzzer calls with every input it makes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let line = UnsafeBufferPointer(start: start, count: count)
  check(line, as: Double.self) { strtod($0, nil) }
  check(line, as: Float.self) { strtof($0, nil) }
  return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The package manager's name for what it starts, beside which libFuzzer's own `main` is left aside.
@_cdecl("FuzzReader_main")
public func main(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  var (count, arguments) = (count, arguments)
  return runFuzzer(&count, &arguments) { start, count in fuzz(start, count) }
}
