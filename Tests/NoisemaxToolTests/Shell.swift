import Foundation
import Testing

/// What a command left behind.
struct Outcome: Equatable {
  var output = ""
  var errors = ""
  var code: Int32 = 0
}

/// Runs shell scripts in a directory of their own, where `$NOISEMAX`, `$TABLE_MAKER` and `$BENCHMARKS` are the
/// built commands.
final class Shell {
  let directory: URL
  /// Links to the commands and the tables, whose own paths may have a space in them that would cut a script's words.
  private let links: URL

  init() throws {
    let files = FileManager.default
    directory = files.temporaryDirectory.appendingPathComponent("noisemax-\(UUID().uuidString)")
    links = directory.appendingPathExtension("links")
    for folder in [directory, links] {
      try files.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    for (name, target) in [("built", builtProducts), ("Tables", repository.appendingPathComponent("Tables"))]
    {
      try files.createSymbolicLink(at: links.appendingPathComponent(name), withDestinationURL: target)
    }
  }

  deinit {
    for folder in [directory, links] { try? FileManager.default.removeItem(at: folder) }
  }

  func run(_ script: String) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = directory
    process.environment = [
      "PATH": "/usr/local/bin:/usr/bin:/bin",
      "NOISEMAX": links.appendingPathComponent("built/noisemax").path,
      "TABLE_MAKER": links.appendingPathComponent("built/table-maker").path,
      "BENCHMARKS": links.appendingPathComponent("built/benchmarks").path,
      "TABLES": links.appendingPathComponent("Tables").path,
      // A sanitizer's options are those of the commands, too.
      "ASAN_OPTIONS": ProcessInfo.processInfo.environment["ASAN_OPTIONS"] ?? "",
      // So is the change that `.ci/mutants` tries.
      "NOISEMAX_MUTANT": ProcessInfo.processInfo.environment["NOISEMAX_MUTANT"] ?? "",
    ]
    // Files and not pipes: what nobody reads in time would stop the command.
    let names = [".output", ".errors"].map { directory.appendingPathComponent($0 + UUID().uuidString) }
    let files = try names.map { name in
      try Data().write(to: name)
      return try FileHandle(forWritingTo: name)
    }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = files[0]
    process.standardError = files[1]
    try process.run()
    process.waitUntilExit()
    let texts = try names.map { name in
      let text = String(decoding: try Data(contentsOf: name), as: UTF8.self)
      try FileManager.default.removeItem(at: name)
      return text
    }
    return Outcome(output: texts[0], errors: texts[1], code: process.terminationStatus)
  }

  /// Runs a script with a file `rows.csv` in its directory.
  func run(_ script: String, rows: String) throws -> Outcome {
    try write(rows, to: "rows.csv")
    return try run(script)
  }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: directory.appendingPathComponent(name))
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: directory.appendingPathComponent(name)), as: UTF8.self)
  }

  func files(in name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.appendingPathComponent(name).path).sorted()
  }
}

let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// Where the commands under test are: beside the bundle of the tests.
private let builtProducts: URL = {
  #if canImport(Darwin)
    return Bundle(for: Shell.self).bundleURL.deletingLastPathComponent()
  #else
    return URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
  #endif
}()

/// A row as the commands write it.
func line<Scalar: Numeric>(_ values: [Scalar]) -> String {
  values.map { "\($0)".hasSuffix(".0") ? String("\($0)".dropLast(2)) : "\($0)" }.joined(separator: ",") + "\n"
}

/// Whether the shell finds a command.
func isInstalled(_ command: String) -> Bool { (try? Shell().run("command -v \(command)").code) == 0 }

/// The rows of a fixture, split at the commas, without its header: there are some.
func fixture(_ name: String) throws -> [[Substring]] {
  let file = repository.appendingPathComponent("Tests/NoisemaxTests/Fixtures").appendingPathComponent(name)
  let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
  let rows = text.split(whereSeparator: \.isNewline).dropFirst().map { $0.split(separator: ",") }
  try #require(!rows.isEmpty, "\(name) has no rows")
  return rows
}
