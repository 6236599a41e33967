#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

import CommandLineConventions

/// Reads a file in blocks of whole lines. Memory grows with the longest line, up to a limit, and not with the file.
struct LineReader: ~Copyable {
  /// What errors call the file.
  let name: String
  private let file: Int32
  /// The most bytes of a line; the buffer never has more than twice as many.
  private let longestLine: Int
  private var buffer: UnsafeMutableBufferPointer<UInt8>
  /// The bytes that have been read …
  private var filled = 0
  /// … and how many of them, from the start, the caller has seen.
  private var seen = 0
  private var isAtStart = true
  private var isAtEnd = false

  /// Opens a file, or standard input for nil and `-`.
  /// A line may have `longestLine` bytes, or as many as the buffer if those are more.
  init(_ path: String?, longestLine: Int, bufferSize: Int = 1 << 20) throws(Failure) {
    self.longestLine = max(longestLine, bufferSize)
    if let path, path != "-" {
      name = path
      file = open(path, O_RDONLY)
    } else {
      name = "<stdin>"
      file = STDIN_FILENO
    }
    buffer = .allocate(capacity: bufferSize)
    if file < 0 { throw failure() }
  }

  deinit {
    buffer.deallocate()
    if file > STDERR_FILENO { close(file) }
  }

  /// How many bytes the file has, if that can be known.
  var size: Int? {
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// The next lines, as many as one read gave; nil at the end of the file. Every line ends in a line feed, except that
  /// the last of the file may have none. The bytes are good until the next call. Errors count lines from those before.
  mutating func nextLines(after count: Int) throws(Failure) -> UnsafeBufferPointer<UInt8>? {
    buffer.baseAddress?.update(from: buffer.baseAddress.unsafelyUnwrapped + seen, count: filled - seen)
    filled -= seen
    seen = 0
    while !isAtEnd {
      let end = try readMore()
      if end > 0 { return lines(upTo: end) }
      if filled > longestLine {
        throw Failure(
          .badData,
          "\(name):\(count + 1): a line of more than \(longestLine) bytes: --longest-row N allows more")
      }
    }
    return filled > 0 ? lines(upTo: filled) : nil
  }

  /// Reads once.
  ///
  /// - Returns: the end of the last whole line, or 0 where there is none yet.
  private mutating func readMore() throws(Failure) -> Int {
    if filled == buffer.count { grow() }
    let count = read(file, buffer.baseAddress.unsafelyUnwrapped + filled, buffer.count - filled)
    if count < 0 {
      if errno == EINTR { return 0 }
      throw failure()
    }
    isAtEnd = count == 0
    let old = filled
    filled += count
    let lineFeed = buffer[old..<filled].lastIndex(of: UInt8(ascii: "\n"))
    return lineFeed.map { $0 + 1 } ?? 0
  }

  private mutating func grow() {
    let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: buffer.count * 2)
    larger.baseAddress.unsafelyUnwrapped.update(from: buffer.baseAddress.unsafelyUnwrapped, count: filled)
    buffer.deallocate()
    buffer = larger
  }

  private mutating func lines(upTo end: Int) -> UnsafeBufferPointer<UInt8> {
    seen = end
    var lines = UnsafeBufferPointer(rebasing: buffer[..<end])
    if isAtStart, lines.starts(with: [0xef, 0xbb, 0xbf]) {
      lines = UnsafeBufferPointer(rebasing: lines[3...])
    }
    isAtStart = false
    return lines
  }

  private func failure() -> Failure { Failure(.noInput, "\(name): \(description(ofSystemError: errno))") }
}
