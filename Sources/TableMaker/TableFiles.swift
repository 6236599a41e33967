#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

import CommandLineConventions

/// Makes a directory, unless there is one.
func makeDirectory(_ path: String) throws(Failure) {
  if mkdir(path, 0o777) != 0, errno != EEXIST { throw outputFailure(path) }
}

/// The text of a file, or nil where there is none.
func textOfFile(_ path: String) throws(Failure) -> [UInt8]? {
  let file = open(path, O_RDONLY)
  if file < 0, errno == ENOENT { return nil }
  guard file >= 0 else { throw inputFailure(path) }
  defer { close(file) }
  var text: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = read(file, &chunk, chunk.count)
    if count < 0 {
      if errno == EINTR { continue }
      throw inputFailure(path)
    }
    if count == 0 { return text }
    text += chunk[..<count]
  }
}

private func inputFailure(_ path: String, _ code: Int32 = errno) -> Failure {
  Failure(.noInput, "\(path): \(description(ofSystemError: code))")
}
