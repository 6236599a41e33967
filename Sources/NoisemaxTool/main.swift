// The command `noisemax`.

import CommandLineConventions
import Noisemax

let help = HelpPage(
  usage: [
    "noisemax", "noisemax probabilities [options] [FILE]", "noisemax laws",
    "noisemax plot [options] [PICTURE]", "noisemax variance [options] [EXPERIMENT ...]",
  ],
  summary: """
    The probabilities of the random index argmax(logits + noise), for several laws of noise. Under
    Gumbel noise they are softmax.

    Commands:
      probabilities  rows of logits in, rows of probabilities out
      laws           the laws of noise, with support, mean, variance and methods
      plot           pictures of laws, of what they make of logits, and of errors, as SVG
      variance       estimators of a gradient side by side: bias and variance

    Without a command it shows a small worked example.
    """,
  options: [
    Option("--help", nil, "show this page, or after a command that command's"),
    Option("--version", nil, "show the version"),
  ])

run("noisemax") { arguments, output throws(Failure) in
  if let complaint = InstructionSet.complaint { writeToStandardError("noisemax: \(complaint)\n") }
  switch arguments.first {
  case nil:
    try output.write(Example.text)
  case "probabilities":
    let arguments = try Arguments(Array(arguments.dropFirst()), options: ProbabilitiesCommand.help.options)
    if arguments.has("--help") { return try output.write(ProbabilitiesCommand.help.text) }
    try ProbabilitiesCommand(arguments).run(to: output)
  case "laws":
    let arguments = try Arguments(Array(arguments.dropFirst()), options: LawsCommand.help.options)
    if arguments.has("--help") { return try output.write(LawsCommand.help.text) }
    try arguments.allow(operands: 0)
    try output.write(LawsCommand.text)
  case "plot":
    let arguments = try Arguments(Array(arguments.dropFirst()), options: PlotCommand.help.options)
    if arguments.has("--help") { return try output.write(PlotCommand.help.text) }
    try PlotCommand(arguments).run(to: output)
  case "variance":
    let arguments = try Arguments(Array(arguments.dropFirst()), options: VarianceCommand.help.options)
    if arguments.has("--help") { return try output.write(VarianceCommand.help.text) }
    try VarianceCommand(arguments).run(to: output)
  case let command?:
    let options = try Arguments(command.hasPrefix("-") ? [command] : [], options: help.options)
    if options.has("--help") { return try output.write(help.text) }
    if options.has("--version") { return try output.write("noisemax \(noisemaxVersion)\n") }
    throw .unknown("command", command, outOf: ["probabilities", "laws", "plot", "variance"])
  }
}
