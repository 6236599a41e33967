import CommandLineConventions
import Noisemax

/// What a command turns every row into.
protocol RowQuantity: Sendable {
  associatedtype Scalar: DecimalScalar

  /// Whether it depends on the number of a row.
  var countsRows: Bool { get }

  /// Appends what a row is turned into, without the end of its line. The row may be overwritten.
  ///
  /// - Parameters:
  ///   - row: at least one number.
  ///   - number: how many rows came before.
  ///   - text: what is appended to.
  ///   - workspace: memory that is kept for the next row.
  /// - Returns: nil, or why the row has no such thing; then nothing is appended.
  func append(
    of row: inout [Scalar], number: Int, to text: inout ByteText, workspace: inout NoisyArgmax.Workspace
  ) -> String?
}

extension RowQuantity {
  var countsRows: Bool { false }
}

extension ByteText {
  /// Numbers with commas between them.
  mutating func append(row: [some BinaryFloatingPoint & TextOutputStreamable]) {
    for index in row.indices {
      if index > 0 { append(UInt8(ascii: ",")) }
      append(row[index])
    }
  }
}
