// What the calls have in common: a transform, rows of logits, and memory of the caller.

import CNoisemax
import Noisemax

/// The rows that a call is about.
struct Batch {
  let rows, length: Int
  /// At most so many threads.
  let threads: Int

  init(_ rows: Int, _ length: Int, _ threads: Int32 = 1) throws(Refusal) {
    let (count, hasOverflow) = rows.multipliedReportingOverflow(by: length)
    guard rows >= 0, length >= 0, !hasOverflow, max(rows, length, count) < Self.mostNumbers else {
      throw .argument("there are no \(rows) rows of \(length) logits")
    }
    (self.rows, self.length, self.threads) = (rows, length, threads < 1 ? .max : Int(threads))
  }

  /// From so many numbers on they are no memory of a process: 2⁴⁷ bytes.
  private static let mostNumbers = 1 << 44

  /// How many logits there are.
  var count: Int { rows * length }

  var shape: RowShape { RowShape(rowCount: rows, rowLength: length) }

  func slots(of row: Int) -> Range<Int> { shape.slots(of: row) }

  /// Numbers to be read, one for each logit or a few.
  func numbers<Scalar>(
    at start: Numbers<Scalar>, _ name: String, each: Int = 1
  ) throws(Refusal) -> UnsafeBufferPointer<Scalar> {
    guard count * each < Self.mostNumbers else {
      throw .argument("there are no \(rows) rows of \(length) logits with \(each) numbers each")
    }
    try require(start != nil || count == 0, name)
    return UnsafeBufferPointer(start: count == 0 ? nil : start, count: count * each)
  }

  /// The indices of classes, one for each row.
  func classes(at start: Numbers<Int64>) throws(Refusal) -> [Int] {
    try require(start != nil || rows == 0, "the targets")
    let indices = UnsafeBufferPointer(start: start, count: start == nil ? 0 : rows)
    if let row = indices.firstIndex(where: { $0 < 0 || $0 >= length }) {
      throw Refusal(
        NOISEMAX_BAD_TARGET, "target \(indices[row]) of row \(row) is not a class of a row of \(length)")
    }
    return indices.map { Int($0) }
  }

  /// Memory for a number for each logit.
  func memory<Scalar>(
    at start: Memory<Scalar>, _ name: String
  ) throws(Refusal) -> UnsafeMutableBufferPointer<Scalar> {
    try require(start != nil || count == 0, name)
    return UnsafeMutableBufferPointer(start: count == 0 ? nil : start, count: count)
  }

  /// The same where null means that nobody wants them.
  func wantedMemory<Scalar>(at start: Memory<Scalar>) -> UnsafeMutableBufferPointer<Scalar>? {
    start.map { UnsafeMutableBufferPointer(start: count == 0 ? nil : $0, count: count) }
  }

  /// Memory for a number for each row.
  func rowMemory<Number>(
    at start: Memory<Number>, _ name: String
  ) throws(Refusal) -> UnsafeMutableBufferPointer<Number> {
    try require(start != nil || rows == 0, name)
    return UnsafeMutableBufferPointer(start: rows == 0 ? nil : start, count: rows)
  }

  private func require(_ isThere: Bool, _ name: String) throws(Refusal) {
    guard isThere else { throw .argument("\(name) is null, for \(rows) rows of \(length) logits") }
  }

  /// Does some work for every row, on as many threads as it is worth: `passes` times that of the probabilities.
  func forEachRow(
    under argmax: NoisyArgmax, passes: Double,
    _ work: (_ row: Int, _ slots: Range<Int>, _ workspace: inout NoisyArgmax.Workspace) -> Void
  ) {
    var workspace = NoisyArgmax.Workspace(threads: threads)
    argmax.forEachPart(of: shape, passes: passes, workspace: &workspace) { part, workspace in
      for row in part { work(row, slots(of: row), &workspace) }
    }
  }
}

extension NoisyArgmax {
  /// What hangs on the expected maximum needs a method that has one.
  func requireExactMethod(for quantity: String) throws(Refusal) {
    guard method == .exact else {
      throw Refusal(NOISEMAX_NEEDS_EXACT, "the quantile rule has no \(quantity): use the exact method")
    }
  }
}
