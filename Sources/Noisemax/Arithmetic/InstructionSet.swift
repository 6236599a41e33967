package import NoiseKernels

// They are there where the package was built on x86-64.
#if arch(x86_64) && canImport(NoiseKernelsAVX512)
  internal import CProcessor
  internal import NoiseKernelsAVX2
  internal import NoiseKernelsAVX512
#endif

/// The instruction sets that the vector loops are compiled for.
///
/// The highest one that the processor says it has is taken, unless the environment variable `NOISEMAX_INSTRUCTION_SET` names
/// another one when the first row is computed: `baseline`, `avx2`, `avx512`. A name that the processor does not have is
/// ignored: no environment stops a program.
package enum InstructionSet: String, CaseIterable, Sendable {
  /// What every processor of the platform has: SSE2 on x86-64, NEON on arm64.
  case baseline
  /// AVX2 and fused multiply-add.
  case avx2
  /// AVX-512 with its byte, conflict, doubleword and vector length extensions.
  case avx512

  /// The sets that this processor can run, the best one last.
  package static let available: [InstructionSet] = {
    #if arch(x86_64) && canImport(NoiseKernelsAVX512)
      // The levels that the variants are compiled for.
      let level = noisemax_x86_64_level()
      return level < 3 ? [.baseline] : level < 4 ? [.baseline, .avx2] : [.baseline, .avx2, .avx512]
    #else
      return [.baseline]
    #endif
  }()

  /// The set in use.
  package static let current = requested ?? available.last ?? .baseline

  /// The set that the environment names, if the processor has it.
  private static var requested: InstructionSet? {
    let name = environmentVariable(variable)
    return available.first { $0.rawValue == name }
  }

  /// What is wrong with the environment, in one line; nil if nothing is.
  package static var complaint: String? {
    guard let name = environmentVariable(variable), !name.isEmpty, requested == nil else { return nil }
    let names = available.map(\.rawValue).joined(separator: ", ")
    return "\(variable) is ignored: it is none of \(names)"
  }

  private static let variable = "NOISEMAX_INSTRUCTION_SET"

  /// The loops of the set.
  package var kernels: any Kernels.Type {
    switch self {
    case .baseline: return NoiseKernels.VectorKernels.self
    #if arch(x86_64) && canImport(NoiseKernelsAVX512)
      case .avx2: return NoiseKernelsAVX2.VectorKernels.self
      case .avx512: return NoiseKernelsAVX512.VectorKernels.self
    #else
      case .avx2, .avx512: return NoiseKernels.VectorKernels.self
    #endif
    }
  }
}

/// The loops that this processor runs.
let kernels: any Kernels.Type = InstructionSet.current.kernels
