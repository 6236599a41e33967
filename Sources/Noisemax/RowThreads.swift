#if canImport(Dispatch)
  import Dispatch
#endif

extension NoisyArgmax {
  /// Does some work for the rows of a batch in parts, on as many threads as it is worth.
  ///
  /// Every row is computed as it would be alone: no bit depends on the parts. The work of one part gets a workspace of its
  /// own, the caller's if there is one part only. It is `passes` times that of the probabilities.
  func forEachPart(
    ofRows rows: Int, rowLength: Int, passes: Double = 1, workspace: inout Workspace,
    _ work: (_ rows: Range<Int>, _ workspace: inout Workspace) -> Void
  ) {
    let threads = min(workspace.threads, processorCount, rows)
    let seconds = Double(rows) * passes * rowMethod.seconds(forRowOf: rowLength)
    // Waking a thread takes some microseconds: it should save many.
    guard threads > 1, seconds > 1e-4 else { return work(0..<rows, &workspace) }
    #if canImport(Dispatch)
      // More parts than threads, so that one that is held up does not hold up all; fewer if the caller wants few threads.
      let parts = threads < processorCount ? threads : min(rows, 4 * threads)
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
}
