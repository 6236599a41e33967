#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

import CommandLineConventions
import Noisemax

/// `noisemax probabilities`: rows of logits in, rows of probabilities out.
package struct ProbabilitiesCommand {
  let argmax: NoisyArgmax
  let givesLogarithms: Bool
  let usesFloat: Bool
  let path: String?

  static let help = HelpPage(
    usage: ["noisemax probabilities [options] [FILE]"],
    summary: """
      Reads rows of comma-separated logits from FILE or, without one or for -, from standard input,
      and writes for every row the probability that each class wins once noise is added to every
      logit. Every number is the shortest decimal that reads back exactly.
      """,
    options: [
      Option("--noise", "NAME", "the law of the noise, one of those that 'noisemax laws' lists (gumbel)"),
      Option("--scale", "S", "what the noise is multiplied by, above 0 (1)"),
      Option("--method", "METHOD", "exact or quantile-rule (exact)"),
      Option("--points", "K", "the points of the quantile rule (64)"),
      Option("--raw", nil, "the quantile rule's own values, not divided by their sum"),
      Option("--log", nil, "logarithms of the probabilities"),
      Option("--float", nil, "read and write single precision"),
      Option("--help", nil, "show this page"),
    ],
    notes: """
      Rows: each line is a row of its own, of any length; spaces and tabs around a number do not
      count. -inf masks a class, which gets exactly 0. A single inf is certain to win; two in one
      row are an error, and so are nan, an empty field and a number too large for its type.
      Blank lines and lines that begin with # are skipped. Lines end in LF or CRLF, the last one
      perhaps in neither; a UTF-8 byte-order mark at the start is skipped.

      The first bad row stops the command: one line on standard error says where and what, as in
      noisemax: logits.csv:12:7: not a number: "abc" (line 12, byte 7). The rows before it have
      been written, nothing of it has. A reader that stops early, such as head, is no error.

      Exit codes: 0 done, 64 wrong usage, 65 a bad row, 66 the input cannot be read,
      74 the output cannot be written.
      """)

  package init(_ arguments: Arguments) throws(Failure) {
    try arguments.allow(operands: 1)
    path = arguments.operands.first
    givesLogarithms = arguments.has("--log")
    usesFloat = arguments.has("--float")
    let law = try ShippedLaw.law(named: arguments.value(of: "--noise") ?? "gumbel")
    let scale = try Self.scale(arguments.value(of: "--scale") ?? "1")
    let method: NoisyArgmax.Method
    switch arguments.value(of: "--method") ?? "exact" {
    case "exact":
      for option in ["--points", "--raw"] where arguments.has(option) {
        throw Failure(.usage, "\(option) is an option of --method quantile-rule")
      }
      method = .exact
    case "quantile-rule":
      let points = try wholeNumber(arguments.value(of: "--points") ?? "64", of: "--points", in: 1...1_000_000)
      method = .quantileRule(points: points, normalized: !arguments.has("--raw"))
    case let name:
      throw .unknown("method", name, outOf: ["exact", "quantile-rule"])
    }
    argmax = NoisyArgmax(law.noise, scale: scale, method: method)
  }

  package func run(to output: borrowing StandardOutput) throws(Failure) {
    if usesFloat { try run(as: Float.self, to: output) } else { try run(as: Double.self, to: output) }
  }

  private func run<Scalar: DecimalScalar>(
    as type: Scalar.Type, to output: borrowing StandardOutput
  ) throws(Failure) {
    var reader = try LineReader(path)
    let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let stream = RowStream<Scalar>(argmax, givesLogarithms: givesLogarithms, threads: cores)
    try stream.run(from: &reader, to: output)
  }

  private static func scale(_ text: String) throws(Failure) -> Double {
    var row: [Double] = []
    let bytes = Array(text.utf8)
    let error = bytes.withUnsafeBufferPointer { LogitRow.append($0, to: &row) }
    guard error == nil, row.count == 1, row[0] > 0, row[0].isFinite else {
      throw Failure(.usage, "--scale takes a finite number above 0, not \(quoted(text))")
    }
    return row[0]
  }
}

extension ShippedLaw {
  static func law(named name: String) throws(Failure) -> ShippedLaw {
    guard let law = all.first(where: { $0.name == name.lowercased() }) else {
      throw .unknown("noise", name, outOf: all.map(\.name))
    }
    return law
  }
}
