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

/// eˣ.
@inline(__always)
package func exponential(_ x: Double) -> Double { exp(x) }

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

#if arch(x86_64)
  /// What the processor and the system can do, by the names that Linux has for it; nothing where they do not tell.
  func processorFeatures() -> Set<Substring> {
    #if canImport(Darwin)
      let names = ["avx2": "avx2_0", "fma": "fma", "bmi1": "bmi1", "bmi2": "bmi2", "f16c": "f16c"]
        .merging(["f", "bw", "cd", "dq", "vl"].map { ("avx512\($0)", "avx512\($0)") }) { $1 }
      let found = names.filter { _, name in
        var (value, size) = (Int32(0), MemoryLayout<Int32>.size)
        return sysctlbyname("hw.optional.\(name)", &value, &size, nil, 0) == 0 && value != 0
      }
      return Set(found.keys.map { $0[...] })
    #else
      // All processors are alike, and the first one stands within the first page or two.
      guard let file = fopen("/proc/cpuinfo", "r") else { return [] }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 8192)
      let count = fread(&bytes, 1, bytes.count, file)
      let line = String(decoding: bytes[..<count], as: UTF8.self)
        .split(separator: "\n").first { $0.hasPrefix("flags") }
      return Set(line?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? [])
    #endif
  }
#endif
