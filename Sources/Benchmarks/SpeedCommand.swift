import CommandLineConventions
import Foundation
import Noisemax

/// `benchmarks`: times, errors and allocations of every law, method, precision and size.
struct SpeedCommand {
  static let command = Command(
    "", "times, errors and allocations of every law and method",
    usage: ["[--only LIST] [--peers] [--json FILE]", "COMMAND ..."],
    summary: """
      Times the probabilities and their pullback under every law by every method, in both precisions,
      for rows of 2 to 131072 classes: medians of interleaved rounds, on one thread and on all cores,
      with the error and the number of allocations beside them. It takes about five minutes.
      """,
    options: [
      Option(
        "--only", "LIST",
        "some cases only: parts of law/method/precision/n/pass, such as\nnormal/exact/Double/1000, or gumbel/10,uniform"
      ),
      Option("--peers", nil, "also what Python has for it: torch, winning"),
      Option("--json", "FILE", .file, "also write everything to a file"),
    ],
    notes: """
      Measure a release build: swift run -c release benchmarks
      Install the peers: \(PeerProcess.installation)
      Exit codes: 0 done, 64 wrong usage, 74 the result cannot be written.
      """
  ) { arguments, output throws(Failure) in try SpeedCommand(arguments).run(to: output) }

  private let cases: [BenchmarkCase]
  private let file: String?
  private let withPeers: Bool

  private init(_ arguments: Arguments) throws(Failure) {
    withPeers = arguments.has("--peers")
    file = arguments.value(of: "--json")
    if let list = arguments.value(of: "--only") {
      let selection = Selection(list)
      cases = BenchmarkCase.all.filter(selection.picks)
      if cases.isEmpty {
        throw Failure(
          .usage, "--only \(quoted(list)) picks nothing: a case is like \(BenchmarkCase.all[0].name)")
      }
    } else {
      cases = BenchmarkCase.all
    }
    if let file { try Self.prepare(file) }
  }

  /// Complains now, not after two minutes.
  private static func prepare(_ file: String) throws(Failure) {
    let directory = URL(fileURLWithPath: file).deletingLastPathComponent().path
    guard !file.isEmpty, FileManager.default.isWritableFile(atPath: directory) else {
      throw Failure(.outputError, "\(file): its directory is not there, or cannot be written to")
    }
  }

  private func run(to output: borrowing StandardOutput) throws(Failure) {
    var report = Report()
    // Before anything else uses the laws.
    for law in ShippedLaw.all where cases.contains(where: { $0.law.name == law.name }) {
      let call = FirstCall(of: law)
      report.laws.append(.init(law: call.law, firstCallNanoseconds: call.seconds * 1e9))
    }
    let shared = SharedRows()
    let own = cases.map { contender(for: $0, logits: shared.logits(of: $0.size), threads: 1) }
    // The quantile rule would take long, and its batches are no different.
    let threaded = cases.filter { $0.method == .exact }.map {
      contender(for: $0, logits: shared.logits(of: $0.size), threads: .max)
    }
    let peers = withPeers ? try Peers(beside: cases, shared) : nil
    let timings = Rounds().measure(own + threaded + (peers?.contenders ?? [])) { status in
      if standardErrorIsTerminal { writeToStandardError("\r\u{1b}[K\(status)") }
    }
    if standardErrorIsTerminal { writeToStandardError("\r\u{1b}[K") }

    report.measurements = zip(own, timings).compactMap { contender, timing in
      timing.map { Report.Measurement(contender, $0, shared) }
    }
    for (contender, timing) in zip(threaded, timings[own.count...]) {
      report.add(contender, onAllCores: timing)
    }
    report.add(AllocationCount.ofEach(of: cases))
    if let peers {
      report.add(peers, Array(timings[(own.count + threaded.count)...]))
      report.compareWithTorch()
    }
    try output.write(report.markdown)
    if let file {
      do { try report.json().write(to: URL(fileURLWithPath: file), options: .atomic) } catch {
        throw Failure(.outputError, "\(file): \(error.localizedDescription)")
      }
    }
  }
}

extension Report {
  fileprivate mutating func add(_ contender: any CaseContender, onAllCores timing: Timing?) {
    let measured = contender.benchmarkCase
    for index in measurements.indices where measurements[index].isOf(measured) {
      measurements[index].nanosecondsPerRowOnAllCores = timing?.perRow
    }
  }

  fileprivate mutating func add(_ counts: [String: AllocationCount]) {
    for index in measurements.indices {
      let one = measurements[index]
      let name = [one.law, one.method, one.precision, "\(one.size)", one.pass].joined(separator: "/")
      measurements[index].allocationsPerBatch = counts[name]?.perBatch
      measurements[index].allocationsPerRow = counts[name]?.perRow
    }
  }

  fileprivate mutating func add(_ peers: Peers, _ timings: [Timing?]) {
    peerVersions = peers.versions
    missingPeers = peers.missing
    for (contender, timing) in zip(peers.contenders, timings) {
      if let timing { self.peers.append(Measurement(contender, timing)) }
      if let failure = contender.failure { missingPeers[contender.name] = failure }
    }
  }
}

extension Report.Measurement {
  fileprivate init(_ contender: any CaseContender, _ timing: Timing, _ shared: SharedRows) {
    let measured = contender.benchmarkCase
    self.init(
      method: measured.method.rawValue, law: measured.law.name, precision: measured.precision.rawValue,
      pass: measured.pass.rawValue, size: measured.size, rows: contender.rows, rounds: timing.rounds,
      nanosecondsPerRow: timing.perRow, fastestNanosecondsPerRow: timing.fastestPerRow,
      nanosecondsPerElement: timing.perRow / Double(measured.size))
    if measured.method != .exact || measured.precision != .Double {
      maximumError = contender.error(
        against: shared.exact(under: measured.law, size: measured.size, pass: measured.pass))
    }
  }

  fileprivate func isOf(_ other: BenchmarkCase) -> Bool {
    [law, method, precision, "\(size)", pass] == other.parts
  }

  fileprivate init(_ contender: PeerContender, _ timing: Timing) {
    self.init(
      method: contender.offer.peer, law: contender.offer.law, precision: contender.precision.rawValue,
      pass: contender.offer.pass, size: contender.size, rows: contender.rows, rounds: timing.rounds,
      nanosecondsPerRow: timing.perRow, fastestNanosecondsPerRow: timing.fastestPerRow,
      nanosecondsPerElement: timing.perRow / Double(contender.size), maximumError: contender.maximumError)
  }
}
