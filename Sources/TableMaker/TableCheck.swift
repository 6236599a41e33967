import CommandLineConventions

/// Compares a table with what it should be.
///
/// - Returns: which line is the first stale one and how, or nil where none is.
package func staleRow(of path: String, found: [UInt8]?, expected: [UInt8]) -> String? {
  guard let found else { return "\(path): missing" }
  if found == expected { return nil }
  let foundLines = lines(of: found)
  let expectedLines = lines(of: expected)
  for number in 0..<max(foundLines.count, expectedLines.count) {
    let line = number < foundLines.count ? foundLines[number] : nil
    let right = number < expectedLines.count ? expectedLines[number] : nil
    if line == right { continue }
    let place = "\(path):\(number + 1)"
    switch (line, right) {
    case (let line?, let right?): return "\(place): \(quoted(line)) should be \(quoted(right))"
    case (let line?, nil): return "\(place): \(quoted(line)) should not be there"
    case (nil, let right?): return "\(place): \(quoted(right)) is missing"
    case (nil, nil): break
    }
  }
  return "\(path):\(expectedLines.count): the last line is not ended"
}

/// The lines of a text; what follows the last line's end is a line only if it holds something.
private func lines(of text: [UInt8]) -> [String] {
  var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  if lines.last?.isEmpty == true { lines.removeLast() }
  return lines.map { String(decoding: $0, as: UTF8.self) }
}
