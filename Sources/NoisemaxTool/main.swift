// The command `noisemax`.

import CommandLineConventions
import Noisemax

let program = Program(
  "noisemax", version: noisemaxVersion,
  main: Command(
    "", "the probabilities of argmax(logits + noise)", usage: ["", "COMMAND [options] ..."],
    summary: """
      The probabilities of the random index argmax(logits + noise), for several laws of noise. Under
      Gumbel noise they are softmax. Without a command it shows a small worked example.
      """
  ) { _, output throws(Failure) in try output.write(Example.text) },
  commands: [
    ProbabilitiesCommand.command, LogitsCommand.command, RankingCommand.command, SamplesCommand.command,
    LawsCommand.command, PlotCommand.command, VarianceCommand.command,
  ])

run(program.name) { arguments, output throws(Failure) in
  if let complaint = InstructionSet.complaint { writeToStandardError("noisemax: \(complaint)\n") }
  try program.run(arguments, to: output)
}
