// swift-tools-version: 6.2

import PackageDescription

let package = Package(
  name: "Noisemax",
  platforms: [.macOS(.v13), .iOS(.v16), .tvOS(.v16), .watchOS(.v9), .visionOS(.v1)],
  products: [
    .library(name: "Noisemax", targets: ["Noisemax"]),
    .library(name: "NoisemaxLaws", targets: ["NoisemaxLaws"]),
    .executable(name: "noisemax", targets: ["NoisemaxTool"]),
    .executable(name: "table-maker", targets: ["TableMaker"]),
    .executable(name: "benchmarks", targets: ["Benchmarks"]),
  ],
  targets: [
    .target(name: "Noisemax"),
    .target(name: "NoisemaxLaws", dependencies: ["Noisemax"]),
    .target(name: "CommandLineConventions"),
    .executableTarget(name: "NoisemaxTool", dependencies: ["Noisemax", "CommandLineConventions"]),
    .executableTarget(name: "TableMaker", dependencies: ["Noisemax", "CommandLineConventions"]),
    .executableTarget(
      name: "Benchmarks", dependencies: ["Noisemax", "CommandLineConventions"], exclude: ["Peers"]),
    .testTarget(
      name: "NoisemaxTests", dependencies: ["Noisemax", "NoisemaxLaws"], resources: [.copy("Fixtures")]),
    .testTarget(
      name: "NoisemaxToolTests",
      dependencies: ["Noisemax", "CommandLineConventions", "NoisemaxTool", "TableMaker", "Benchmarks"]),
  ],
  swiftLanguageModes: [.v6]
)
