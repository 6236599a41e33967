// The command `benchmarks`: how accurate the transforms are, measured.

import CommandLineConventions

run("benchmarks") { arguments, output throws(Failure) in
  switch arguments.first {
  case "accuracy":
    let arguments = try Arguments(Array(arguments.dropFirst()), options: AccuracyCommand.help.options)
    if arguments.has("--help") { return try output.write(AccuracyCommand.help.text) }
    try arguments.allow(operands: 0)
    try output.write(AccuracyCommand.text)
  case let command?: throw .unknown("command", command, outOf: ["accuracy"])
  case nil: try output.write(AccuracyCommand.help.text)
  }
}
