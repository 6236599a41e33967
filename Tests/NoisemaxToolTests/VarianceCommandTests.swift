import Charts
import Foundation
import Noisemax
import NoisemaxEstimators
import NoisemaxTool
import Testing

@Suite struct VarianceCommandTests {
  let shell: Shell

  init() throws { shell = try Shell() }

  /// The numbers of the line of an estimator, the bias apart from its error; the first such line or a later one.
  private func row(_ label: String, _ text: String, number: Int = 0) throws -> [Double] {
    let lines = text.split(separator: "\n").filter { $0.hasPrefix(label + " ") }
    let line = try #require(lines.dropFirst(number).first, "\(label) in \(text)")
    return line.dropFirst(label.count).split(whereSeparator: { " ±".contains($0) }).compactMap { Double($0) }
  }

  @Test func saysWhatTheLibrarySays() throws {
    let outcome = try shell.run("$NOISEMAX variance index --draws 400 --seed 9 --temperatures 1,0.25")
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let target = [0.2, 0.5, 0.2, 0.1]
    let f = Objective(
      value: { z in zip(z, target).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } },
      gradient: { z in zip(z, target).map { 2 * ($0 - $1) } })
    let logits = [1, 0.5, 0, -1]
    let exact = NoisyArgmax(.gumbel).exactGradient(of: f, for: logits)[1]
    #expect(outcome.output.contains("exactly \(fixedDecimals(exact, 4)); 400 draws"))
    let estimators: [(String, DiscreteGradientEstimator)] = [
      ("score function", .scoreFunction()), ("score, running mean", .scoreFunction(baseline: .runningMean)),
      ("score, leave-one-out", .scoreFunction(baseline: .leaveOneOut)),
      ("relaxation, τ = 1", .relaxation(temperature: 1)),
      ("relaxation, τ = 0.25", .relaxation(temperature: 0.25)),
      ("straight-through, τ = 0.25", .straightThrough(temperature: 0.25)),
    ]
    for (label, estimator) in estimators {
      let estimate = NoisyArgmax(.gumbel).gradient(of: f, for: logits, by: estimator, draws: 400, seed: 9)
      let (value, error) = (estimate.value[1], estimate.standardError[1])
      let expected = [value, value - exact, error, 400 * error * error].map { Double(fixedDecimals($0, 4))! }
      #expect(try row(label, outcome.output) == expected, "\(label)")
    }
  }

  /// What the experiments are there to show.
  @Test func showsTheClaims() throws {
    let text = try shell.run("$NOISEMAX variance --draws 4000").output
    func variance(_ label: String, of experiment: String, number: Int = 0) throws -> Double {
      let start = try #require(text.range(of: "\(experiment): ")).lowerBound
      return try #require(try row(label, String(text[start...]), number: number).last)
    }
    #expect(try variance("path", of: "square") < 0.2 * variance("score, leave-one-out", of: "square"))
    #expect(try variance("path", of: "wave") > 2 * variance("score function", of: "wave"))
    #expect(try variance("path", of: "step") > 2 * variance("score function", of: "step"))
    #expect(
      try variance("relaxation, τ = 0.05", of: "index") > 10 * variance("relaxation, τ = 1", of: "index"))
    // Relaxed samples reach every class at its rate, plain softmax only the largest logit's.
    let shares = try row("0.05", text)
    let p = NoisyArgmax(.gumbel).probabilities(for: [1, 0.5, 0])
    #expect(zip(shares, p).allSatisfy { ($0 - $1).magnitude < 0.03 }, "\(shares)")
    #expect(shares[3] > 0.95 && shares[4...] == [1, 0, 0])
    let lines = text.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count < 100 && $0.last != " " })
  }

  /// Every number follows from the options, and every option counts.
  /// Four estimates of a slope of 2, from 10 draws each: their mean, and their spread by the sample variance, 14/3.
  @Test func repeatedEstimatesHaveTheirTrueSpread() {
    let estimator = VarianceEstimator(label: "", color: 0) { draws, seed in
      // Seeds are told apart by their lower half.
      let values = [1.0, 3, 2, 6]
      return [.init(value: draws == 10 ? values[Int(seed & 0xFFFF_FFFF) % 4] : .nan, standardError: 0)]
    }
    let measured = estimator.repeated(of: 2, size: 10, draws: 40, seed: 7)
    #expect(measured.value == 3 && measured.bias == 1, "\(measured)")
    #expect((measured.variance - 14.0 / 3).magnitude < 1e-14, "\(measured)")
    #expect((measured.biasError - (14.0 / 12).squareRoot()).magnitude < 1e-14, "\(measured)")
  }

  @Test func optionsCount() throws {
    func output(_ options: String) throws -> String {
      let outcome = try shell.run("$NOISEMAX variance \(options)")
      #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(options)")
      return outcome.output
    }
    let plain = try output("index square --draws 300")
    #expect(try output("--seed=1 index --draws 300 square --temperatures 0.05,0.1,0.2,0.5,1,2") == plain)
    for options in [
      "--seed 2 --draws 300", "--draws 301", "--noise logistic --draws 300", "--temperatures 3 --draws 300",
    ] {
      #expect(try output("index square " + options) != plain, "\(options)")
    }
    let uniform = try output("step --noise uniform --draws 300")
    #expect(uniform.contains("\npath ") && !uniform.contains("\nscore"))
    #expect(uniform.contains("No score function"))
    for law in ShippedLaw.all { #expect(try output("--draws 256 --noise \(law.name)") != "") }
  }

  @Test func drawsThePicture() throws {
    let outcome = try shell.run(
      """
      $NOISEMAX variance --draws 300 --svg a.svg && $NOISEMAX variance --draws 300 --svg b.svg && cmp a.svg b.svg
      $NOISEMAX variance annealing --draws 300 --temperatures 1 --svg c.svg >&2 && ls
      """)
    let text = try shell.run("$NOISEMAX variance --draws 300").output
    #expect(outcome.code == 0 && outcome.output == text + text + "a.svg\nb.svg\nc.svg\n")
    let picture = try shell.read("a.svg")
    for title in [
      "index: bias", "index: variance", "factors, τ = 0.5: variance", "square: bias", "wave: variance",
      "annealing: share of the second class", "temperature τ", "number of draws",
    ] {
      #expect(picture.contains(">\(title)<"), "\(title)")
    }
    #expect(!picture.contains("nan") && !picture.contains("inf"))
    #expect(try !shell.read("c.svg").contains("index"))
  }

  @Test func saysWhatIsWrong() throws {
    let wrong: [(String, String)] = [
      (
        "gumbel",
        "unknown experiment \"gumbel\": there are index, factors, annealing, square, wave, step"
      ),
      ("index index", "experiment \"index\" is named twice"),
      ("--draws 10", "--draws takes whole numbers from 256 to 1000000000, not \"10\""),
      ("--seed -1", "--seed takes whole numbers from 0 to 9223372036854775807, not \"-1\""),
      ("--temperatures 1,0", "--temperatures takes numbers from 0.001 to 1000, not 0"),
      ("--temperatures 1,x", "--temperatures, byte 3: not a number: \"x\""),
      ("--temperatures 1,1", "--temperatures takes 1 to 20 different numbers, not \"1,1\""),
      ("--svg ''", "--svg needs the name of a file"),
    ]
    for (arguments, message) in wrong {
      let outcome = try shell.run("$NOISEMAX variance \(arguments)")
      #expect(outcome == Outcome(errors: "noisemax: \(message)\n", code: 64), "\(arguments)")
    }
    #expect(try shell.run("$NOISEMAX variance --noise cauchy").code == 64)
    let missing = try shell.run("$NOISEMAX variance square --draws 256 --svg missing/a.svg")
    #expect(missing.code == 74 && missing.output.isEmpty && missing.errors.contains("missing/a.svg"))
  }
}

/// The exact slopes of the experiments.
@Suite struct VarianceIntegralTests {
  @Test func expectationsAreThoseOfTheLaws() {
    for entry in ShippedLaw.all {
      let noise = entry.noise
      func close(_ value: Double, _ expected: Double) -> Bool { (value - expected).magnitude < 1e-10 }
      #expect(close(expectation(under: noise) { _ in 1 }, 1), "\(entry.name)")
      #expect(close(expectation(under: noise) { $0 }, noise.mean), "\(entry.name)")
      #expect(
        close(expectation(under: noise) { ($0 - noise.mean) * ($0 - noise.mean) }, noise.variance),
        "\(entry.name)")
    }
    // Characteristic functions.
    #expect((expectation(under: Normal()) { cos(5 * $0) } - exp(-12.5)).magnitude < 1e-10)
    #expect((expectation(under: Laplace()) { cos(10 * $0) } - 1 / 101).magnitude < 1e-10)
    #expect((expectation(under: Uniform()) { cos(10 * $0) } - sin(10) / 10).magnitude < 1e-10)
  }
}
