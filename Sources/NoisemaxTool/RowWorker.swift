import CommandLineConventions
import Noisemax

/// Turns lines of logits into lines of probabilities.
///
/// It keeps its memory from one call to the next: one worker for each thread.
final class RowWorker<Scalar: DecimalScalar> {
  /// What the last lines gave.
  private(set) var text = ByteText()
  /// How many lines there were, up to and with a bad one.
  private(set) var lineCount = 0
  /// Why the last lines were not worked through to the end.
  private(set) var error: FieldError?

  private let argmax: NoisyArgmax
  private let givesLogarithms: Bool
  private var workspace = NoisyArgmax.Workspace()
  private var row: [Scalar] = []

  init(_ argmax: NoisyArgmax, givesLogarithms: Bool) {
    self.argmax = argmax
    self.givesLogarithms = givesLogarithms
  }

  /// Works through lines, up to the first bad one.
  func process(_ lines: Slice<UnsafeBufferPointer<UInt8>>) {
    text.removeAll()
    lineCount = 0
    error = nil
    var rest = lines
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
      var line = rest[..<end]
      rest = rest[end...].dropFirst()
      lineCount += 1
      if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
      if line.first == UInt8(ascii: "#") || line.allSatisfy({ LogitRow.isBlank($0) }) { continue }
      row.removeAll(keepingCapacity: true)
      error = LogitRow.append(UnsafeBufferPointer(rebasing: line), to: &row)
      if error != nil { return }
      transform(&row)
      append(row)
    }
  }

  private func transform(_ row: inout [Scalar]) {
    var span = row.mutableSpan
    if givesLogarithms {
      argmax.formLogProbabilities(in: &span, workspace: &workspace)
    } else {
      argmax.formProbabilities(in: &span, workspace: &workspace)
    }
  }

  private func append(_ row: [Scalar]) {
    for index in row.indices {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      text.append(row[index])
    }
    text.append(UInt8(ascii: "\n"))
  }
}
