import CommandLineConventions
import Foundation
import Noisemax

/// Everything that a run measured: what the JSON file holds.
struct Report: Codable {
  var machine = Machine()
  /// What the vector loops run on: see `NOISEMAX_INSTRUCTION_SET`.
  var instructionSet = InstructionSet.current.rawValue
  var laws: [FirstCallRecord] = []
  var measurements: [Measurement] = []
  var peers: [Measurement] = []
  var peerVersions: [String: String] = [:]
  /// The peers that were asked for and are not there, with the reasons.
  var missingPeers: [String: String] = [:]

  struct Machine: Codable {
    var architecture = Machine.architecture
    var processor = Machine.processor
    var cores = ProcessInfo.processInfo.activeProcessorCount
    var system = ProcessInfo.processInfo.operatingSystemVersionString
    var build = Machine.build
  }

  struct FirstCallRecord: Codable {
    var law: String
    var firstCallNanoseconds: Double
  }

  struct Measurement: Codable {
    /// A method of this library, or a peer.
    var method: String
    var law: String
    var precision: String
    var pass: String
    var size: Int
    /// How many rows a call was given.
    var rows: Int
    var rounds: Int
    var nanosecondsPerRow: Double
    var fastestNanosecondsPerRow: Double
    var nanosecondsPerElement: Double
    /// The same call on all cores; nil where it was not measured.
    var nanosecondsPerRowOnAllCores: Double?
    /// The largest difference to the exact probabilities in Double; nil for those themselves.
    var maximumError: Double?
    /// Per call with a batch, and per row with a workspace that is kept; nil where they were not counted.
    var allocationsPerBatch: Int?
    var allocationsPerRow: Int?
    /// The time over that of torch.softmax at the same precision, pass and size.
    var ratioToTorchSoftmax: Double?
  }

  /// Fills in the ratios, if torch.softmax is among the peers.
  mutating func compareWithTorch() {
    let baselines = peers.filter { $0.method == "torch.softmax" }
    func ratio(of measurement: Measurement) -> Double? {
      let baseline = baselines.first {
        $0.precision == measurement.precision && $0.pass == measurement.pass && $0.size == measurement.size
      }
      return baseline.map { measurement.nanosecondsPerRow / $0.nanosecondsPerRow }
    }
    for index in measurements.indices {
      measurements[index].ratioToTorchSoftmax = ratio(of: measurements[index])
    }
    for index in peers.indices { peers[index].ratioToTorchSoftmax = ratio(of: peers[index]) }
  }

  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}

extension Report.Machine {
  fileprivate static var architecture: String {
    #if arch(x86_64)
      "x86-64"
    #elseif arch(arm64)
      "arm64"
    #else
      "unknown"
    #endif
  }

  fileprivate static var build: String {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }

  /// The processor's own name, where Linux tells it.
  fileprivate static var processor: String? {
    let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
  }
}
