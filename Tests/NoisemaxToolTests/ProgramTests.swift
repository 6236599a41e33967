import CommandLineConventions
import Foundation
import Noisemax
import Testing

/// What all three programs have: pages, versions, suggestions, the manual.
@Suite struct ProgramTests {
  static let programs = ["noisemax": "$NOISEMAX", "table-maker": "$TABLE_MAKER", "benchmarks": "$BENCHMARKS"]
  static let names = programs.keys.sorted()
  let shell: Shell

  init() throws { shell = try Shell() }

  /// The commands that a program's page lists.
  static func commands(_ page: String) throws -> [String] {
    let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex(of: "Commands:"), "\(page)")
    let names = lines[(start + 1)...].prefix { $0.hasPrefix("  ") }.map {
      String($0.split(separator: " ")[0])
    }
    try #require(names.count >= 3, "\(page)")
    return names
  }

  @Test(arguments: names)
  func everyCommandHasItsPage(program: String) throws {
    let run = try #require(Self.programs[program])
    let page = try shell.run("\(run) --help")
    #expect(page.code == 0 && page.errors.isEmpty && page.output.hasPrefix("usage: \(program)"), "\(page)")
    #expect(try shell.run("\(run) help") == page)
    #expect(try shell.run("\(run) -h") == page)
    for command in try Self.commands(page.output) {
      let help = try shell.run("\(run) \(command) --help")
      #expect(help.code == 0 && help.errors.isEmpty, "\(command): \(help)")
      #expect(help.output.hasPrefix("usage: \(program) \(command)"), "\(command): \(help)")
      #expect(help.output.split(separator: "\n").allSatisfy { $0.count <= 100 }, "\(command): \(help)")
      #expect(try shell.run("\(run) help \(command)") == help, "\(command)")
      #expect(try shell.run("\(run) \(command) -h") == help, "\(command)")
    }
  }

  @Test(arguments: names)
  func printsItsVersion(program: String) throws {
    let run = try #require(Self.programs[program])
    #expect(try shell.run("\(run) --version") == Outcome(output: "\(program) \(noisemaxVersion)\n"))
    let more = try shell.run("\(run) --version more")
    #expect(more == Outcome(errors: "\(program): unexpected argument \"more\"\n", code: 64))
  }

  @Test func suggestsWhatWasMeant() throws {
    let wrong: [(String, String)] = [
      (
        "probabilites",
        "unknown command \"probabilites\": did you mean probabilities? There are probabilities, "
      ),
      ("prob", "unknown command \"prob\": did you mean probabilities? There are "),
      ("help rankin", "unknown command \"rankin\": did you mean ranking? There are "),
      ("probabilities --nois normal", "unknown option \"--nois\": did you mean --noise? There are --noise, "),
      ("probabilities --noise gumble", "unknown noise \"gumble\": did you mean gumbel? There are gumbel, "),
      ("plot gaps --noise normal,NORML", "unknown noise \"NORML\": did you mean normal? There are gumbel, "),
      (
        "probabilities --method exat",
        "unknown method \"exat\": did you mean exact? There are exact, quantile-rule"
      ),
      ("lasw", "unknown command \"lasw\": did you mean laws? There are "),
      ("plot densites", "unknown picture \"densites\": did you mean densities? There are "),
      ("variance indx", "unknown experiment \"indx\": did you mean index? There are "),
      ("completions bsh", "unknown shell \"bsh\": did you mean bash? There are bash, zsh, fish"),
      ("laws --hlep", "unknown option \"--hlep\": did you mean --help? There is only --help"),
    ]
    for (arguments, message) in wrong {
      let outcome = try shell.run("$NOISEMAX \(arguments)")
      #expect(outcome.errors.hasPrefix("noisemax: \(message)"), "\(arguments): \(outcome)")
      #expect(outcome.code == 64 && outcome.output.isEmpty, "\(arguments): \(outcome)")
    }
    // Too far from anything, or nothing at all.
    for arguments in ["softmax", "''", "--", "probabilities --noise cauchy", "probabilities --noise ''"] {
      let outcome = try shell.run("$NOISEMAX \(arguments)")
      #expect(!outcome.errors.contains("did you mean"), "\(arguments): \(outcome)")
    }
  }

  /// Every command and every option of every page is in the manual.
  @Test(arguments: names)
  func theManualHasEverything(program: String) throws {
    let run = try #require(Self.programs[program])
    let manual = try shell.run("\(run) manual")
    #expect(manual.code == 0 && manual.errors.isEmpty)
    let text = manual.output.replacing("\\-", with: "-")
    #expect(
      text.hasPrefix(".TH \(program.uppercased()) 1 \"\" \"\(program) \(noisemaxVersion)\"\n"), "\(text)")
    for command in try [""] + Self.commands(shell.run("\(run) --help").output) {
      if !command.isEmpty { #expect(text.contains("\n.SS \"\(program) \(command)"), "\(command)") }
      let page = try shell.run("\(run) \(command) --help").output
      let options = page.matches(of: /\n  (--[a-z-]+)/).map { String($0.1) }
      #expect(!options.isEmpty, "\(page)")
      for option in options { #expect(text.contains("\\fB\(option)\\fR"), "\(command) \(option)") }
    }
  }

  @Test(
    .enabled(if: isInstalled("groff"), "groff is not installed: the manual was not formatted"),
    arguments: names)
  func theManualIsFormattedWithoutComplaint(program: String) throws {
    let run = try #require(Self.programs[program])
    let outcome = try shell.run("\(run) manual | groff -k -man -Tutf8 -ww -rLL=110n 2>&1 >/dev/null")
    #expect(outcome.output.isEmpty, "\(outcome)")
    let pages = try shell.run("\(run) manual | groff -k -man -Tutf8 -P-c -P-b -P-u -rLL=110n")
    #expect(pages.output.contains("COMMANDS") && pages.output.contains("--version"), "\(pages)")
  }
}
