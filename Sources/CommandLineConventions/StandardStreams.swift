#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Standard output: what could not be written is an error, and a reader that stopped early is none.
package struct StandardOutput: ~Copyable {
  package init() {}

  /// Writes all the bytes, now.
  package func write(_ bytes: borrowing [UInt8]) throws(Failure) {
    switch writeAll(bytes, to: STDOUT_FILENO) {
    case 0: return
    case EPIPE: exit(ExitCode.success.rawValue)
    case let code: throw Self.failure(code)
    }
  }

  package func write(_ text: String) throws(Failure) { try write(Array(text.utf8)) }

  /// Some file systems report a full disk only here.
  package consuming func close() throws(Failure) {
    #if canImport(Darwin)
      let result = Darwin.close(STDOUT_FILENO)
    #elseif canImport(Glibc)
      let result = Glibc.close(STDOUT_FILENO)
    #elseif canImport(Musl)
      let result = Musl.close(STDOUT_FILENO)
    #endif
    if result != 0, errno != EINTR { throw Self.failure(errno) }
  }

  private static func failure(_ code: Int32) -> Failure {
    Failure(.outputError, "standard output: \(description(ofSystemError: code))")
  }
}

/// Writes all the bytes to an open file.
///
/// - Returns: 0, or the `errno` of the write that failed.
package func writeAll(_ bytes: borrowing [UInt8], to file: Int32) -> Int32 {
  bytes.withUnsafeBytes { bytes in
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count > 0 { rest = rest.dropFirst(count) } else if count < 0, errno != EINTR { return errno }
    }
    return 0
  }
}

/// "No such file or directory" and the like.
package func description(ofSystemError code: Int32) -> String { String(cString: strerror(code)) }

/// Whether standard error is a terminal, so that progress on it is welcome.
package var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

/// Whether what the command writes goes to a terminal.
package var standardOutputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

/// Writes to standard error; where that fails, there is nowhere to say so.
package func writeToStandardError(_ text: String) { _ = writeAll(Array(text.utf8), to: STDERR_FILENO) }

/// Runs a command, from its arguments to its exit code.
///
/// A failure is one line on standard error, with the name of the command before it.
package func run(_ name: String, _ command: ([String], borrowing StandardOutput) throws(Failure) -> Void)
  -> Never
{
  signal(SIGPIPE, SIG_IGN)
  // A closed standard stream would give its number to the next file that is opened. A stand-in, opened the wrong way
  // round, takes the number and keeps reading and writing an error.
  for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) == -1 {
    _ = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY)
  }
  do {
    let output = StandardOutput()
    try command(Array(CommandLine.arguments.dropFirst()), output)
    try output.close()
  } catch {
    writeToStandardError("\(name): \(withoutControls(error.message))\n")
    exit(error.exitCode.rawValue)
  }
  exit(ExitCode.success.rawValue)
}
