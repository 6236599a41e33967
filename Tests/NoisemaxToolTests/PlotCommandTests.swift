import Foundation
import Noisemax
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct PlotCommandTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  @Test(arguments: [
    "gaps --noise gumbel,uniform", "densities", "rule --noise uniform", "arms --noise uniform",
    "--row 2,1,0.5 --noise uniform,gumbel",
  ])
  func drawsEveryPicture(picture: String) throws {
    let plain = try shell.run("$NOISEMAX plot \(picture)")
    #expect(plain.code == 0 && plain.errors.isEmpty)
    #expect(XMLParser(data: Data(plain.output.utf8)).parse())
    #expect(plain.output.contains("prefers-color-scheme:dark") && plain.output.contains(">uniform<"))
    let standardized = try shell.run("$NOISEMAX plot \(picture) --standardized")
    #expect(standardized.code == 0 && standardized.output != plain.output)
    #expect(standardized.output.contains("mean 0 and variance 1"))

    let again = try shell.run("LC_ALL=de_DE.UTF-8 $NOISEMAX plot \(picture) --output picture.svg")
    #expect(again == Outcome())
    #expect(try shell.read("picture.svg") == plain.output)
    #expect(try shell.run("$NOISEMAX plot --output=- \(picture)") == plain)
  }

  /// Byte for byte, whatever the machine: the commands that the documentation's pictures are made with.
  @Test func picturesAreTheCommittedOnes() throws {
    let resources = repository.appendingPathComponent("Sources/Noisemax/Noisemax.docc/Resources")
    let script = try String(contentsOf: repository.appendingPathComponent(".ci/pictures"), encoding: .utf8)
    var commands = ["variance": "variance index --svg picture.svg"]
    for line in script.split(separator: "\n") where line.hasPrefix("draw ") {
      let words = line.split(separator: " ", maxSplits: 2)
      commands[String(words[1])] = "plot \(words[2]) --output picture.svg"
    }
    // The examples draw theirs themselves.
    let files = try FileManager.default.contentsOfDirectory(atPath: resources.path)
      .filter { !$0.hasPrefix("example-") }.sorted()
    #expect(files == commands.keys.map { $0 + ".svg" }.sorted())
    for (name, command) in commands {
      let committed = try String(contentsOf: resources.appendingPathComponent(name + ".svg"), encoding: .utf8)
      let outcome = try shell.run("$NOISEMAX \(command)")
      #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(name): \(outcome)")
      let drawn = try shell.read("picture.svg")
      let (old, new) = (committed.split(separator: "\n"), drawn.split(separator: "\n"))
      let line = zip(old, new).enumerated().first { $1.0 != $1.1 }.map {
        "line \($0 + 1): \($1.1), not \($1.0)"
      }
      let isSame = drawn == committed
      #expect(isSame, "\(name), by \(command): \(line ?? "other lines at the end")")
    }
  }

  /// The bars of a row are as tall as its probabilities.
  @Test func aRowIsDrawnToScale() throws {
    let svg = try shell.run("$NOISEMAX plot --row 1,0,-1 --noise gumbel").output
    let bars = try #require(svg.split(separator: "\n").first { $0.contains("stroke-width=\"5\"") })
    let path = try #require(bars.split(separator: "\"").dropFirst().first)
    let heights = path.split(separator: "M").map { bar in
      let ends = bar.split(whereSeparator: { "L ".contains($0) }).compactMap { Double($0) }
      return ends.count == 4 ? ends[1] - ends[3] : .nan
    }
    let probabilities = NoisyArgmax(.gumbel).probabilities(for: [1, 0, -1])
    #expect(heights.count == 3)
    for (height, probability) in zip(heights, probabilities) {
      #expect(abs(height / heights[0] - probability / probabilities[0]) < 1e-3, "\(path)")
    }
  }

  @Test(arguments: ["5", "-inf,-inf", "inf,1", "1e308,-1e308", "-1000,0", "0,0,0,0", " 1 , 2 "])
  func drawsEveryRow(row: String) throws {
    let outcome = try shell.run("$NOISEMAX plot --row '\(row)' --noise gumbel,uniform,exponential")
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    #expect(XMLParser(data: Data(outcome.output.utf8)).parse())
    #expect(!outcome.output.contains("nan"))
  }

  /// The difference of two Gumbels is logistic, whichever way they lie; nine others tell them apart.
  @Test func namesCurvesThatCoincide() throws {
    let gaps = try shell.run("$NOISEMAX plot gaps --noise gumbel,normal,reversed-gumbel").output
    #expect(gaps.components(separatedBy: ">gumbel = reversed-gumbel<").count == 3, "\(gaps)")
    #expect(!(try shell.run("$NOISEMAX plot gaps --noise gumbel,normal").output.contains(" = ")))
  }

  /// An axis of twenty decades, and a word about what lies below it.
  @Test func theAxisOfARowEndsWhereItCanBeRead() throws {
    let deep = try shell.run("$NOISEMAX plot --row 0,-30,-60,-200 --noise gumbel").output
    #expect(deep.contains("; 2 below 1e-20 are not shown<"), "\(deep)")
    #expect(deep.contains(">10⁻²⁰<") && !deep.contains("10⁻⁸⁰"), "\(deep)")
    #expect(!(try shell.run("$NOISEMAX plot --row 0,-30 --noise gumbel").output.contains("not shown")))
  }

  @Test func showsTheLawsAskedFor() throws {
    let two = try shell.run("$NOISEMAX plot densities --noise laplace,NORMAL").output
    #expect(two.contains(">laplace<") && two.contains(">normal<") && !two.contains(">gumbel<"))
    // The colour of a law does not depend on the others.
    let colors = (0..<7).filter { two.contains("class=\"s\($0)\"") }
    #expect(colors == [1, 6])
  }

  @Test func saysWhatIsWrong() throws {
    let laws = ShippedLaw.all.map(\.name).joined(separator: ", ")
    let wrong: [(String, String, Int32)] = [
      ("", "which picture? There are gaps, densities, rule, arms, and --row LOGITS", 64),
      ("pie", "unknown picture \"pie\": there are gaps, densities, rule, arms", 64),
      ("gaps rule", "unexpected argument \"rule\"", 64),
      ("gaps --row 1,2", "--row is a picture of its own: it goes without \"gaps\"", 64),
      ("--row 1,two", "--row, byte 3: not a number: \"two\"", 64),
      ("--row ''", "--row, byte 1: empty field: \"\"", 64),
      ("--row $(yes 1 | head -n 41 | paste -sd,)", "--row takes up to 40 logits, not 41", 64),
      ("gaps --noise cauchy", "unknown noise \"cauchy\": there are \(laws)", 64),
      ("gaps --noise normal,", "unknown noise \"\": there are \(laws)", 64),
      ("gaps --noise normal,Normal", "--noise has normal twice", 64),
      ("densities --output ''", "--output needs the name of a file", 64),
      (
        "densities --dark",
        "unknown option \"--dark\": there are --row, --noise, --standardized, --output, --help", 64
      ),
    ]
    for (arguments, message, code) in wrong {
      let outcome = try shell.run("$NOISEMAX plot \(arguments)")
      #expect(outcome == Outcome(errors: "noisemax: \(message)\n", code: code), "\(arguments)")
    }
    let missing = try shell.run("$NOISEMAX plot densities --output no/where.svg")
    #expect(missing == Outcome(errors: "noisemax: no/where.svg: No such file or directory\n", code: 74))
    #expect(try shell.files(in: ".").isEmpty)
  }

  /// A limit on the size of files ends the command in the middle of its writing, or fails it there.
  @Test(arguments: ["", "trap '' XFSZ;"])
  func aRunThatCannotWriteLeavesTheOldPicture(trap: String) throws {
    try shell.write("old", to: "picture.svg")
    let outcome = try shell.run(
      "(\(trap) ulimit -f 1; exec $NOISEMAX plot densities --output picture.svg 2> errors)")
    #expect(outcome.code != 0, "\(outcome)")
    #expect(try shell.read("picture.svg") == "old", "\(outcome)")
  }

  @Test func anInterruptedRunLeavesTheOldPicture() throws {
    let whole = try shell.run("$NOISEMAX plot --row 2,1 --noise laplace").output
    for (signal, delay) in [
      ("INT", "0"), ("INT", "0.01"), ("TERM", "0.02"), ("KILL", "0.005"), ("INT", "0.05"),
    ] {
      try shell.write("old", to: "picture.svg")
      // A shell lets its background jobs ignore interruptions; one of its own does not.
      _ = try shell.run(
        """
        trap - INT; $NOISEMAX plot --row 2,1 --noise laplace --output picture.svg & sleep \(delay); kill -\(signal) $! 2>&-
        wait $!; true
        """)
      let text = try shell.read("picture.svg")
      #expect(text == "old" || text == whole, "\(signal) after \(delay) s")
      // Nobody can tidy up after a kill.
      if signal == "KILL" {
        _ = try shell.run("rm -f *.tmp")
      } else {
        #expect(try shell.files(in: ".") == ["picture.svg"])
      }
    }
  }
}
