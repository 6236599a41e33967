import Charts
import CommandLineConventions
import Noisemax

/// `noisemax variance`: the estimators of a gradient side by side.
struct VarianceCommand {
  private let experiments: [VarianceExperiment]
  private let settings: VarianceSettings
  private let path: String?

  static let command = Command(
    "variance", "estimators of a gradient side by side: bias and variance",
    usage: ["[options] [EXPERIMENT ...]"],
    summary: """
      Estimates slopes of E[f(z)] by every estimator there is and prints, beside the exact slope,
      each one's estimate, its bias, and the variance of a single draw.

      Experiments (all of them, unless some are named):
        index      one index of 4 classes
        factors    6 choices between yes and no
        annealing  relaxed samples and plain softmax as the temperature falls
        square     f(z) = z²: the gradient along the path has the smaller variance
        wave       f(z) = sin 10z: the gradient along the path has the larger variance
        step       f(z) almost a step: the gradient along the path has the larger variance
      """,
    options: [
      Option(
        "--noise", "NAME", .word("noise", of: ShippedLaw.all.map(\.name)),
        """
        the law of the noise, one of those that 'noisemax laws' lists
        (gumbel for indices, normal for z = μ + σ·noise)
        """),
      Option("--draws", "N", "the draws of every estimate, \(leastDraws) or more (20000)"),
      Option("--seed", "N", "where the randomness begins: the same seed, the same output (1)"),
      Option(
        "--temperatures", "LIST",
        "the temperatures τ of relaxed samples, 0.001 to 1000\n(2,1,0.5,0.2,0.1,0.05)"),
      Option("--svg", "FILE", .file, "draw bias and variance, against τ and against the number of draws"),
    ],
    operands: Operands(.word("experiment", of: names), most: .max),
    notes: """
      A bias is shown with its standard error: one that is within two of 0 may be chance. The
      variance of an estimate from n draws is the variance of a single draw over n. A file is
      replaced whole or not at all.

      Exit codes: 0 done, 64 wrong usage, 74 the output cannot be written.
      """
  ) { arguments, output throws(Failure) in try VarianceCommand(arguments).run(to: output) }

  private static let leastDraws = 256
  private static let names = ["index", "factors", "annealing", "square", "wave", "step"]

  private init(_ arguments: Arguments) throws(Failure) {
    path = arguments.value(of: "--svg")
    if path == "" { throw Failure(.usage, "--svg needs the name of a file") }
    let draws = try wholeNumber(
      arguments.value(of: "--draws") ?? "20000", of: "--draws", in: Self.leastDraws...1_000_000_000)
    let seed = try wholeNumber(arguments.value(of: "--seed") ?? "1", of: "--seed", in: 0...Int.max)
    let temperatures = try Self.temperatures(
      arguments.value(of: "--temperatures") ?? "2,1,0.5,0.2,0.1,0.05")
    settings = VarianceSettings(draws: draws, seed: UInt64(seed), temperatures: temperatures)
    let law = try arguments.value(of: "--noise").map { name throws(Failure) in
      try ShippedLaw.law(named: name).noise
    }
    var chosen: [String] = []
    for name in arguments.operands {
      guard !chosen.contains(name) else { throw Failure(.usage, "experiment \(quoted(name)) is named twice") }
      chosen.append(name)
    }
    experiments = (chosen.isEmpty ? Self.names : chosen).map {
      Self.experiment($0, law: law, temperatures: temperatures)
    }
  }

  private func run(to output: borrowing StandardOutput) throws(Failure) {
    var progress = VarianceProgress(
      total: experiments.reduce(0) { $0 + VarianceResult.steps(of: $1, settings, isDrawn: path != nil) })
    let results = experiments.map {
      VarianceResult(of: $0, settings, isDrawn: path != nil) { progress.advance() }
    }
    progress.finish()
    let text = results.map(\.text).joined(separator: "\n")
    if let path {
      try replaceFile(path, with: Array(VarianceFigure.figure(of: results, settings).svg.utf8))
    }
    try output.write(text)
  }

  private static func experiment(
    _ name: String, law: (any ExactNoise)?, temperatures: [Double]
  ) -> VarianceExperiment {
    let (indexLaw, vectorLaw) = (law ?? Gumbel(), law ?? Normal())
    return switch name {
    case "index": .index(under: indexLaw, temperatures: temperatures)
    case "factors": .factors(under: indexLaw, temperatures: temperatures)
    case "annealing": .annealing(under: indexLaw, temperatures: temperatures)
    case "square": .square(under: vectorLaw)
    case "wave": .wave(under: vectorLaw)
    default: .step(under: vectorLaw)
    }
  }

  /// The highest first, as they are annealed.
  private static func temperatures(_ text: String) throws(Failure) -> [Double] {
    var temperatures: [Double] = []
    let bytes = Array(text.utf8)
    if let error = bytes.withUnsafeBufferPointer({ LogitRow.append($0, to: &temperatures) }) {
      throw Failure(.usage, "--temperatures, byte \(error.column): \(error.message)")
    }
    for temperature in temperatures where !(0.001...1000).contains(temperature) {
      throw Failure(
        .usage, "--temperatures takes numbers from 0.001 to 1000, not \(shortestDecimal(temperature))")
    }
    let sorted = Set(temperatures).sorted(by: >)
    guard sorted.count == temperatures.count, (1...20).contains(sorted.count) else {
      throw Failure(.usage, "--temperatures takes 1 to 20 different numbers, not \(quoted(text))")
    }
    return sorted
  }
}

/// What all experiments have in common.
struct VarianceSettings {
  let draws: Int
  let seed: UInt64
  let temperatures: [Double]

  /// The one temperature at which estimators are shown against the number of draws: that nearest to ½.
  var middleTemperature: Double {
    func distance(_ temperature: Double) -> Double { max(temperature / 0.5, 0.5 / temperature) }
    return temperatures.min { distance($0) < distance($1) } ?? 0.5
  }

  /// Numbers of draws of which 16 estimates or more can be made.
  var sizes: [Int] {
    var sizes = [4]
    while let last = sizes.last, last * 4 <= draws / 16 { sizes.append(last * 4) }
    return sizes
  }
}

/// A bar on standard error, if that is a terminal.
struct VarianceProgress {
  private let total: Int
  private var done = 0
  private let isShown = standardErrorIsTerminal

  init(total: Int) { self.total = total }

  mutating func advance() {
    done += 1
    guard isShown else { return }
    let filled = 40 * done / max(total, 1)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 40 - filled)
    writeToStandardError("\r\u{1b}[K\(bar) \(100 * done / max(total, 1)) %")
  }

  func finish() {
    if isShown { writeToStandardError("\r\u{1b}[K") }
  }
}
