// # A mixture of experts: keep them all busy
//
// A noisy gate sends every image to two of eight experts. Balance their load by exact probabilities of being chosen.
//
// The gate scores the experts, adds noise to the scores, and takes the two largest. Left alone it soon sends everything to
// the few that learned first. The usual cure adds a loss on the *load*: how many images each expert is to expect. That
// expectation is a sum of probabilities P(expert i is among the two largest). Here they are computed exactly, with their
// derivatives, for noise whose width each expert learns for itself. Beside it stands the usual estimate of them.

import Charts
import ExampleParts
import Foundation
import Noisemax

// ## The mixture

struct Mixture {
  static let size = 8
  private var gate: Dense
  private var experts: [Dense]
  /// The width of each expert's noise is log(1 + e^w).
  private var widths: Parameters
  private let softmax = NoisyArgmax(.gumbel)

  init(using generator: inout StreamGenerator) {
    gate = Dense(64, Self.size, using: &generator)
    experts = (0..<Self.size).map { _ in Dense(64, 10, using: &generator) }
    widths = Parameters([Float](repeating: 0, count: Self.size))
  }

  var scales: [Float] { widths.values.map { log1p(exp($0)) } }

  // ## Routing
  //
  // The scores of all but the two chosen experts become −∞. That is how a class is masked, so that one more call of softmax
  // makes the weights of the two, and exactly 0 for the others.

  struct Routing {
    /// The gate's scores, the noise, and both together: a row for each image, an element for each expert.
    var scores, noise, noisy: Rows<Float>
    var weights: Rows<Float>
    var weightsPullback: (Rows<Float>) -> Rows<Float>

    /// The images that an expert is to see.
    func images(of expert: Int) -> [Int] { weights.indices.filter { weights[$0, expert] > 0 } }
  }

  /// Noise is standard normal for every image and expert, or zeros to route without.
  func route(_ images: Rows<Float>, noise: Rows<Float>) -> Routing {
    let scores = gate(images)
    let widths = Rows(repeating: scales, count: images.count)
    let noisy = scores.combined(with: noise.combined(with: widths, *), +)
    let masked = noisy.flatMap { row in
      let second = row.sorted()[row.count - 2]
      return row.map { $0 >= second ? $0 : -.infinity }
    }
    let (weights, pullback) = softmax.probabilitiesWithPullback(for: Rows(masked, length: Self.size))
    return Routing(scores: scores, noise: noise, noisy: noisy, weights: weights, weightsPullback: pullback)
  }

  static func noise(for images: Int, using generator: inout StreamGenerator) -> Rows<Float> {
    Rows(Normal().random(count: images * size, using: &generator).map { Float($0) }, length: size)
  }

  func logits(for images: Rows<Float>, _ routing: Routing) -> Rows<Float> {
    var logits = [Float](repeating: 0, count: 10 * images.count)
    for (expert, layer) in experts.enumerated() {
      let mine = routing.images(of: expert)
      let answers = layer(images.rows(mine))
      for (row, image) in mine.enumerated() {
        for label in 0..<10 {
          logits[10 * image + label] += routing.weights[image, expert] * answers[row, label]
        }
      }
    }
    return Rows(logits, length: 10)
  }

  // ## Learning
  //
  // The loss of the answers goes back to the experts, and through the weights to the gate and the widths of the noise. The
  // loss on the load adds its own gradients in the scores and in the widths.

  mutating func learn(
    _ batch: DigitImages, balancedBy balance: Balance, using generator: inout StreamGenerator
  ) {
    let noise = Self.noise(for: batch.count, using: &generator)
    let routing = route(batch.images, noise: noise)
    let (_, inLogits) = softmax.lossWithGradient(
      for: logits(for: batch.images, routing), targets: batch.labels)

    var inWeights = [Float](repeating: 0, count: routing.weights.elements.count)
    for expert in experts.indices {
      let mine = routing.images(of: expert)
      let images = batch.images.rows(mine)
      let answers = experts[expert](images)
      var cotangent: [Float] = []
      for (row, image) in mine.enumerated() {
        for label in 0..<10 {
          inWeights[Self.size * image + expert] += inLogits[image, label] * answers[row, label]
          cotangent.append(inLogits[image, label] * routing.weights[image, expert])
        }
      }
      _ = experts[expert].pullback(of: Rows(cotangent, length: 10), at: images)
      experts[expert].step(rate: 0.003)
    }

    let inNoisy = routing.weightsPullback(Rows(inWeights, length: Self.size))
    let load = balance.gradient(at: routing, scales: scales)
    let inScores = inNoisy.combined(with: load.scores, +)
    let inScales = inNoisy.combined(with: noise, *).combined(with: load.scales, +)
    _ = gate.pullback(of: inScores, at: batch.images)
    gate.step(rate: 0.003)
    for slopes in inScales {
      // The derivative of log(1 + e^w) is 1/(1 + e^−w).
      for expert in 0..<Self.size {
        widths.gradient[expert] += slopes[expert] / (1 + exp(-widths.values[expert]))
      }
    }
    widths.step(rate: 0.003)
  }
}

