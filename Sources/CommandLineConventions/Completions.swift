/// A shell that commands are completed for.
enum CompletedShell: String, CaseIterable {
  case bash, zsh, fish

  /// The script that completes a program's commands, options and words.
  func script(for program: Program) -> String {
    switch self {
    case .bash: bashScript(for: program)
    case .zsh: zshScript(for: program)
    case .fish: fishScript(for: program)
    }
  }
}

/// Files are left to the shell, which offers them where nothing else is offered.
private func bashScript(for program: Program) -> String {
  var values = ""
  var words = ""
  for command in [program.main] + program.commands {
    for option in command.options where option.value != nil {
      let pattern = singleQuoted("\(command.name) \(option.name)")
      let choices = singleQuoted(option.kind.choices.joined(separator: " "))
      values += "    \(pattern)) words=\(choices)\(option.kind.isList ? " list=1" : "") ;;\n"
    }
    let names = command.name.isEmpty ? program.commands.map(\.name) : command.operands.kind.choices
    let options = command.options.map(\.name).joined(separator: " ")
    words += "        \(singleQuoted(command.name))) words=\(singleQuoted(names.joined(separator: " ")))"
    words += " options=\(singleQuoted(options)) ;;\n"
  }
  return """
    # For bash: source <(\(program.name) completions bash)
    _\(program.functionName)() {
      local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= words= options= list=
      # bash takes --option=value for three words.
      if [ "$current" = '=' ]; then
        current=
      elif [ "$previous" = '=' ]; then
        previous=${COMP_WORDS[COMP_CWORD-2]}
      fi
      if [ "$COMP_CWORD" -gt 1 ]; then command=${COMP_WORDS[1]}; fi
      case $command in -*) command= ;; esac
      case "$command $previous" in
    \(values)    *)
          case $command in
    \(words)      esac
          case $current in -*) words=$options ;; esac ;;
      esac
      local before=
      if [ -n "$list" ]; then
        before=${current%"${current##*,}"} current=${current##*,}
      fi
      COMPREPLY=($(compgen -P "$before" -W "$words" -- "$current"))
    }
    complete -o default -F _\(program.functionName) \(program.name)

    """
}

private func zshScript(for program: Program) -> String {
  func specification(_ option: Option) -> String {
    let explanation = zshText(option.explanation)
    guard let value = option.value else { return singleQuoted("\(option.name)[\(explanation)]") }
    return singleQuoted(
      "\(option.name)=[\(explanation)]:\(zshText(value)):\(zshAction(option.kind))")
  }
  func specifications(_ command: Command) -> String {
    var all = command.options.map(specification)
    if command.operands.most > 0 {
      let one = command.operands.most == 1 ? "1" : "*"
      all.append(singleQuoted("\(one):argument:\(zshAction(command.operands.kind))"))
    }
    return all.joined(separator: " \\\n        ")
  }
  let names = program.commands.map { singleQuoted("\($0.name):\(zshText($0.gist))") }
  let cases = program.commands.map { command in
    "    \(command.name))\n      _arguments \\\n        \(specifications(command)) ;;\n"
  }
  return """
    #compdef \(program.name)
    # For zsh: source <(\(program.name) completions zsh), or put it into a directory of $fpath as _\(program.name)
    _\(program.functionName)() {
      if (( CURRENT == 2 )) || [[ $words[2] == -* ]]; then
        local -a names=(
          \(names.joined(separator: "\n      "))
        )
        _arguments \\
            \(specifications(program.main)) \\
            '1:command:{_describe command names}'
        return
      fi
      local name=$words[2]
      shift words
      (( CURRENT-- ))
      case $name in
    \(cases.joined())  esac
    }
    if [[ $funcstack[1] == _\(program.functionName) ]]; then
      _\(program.functionName) "$@"
    else
      compdef _\(program.functionName) \(program.name)
    fi

    """
}

private func fishScript(for program: Program) -> String {
  var text = "# For fish: \(program.name) completions fish | source\ncomplete -c \(program.name) -f\n"
  for command in program.commands {
    text += "complete -c \(program.name) -n __fish_use_subcommand -a \(command.name)"
    text += " -d \(fishQuoted(command.gist))\n"
  }
  for command in [program.main] + program.commands {
    let condition =
      command.name.isEmpty ? "__fish_use_subcommand" : "'__fish_seen_subcommand_from \(command.name)'"
    let start = "complete -c \(program.name) -n \(condition)"
    for option in command.options {
      text += start + (option.name == "--help" ? " -s h" : "") + " -l \(option.name.dropFirst(2))"
      if option.value != nil { text += fishChoices(option.kind) }
      text += " -d \(fishQuoted(option.explanation))\n"
    }
    if command.operands.most > 0 {
      let choices = command.operands.kind.choices
      text += start + (choices.isEmpty ? " -F\n" : " -a \(fishQuoted(choices.joined(separator: " ")))\n")
    }
  }
  return text
}

// MARK: quoting

extension Program {
  /// The name as part of that of a function.
  fileprivate var functionName: String { String(name.map { $0 == "-" ? "_" : $0 }) }
}

extension ValueKind {
  fileprivate var isList: Bool {
    if case .words = self { true } else { false }
  }
}

private func singleQuoted(_ text: String) -> String {
  "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

/// A text in the specifications of zsh, on one line.
private func zshText(_ text: String) -> String {
  var result = ""
  for character in text {
    switch character {
    case "\n": result += " "
    case "[", "]", ":", "\\": result += "\\\(character)"
    default: result.append(character)
    }
  }
  return result
}

private func zshAction(_ kind: ValueKind) -> String {
  let choices = kind.choices.joined(separator: " ")
  return switch kind {
  case .text: " "
  case .word: "(\(choices))"
  case .words: "_sequence compadd - \(choices)"
  case .file: "_files"
  case .directory: "_files -/"
  }
}

private func fishChoices(_ kind: ValueKind) -> String {
  switch kind {
  case .text: " -x"
  case .word, .words: " -x -a \(fishQuoted(kind.choices.joined(separator: " ")))"
  case .file: " -r -F"
  case .directory: " -x -a '(__fish_complete_directories)'"
  }
}

private func fishQuoted(_ text: String) -> String {
  var result = "'"
  for character in text {
    switch character {
    case "\n": result += " "
    case "'", "\\": result += "\\\(character)"
    default: result.append(character)
    }
  }
  return result + "'"
}
