#if canImport(Dispatch)
  import Dispatch
#endif

extension NoisyArgmax {
  /// How many parts every batch is cut into, whatever its size and the machine: for tests, whose batches are short.
  @TaskLocal package static var forcedParts: Int?

  /// Does some work for the rows of a batch in parts, on as many threads as it is worth.
  ///
  /// Every row is computed as it would be alone: no bit depends on the parts. The work of one part gets a workspace of its
  /// own, the caller's if there is one part only. It is `passes` times that of the probabilities.
  package func forEachPart(
    ofRows rows: Int, rowLength: Int, passes: Double = 1, workspace: inout Workspace,
    _ work: (_ rows: Range<Int>, _ workspace: inout Workspace) -> Void
  ) {
    let parts = parts(ofRows: rows, rowLength: rowLength, passes: passes, threads: workspace.threads)
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

  /// How many parts a batch is worth, on as many threads as the caller allows.
  private func parts(ofRows rows: Int, rowLength: Int, passes: Double, threads: Int) -> Int {
    guard rows > 1 else { return 1 }
    if let parts = Self.forcedParts { return min(parts, rows) }
    let threads = min(threads, processorCount, rows)
    let seconds = Double(rows) * passes * rowMethod.seconds(forRowOf: rowLength)
    guard threads > 1, seconds > Policy.leastSecondsForThreads else { return 1 }
    // More parts than threads, so that one that is held up does not hold up all; fewer if the caller wants few threads.
    return threads < processorCount ? threads : min(rows, 4 * threads)
  }
}