// ## The load, exactly
//
// ``NoisyArgmax/inclusionProbabilities(for:largest:scales:)`` is P(expert is among the two largest) for every image. Their sum
// over a batch is the load that each expert is to expect. The loss is its squared coefficient of variation,
// Σ (load − mean)²/(8·mean²), and one pullback takes its gradient to the scores and to the scales.

enum Balance: String, CaseIterable {
  case none = "no loss on the load"
  case usual = "the usual estimate"
  case exact = "exact probabilities"

  private static let gate = NoisyArgmax(.normal)

  /// The expected load of every expert, as the loss sees it.
  func load(at routing: Mixture.Routing, scales: [Float]) -> [Float] {
    let chances =
      self == .usual
      ? UsualEstimate(at: routing, scales: scales).chances
      : Self.gate.inclusionProbabilities(
        for: routing.scores, largest: 2, scales: Rows(repeating: scales, count: routing.scores.count))
    return (0..<Mixture.size).map { expert in chances.reduce(0) { $0 + $1[expert] } }
  }

  func gradient(
    at routing: Mixture.Routing, scales: [Float]
  ) -> (scores: Rows<Float>, scales: Rows<Float>) {
    let zeros = routing.scores.mapElements { _ in 0 }
    if self == .none { return (zeros, zeros) }
    let mean = 2 * Float(routing.scores.count) / Float(Mixture.size)
    // Half of the squared coefficient of variation is added to the loss.
    let slopes = load(at: routing, scales: scales).map { ($0 - mean) / (Float(Mixture.size) * mean * mean) }
    if self == .usual { return UsualEstimate(at: routing, scales: scales).pullback(of: slopes) }
    let (inScores, inScales) = Self.gate.inclusionPullback(
      for: routing.scores, largest: 2, of: Rows(repeating: slopes, count: routing.scores.count),
      scales: Rows(repeating: scales, count: routing.scores.count))
    return (inScores, inScales)
  }
}

// ## The load, as usual
//
// Shazeer and others (2017) let one draw of the noise stand for all: expert i is chosen if its score beats t, the second
// largest of the others' noisy scores, and the probability of that over its own noise alone is Φ((g_i − t)/s_i). It is right
// on average. Being a draw it scatters, and so do its derivatives, which go through the score and the noise of whichever
// expert holds t. It is forty lines, in `UsualEstimate.swift`.

// ## Three trainings
//
// Without a loss on the load, with the usual estimate, and with exact probabilities: from the same weights, on the same
// batches, with the same noise; four times over, each time with other digits to be tested on.

struct Trained {
  var accuracy = 0.0
  /// The share of the test's images that each expert gets, with noise.
  var shares: [Double] = []
  /// How far the usual estimate is off the exact load of a batch, and its gradient off the exact one, relatively.
  var (loadError, slopeError) = (0.0, 0.0)
  var scales: [Float] = []
  var seconds = Double.infinity

  init(_ balance: Balance, run: Int, _ settings: Settings) {
    var generator = StreamGenerator(seed: settings.seed, stream: UInt64(run))
    let digits = DigitImages.load().split(using: &generator)
    var mixture = Mixture(using: &generator)
    for epoch in 1...settings.epochs {
      let batches = digits.training.batches(of: 32, using: &generator)
      let time = processorSeconds {
        for batch in batches { mixture.learn(batch, balancedBy: balance, using: &generator) }
      }
      seconds = min(seconds, time)
      settings.progress.advance("\(balance.rawValue), epoch \(epoch)")
    }
    scales = mixture.scales
    evaluate(mixture, on: digits.test, using: &generator)
  }

