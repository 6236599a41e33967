#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Puts a file in place whole: whoever reads the path finds the old text or the new, whenever the command is killed.
package func replaceFile(_ path: String, with text: [UInt8]) throws(Failure) {
  let temporary = "\(path).\(getpid()).tmp"
  // An interruption waits until the temporary file is gone.
  var interruptions = sigset_t()
  var before = sigset_t()
  sigemptyset(&interruptions)
  for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&interruptions, signal) }
  pthread_sigmask(SIG_BLOCK, &interruptions, &before)
  defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

  let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o666)
  guard file >= 0 else { throw outputFailure(path) }
  var code = writeAll(text, to: file)
  if close(file) != 0, code == 0 { code = errno }
  if code == 0, rename(temporary, path) != 0 { code = errno }
  if code != 0 {
    unlink(temporary)
    throw outputFailure(path, code)
  }
}

/// What the system said about a file that could not be written.
package func outputFailure(_ path: String, _ code: Int32 = errno) -> Failure {
  Failure(.outputError, "\(path): \(description(ofSystemError: code))")
}
