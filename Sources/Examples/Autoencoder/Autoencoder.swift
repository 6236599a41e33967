// # An autoencoder whose code is twenty symbols
//
// Learn to write a digit as twenty symbols out of ten, through random choices: relaxed, straight-through, by score function.
//
// An encoder turns an image into the logits of twenty categorical variables, one of each is drawn, and a decoder has
// to paint the image from the twenty draws. The draws are what makes it hard: a random index has no slope. The
// Gumbel-Softmax answers with a relaxed draw, softmax((μ + ε)/τ), which has one. Here it stands beside the same under
// normal noise, beside the straight-through draw, and beside the score function, which needs no slope at all.

import Charts
import ExampleParts
import Foundation
import Noisemax

// ## Encoder and decoder
//
// The code of an image is twenty rows of ten logits: ``Rows`` of length 10, twenty an image. A draw of them is a one-hot
// for each row, and 200 numbers for the decoder.

struct Autoencoder {
  static let variables = 20
  static let symbols = 10
  private var reading: [Dense]
  private var painting: [Dense]

  init(using generator: inout StreamGenerator) {
    let size = Self.variables * Self.symbols
    reading = [Dense(64, 64, using: &generator), Dense(64, size, using: &generator)]
    painting = [Dense(size, 64, using: &generator), Dense(64, 64, using: &generator)]
  }

  func code(of images: Rows<Float>) -> Rows<Float> {
    Rows(reading[1](rectified(reading[0](images))).elements, length: Self.symbols)
  }

  func paint(_ draws: Rows<Float>) -> Rows<Float> {
    let draws = Rows(draws.elements, length: Self.variables * Self.symbols)
    return painting[1](rectified(painting[0](draws)))
  }
}

// ## The bound
//
// A grey value is from 0 to 16, so a pixel is sixteen throws of a coin whose chance the decoder paints. What training
// raises is a lower bound on the log-likelihood of the images,
//
//     E[log p(image | draws)] − Σ KL(code ‖ uniform)
//
// The divergence is that of the twenty variables, whatever law drew them: ``NoisyArgmax/divergenceFromUniform(for:)`` is exact
// under all laws, with its gradient. The first term needs a draw, and this page is about its gradient.

enum Pixels {
  /// log p(image | paint) of every image.
  static func logLikelihoods(of images: Rows<Float>, _ paint: Rows<Float>) -> [Double] {
    let terms = images.combined(with: paint) { grey, logit in
      // 16·(grey·log p + (1 − grey)·log(1 − p)), with p = 1/(1 + e^−logit).
      16 * (grey * logit - max(logit, 0) - log1p(exp(-abs(logit)))) + ways[Int(16 * grey)]
    }
    return terms.map { $0.reduce(0) { $0 + Double($1) } }
  }

  /// Its gradient in the paint.
  static func slopes(of images: Rows<Float>, _ paint: Rows<Float>) -> Rows<Float> {
    images.combined(with: paint) { 16 * ($0 - 1 / (1 + exp(-$1))) }
  }

  /// The logarithms of the numbers of ways to get 0 to 16 heads.
  private static let ways: [Float] = (0...16).map {
    Float(lgamma(17) - lgamma(Double($0) + 1) - lgamma(17 - Double($0)))
  }
}

// ## Ways to go through a draw

struct Way {
  enum Gradient { case relaxed, straightThrough, score }
  var name: String
  var argmax: NoisyArgmax
  var gradient: Gradient

  static let all = [
    Way(name: "Gumbel, relaxed", argmax: NoisyArgmax(.gumbel), gradient: .relaxed),
    Way(name: "Gumbel, straight-through", argmax: NoisyArgmax(.gumbel), gradient: .straightThrough),
    Way(name: "normal, relaxed", argmax: NoisyArgmax(.normal, sharpnessOf: .gumbel), gradient: .relaxed),
    Way(
      name: "normal, straight-through", argmax: NoisyArgmax(.normal, sharpnessOf: .gumbel),
      gradient: .straightThrough),
    Way(name: "Gumbel, score function", argmax: NoisyArgmax(.gumbel), gradient: .score),
  ]
}

// A relaxed sample remembers its noise. So its pullback is the slope of the very draw that the decoder saw:
//
// - *relaxed*: the decoder sees the soft draw;
// - *straight-through*: it sees the one-hot, and the slope is taken as if it had seen the soft draw;
// - *score function*: it sees one-hots, two draws of each code, and the gradient is (f − f′)·∇log p(draw), where f is
//   the log-likelihood by one draw and f′ that by the other. Nothing is biased, and nothing goes through the decoder.

