// What keeps a fork from coming in between.

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#endif

/// What calls go through, and what a thread that forks closes.
///
/// A call may make tables of a law, which others wait for. A child of a process that forked in the middle would wait for
/// ever: the thread that makes them is not in it. So a fork waits until no call is running, and calls wait for the fork.
final class Gate: @unchecked Sendable {
  static let shared = Gate()

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let opened = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let emptied = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var running = 0
  private var closings = 0
  private var process: pid_t = 0

  private init() { reset() }

  private func reset() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(opened, nil)
    pthread_cond_init(emptied, nil)
    (running, closings) = (0, 0)
  }

  /// Takes two times some 20 ns.
  func enter() {
    pthread_mutex_lock(mutex)
    while closings > 0 { pthread_cond_wait(opened, mutex) }
    running += 1
    pthread_mutex_unlock(mutex)
  }

  func leave() {
    pthread_mutex_lock(mutex)
    running -= 1
    if running == 0 && closings > 0 { pthread_cond_broadcast(emptied) }
    pthread_mutex_unlock(mutex)
  }

  /// Waits until no call is running, and lets none in. The thread keeps the mutex, so that nobody else has it in a fork.
  func close() {
    pthread_mutex_lock(mutex)
    closings += 1
    while running > 0 { pthread_cond_wait(emptied, mutex) }
    process = getpid()
  }

  /// Opens it, in the process that closed it or in a child, where those that were waiting do not exist.
  func open() {
    guard getpid() == process else { return reset() }
    closings -= 1
    pthread_cond_broadcast(opened)
    pthread_mutex_unlock(mutex)
  }
}
