import CommandLineConventions
import Foundation
import Noisemax

/// The peers at the precisions and sizes of some cases.
final class Peers {
  private(set) var contenders: [PeerContender] = []
  /// What is not there, and why.
  private(set) var missing: [String: String] = [:]
  private(set) var versions: [String: String] = [:]
  private let directory: URL

  /// Starts Python and writes the rows for it; whatever does not work is among the ``missing``.
  init(beside cases: [BenchmarkCase], _ shared: SharedRows) throws(Failure) {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "benchmarks-\(UUID().uuidString)")
    let process: PeerProcess
    do { process = try PeerProcess() } catch {
      missing["python3"] = "it does not start, or is too old"
      return
    }
    missing = process.welcome.missing
    versions = process.welcome.versions
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      for (number, offer) in process.welcome.offers.enumerated() {
        try add(offer, number, beside: cases, shared, process)
      }
    } catch {
      throw Failure(.outputError, "\(directory.path): \(error.localizedDescription)")
    }
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  private func add(
    _ offer: PeerProcess.Offer, _ number: Int, beside cases: [BenchmarkCase], _ shared: SharedRows,
    _ process: PeerProcess
  ) throws {
    guard let law = ShippedLaw.all.first(where: { $0.name == offer.law }) else { return }
    for precision in BenchmarkCase.Precision.allCases where offer.precisions.contains(precision.rawValue) {
      for size in BenchmarkCase.sizes where size <= offer.largest {
        guard cases.contains(where: { $0.precision == precision && $0.size == size }) else { continue }
        let logits = try path(of: "\(size).logits", holding: shared.logits(of: size))
        let exact = try path(of: "\(size).\(law.name)", holding: shared.exact(under: law, size: size))
        contenders.append(
          PeerContender(offer, number, precision, size, logits: logits, exact: exact, process))
      }
    }
  }

  /// The path of a file with these numbers, written once.
  private func path(of name: String, holding values: [Double]) throws -> String {
    let file = directory.appendingPathComponent(name)
    if !FileManager.default.fileExists(atPath: file.path) {
      try values.withUnsafeBytes { try Data($0).write(to: file) }
    }
    return file.path
  }
}

/// A peer at one precision and size.
final class PeerContender: Contender {
  let offer: PeerProcess.Offer
  let precision: BenchmarkCase.Precision
  let size: Int
  private(set) var rows = 1
  private(set) var maximumError = Double.nan
  private(set) var failure: String?
  private let number: Int
  private let logits: String
  private let exact: String
  private let process: PeerProcess

  var name: String { "\(offer.peer)/\(precision.rawValue)/\(size)/\(offer.pass)" }

  init(
    _ offer: PeerProcess.Offer, _ number: Int, _ precision: BenchmarkCase.Precision, _ size: Int,
    logits: String, exact: String, _ process: PeerProcess
  ) {
    self.offer = offer
    self.number = number
    self.precision = precision
    self.size = size
    self.logits = logits
    self.exact = exact
    self.process = process
  }

  func sample(lasting seconds: Double) -> Sample? {
    guard failure == nil else { return nil }
    let answer = process.ask(
      PeerProcess.Request(
        offer: number, precision: precision.rawValue, size: size, rows: BenchmarkCase.rows(of: size),
        logits: logits, exact: exact, seconds: seconds))
    guard let perRow = answer.nanosecondsPerRow, let rows = answer.rows, let error = answer.maximumError
    else {
      failure = answer.failure ?? "an answer without a time"
      return nil
    }
    self.rows = rows
    maximumError = error
    return Sample(nanosecondsPerRow: perRow, rows: rows)
  }
}
