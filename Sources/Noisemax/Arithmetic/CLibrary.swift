// The one place that imports the C library. Its mathematics is accurate to one unit in the last place or better on the
// platforms named here; the bounds of the noise laws build on that.

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#endif

/// eˣ. That of the C library takes long where it underflows.
@inline(__always)
package func exponential(_ x: Double) -> Double { x < -746 ? 0 : exp(x) }

/// eˣ − 1, accurate where x is small.
@inline(__always)
package func exponentialMinusOne(_ x: Double) -> Double { expm1(x) }

/// The natural logarithm.
@inline(__always)
package func logarithm(_ x: Double) -> Double { log(x) }

/// log(1 + x), accurate where x is small.
@inline(__always)
package func logarithmOfOnePlus(_ x: Double) -> Double { log1p(x) }

/// cos x, for x of moderate size.
@inline(__always)
package func cosine(_ x: Double) -> Double { cos(x) }

/// A mutual exclusion between threads.
final class Lock: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init() {
    let error = pthread_mutex_init(mutex, nil)
    require(error == 0, "the system has no lock to give: error \(error)")
  }

  func withLock<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }
}

/// How many processors the system has in use.
let processorCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

/// The value of an environment variable, nil if it is not set.
func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
