import Foundation
import Noisemax
import Testing

/// A C program is compiled with the header, linked with the library, and run.
@Test func aCProgramUsesTheLibrary() throws {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
    "noisemax-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  let program = repository.appendingPathComponent("Tests/NoisemaxCTests/Program/program.c").path
  let header = repository.appendingPathComponent("Sources/CNoisemax").path
  let script = """
    $(command -v cc || command -v clang) -std=c11 -Wall -Wextra -Wpedantic -Werror -I '\(header)' -o program '\(program)' \
      -L '\(builtProducts.path)' -lNoisemaxC -Wl,-rpath,'\(builtProducts.path)' -lm && ./program
    """
  let (code, output) = try run(script, in: directory)
  #expect(code == 0, "\(output)")
  let lines = output.split(separator: "\n").map(String.init)
  #expect(lines == ShippedLaw.all.map(\.name) + ["all is so"])
}

/// Runs a shell script, and says what it printed.
private func run(_ script: String, in directory: URL) throws -> (code: Int32, output: String) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/bin/sh")
  process.arguments = ["-c", script]
  process.currentDirectoryURL = directory
  let output = directory.appendingPathComponent("output")
  try Data().write(to: output)
  let file = try FileHandle(forWritingTo: output)
  process.standardOutput = file
  process.standardError = file
  try process.run()
  process.waitUntilExit()
  return (process.terminationStatus, try String(contentsOf: output, encoding: .utf8))
}

/// Where the library is: beside the bundle of the tests.
private let builtProducts: URL = {
  #if canImport(Darwin)
    return Bundle(for: Handle.self).bundleURL.deletingLastPathComponent()
  #else
    return URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
  #endif
}()
