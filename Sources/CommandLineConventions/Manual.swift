/// The manual page of a program and all its commands, for man(1).
func manualPage(of program: Program) -> String {
  let title = "\(program.name.uppercased()) 1 \"\" \"\(program.name) \(program.version)\""
  var text = ".TH \(title)\n.SH NAME\n\(roff(program.name)) \\- \(roff(program.main.gist))\n"
  let all = [program.main] + program.commands
  text += ".SH SYNOPSIS\n" + verbatim(all.flatMap { $0.usage(in: program) }.joined(separator: "\n"))
  text += ".SH DESCRIPTION\n" + verbatim(program.main.summary) + notes(of: program.main)
  text += ".SH OPTIONS\n" + options(of: program.main)
  text += ".SH COMMANDS\n"
  for command in program.commands {
    text += ".SS \"\(roff(command.usage(in: program)[0]))\"\n" + verbatim(command.summary)
    text += options(of: command) + notes(of: command)
  }
  return text
}

private func notes(of command: Command) -> String {
  command.notes.isEmpty ? "" : ".PP\n" + verbatim(command.notes)
}

private func options(of command: Command) -> String {
  command.options.map { option in
    let value = option.value.map { " \\fI\(roff($0))\\fR" } ?? ""
    let lines = option.explanation.split(separator: "\n").map { roff(String($0)) }
    return ".TP\n\\fB\(roff(option.name))\\fR\(value)\n" + lines.joined(separator: "\n") + "\n"
  }.joined()
}

/// Lines as they stand.
private func verbatim(_ text: String) -> String {
  let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  return ".nf\n" + lines.map { $0.isEmpty ? ".sp\n" : roff(String($0)) + "\n" }.joined() + ".fi\n"
}

/// A text without anything that the formatter would obey, its hyphens and quotes as a terminal has them.
private func roff(_ text: String) -> String {
  var result = text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" : ""
  for character in text {
    switch character {
    case "\\": result += "\\e"
    case "-": result += "\\-"
    case "'": result += "\\(aq"
    case "\"": result += "\\(dq"
    case "^": result += "\\(ha"
    case "~": result += "\\(ti"
    case "`": result += "\\(ga"
    default: result.append(character)
    }
  }
  return result
}
