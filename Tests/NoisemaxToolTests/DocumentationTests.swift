import Foundation
import Testing

/// The documentation's table of promises names tests that exist.
@Test func promisesNameTheirTests() throws {
  let page = repository.appendingPathComponent("Sources/Noisemax/Noisemax.docc/Promises.md")
  let names = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "`")
    .filter { $0.wholeMatch(of: /[A-Z]\w*Tests(\.\w+)?/) != nil }
  #expect(names.count > 20)
  var sources: [String: String] = [:]
  for folder in ["NoisemaxTests", "NoisemaxToolTests", "NoisemaxCTests"] {
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

/// The page of forms has every method that a transform has for rows.
@Test func formsNameEveryMethod() throws {
  let sources = repository.appendingPathComponent("Sources/Noisemax")
  let page = try String(
    contentsOf: sources.appendingPathComponent("Noisemax.docc/Forms.md"), encoding: .utf8)
  var names: Set<String> = []
  for folder in ["Transform", "Sampling", "Beyond"] {
    let directory = sources.appendingPathComponent(folder)
    for file in try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
    where file.lastPathComponent.hasPrefix("NoisyArgmax+") {
      let text = try String(contentsOf: file, encoding: .utf8)
      names.formUnion(text.matches(of: /public func (\w+)/).map { String($0.1) })
    }
  }
  #expect(names.count > 55)
  for name in names { #expect(page.contains("/\(name)("), "the page of forms lacks \(name)") }
}

/// The README is a page, and what it links to is there.
@Test func theReadmeIsShortAndItsLinksLead() throws {
  let text = try String(contentsOf: repository.appendingPathComponent("README.md"), encoding: .utf8)
  #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 151)
  let links = text.matches(of: /\]\(([^)]+)\)/).map { String($0.1) }
  #expect(links.count > 10)
  for link in links {
    let file = repository.appendingPathComponent(link)
    #expect(FileManager.default.fileExists(atPath: file.path), "\(link) is not there")
  }
}
