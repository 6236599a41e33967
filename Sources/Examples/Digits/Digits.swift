// # Digits: the output layer is a choice of law
//
// Train one small network on handwritten digits seven times over, each time with another law of noise in its output layer.
//
// A classifier ends in logits, and softmax makes probabilities of them. Softmax is the law of the largest of logits with
// Gumbel noise, so any other noise will do as well. This page trains the same network under each of the seven laws and by
// two losses, and asks three questions. Is it right more often? Does it know how often it is right? What does it cost?

import Charts
import ExampleParts
import Noisemax

// ## The network
//
// Two layers. Nothing in them knows the law: a network makes logits, and what the logits mean is said at its end.

struct Network {
  private var hidden: Dense
  private var output: Dense

  init(using generator: inout StreamGenerator) {
    hidden = Dense(64, 48, using: &generator)
    output = Dense(48, 10, using: &generator)
  }

  func logits(for images: Rows<Float>) -> Rows<Float> { output(rectified(hidden(images))) }

  // One call takes logits and labels to the loss and its gradient in the logits. From there on it is back-propagation as
  // under softmax. `as:` chooses the loss:
  //
  // - `.fenchelYoung`, E[max(μ + ε)] − E[ε] − μ_y, is convex in the logits, and its gradient is always p − y;
  // - `.negativeLogLikelihood` is −log p_y.
  //
  // Under Gumbel noise they are one and the same.

  mutating func learn(_ batch: DigitImages, under argmax: NoisyArgmax, as loss: Loss) {
    let features = rectified(hidden(batch.images))
    let (_, inLogits) = argmax.lossWithGradient(for: output(features), targets: batch.labels, as: loss)
    let inFeatures = output.pullback(of: inLogits, at: features)
    _ = hidden.pullback(of: rectifiedPullback(of: inFeatures, at: features), at: batch.images)
    hidden.step(rate: 0.003)
    output.step(rate: 0.003)
  }
}

// ## The laws
//
// `sharpnessOf: .gumbel` gives every law the variance of Gumbel noise. Logits of one size then mean about the same
// under each, and one learning rate suits all.

let laws: [(name: String, argmax: NoisyArgmax)] = [
  ("gumbel", NoisyArgmax(.gumbel)),
  ("normal", NoisyArgmax(.normal, sharpnessOf: .gumbel)),
  ("logistic", NoisyArgmax(.logistic, sharpnessOf: .gumbel)),
  ("reversed-gumbel", NoisyArgmax(.reversedGumbel, sharpnessOf: .gumbel)),
  ("uniform", NoisyArgmax(.uniform, sharpnessOf: .gumbel)),
  ("exponential", NoisyArgmax(.exponential, sharpnessOf: .gumbel)),
  ("laplace", NoisyArgmax(.laplace, sharpnessOf: .gumbel)),
]

// ## What is measured
//
// A prediction is the likeliest class, and its confidence that class's probability. Of the predictions with 90 % confidence
// nine in ten should be right. The *expected calibration error* is how far confidence and the share that is right lie
// apart, on average over ten bins of confidence.

struct Evaluation {
  /// The sums of confidence and of right predictions, and their number, bin by bin.
  var bins = [(confidence: Double, right: Double, count: Double)](repeating: (0, 0, 0), count: 10)
  /// −log p of every label.
  var surprises: [Float] = []

  mutating func add(_ network: Network, on digits: DigitImages, under argmax: NoisyArgmax) {
    let logits = network.logits(for: digits.images)
    for (p, label) in zip(argmax.probabilities(for: logits), digits.labels) {
      guard let predicted = p.indexOfLargest() else { continue }
      let bin = min(9, Int(p[predicted] * 10))
      bins[bin].confidence += Double(p[predicted])
      bins[bin].right += predicted == label ? 1 : 0
      bins[bin].count += 1
    }
    surprises += argmax.losses(for: logits, targets: digits.labels, as: .negativeLogLikelihood)
  }

  var accuracy: Double { bins.reduce(0) { $0 + $1.right } / Double(surprises.count) }

  var calibrationError: Double {
    bins.reduce(0) { $0 + ($1.confidence - $1.right).magnitude } / Double(surprises.count)
  }
}

// ## Training
//
// Every law begins from the same weights and sees the same batches in the same order: all that differs is the law. A single
// run says little about tenths of a percent, so there are several, each with its own split of the digits. And each is done
// twice, the second time with a fifth of the labels it learns from replaced by random ones.

struct Trials {
  var clean = Evaluation()
  var noisy = Evaluation()
  /// The accuracy of every run.
  var cleanAccuracies: [Double] = []
  var noisyAccuracies: [Double] = []
  /// Of the fastest epoch of all.
  var seconds = Double.infinity

