// swift-tools-version: 6.2

// A package that uses the library as any other would: it adds two laws of noise, each in one file, and puts them
// through the property suite.

import PackageDescription

let package = Package(
  name: "AddALaw",
  platforms: [.macOS(.v13)],
  dependencies: [.package(name: "Noisemax", path: "../..")],
  targets: [
    .target(name: "MyLaws", dependencies: [.product(name: "Noisemax", package: "Noisemax")]),
    .testTarget(
      name: "MyLawsTests",
      dependencies: ["MyLaws", .product(name: "NoisemaxLaws", package: "Noisemax")]),
  ]
)
