import Foundation
import Noisemax

/// How often a call asks for memory.
///
/// The C library of Linux keeps no such count, but it can write a trace (`mtrace`) if a library of its own,
/// libc_malloc_debug, is loaded before anything else. So the counting is done by a second process of this command,
/// started for it; where that library is missing, and on other systems, nothing is counted.
struct AllocationCount {
  /// Of a call with a batch of several rows.
  let perBatch: Int
  /// Of a call with one row and a workspace that the caller keeps.
  let perRow: Int

  /// The argument that makes this command the second process; the names of cases follow.
  static let command = "count-allocations"

  /// The counts of all cases that do not take long, by their names; empty where counting does not work.
  static func ofEach(of cases: [BenchmarkCase]) -> [String: AllocationCount] {
    #if canImport(Glibc)
      let quick = cases.filter { $0.method == .exact || $0.size <= 100 }
      let trace = FileManager.default.temporaryDirectory.appendingPathComponent("trace-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: trace) }
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      process.arguments = [command] + quick.map(\.name)
      process.environment = ProcessInfo.processInfo.environment.merging(
        ["LD_PRELOAD": "libc_malloc_debug.so.0", "MALLOC_TRACE": trace.path]
      ) { _, new in new }
      let output = Pipe()
      process.standardOutput = output
      // The loader complains there if it does not find the library.
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { return [:] }
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return counts(from: text)
    #else
      return [:]
    #endif
  }

  private static func counts(from text: String) -> [String: AllocationCount] {
    var counts: [String: AllocationCount] = [:]
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count == 3, let perBatch = Int(fields[1]), let perRow = Int(fields[2]) else { continue }
      counts[String(fields[0])] = AllocationCount(perBatch: perBatch, perRow: perRow)
    }
    return counts
  }

  /// What the second process prints: a line for each case with its name and its two numbers.
  static func text(forNames names: [String]) -> String {
    #if canImport(Glibc)
      guard let trace = ProcessInfo.processInfo.environment["MALLOC_TRACE"], Trace(file: trace).isTrustworthy
      else { return "" }
      let wanted = Set(names)
      return BenchmarkCase.all.filter { wanted.contains($0.name) }.map { one in
        let count =
          switch one.precision {
          case .Float: AllocationCount(of: one, as: Float.self, Trace(file: trace))
          case .Double: AllocationCount(of: one, as: Double.self, Trace(file: trace))
          }
        return "\(one.name) \(count.perBatch) \(count.perRow)\n"
      }.joined()
    #else
      return ""
    #endif
  }
}

#if canImport(Glibc)
  extension AllocationCount {
    /// Counts, after one call of each kind has made whatever is made once.
    fileprivate init<Scalar: LogitScalar>(of one: BenchmarkCase, as type: Scalar.Type, _ trace: Trace) {
      let argmax = one.transform
      var random = RandomLogits(seed: 1)
      let batch = (0..<3).flatMap { _ in random.row(of: one.size).map { Scalar($0) } }
      let row = Array(batch.prefix(one.size))
      var results = batch
      var result = row
      func batchCall() {
        var workspace = NoisyArgmax.Workspace(threads: 1)
        var span = results.mutableSpan
        one.pass.run(argmax, on: batch.span, rowLength: one.size, to: &span, workspace: &workspace)
      }
      var kept = NoisyArgmax.Workspace(threads: 1)
      func rowCall() {
        var span = result.mutableSpan
        one.pass.run(argmax, on: row.span, rowLength: one.size, to: &span, workspace: &kept)
      }
      batchCall()
      perBatch = trace.allocations(in: batchCall)
      rowCall()
      perRow = trace.allocations(in: rowCall)
    }
  }

  /// The C library's own record of allocations, in the file that MALLOC_TRACE names.
  private struct Trace {
    let file: String

    func allocations(in work: () -> Void) -> Int {
      startTrace()
      work()
      endTrace()
      let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
      // "@ where + address size" is an allocation, "@ where > address size" what a reallocation moved to.
      return text.split(separator: "\n").count { line in
        line.split(separator: " ").contains { $0 == "+" || $0 == ">" }
      }
    }

    /// Whether it records exactly what is known to happen.
    var isTrustworthy: Bool {
      let known = 3
      return allocations(in: { for size in 1...known { Self.allocate(64 * size).deallocate() } }) == known
    }

    /// Out of sight of the optimiser, which would leave out memory that nobody uses.
    @inline(never) private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
      let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
      memory.storeBytes(of: 1, as: UInt8.self)
      return memory
    }
  }

  @_silgen_name("mtrace") private func startTrace()
  @_silgen_name("muntrace") private func endTrace()
#endif
