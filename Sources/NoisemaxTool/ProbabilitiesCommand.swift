import CommandLineConventions
import Noisemax

/// `noisemax probabilities`: rows of logits in, rows of probabilities out.
struct ProbabilitiesCommand {
  private let options: RowOptions
  private let method: NoisyArgmax.Method
  private let givesLogarithms: Bool
  /// How many of the largest, where that is asked for.
  private let largest: Int?

  static let command = Command(
    "probabilities", "rows of logits in, rows of probabilities out", usage: ["[options] [FILE]"],
    summary: """
      Reads rows of logits from FILE or, without one or for -, from standard input, and writes for
      every row the probability that each class wins once noise is added to every logit, or that it is
      among the K largest. Every number is the shortest decimal that reads back exactly.
      """,
    options: [
      RowOptions.noise, RowOptions.scale, RowOptions.scales,
      Option("--top", "K", "the probability to be among the K largest instead"),
      Option(
        "--method", "METHOD", .word("method", of: ["exact", "quantile-rule"]),
        "exact or quantile-rule (exact)"),
      Option("--points", "K", "the points of the quantile rule (64)"),
      Option("--raw", nil, "the quantile rule's own values, not divided by their sum"),
      Option("--log", nil, "logarithms of the probabilities"),
      RowOptions.float, RowOptions.longestRow,
    ],
    operands: Operands(.file),
    notes: """
      -inf masks a class, which gets exactly 0. A single inf is certain to win; two in one row are an
      error, and so are nan, an empty field and a number too large for its type.

      \(RowOptions.notes)
      """
  ) { arguments, output throws(Failure) in try ProbabilitiesCommand(arguments).run(to: output) }

  private init(_ arguments: Arguments) throws(Failure) {
    options = try RowOptions(arguments)
    givesLogarithms = arguments.has("--log")
    largest = try arguments.value(of: "--top").map { text throws(Failure) in
      try wholeNumber(text, of: "--top", in: 1...Int.max)
    }
    if arguments.value(of: "--method") == "quantile-rule" {
      for option in ["--scales", "--top"] where arguments.has(option) {
        throw Failure(.usage, "\(option) is an option of --method exact")
      }
      let points = try wholeNumber(arguments.value(of: "--points") ?? "64", of: "--points", in: 1...1_000_000)
      method = .quantileRule(points: points, normalized: !arguments.has("--raw"))
    } else {
      for option in ["--points", "--raw"] where arguments.has(option) {
        throw Failure(.usage, "\(option) is an option of --method quantile-rule")
      }
      method = .exact
    }
    if largest != nil, givesLogarithms { throw Failure(.usage, "--top goes without --log") }
  }

  private func run(to output: borrowing StandardOutput) throws(Failure) {
    if options.usesFloat {
      try run(as: Float.self, to: output)
    } else {
      try run(as: Double.self, to: output)
    }
  }

  private func run<Scalar: DecimalScalar>(
    as type: Scalar.Type, to output: borrowing StandardOutput
  ) throws(Failure) {
    let argmax = NoisyArgmax(options.law.noise, scale: options.scale, method: method)
    let scales = try options.classScales(as: type)
    if largest != nil || scales != nil {
      let quantity = ScaledRowProbabilities(
        argmax: argmax, scales: scales, largest: largest, givesLogarithms: givesLogarithms)
      try quantity.run(options, to: output)
    } else {
      let quantity = RowProbabilities<Scalar>(argmax: argmax, givesLogarithms: givesLogarithms)
      try quantity.run(options, to: output)
    }
  }
}

/// The probability of each class to win, or its logarithm.
private struct RowProbabilities<Scalar: DecimalScalar>: RowQuantity {
  let argmax: NoisyArgmax
  let givesLogarithms: Bool

  func append(
    of row: inout [Scalar], number: Int, to text: inout ByteText, workspace: inout NoisyArgmax.Workspace
  ) -> String? {
    var span = row.mutableSpan
    if givesLogarithms {
      argmax.formLogProbabilities(in: &span, workspace: &workspace)
    } else {
      argmax.formProbabilities(in: &span, workspace: &workspace)
    }
    text.append(row: row)
    return nil
  }
}

/// The probability of each class to be among the largest, each with a scale of its own.
private struct ScaledRowProbabilities<Scalar: DecimalScalar>: RowQuantity {
  let argmax: NoisyArgmax
  let scales: ClassScales<Scalar>?
  let largest: Int?
  let givesLogarithms: Bool

  func append(
    of row: inout [Scalar], number: Int, to text: inout ByteText, workspace: inout NoisyArgmax.Workspace
  ) -> String? {
    if let complaint = scales?.complaint(about: row, tiesAreFine: false) { return complaint }
    let largest = largest ?? 1
    if largest > row.count { return "--top \(largest) of \(row.count) classes" }
    if givesLogarithms, let scales {
      text.append(row: argmax.logProbabilities(for: row, scales: scales.values))
    } else {
      text.append(row: argmax.inclusionProbabilities(for: row, largest: largest, scales: scales?.values))
    }
    return nil
  }
}
