// swift-tools-version: 6.2

// Rows of arbitrary bytes through every pass of the library, driven by libFuzzer, which comes with the toolchain on Linux:
//
//     swift build --package-path Tests/Fuzzing -c release -Xswiftc -sanitize=fuzzer
//     Tests/Fuzzing/.build/release/FuzzRows -max_total_time=60 -max_len=200
//
// What it finds becomes a case of HostileInputTests.

import PackageDescription

let package = Package(
  name: "Fuzzing",
  platforms: [.macOS(.v13)],
  dependencies: [.package(name: "Noisemax", path: "../..")],
  targets: [
    .executableTarget(
      name: "FuzzRows",
      dependencies: [.product(name: "Noisemax", package: "Noisemax")],
      swiftSettings: [.unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"])],
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-Xlinker", "-z", "-Xlinker", "muldefs"])])
  ]
)
