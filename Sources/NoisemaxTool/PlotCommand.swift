import Charts
import CommandLineConventions
import Noisemax

/// `noisemax plot`: pictures as SVG.
struct PlotCommand {
  private let figure: ChartFigure
  private let path: String?

  static let command = Command(
    "plot", "pictures of laws, of what they make of logits, and of errors, as SVG",
    usage: ["[options] PICTURE", "[options] --row LOGITS"],
    summary: """
      Writes a picture as SVG to standard output or to a file. It follows its viewer to light or
      dark, and the same command gives the same bytes everywhere.

      Pictures:
        gaps       the probability of a class by its logit, beside one other class and nine
        densities  the laws of noise
        rule       the error of the quantile rule by its number of points, beside the exact methods
        arms       the probability of being the best, as the noise of one of three arms grows
      """,
    options: [
      Option("--row", "LOGITS", "one row of logits under every law, such as 2,1,0.5, instead of a PICTURE"),
      Option(
        "--noise", "LIST", .words("noise", of: ShippedLaw.all.map(\.name)),
        "the laws that are shown, such as gumbel,normal (all)"),
      Option("--standardized", nil, "every law moved and scaled to mean 0 and variance 1"),
      Option("--output", "FILE", .file, "the file that is written, or - for standard output (-)"),
    ],
    operands: Operands(.word("picture", of: pictures.map(\.name))),
    notes: """
      A file is replaced whole or not at all. A row has 1 to \(mostClasses) logits, written as for
      'noisemax probabilities'; a class of probability 0 has no dot on a logarithmic axis, and
      nor has one below 1e-20. Curves that lie over one another are named above them.

      Exit codes: 0 done, 64 wrong usage, 74 the output cannot be written.
      """
  ) { arguments, output throws(Failure) in try PlotCommand(arguments).run(to: output) }

  private static let mostClasses = 40
  private static let pictures: [(name: String, figure: @Sendable (PlotLaws) -> ChartFigure)] = [
    ("gaps", ChartFigure.gaps), ("densities", ChartFigure.densities), ("rule", ChartFigure.rule),
    ("arms", ChartFigure.arms),
  ]

  private init(_ arguments: Arguments) throws(Failure) {
    path = arguments.value(of: "--output").flatMap { $0 == "-" ? nil : $0 }
    if path == "" { throw Failure(.usage, "--output needs the name of a file") }
    let laws = try Self.laws(arguments)
    let names = Self.pictures.map(\.name)
    switch (arguments.operands.first, arguments.value(of: "--row")) {
    case (let name?, nil):
      guard let picture = Self.pictures.first(where: { $0.name == name }) else {
        throw .unknown("picture", name, outOf: names)
      }
      figure = picture.figure(laws)
    case (nil, let text?):
      figure = .row(try Self.row(text), laws)
    case (let name?, .some):
      throw Failure(.usage, "--row is a picture of its own: it goes without \(quoted(name))")
    case (nil, nil):
      throw Failure(.usage, "which picture? There are \(names.joined(separator: ", ")), and --row LOGITS")
    }
  }

  private func run(to output: borrowing StandardOutput) throws(Failure) {
    let text = figure.svg
    if let path { try replaceFile(path, with: Array(text.utf8)) } else { try output.write(text) }
  }

  private static func laws(_ arguments: Arguments) throws(Failure) -> PlotLaws {
    let isStandardized = arguments.has("--standardized")
    let list = arguments.value(of: "--noise")
    var laws: [PlotLaw] = []
    for name in list?.split(separator: ",").map(String.init) ?? ShippedLaw.all.map(\.name) {
      laws.append(try PlotLaw(named: name, isStandardized: isStandardized))
    }
    return PlotLaws(laws: laws, isStandardized: isStandardized)
  }

  private static func row(_ text: String) throws(Failure) -> [Double] {
    var row: [Double] = []
    let bytes = Array(text.utf8)
    if let error = bytes.withUnsafeBufferPointer({ LogitRow.append($0, to: &row) }) {
      throw Failure(.usage, "--row, byte \(error.column): \(error.message)")
    }
    guard row.count <= mostClasses else {
      throw Failure(.usage, "--row takes up to \(mostClasses) logits, not \(row.count)")
    }
    return row
  }
}
