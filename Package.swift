// swift-tools-version: 6.3

import PackageDescription

/// The instruction sets that the vector loops are compiled for besides the one that every processor has. The variants
/// share one source, by links to the files of NoiseKernels that `.ci/instruction-sets` checks; which one runs is chosen at
/// run time.
#if arch(x86_64)
  let instructionSets = ["AVX2": "x86-64-v3", "AVX512": "x86-64-v4"]
#else
  let instructionSets: [String: String] = [:]
#endif

/// Vector code is unbearable without optimisation, in debug builds too. It has nothing but counted loops over memory
/// that its callers measured, without checks.
///
/// Where the compiler has a module for its own vector operations, the loops use that. With NOISEMAX_PLAIN_VECTORS set they
/// use the standard library's, as under a compiler that has none.
let usesBuiltinModule = Context.environment["NOISEMAX_PLAIN_VECTORS"] == nil

/// With NOISEMAX_CHECKED set the loops check their preconditions and their sums, for `.ci/sanitizers`.
let optimized =
  [SwiftSetting.unsafeFlags([Context.environment["NOISEMAX_CHECKED"] == nil ? "-Ounchecked" : "-O"])]
  + (usesBuiltinModule ? [.enableExperimentalFeature("BuiltinModule")] : [])

let kernelVariants = instructionSets.sorted { $0.key < $1.key }.map { name, architecture in
  Target.target(
    name: "NoiseKernels\(name)", dependencies: ["NoiseKernels"],
    swiftSettings: optimized + [
      .define("VARIANT"), .define("FUSED"),
      .unsafeFlags(["-Xcc", "-Xarch_x86_64", "-Xcc", "-march=\(architecture)"]),
    ])
}

/// With NOISEMAX_STATIC set the library for C carries the Swift runtime and shows nothing but its own functions, so that it
/// runs where there is no Swift toolchain.
let linkingOfC: [LinkerSetting] =
  Context.environment["NOISEMAX_STATIC"] == nil
  ? []
  : [
    .unsafeFlags(
      ["-static-stdlib", "-Xlinker", "-s"]
        + ["-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/NoisemaxC/exports.map"],
      .when(platforms: [.linux]))
  ]

/// Model code: commands that show what the library is for. Each is one file that reads as a page.
let examples = ["Digits", "Choice", "Experts", "Autoencoder", "Attention"]

let package = Package(
  name: "Noisemax",
  platforms: [.macOS(.v13), .iOS(.v16), .tvOS(.v16), .watchOS(.v9), .visionOS(.v1)],
  products: [
    .library(name: "Noisemax", targets: ["Noisemax"]),
    .library(name: "NoisemaxEstimators", targets: ["NoisemaxEstimators"]),
    .library(name: "NoisemaxDifferentiation", targets: ["NoisemaxDifferentiation"]),
    .library(name: "NoisemaxLaws", targets: ["NoisemaxLaws"]),
    .library(name: "NoisemaxC", type: .dynamic, targets: ["NoisemaxC"]),
    .executable(name: "noisemax", targets: ["NoisemaxTool"]),
    .executable(name: "table-maker", targets: ["TableMaker"]),
    .executable(name: "benchmarks", targets: ["Benchmarks"]),
  ] + examples.map { .executable(name: "example-\($0.lowercased())", targets: ["Example\($0)"]) },
  targets: [
    .target(
      name: "Noisemax",
      dependencies: ["NoiseKernels", "CProcessor"] + kernelVariants.map { .target(name: $0.name) }),
    .systemLibrary(name: "CProcessor"),
    .target(name: "NoiseKernels", swiftSettings: optimized),
    .target(name: "NoisemaxEstimators", dependencies: ["Noisemax"]),
    .target(name: "NoisemaxDifferentiation", dependencies: ["Noisemax"]),
    .target(name: "NoisemaxLaws", dependencies: ["Noisemax"]),
    .systemLibrary(name: "CNoisemax"),
    .target(
      name: "NoisemaxC", dependencies: ["Noisemax", "CNoisemax"], exclude: ["exports.map"],
      linkerSettings: linkingOfC),
    .target(name: "CommandLineConventions"),
    .target(name: "Charts", dependencies: ["CommandLineConventions"]),
    .executableTarget(
      name: "NoisemaxTool",
      dependencies: ["Noisemax", "NoisemaxEstimators", "Charts", "CommandLineConventions"]),
    .executableTarget(name: "TableMaker", dependencies: ["Noisemax", "CommandLineConventions"]),
    .executableTarget(
      name: "Benchmarks", dependencies: ["Noisemax", "NoisemaxLaws", "CommandLineConventions"],
      exclude: ["Peers"]),
    .target(
      name: "ExampleParts", dependencies: ["Noisemax", "Charts", "CommandLineConventions"],
      path: "Sources/Examples/Parts", resources: [.copy("Data/digits.txt")]),
    .testTarget(
      name: "NoisemaxTests",
      dependencies: ["Noisemax", "NoisemaxEstimators", "NoisemaxLaws", "NoiseKernels"],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "ExamplesTests", dependencies: ["ExampleParts", "Noisemax"]),
    .testTarget(
      name: "NoisemaxDifferentiationTests", dependencies: ["Noisemax", "NoisemaxDifferentiation"]),
    .testTarget(
      name: "NoisemaxCTests", dependencies: ["NoisemaxC", "CNoisemax", "Noisemax"], exclude: ["Program"]),
    .testTarget(
      name: "NoisemaxToolTests",
      dependencies: [
        "Noisemax", "NoisemaxEstimators", "Charts", "CommandLineConventions", "NoisemaxTool", "TableMaker",
        "Benchmarks",
      ]),
  ] + kernelVariants
    + examples.map { name in
      .executableTarget(
        name: "Example\(name)",
        dependencies: ["Noisemax", "NoisemaxDifferentiation", "Charts", "ExampleParts"],
        path: "Sources/Examples/\(name)")
    },
  swiftLanguageModes: [.v6]
)

// Targets that libFuzzer drives, which comes with the toolchain on Linux, built on request only: see the page on testing.
if Context.environment["NOISEMAX_FUZZING"] != nil {
  package.targets += ["FuzzRows", "FuzzScales", "FuzzReader", "FuzzInterface"].map { name in
    .executableTarget(
      name: name,
      dependencies: ["Noisemax", "CommandLineConventions", "CNoisemax"]
        + (name == "FuzzInterface" ? ["NoisemaxC"] : []),
      path: "Tests/Fuzzing/\(name)",
      swiftSettings: [.unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"])],
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-Xlinker", "-z", "-Xlinker", "muldefs"])])
  }
}
