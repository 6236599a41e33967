// The command `benchmarks`: how fast and how accurate the transforms are, measured.

import CommandLineConventions

run("benchmarks") { arguments, output throws(Failure) in
  if arguments.first == "accuracy" {
    let arguments = try Arguments(Array(arguments.dropFirst()), options: AccuracyCommand.help.options)
    if arguments.has("--help") { return try output.write(AccuracyCommand.help.text) }
    try arguments.allow(operands: 0)
    return try output.write(AccuracyCommand.text)
  }
  if arguments.first == AllocationCount.command {
    return try output.write(AllocationCount.text(forNames: Array(arguments.dropFirst())))
  }
  let arguments = try Arguments(arguments, options: SpeedCommand.help.options)
  if arguments.has("--help") { return try output.write(SpeedCommand.help.text) }
  if let command = arguments.operands.first { throw .unknown("command", command, outOf: ["accuracy"]) }
  try SpeedCommand(arguments).run(to: output)
}