extension Autoencoder {
  mutating func learn(_ images: Rows<Float>, by way: Way, temperature: Double, seed: UInt64) {
    let features = rectified(reading[0](images))
    let code = Rows(reading[1](features).elements, length: Self.symbols)
    var inCode: Rows<Float>
    switch way.gradient {
    case .relaxed, .straightThrough:
      let sample = way.argmax.relaxedSample(for: code, temperature: temperature, seed: seed)
      let draws = way.gradient == .relaxed ? sample.value : sample.hard
      inCode = sample.pullback(of: learnToPaint(images, from: draws).inDraws)
    case .score:
      inCode = scoreGradient(images, code, way.argmax, seed: seed)
    }
    let (_, inDivergence) = way.argmax.valueWithGradient(of: .divergenceFromUniform, for: code)
    inCode = inCode.combined(with: inDivergence) { $0 - $1 / Float(images.count) }

    // Adam goes downhill, and the bound is to rise.
    let downhill = Rows(inCode.elements.map { -$0 }, length: Self.variables * Self.symbols)
    let inFeatures = reading[1].pullback(of: downhill, at: features)
    _ = reading[0].pullback(of: rectifiedPullback(of: inFeatures, at: features), at: images)
    for layer in 0..<2 {
      reading[layer].step(rate: 0.002)
      painting[layer].step(rate: 0.002)
    }
  }

  /// Adds the decoder's gradients.
  ///
  /// - Returns: the log-likelihood of every image, and the gradient of their mean in the draws.
  private mutating func learnToPaint(
    _ images: Rows<Float>, from draws: Rows<Float>
  ) -> (values: [Double], inDraws: Rows<Float>) {
    let flat = Rows(draws.elements, length: Self.variables * Self.symbols)
    let strokes = rectified(painting[0](flat))
    let paint = painting[1](strokes)
    let downhill = Pixels.slopes(of: images, paint).mapElements { -$0 / Float(images.count) }
    let inStrokes = painting[1].pullback(of: downhill, at: strokes)
    let inDraws = painting[0].pullback(of: rectifiedPullback(of: inStrokes, at: strokes), at: flat)
    return (
      Pixels.logLikelihoods(of: images, paint), Rows(inDraws.elements.map { -$0 }, length: Self.symbols)
    )
  }

  private mutating func scoreGradient(
    _ images: Rows<Float>, _ code: Rows<Float>, _ argmax: NoisyArgmax, seed: UInt64
  ) -> Rows<Float> {
    let draws = (0..<2).map {
      argmax.relaxedSample(for: code, temperature: 0, seed: seed, firstRow: $0 * code.count).value
    }
    let values = draws.map { learnToPaint(images, from: $0).values }
    let gains = zip(values[0], values[1]).map { Float($0 - $1) / Float(2 * images.count) }
    // ∇log p of a draw is the pullback of its one-hot through log p; the two gains differ in sign alone.
    var weights: [Float] = []
    for (slot, pair) in zip(draws[0].elements, draws[1].elements).enumerated() {
      weights.append(gains[slot / (Self.variables * Self.symbols)] * (pair.0 - pair.1))
    }
    return argmax.logProbabilitiesPullback(for: code, of: Rows(weights, length: Self.symbols))
  }
}

// ## Training
//
// The temperature falls from 1 to 0.4 in the first half. The bound is reported on images not seen, with one-hot draws:
// a soft draw carries more than a symbol, and a bound by soft draws would be none.

struct Trained {
  var way: Way
  var model: Autoencoder
  var bounds: [Double] = []
  var divergence = 0.0
  var seconds = Double.infinity

  init(
    _ way: Way, from beginning: Autoencoder, on data: (training: DigitImages, test: DigitImages),
    _ settings: Settings
  ) {
    (self.way, model) = (way, beginning)
    var generator = StreamGenerator(seed: settings.seed, stream: 1)
    let schedule = AnnealingSchedule.exponential(
      from: 1, rate: log(2.5) / Double(max(1, settings.epochs / 2)), floor: 0.4)
    for epoch in 1...settings.epochs {
      let batches = data.training.batches(of: 32, using: &generator)
      let time = processorSeconds {
        for batch in batches {
          model.learn(
            batch.images, by: way, temperature: schedule.temperature(at: epoch - 1), seed: generator.next())
        }
      }
      seconds = min(seconds, time)
      let code = model.code(of: data.test.images)
      let divergences = way.argmax.divergenceFromUniform(for: code)
      divergence = divergences.mean() * Double(Autoencoder.variables)
      let draws = way.argmax.relaxedSample(for: code, temperature: 0, seed: generator.next()).value
      bounds.append(Pixels.logLikelihoods(of: data.test.images, model.paint(draws)).mean() - divergence)
      settings.progress.advance("\(way.name): \(fixed(bounds[epoch - 1], 1))")
    }
  }
}

