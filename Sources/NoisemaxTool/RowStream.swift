import CommandLineConventions
import Dispatch
import Noisemax

/// Reads rows from a file and writes what they give, in order, on all the cores there are.
///
/// Every block of lines is cut into as many pieces as there are cores. Nothing outlives its block, so that memory does
/// not grow with the file.
struct RowStream<Scalar: DecimalScalar>: @unchecked Sendable {
  // Unchecked: two threads never have the same worker.
  private let workers: [RowWorker<Scalar>]

  init(_ argmax: NoisyArgmax, givesLogarithms: Bool, threads: Int) {
    workers = (0..<threads).map { _ in RowWorker(argmax, givesLogarithms: givesLogarithms) }
  }

  /// Stops at the first bad row, after the rows before it have been written.
  func run(from reader: inout LineReader, to output: borrowing StandardOutput) throws(Failure) {
    var linesBefore = 0
    while let lines = try reader.nextLines() {
      nonisolated(unsafe) let pieces = Self.pieces(of: lines, count: workers.count)
      DispatchQueue.concurrentPerform(iterations: pieces.count) { workers[$0].process(pieces[$0]) }
      for worker in workers[..<pieces.count] {
        try output.write(worker.text.bytes)
        linesBefore += worker.lineCount
        if let error = worker.error {
          throw Failure(.badData, "\(reader.name):\(linesBefore):\(error.column): \(error.message)")
        }
      }
    }
  }

  /// Cuts lines into about equal pieces of whole lines.
  private static func pieces(
    of lines: UnsafeBufferPointer<UInt8>, count: Int
  ) -> [Slice<UnsafeBufferPointer<UInt8>>] {
    var pieces: [Slice<UnsafeBufferPointer<UInt8>>] = []
    var start = lines.startIndex
    for number in 1...count where start < lines.endIndex {
      let nominal = max(start, lines.count * number / count - 1)
      let end = lines[nominal...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? lines.endIndex
      pieces.append(lines[start..<end])
      start = end
    }
    return pieces
  }
}