  init(under argmax: NoisyArgmax, as loss: Loss, runs: Int, _ settings: Settings) {
    let digits = DigitImages.load()
    for run in 0..<runs {
      var generator = StreamGenerator(seed: settings.seed, stream: UInt64(run))
      var (training, test) = digits.split(using: &generator)
      if settings.isQuick { training = training[0..<600] }
      var wrong = training
      for index in wrong.labels.indices where Double.random(in: 0..<1, using: &generator) < 0.2 {
        wrong.labels[index] = Int.random(in: 0..<10, using: &generator)
      }
      let network = Network(using: &generator)
      for (evaluation, accuracies, training) in [
        (\Trials.clean, \Trials.cleanAccuracies, training), (\.noisy, \.noisyAccuracies, wrong),
      ] {
        let trained = train(network, on: training, under: argmax, as: loss, settings.epochs, generator)
        var alone = Evaluation()
        alone.add(trained, on: test, under: argmax)
        self[keyPath: accuracies].append(alone.accuracy)
        self[keyPath: evaluation].add(trained, on: test, under: argmax)
        settings.progress.advance("\(argmax)")
      }
    }
  }

  private mutating func train(
    _ beginning: Network, on digits: DigitImages, under argmax: NoisyArgmax, as loss: Loss, _ epochs: Int,
    _ beginningGenerator: StreamGenerator
  ) -> Network {
    var (network, generator) = (beginning, beginningGenerator)
    for _ in 0..<epochs {
      let batches = digits.batches(of: 32, using: &generator)
      let time = processorSeconds {
        for batch in batches { network.learn(batch, under: argmax, as: loss) }
      }
      seconds = min(seconds, time)
    }
    return network
  }
}

// ## The comparison
//
// The table has a line for every law and loss. What stands after ± is the standard error over the runs; the runs of
// two laws share their digits and their first weights, so that their difference has a smaller one. `−log p` is the
// mean surprise at the labels of the test: one label that the network thought impossible makes it infinite.

@main enum Digits {
  static func main() {
    runExample(
      "example-digits",
      "One network on handwritten digits, its output layer under each law and by both losses.",
      epochs: 20, quickEpochs: 6
    ) { settings in
      let runs = settings.isQuick ? 1 : 6
      settings.progress.total = 2 * (losses.count * laws.count - 1) * runs
      var results: [(law: String, loss: String, trials: Trials)] = []
      for law in laws {
        for loss in losses where law.name != "gumbel" || loss.loss == .fenchelYoung {
          results.append(
            (law.name, loss.name, Trials(under: law.argmax, as: loss.loss, runs: runs, settings)))
        }
      }
      return Findings(
        tables: [table(of: results)], pictures: ["example-digits": picture(of: results)],
        checks: results.map {
          Check(
            "\($0.law), \($0.loss): accuracy", $0.trials.clean.accuracy,
            atLeast: settings.isQuick ? 0.8 : 0.95)
        })
    }
  }

  static let losses: [(name: String, loss: Loss)] = [
    ("Fenchel–Young", .fenchelYoung), ("likelihood", .negativeLogLikelihood),
  ]

  static func table(of results: [(law: String, loss: String, trials: Trials)]) -> Table {
    let softmax = results[0].trials
    return Table(
      "Digits: accuracy and calibration on digits not seen, in percent; processor time of an epoch",
      header: [
        "law", "loss", "accuracy", "calibration error", "−log p", "labels wrong", "… less softmax's", "ms",
        "÷ softmax",
      ],
      rows: results.map { law, loss, trials in
        [
          law, law == "gumbel" ? "both" : loss, withError(trials.cleanAccuracies),
          percent(trials.clean.calibrationError), fixed(trials.clean.surprises.mean(), 3),
          withError(trials.noisyAccuracies),
          withError(zip(trials.noisyAccuracies, softmax.noisyAccuracies).map { $0 - $1 }),
          fixed(1000 * trials.seconds, 1), fixed(trials.seconds / softmax.seconds, 2),
        ]
      })
  }

  // ## The picture
  //
  // Confidence against the share that is right. On the dashed line the two are the same; above it a network is too
  // modest, below it too sure.
  //
  // ![Confidence against the share of predictions that are right, under each law](example-digits)

  static func picture(of results: [(law: String, loss: String, trials: Trials)]) -> String {
    let charts = losses.map { loss in
      var series = [
        ChartSeries(
          "", color: 6, marks: .dashedLine, points: [ChartPoint(x: 0, y: 0), ChartPoint(x: 1, y: 1)])
      ]
      for (color, law) in laws.enumerated() {
        guard
          let result = results.first(where: { $0.law == law.name && ($0.loss == loss.name || color == 0) })
        else { continue }
        let bins = result.trials.clean.bins.filter { $0.count >= 5 }
        let points = bins.map { ChartPoint(x: $0.confidence / $0.count, y: $0.right / $0.count) }
        series.append(ChartSeries(law.name, color: color, marks: [.line, .dots], points: points))
      }
      return Chart(
        loss.name, x: ChartAxis("confidence", range: 0...1),
        y: ChartAxis("share that is right", range: 0...1),
        series: series)
    }
    return ChartFigure(
      "Does a network know how often it is right?",
      subtitle: "Predictions on digits not seen, in bins of confidence", charts: charts, columns: 2,
      plotWidth: 320, plotHeight: 260
    ).svg
  }
}
