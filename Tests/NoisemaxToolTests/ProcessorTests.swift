import Foundation
import Noisemax
import Testing

/// The instruction set is that of the processor that runs the program, whatever the system's files say.
@Suite struct ProcessorTests {
  static let emulator = "qemu-x86_64"

  @Test(
    .enabled(if: isInstalled(emulator), "\(emulator) is not installed: no other processor was tried"),
    arguments: ["Nehalem", "Haswell"])
  func anOlderProcessorIsKnown(processor: String) throws {
    let shell = try Shell()
    let rows = "0,1,2,3,4,5,6,7,8,9\n1,2\n"
    for law in ["normal", "uniform", "exponential"] {
      let command = "$NOISEMAX probabilities --noise \(law) rows.csv"
      let set = processor == "Nehalem" ? "baseline" : "avx2"
      let expected = try shell.run("NOISEMAX_INSTRUCTION_SET=\(set) \(command)", rows: rows)
      #expect(expected.code == 0 && !expected.output.isEmpty, "\(expected)")
      // The emulator has remarks of its own on standard error.
      let found = try shell.run("\(Self.emulator) -cpu \(processor) \(command)")
      #expect(found.code == 0 && found.output == expected.output, "\(law): \(found)")
    }
    let asked = try shell.run(
      "NOISEMAX_INSTRUCTION_SET=avx512 \(Self.emulator) -cpu \(processor) $NOISEMAX laws")
    let names = processor == "Nehalem" ? "baseline" : "baseline, avx2"
    let complaint = "noisemax: NOISEMAX_INSTRUCTION_SET is ignored: it is none of \(names)\n"
    #expect(asked.code == 0 && asked.errors.hasSuffix(complaint), "\(asked)")
  }

  /// Where nothing is emulated, Linux says the same.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/cpuinfo")))
  func theSystemSaysTheSame() throws {
    let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let flags = text.split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
    guard !flags.isEmpty else { return }
    let has = { (names: [String]) in names.allSatisfy { flags.contains($0[...]) } }
    #expect(has(["avx2", "fma", "bmi2", "abm", "movbe"]) == InstructionSet.available.contains(.avx2))
    #expect(
      has(["avx512f", "avx512vl", "avx512bw", "avx512dq"]) == InstructionSet.available.contains(.avx512))
  }
}
