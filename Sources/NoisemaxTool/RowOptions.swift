import CommandLineConventions
import Noisemax

/// What the commands that read rows have in common: the file, the noise, and how long a row may be.
struct RowOptions: Sendable {
  let law: ShippedLaw
  let scale: Double
  let usesFloat: Bool
  let limit: RowLimit
  let path: String?
  /// What `--scales` says.
  private let scales: String?

  static let noise = Option(
    "--noise", "NAME", .word("noise", of: ShippedLaw.all.map(\.name)),
    "the law of the noise, one of those that 'noisemax laws' lists (gumbel)")
  static let scale = Option("--scale", "S", "what the noise is multiplied by, above 0 (1)")
  static let scales = Option(
    "--scales", "LIST",
    "what the noise of each class is multiplied by besides, in every row,\nsuch as 0.5,2,1; at 0 a class has no noise"
  )
  static let float = Option("--float", nil, "read and write single precision")
  static let longestRow = Option(
    "--longest-row", "N", "how many classes a row may have (\(RowLimit.usual.classes))")

  /// What the pages say about rows.
  static let notes = """
    Rows: each line is a row of its own, of any length. Commas separate its numbers, or spaces and
    tabs, not both. Blank lines and lines that begin with # are skipped. Lines end in LF or CRLF, the
    last one perhaps in neither; a UTF-8 byte-order mark at the start is skipped. A row has at most
    \(RowLimit.usual.classes) classes, unless --longest-row says otherwise: memory grows with the longest row, by
    some 50 bytes a class.

    The first bad row stops the command: one line on standard error says where and what, as in
    noisemax: rows.csv:12:7: not a number: "abc" (line 12, byte 7). The rows before it have been
    written, nothing of it has. A reader that stops early, such as head, is no error.

    Exit codes: 0 done, 64 wrong usage, 65 a bad row, 66 the input cannot be read,
    74 the output cannot be written.
    """

  init(_ arguments: Arguments) throws(Failure) {
    path = arguments.operands.first
    usesFloat = arguments.has("--float")
    law = try ShippedLaw.law(named: arguments.value(of: "--noise") ?? "gumbel")
    scale = try Self.scale(arguments.value(of: "--scale") ?? "1")
    scales = arguments.value(of: "--scales")
    limit = try RowLimit(arguments.value(of: "--longest-row"))
  }

  /// The transform whose method is exact.
  var argmax: NoisyArgmax { NoisyArgmax(law.noise, scale: scale) }

  var hasScales: Bool { scales != nil }

  /// The scales of the classes, in the precision of the rows.
  func classScales<Scalar: DecimalScalar>(as type: Scalar.Type) throws(Failure) -> ClassScales<Scalar>? {
    guard let scales else { return nil }
    return try ClassScales(scales, times: scale)
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

/// How long a row may be.
struct RowLimit: Sendable {
  let classes: Int

  static let usual = RowLimit(classes: 10_000_000)

  private init(classes: Int) { self.classes = classes }

  init(_ text: String?) throws(Failure) {
    guard let text else {
      self = .usual
      return
    }
    classes = try wholeNumber(text, of: "--longest-row", in: 1...1_000_000_000_000)
  }

  /// How many bytes a line may have: 32 for each class, which is more than its shortest decimal takes; and a mebibyte
  /// in any case.
  var bytes: Int { max(1 << 20, 32 * classes) }
}

extension ShippedLaw {
  /// The law of a name that the options know.
  static func law(named name: String) throws(Failure) -> ShippedLaw {
    guard let law = all.first(where: { $0.name == name }) else {
      throw .unknown("noise", name, outOf: all.map(\.name))
    }
    return law
  }
}
