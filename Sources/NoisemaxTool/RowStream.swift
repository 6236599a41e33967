#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

import CommandLineConventions
import Dispatch
import Noisemax

/// Reads rows from a file and writes what they are turned into, in order, on all the cores there are.
///
/// Every block of lines is cut into as many pieces as there are cores. Nothing outlives its block, so that memory does
/// not grow with the file.
struct RowStream<Quantity: RowQuantity>: @unchecked Sendable {
  // Unchecked: two threads never have the same worker.
  private let workers: [RowWorker<Quantity>]
  private let countsRows: Bool

  init(_ quantity: Quantity, limit: RowLimit, threads: Int) {
    workers = (0..<threads).map { _ in RowWorker(quantity, limit: limit) }
    countsRows = quantity.countsRows
  }

  /// Stops at the first bad row, after the rows before it have been written.
  func run(from reader: inout LineReader, to output: borrowing StandardOutput) throws(Failure) {
    var (linesBefore, rowsBefore) = (0, 0)
    var progress = StreamProgress(total: reader.size)
    defer { progress.finish() }
    while let lines = try reader.nextLines(after: linesBefore) {
      nonisolated(unsafe) let pieces = Self.pieces(of: lines, count: workers.count)
      let starts = starts(of: pieces, after: rowsBefore)
      DispatchQueue.concurrentPerform(iterations: pieces.count) {
        workers[$0].process(pieces[$0], rowsBefore: starts[$0])
      }
      for worker in workers[..<pieces.count] {
        try output.write(worker.text.bytes)
        linesBefore += worker.lineCount
        rowsBefore += worker.rowCount
        if let problem = worker.problem {
          let column = problem.column.map { ":\($0)" } ?? ""
          throw Failure(.badData, "\(reader.name):\(linesBefore)\(column): \(problem.message)")
        }
      }
      progress.advance(by: lines.count, rows: rowsBefore)
    }
  }

  /// How many rows come before each piece, where that matters.
  private func starts(of pieces: [Slice<UnsafeBufferPointer<UInt8>>], after rowsBefore: Int) -> [Int] {
    var starts = [Int](repeating: rowsBefore, count: pieces.count)
    guard countsRows else { return starts }
    for index in pieces.indices.dropFirst() {
      starts[index] = starts[index - 1] + workers[index - 1].count(pieces[index - 1])
    }
    return starts
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

extension RowQuantity {
  /// Turns the rows that the options name into this.
  func run(_ options: RowOptions, to output: borrowing StandardOutput) throws(Failure) {
    var reader = try LineReader(options.path, longestLine: options.limit.bytes)
    let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    try RowStream(self, limit: options.limit, threads: cores).run(from: &reader, to: output)
  }
}
