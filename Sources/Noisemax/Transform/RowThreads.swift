#if canImport(Dispatch)
  import Dispatch
#endif

// Batches on several threads.

extension NoisyArgmax {
  /// How many parts every batch is cut into, whatever its size and the machine: for tests, whose batches are short.
  @TaskLocal package static var forcedParts: Int?

  /// Does some work for the rows of a batch in parts, on as many threads as it is worth.
  ///
  /// Every row is computed as it would be alone: no bit depends on the parts. The work of one part gets a workspace of its
  /// own, the caller's if there is one part only. It is `passes` times that of the probabilities.
  package func forEachPart(
    of shape: RowShape, passes: Double = 1, workspace: inout Workspace,
    _ work: (_ rows: Range<Int>, _ workspace: inout Workspace) -> Void
  ) {
    let rows = shape.rowCount
    let parts = parts(of: shape, passes: passes, threads: workspace.threads)
    guard parts > 1 else { return work(0..<rows, &workspace) }
    #if canImport(Dispatch)
      withoutActuallyEscaping(work) { work in
        // Parts write to rows of their own.
        nonisolated(unsafe) let work = work
        DispatchQueue.concurrentPerform(iterations: parts) { part in
          var workspace = Workspace()
          work(part * rows / parts..<(part + 1) * rows / parts, &workspace)
        }
      }
    #else
      work(0..<rows, &workspace)
    #endif
  }

  /// Does some work for every row of a batch: what ``forEachPart(of:passes:workspace:_:)`` says of parts.
  @inline(__always)
  func forEachRow(
    of shape: RowShape, passes: Double, workspace: inout Workspace,
    _ work: (_ row: Int, _ slots: Range<Int>, _ workspace: inout Workspace) -> Void
  ) {
    forEachPart(of: shape, passes: passes, workspace: &workspace) { part, workspace in
      for row in part { work(row, shape.slots(of: row), &workspace) }
    }
  }

  /// How many parts a batch is worth, on as many threads as the caller allows.
  private func parts(of shape: RowShape, passes: Double, threads: Int) -> Int {
    let rows = shape.rowCount
    guard rows > 1 else { return 1 }
    if let parts = Self.forcedParts { return min(parts, rows) }
    let threads = min(threads, processorCount, rows)
    let seconds = Double(rows) * passes * rowMethod.seconds(forRowOf: shape.rowLength)
    guard threads > 1, seconds > Policy.leastSecondsForThreads else { return 1 }
    // More parts than threads, so that one that is held up does not hold up all; fewer if the caller wants few threads.
    return threads < processorCount ? threads : min(rows, 4 * threads)
  }
}