  private mutating func evaluate(
    _ mixture: Mixture, on test: DigitImages, using generator: inout StreamGenerator
  ) {
    let noise = Mixture.noise(for: test.count, using: &generator)
    let noisy = mixture.route(test.images, noise: noise)
    shares = (0..<Mixture.size).map { Double(noisy.images(of: $0).count) / Double(2 * test.count) }
    // Answers are given without noise.
    let still = mixture.route(test.images, noise: noise.mapElements { _ in 0 })
    let logits = mixture.logits(for: test.images, still)
    accuracy = zip(logits, test.labels).map { $0.indexOfLargest() == $1 ? 1.0 : 0 }.mean()

    // How far the usual estimate of a batch's load, and the gradient of its loss, are off the exact ones.
    let batch = test.images.rows(0..<32)
    for _ in 0..<100 {
      let routing = mixture.route(batch, noise: Mixture.noise(for: 32, using: &generator))
      let loads = [Balance.usual, .exact].map { $0.load(at: routing, scales: scales) }
      let slopes = [Balance.usual, .exact].map { $0.gradient(at: routing, scales: scales).scores.elements }
      loadError += relativeDistance(loads[0], loads[1]) / 100
      slopeError += relativeDistance(slopes[0], slopes[1]) / 100
    }
  }

  /// The coefficient of variation of the shares: 0 where all experts are as busy.
  var imbalance: Double {
    let size = Double(Mixture.size)
    return (shares.reduce(0) { $0 + (size * $1 - 1) * (size * $1 - 1) } / size).squareRoot()
  }
}

// ## What comes out

@main enum Experts {
  typealias Results = [(name: String, runs: [Trained])]

  static func main() {
    runExample(
      "example-experts",
      "A mixture of eight experts whose load is balanced by exact probabilities of being chosen.",
      epochs: 20, quickEpochs: 6
    ) { settings in
      let runs = settings.isQuick ? 1 : 4
      settings.progress.total = Balance.allCases.count * runs * settings.epochs
      let results: Results = Balance.allCases.map { balance in
        (balance.rawValue, (0..<runs).map { Trained(balance, run: $0, settings) })
      }
      let checks = results.map { name, runs in
        Check("accuracy with \(name)", runs.map(\.accuracy).mean(), atLeast: settings.isQuick ? 0.8 : 0.94)
      }
      let imbalance = results[2].runs.map(\.imbalance).mean()
      return Findings(
        tables: [table(of: results, settings)], pictures: ["example-experts": picture(of: results)],
        checks: checks + [Check("the imbalance with exact probabilities", imbalance, atMost: 0.25)])
    }
  }

  static func table(of results: Results, _ settings: Settings) -> Table {
    Table(
      "A mixture of experts after \(settings.epochs) epochs: accuracy and loads in percent, processor time of an epoch",
      header: [
        "balanced by", "accuracy", "imbalance", "busiest", "idlest", "usual load off by",
        "usual gradient off by",
        "ms",
      ],
      rows: results.map { name, runs in
        [
          name, withError(runs.map(\.accuracy)), fixed(runs.map(\.imbalance).mean(), 2),
          percent(runs.map { $0.shares.max() ?? 0 }.mean()),
          percent(runs.map { $0.shares.min() ?? 0 }.mean()),
          percent(runs.map(\.loadError).mean()), percent(runs.map(\.slopeError).mean()),
          fixed(1000 * (runs.map(\.seconds).min() ?? 0), 0),
        ]
      })
  }

  // ## The picture
  //
  // The share of the images that each expert gets, from the busiest to the idlest, on average over the runs. An eighth each
  // would be even.
  //
  // ![The share of images that each expert gets, in three trainings](example-experts)

  static func picture(of results: Results) -> String {
    let series = results.enumerated().map { number, result in
      let sorted = result.runs.map { $0.shares.sorted(by: >) }
      return ChartSeries(
        result.name, color: number, marks: [.stems, .dots],
        points: (0..<Mixture.size).map { rank in
          ChartPoint(
            x: Double(rank + 1) + 0.2 * Double(number - 1), y: 100 * sorted.map { $0[rank] }.mean())
        })
    }
    let even = ChartSeries(
      "", color: 6, marks: .dashedLine, points: [ChartPoint(x: 0.5, y: 12.5), ChartPoint(x: 8.5, y: 12.5)])
    let x = ChartAxis("expert, the busiest first", range: 0.5...8.5)
    return ChartFigure(
      "How busy is each expert?",
      charts: [Chart(x: x, y: ChartAxis("percent of all images"), series: [even] + series)],
      plotWidth: 660, plotHeight: 240
    ).svg
  }
}
