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

/// Puts a file in place whole: whoever reads the path finds the old text or the new, whenever the command is killed.
func replaceFile(_ path: String, with text: [UInt8]) throws(Failure) {
  let temporary = "\(path).\(getpid()).tmp"
  // An interruption waits until the temporary file is gone.
  var interruptions = sigset_t()
  var before = sigset_t()
  sigemptyset(&interruptions)
  for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&interruptions, signal) }
  pthread_sigmask(SIG_BLOCK, &interruptions, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

  let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o666)
  guard file >= 0 else { throw outputFailure(temporary) }
  var code = writeAll(text, to: file)
  if close(file) != 0, code == 0 { code = errno }
  if code == 0, rename(temporary, path) != 0 { code = errno }
  if code != 0 {
    unlink(temporary)
    throw outputFailure(path, code)
  }
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

private func outputFailure(_ path: String, _ code: Int32 = errno) -> Failure {
  Failure(.outputError, "\(path): \(description(ofSystemError: code))")
}

private func inputFailure(_ path: String, _ code: Int32 = errno) -> Failure {
  Failure(.noInput, "\(path): \(description(ofSystemError: code))")
}
