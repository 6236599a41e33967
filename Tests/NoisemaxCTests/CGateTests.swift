import CNoisemax
import Dispatch
import Foundation
import NoisemaxC
import Testing

/// The lock around forks.
@Suite struct CGateTests {
  /// What two threads tell each other.
  final class State: @unchecked Sendable {
    let isCalling = DispatchSemaphore(value: 0)
    let isDone = DispatchSemaphore(value: 0)
    private let lock = NSLock()
    private var opened = false

    var isOpen: Bool {
      get { lock.withLock { opened } }
      set { lock.withLock { opened = newValue } }
    }
  }

  @Test func callsWaitForTheLock() throws {
    let handle = try Handle("normal")
    nonisolated(unsafe) let pointer = handle.pointer
    for round in 0..<20 {
      let state = State()
      nonisolated(unsafe) var sawItOpen = false
      noisemax_lock()
      DispatchQueue.global().async {
        var p = [0.0, 0]
        state.isCalling.signal()
        _ = noisemax_probabilities(pointer, [0, 1], 1, 2, 1, &p, nil, 0)
        sawItOpen = state.isOpen
        state.isDone.signal()
      }
      state.isCalling.wait()
      // A call that did not wait would have time to end.
      usleep(1000)
      state.isOpen = true
      noisemax_unlock()
      state.isDone.wait()
      #expect(sawItOpen, "the call of round \(round) ended while the lock was held")
    }
  }

  /// Calls and locks from many threads at once: all of them come to an end.
  @Test func locksAndCallsTakeTurns() throws {
    let handle = try Handle("logistic")
    nonisolated(unsafe) let pointer = handle.pointer
    DispatchQueue.concurrentPerform(iterations: 400) { index in
      if index.isMultiple(of: 5) {
        noisemax_lock()
        noisemax_unlock()
      } else {
        var p = [0.0, 0]
        _ = noisemax_probabilities(pointer, [0, 1], 1, 2, 1, &p, nil, 0)
      }
    }
    let p = try written(2) { noisemax_probabilities(pointer, [0.0, 0], 1, 2, 1, $0, $1, $2) }
    #expect(p == [0.5, 0.5])
  }
}
