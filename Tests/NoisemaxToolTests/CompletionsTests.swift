import Foundation
import Noisemax
import Testing

/// The scripts that shells complete commands by, run in those shells.
@Suite struct CompletionsTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  private static let laws = ShippedLaw.all.map(\.name)
  private static let cases: [(words: [String], offered: [String], isWhole: Bool)] = [
    (["lo"], ["logits"], true), (["help", "rank"], ["ranking"], true),
    (["probabilities", "--no"], ["--noise"], true),
    (["probabilities", "--noise", ""], laws, true), (["probabilities", "--noise", "gu"], ["gumbel"], true),
    (["plot", "de"], ["densities"], true), (["completions", ""], ["bash", "zsh", "fish"], true),
    (["ranking", "--"], ["--order", "--noise", "--help"], false),
  ]

  @Test(.enabled(if: isInstalled("bash"), "bash is not installed"))
  func bashOffersWhatThereIs() throws {
    func offered(_ words: [String]) throws -> Outcome {
      let list = (["noisemax"] + words).map { "'\($0)'" }.joined(separator: " ")
      try shell.write(
        """
        source <("$NOISEMAX" completions bash)
        COMP_WORDS=(\(list)) COMP_CWORD=\(words.count)
        _noisemax
        printf '%s\\n' "${COMPREPLY[@]}"
        """, to: "ask")
      return try shell.run("bash --norc -u ask")
    }
    for (words, expected, isWhole) in Self.cases {
      let outcome = try offered(words)
      let found = Set(outcome.output.split(separator: "\n").map(String.init))
      #expect(outcome.errors.isEmpty && found.isSuperset(of: expected), "\(words): \(outcome)")
      if isWhole { #expect(found == Set(expected), "\(words): \(outcome)") }
    }
    // bash takes --noise=nor for three words; lists go on behind their last comma; files are the shell's own.
    #expect(try offered(["probabilities", "--noise", "=", "nor"]).output == "normal\n")
    #expect(
      try offered(["probabilities", "--noise", "="]).output.split(separator: "\n").count == Self.laws.count)
    #expect(try offered(["plot", "--noise", "gumbel,nor"]).output == "gumbel,normal\n")
    #expect(try offered(["probabilities", "ro"]).output == "\n")
    #expect(try offered(["probabilities", "--points", ""]).output == "\n")
  }

  @Test(.enabled(if: isInstalled("fish"), "fish is not installed"))
  func fishOffersWhatThereIs() throws {
    for (words, expected, isWhole) in Self.cases {
      let line = (["noisemax"] + words).joined(separator: " ")
      let outcome = try shell.run(
        "HOME=. fish --no-config -c '\"$NOISEMAX\" completions fish | source; complete -C \"\(line)\"'")
      let found = Set(outcome.output.split(separator: "\n").map { String($0.split(separator: "\t")[0]) })
      #expect(found.isSuperset(of: expected), "\(words): \(outcome)")
      if isWhole { #expect(found == Set(expected), "\(words): \(outcome)") }
    }
  }

  /// zsh completes on a terminal only: here it reads the script, and every specification of it.
  @Test(
    .enabled(if: isInstalled("zsh"), "zsh is not installed"),
    arguments: ["NOISEMAX", "TABLE_MAKER", "BENCHMARKS"])
  func zshReadsTheScript(program: String) throws {
    try shell.write(
      """
      autoload -Uz compinit && compinit -u -d dump
      source <("$\(program)" completions zsh) || exit 1
      # What is asked of the shell's own functions is checked here instead of shown.
      typeset -a words
      _describe() { [[ ${(P)#2} -gt 2 ]] || exit 2 }
      _arguments() {
        local one
        for one in "$@"; do
          [[ $one == (--[a-z-]##(|=)\\[*\\](|:*)|[1*]:*:*) ]] || { print -r -- "$one"; exit 3 }
        done
        (( seen += $# ))
      }
      setopt extended_glob
      integer seen=0
      for name in '' ${(f)"$("$\(program)" --help | sed -n '/^Commands:/,/^$/s/^  \\([a-z]*\\) .*/\\1/p')"}; do
        words=(program $name '') CURRENT=$(( $#words ))
        _${${$("$\(program)" --version)% *}//-/_}
      done
      print $seen
      """, to: "ask")
    let outcome = try shell.run("HOME=. ZDOTDIR=. zsh -f ask")
    let count = Int(outcome.output.dropLast()) ?? 0
    #expect(outcome.code == 0 && outcome.errors.isEmpty && count > 8, "\(outcome)")
  }

  @Test func aShellIsNamed() throws {
    let outcome = try shell.run("$NOISEMAX completions")
    #expect(outcome == Outcome(errors: "noisemax: which shell? There are bash, zsh, fish\n", code: 64))
  }
}
