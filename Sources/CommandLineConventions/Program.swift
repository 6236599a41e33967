/// A program: its commands, with those that every program has.
package struct Program: Sendable {
  package let name: String
  package let version: String
  /// What it does without a command.
  package let main: Command
  /// The commands of its own, and after them `help`, `completions` and `manual`.
  package let commands: [Command]

  /// A program, whose main command gets the option `--version`.
  package init(_ name: String, version: String, main: Command, commands: [Command] = []) {
    (self.name, self.version) = (name, version)
    self.main = Command(
      "", main.gist, usage: main.usage, summary: main.summary,
      options: main.options.dropLast() + [Option("--version", nil, "show the version")],
      operands: main.operands, notes: main.notes, ofProgram: main.body)
    self.commands = commands + [.help(on: commands), .completions, .manual]
  }

  /// Runs the command that the arguments name.
  package func run(_ arguments: [String], to output: borrowing StandardOutput) throws(Failure) {
    let word = arguments.first.flatMap { $0.hasPrefix("-") ? nil : $0 }
    let command = try word.map { name throws(Failure) in try self.command(name) } ?? main
    let found = try Arguments(
      Array(arguments.dropFirst(word == nil ? 0 : 1)), options: command.options, operands: command.operands)
    if found.has("--help") { return try output.write(command.page(in: self)) }
    if command.name.isEmpty, found.has("--version") { return try output.write("\(name) \(version)\n") }
    try command.body(self, found, output)
  }

  fileprivate func command(_ name: String) throws(Failure) -> Command {
    guard let command = commands.first(where: { $0.name == name }) else {
      throw .unknown("command", name, outOf: commands.map(\.name))
    }
    return command
  }
}

// MARK: the commands that every program has

extension Command {
  fileprivate static func help(on commands: [Command]) -> Command {
    let names = commands.map(\.name) + ["help", "completions", "manual"]
    return Command(
      "help", "the page of a command", usage: ["[COMMAND]"],
      summary: "Shows the page of a command, as --help after its name does, or the overview.",
      operands: Operands(.word("command", of: names)),
      ofProgram: { program, arguments, output throws(Failure) in
        let name = arguments.operands.first
        let command = try name.map { name throws(Failure) in try program.command(name) } ?? program.main
        try output.write(command.page(in: program))
      })
  }

  fileprivate static var completions: Command {
    let shells = CompletedShell.allCases.map(\.rawValue)
    return Command(
      "completions", "what a shell completes for this program", usage: ["SHELL"],
      summary: """
        Writes the script that makes a shell complete commands, options and their values. The shells
        are \(shells.joined(separator: ", ")). The script's first line says how to install it.
        """,
      operands: Operands(.word("shell", of: shells)),
      ofProgram: { program, arguments, output throws(Failure) in
        guard let shell = arguments.operands.first.flatMap(CompletedShell.init(rawValue:)) else {
          throw Failure(.usage, "which shell? There are \(shells.joined(separator: ", "))")
        }
        try output.write(shell.script(for: program))
      })
  }

  fileprivate static var manual: Command {
    Command(
      "manual", "the manual page, in the format of man",
      summary: """
        Writes the manual page of the program and all its commands, in the format of man(1): put it
        into a directory man1 of a manual path, or read it with 'man -l -'.
        """,
      ofProgram: { program, _, output throws(Failure) in try output.write(manualPage(of: program)) })
  }
}