// ## What comes out

@main enum Main {
  static func main() {
    runExample(
      "example-autoencoder",
      "Digits as twenty symbols: relaxed, straight-through and score-function gradients.",
      epochs: 30, quickEpochs: 6
    ) { settings in
      settings.progress.total = Way.all.count * settings.epochs
      var generator = StreamGenerator(seed: settings.seed)
      let data = DigitImages.load().split(using: &generator)
      let beginning = Autoencoder(using: &generator)
      let results = Way.all.map { Trained($0, from: beginning, on: data, settings) }
      let without = boundWithoutCode(data)
      // How far the bound has to rise above that without a code: for score functions, which are slow, not far.
      let checks = results.map { result in
        let isSlow = result.way.gradient == .score
        let least = settings.isQuick ? (isSlow ? 0 : 40) : (isSlow ? 60 : 100.0)
        return Check("\(result.way.name): the rise", (result.bounds.last ?? .nan) - without, atLeast: least)
      }
      return Findings(
        tables: [table(of: results, without)],
        pictures: [
          "example-bounds": boundPicture(of: results), "example-repainted": repainted(results, data.test),
        ], checks: checks)
    }
  }

  /// What the mean image alone is worth.
  static func boundWithoutCode(_ data: (training: DigitImages, test: DigitImages)) -> Double {
    let logits = (0..<64).map { pixel in
      let mean = Float(data.training.images.map { $0[pixel] }.mean())
      return log((mean + 1e-4) / (1 - mean + 1e-4))
    }
    let paint = Rows(repeating: logits, count: data.test.count)
    return Pixels.logLikelihoods(of: data.test.images, paint).mean()
  }

  static func table(of results: [Trained], _ without: Double) -> Table {
    var table = Table(
      "The bound on log p of a digit not seen, in nats; processor time of an epoch",
      header: ["gradient", "bound", "of it the divergence", "ms"])
    table.rows.append(["no code, the mean image", fixed(without, 1), "0", ""])
    for result in results {
      table.rows.append([
        result.way.name, fixed(result.bounds.last ?? .nan, 1), fixed(-result.divergence, 1),
        fixed(1000 * result.seconds, 0),
      ])
    }
    return table
  }

  // ## The pictures
  //
  // The bound rises with the epochs.
  //
  // ![The bound against the epochs, for five ways to take the gradient](example-bounds)

  static func boundPicture(of results: [Trained]) -> String {
    let series = results.enumerated().map { number, result in
      ChartSeries(
        result.way.name, color: number,
        points: result.bounds.enumerated().map { ChartPoint(x: Double($0 + 1), y: $1) })
    }
    return ChartFigure(
      "The bound, epoch by epoch", subtitle: "Digits not seen, drawn as one-hots",
      charts: [Chart(x: ChartAxis("epoch"), y: ChartAxis("nats an image"), series: series)],
      names: .lineEnds, plotWidth: 480, plotHeight: 300
    ).svg
  }

  // The first row are digits not seen. Each row below is what is left of them after they were drawn as twenty symbols and
  // painted again; the last is painted from symbols drawn evenly, from nothing.
  //
  // ![Digits, and what five autoencoders make of them](example-repainted)

  static func repainted(_ results: [Trained], _ test: DigitImages) -> String {
    let originals = test.images.rows(0..<12)
    func pictures(_ chances: Rows<Float>) -> [TileFigure.Picture] {
      chances.map { TileFigure.Picture($0.map { Double($0) }, columns: DigitImages.side) }
    }
    func painted(_ result: Trained, from code: Rows<Float>) -> [TileFigure.Picture] {
      let draws = result.way.argmax.relaxedSample(for: code, temperature: 0, seed: 7).value
      return pictures(result.model.paint(draws).mapElements { 1 / (1 + exp(-$0)) })
    }
    var rows = [TileFigure.Row("digits not seen", pictures(originals))]
    for result in results {
      rows.append(.init(result.way.name, painted(result, from: result.model.code(of: originals))))
    }
    let even = [Float](repeating: 0, count: 12 * Autoencoder.variables * Autoencoder.symbols)
    rows.append(.init("from nothing", painted(results[0], from: Rows(even, length: Autoencoder.symbols))))
    return TileFigure(
      "Twenty symbols a digit", subtitle: "64 grey values before, one draw of the code after", rows: rows,
      tile: 4
    ).svg
  }
}
