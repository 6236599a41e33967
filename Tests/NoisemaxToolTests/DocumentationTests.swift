import Foundation
import Testing

/// The documentation's table of promises names tests that exist.
@Test func promisesNameTheirTests() throws {
  let page = repository.appendingPathComponent("Sources/Noisemax/Noisemax.docc/Promises.md")
  let names = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "`")
    .filter { $0.wholeMatch(of: /[A-Z]\w*Tests(\.\w+)?/) != nil }
  #expect(names.count > 20)
  var sources: [String: String] = [:]
  for folder in ["NoisemaxTests", "NoisemaxToolTests"] {
    let directory = repository.appendingPathComponent("Tests/\(folder)")
    let files = try #require(FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil))
    for case let file as URL in files where file.pathExtension == "swift" {
      sources[file.deletingPathExtension().lastPathComponent] = try String(contentsOf: file, encoding: .utf8)
    }
  }
  for name in Set(names) {
    let parts = name.split(separator: ".").map(String.init)
    let source = try #require(sources[parts[0]], "there is no \(parts[0])")
    if parts.count == 2 { #expect(source.contains("func \(parts[1])("), "\(parts[0]) has no \(parts[1])") }
  }
}
