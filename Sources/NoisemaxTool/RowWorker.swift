import CommandLineConventions
import Noisemax

/// Turns lines of numbers into lines of what is asked for.
///
/// It keeps its memory from one call to the next: one worker for each thread.
final class RowWorker<Quantity: RowQuantity> {
  /// What is wrong with a row: of a field, with its byte in the line.
  struct Problem {
    let column: Int?
    let message: String
  }

  /// What the last lines gave.
  private(set) var text = ByteText()
  /// How many lines there were, up to and with a bad one.
  private(set) var lineCount = 0
  /// How many of them were rows.
  private(set) var rowCount = 0
  /// Why the last lines were not worked through to the end.
  private(set) var problem: Problem?

  private let quantity: Quantity
  private let limit: RowLimit
  private var workspace = NoisyArgmax.Workspace()
  private var row: [Quantity.Scalar] = []

  init(_ quantity: Quantity, limit: RowLimit) {
    self.quantity = quantity
    self.limit = limit
  }

  /// Works through lines, up to the first bad one.
  func process(_ lines: Slice<UnsafeBufferPointer<UInt8>>, rowsBefore: Int) {
    text.removeAll()
    problem = nil
    (lineCount, rowCount) = (0, 0)
    var rest = lines
    while problem == nil, let line = nextRow(of: &rest) {
      problem = process(line, number: rowsBefore + rowCount)
      rowCount += 1
    }
  }

  /// How many rows there are.
  func count(_ lines: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
    var rest = lines
    var count = 0
    while nextRow(of: &rest) != nil { count += 1 }
    return count
  }

  /// The next line that is a row, without its end.
  private func nextRow(of rest: inout Slice<UnsafeBufferPointer<UInt8>>) -> Slice<UnsafeBufferPointer<UInt8>>?
  {
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
      var line = rest[..<end]
      rest = rest[end...].dropFirst()
      lineCount += 1
      if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
      if line.first == UInt8(ascii: "#") || line.allSatisfy({ LogitRow.isBlank($0) }) { continue }
      return line
    }
    return nil
  }

  private func process(_ line: Slice<UnsafeBufferPointer<UInt8>>, number: Int) -> Problem? {
    row.removeAll(keepingCapacity: true)
    let line = UnsafeBufferPointer(rebasing: line)
    if let error = LogitRow.append(line, to: &row, atMost: limit.classes) {
      return Problem(column: error.column, message: error.message)
    }
    if let complaint = quantity.append(of: &row, number: number, to: &text, workspace: &workspace) {
      return Problem(column: nil, message: complaint)
    }
    text.append(UInt8(ascii: "\n"))
    return nil
  }
}
