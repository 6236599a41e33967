// The command `table-maker`: the quantile tables of every law in the registry.

import CommandLineConventions
import Noisemax

let tables = Command(
  "", "the quantile tables of every law of noise",
  usage: ["[--points LIST] [--noise NAME] [--output DIR] [--check]", "COMMAND ..."],
  summary: """
    Writes <law>.csv for every law of noise: the nodes F⁻¹(k/(K+1)), k = 1 … K, of its quantile
    rules, under the header points,k,quantile. Every value is the Double nearest to the true
    quantile, in the shortest decimal that reads back as it, so the files are the same on every
    platform.
    """,
  options: [
    Option(
      "--points", "LIST",
      "the numbers of points K, such as 7,100\n(\(QuantileTable.shippedPoints.map(String.init).joined(separator: ",")))"
    ),
    Option("--noise", "NAME", .word("noise", of: ShippedLaw.all.map(\.name)), "the table of one law only"),
    Option("--output", "DIR", .directory, "where the tables are, made if need be (Tables)"),
    Option("--check", nil, "write nothing; name the first row that is not up to date and exit 1"),
  ],
  notes: """
    A file is replaced whole or not at all; it then holds the points asked for and no others.
    Exit codes: 0 done, 1 a table is stale (--check), 64 wrong usage, 65 a quantile cannot be
    rounded with certainty, 66 a table cannot be read, 74 a table cannot be written.
    """
) { arguments, _ throws(Failure) in
  var laws = ShippedLaw.all
  if let name = arguments.value(of: "--noise") {
    laws = laws.filter { $0.name == name }
  }
  var points = QuantileTable.shippedPoints
  if let list = arguments.value(of: "--points") { points = try QuantileTable.points(from: list) }
  var directory = arguments.value(of: "--output") ?? "Tables"
  if directory.isEmpty { throw Failure(.usage, "--output needs the name of a directory") }
  while directory.count > 1, directory.hasSuffix("/") { directory.removeLast() }
  let checking = arguments.has("--check")
  if !checking { try makeDirectory(directory) }

  let showsProgress = standardErrorIsTerminal
  defer { if showsProgress { writeToStandardError("\r\u{1b}[K") } }
  for (number, law) in laws.enumerated() {
    if showsProgress { writeToStandardError("\r\u{1b}[K\(number + 1) of \(laws.count): \(law.name)") }
    let table = QuantileTable(of: law, points: points)
    let text = try table.text()
    let path = directory + "/" + table.fileName
    if !checking {
      try replaceFile(path, with: text)
    } else if let stale = staleRow(of: path, found: try textOfFile(path), expected: text) {
      throw Failure(.stale, stale)
    }
  }
}

let program = Program("table-maker", version: noisemaxVersion, main: tables)
run(program.name) { arguments, output throws(Failure) in try program.run(arguments, to: output) }
