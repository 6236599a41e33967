// The command `benchmarks`: how fast and how accurate the transforms are, measured.

import CommandLineConventions
import Noisemax

let program = Program(
  "benchmarks", version: noisemaxVersion, main: SpeedCommand.command, commands: [AccuracyCommand.command])

run(program.name) { arguments, output throws(Failure) in
  // What it starts itself with is no command of anybody else's.
  if arguments.first == AllocationCount.command {
    return try output.write(AllocationCount.text(forNames: Array(arguments.dropFirst())))
  }
  try program.run(arguments, to: output)
}
