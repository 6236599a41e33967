import CommandLineConventions

/// A line on standard error about a long input: only if that is a terminal, and what comes out does not go there too.
struct StreamProgress {
  /// The bytes of the input, if they are known.
  private let total: Int?
  private let isWanted: Bool
  private var done = 0
  private var isShown = false
  private var next = ContinuousClock.now + .seconds(1)

  init(total: Int?) {
    self.total = total
    isWanted = standardErrorIsTerminal && !standardOutputIsTerminal
  }

  /// Shows where the input is, a few times a second.
  mutating func advance(by bytes: Int, rows: Int) {
    done += bytes
    guard isWanted, ContinuousClock.now >= next else { return }
    next = ContinuousClock.now + .milliseconds(200)
    isShown = true
    writeToStandardError("\r\u{1b}[K" + progressText(bytes: done, of: total, rows: rows))
  }

  func finish() {
    if isShown { writeToStandardError("\r\u{1b}[K") }
  }
}

/// `1234567 rows, 89 MB of 234 MB, 38 %`.
package func progressText(bytes: Int, of total: Int?, rows: Int) -> String {
  let megabytes = "\(rows) rows, \(bytes / 1_000_000) MB"
  // A file may grow while it is read.
  guard let total, total >= bytes, total > 0 else { return megabytes }
  return megabytes + " of \(total / 1_000_000) MB, \(Int(100 * Double(bytes) / Double(total))) %"
}
