// # Attention: look it up
//
// Train one layer on characters to look things up, its attention under softmax, normal, logistic and uniform noise.
//
// Attention asks which of the characters before has the largest score once noise is added, and takes what they say in
// proportion to that chance. Softmax is one choice of the noise. This page swaps it, in one line, and watches how the model
// learns. Under uniform noise a character that is too far behind gets a weight of exactly 0: attention becomes sparse.

import Charts
import ExampleParts
import Noisemax

// ## A language that needs attention
//
// A sentence lists five keys with their values and then asks for two of them:
//
//     c7 a2 f9 h4 b0 ?f9?c7
//
// The list is random, so nobody can foresee it. But what follows `?f` has been said before, and a model that can look back
// should know it. These two *answers* of a sentence are what it learns, and what it is tested on.

enum Language {
  static let characters = Array("abcdefgh0123456789 ?")
  static let length = 20
  /// At these characters, the keys that are asked for, the next one is known.
  static let questions = [16, 19]

  /// One character more than `length`: all but the last have a next.
  static func sentence(using generator: inout StreamGenerator) -> [Int] {
    let keys = Array("abcdefgh".shuffled(using: &generator).prefix(5))
    let values = keys.map { _ in "0123456789".randomElement(using: &generator) ?? "0" }
    var text = zip(keys, values).map { "\($0)\($1) " }.joined()
    for place in (0..<5).shuffled(using: &generator).prefix(2) { text += "?\(keys[place])\(values[place])" }
    return text.compactMap { characters.firstIndex(of: $0) }
  }
}

struct Batch {
  /// A one-hot for each character.
  let inputs: Rows<Float>
  /// The rows of the characters whose next one is known, and what it is.
  let questions, answers: [Int]

  init(sentences: Int, using generator: inout StreamGenerator) {
    let texts = (0..<sentences).map { _ in Language.sentence(using: &generator) }
    let count = Language.characters.count
    let oneHots = texts.flatMap { text in
      text.dropLast().flatMap { character in (0..<count).map { $0 == character ? Float(1) : 0 } }
    }
    inputs = Rows(oneHots, length: count)
    questions = texts.indices.flatMap { text in Language.questions.map { text * Language.length + $0 } }
    answers = texts.flatMap { text in Language.questions.map { text[$0 + 1] } }
  }
}

// ## Attention under any law
//
// For each character a row of scores, −∞ for those after it. The law makes weights of a row, and one call gives both the
// weights and the way back from their gradient to that of the scores. A masked score gets 0, both ways.

struct Attention {
  let argmax: NoisyArgmax
  static let width = 24

  struct Pass {
    var weights: Rows<Float>
    var context: Rows<Float>
    var pullback: (Rows<Float>) -> Rows<Float>
  }

  func callAsFunction(_ queries: Rows<Float>, _ keys: Rows<Float>, _ values: Rows<Float>) -> Pass {
    let (q, k, v) = (queries.elements, keys.elements, values.elements)
    var scores = [Float](repeating: -.infinity, count: queries.count * Language.length)
    Self.forEachPair(of: queries.count) { row, other, slot in
      scores[slot] = Self.sharpness * rowProduct(q, row, k, other, width: Self.width)
    }
    let (weights, pullback) = argmax.probabilitiesWithPullback(for: Rows(scores, length: Language.length))
    let shares = weights.elements
    var context = [Float](repeating: 0, count: v.count)
    Self.forEachPair(of: queries.count) { row, other, slot in
      addRow(shares[slot], v, other, to: &context, row, width: Self.width)
    }
    return Pass(weights: weights, context: Rows(context, length: Self.width), pullback: pullback)
  }

  func pullback(
    of inContext: Rows<Float>, _ pass: Pass, _ queries: Rows<Float>, _ keys: Rows<Float>,
    _ values: Rows<Float>
  ) -> (inQueries: Rows<Float>, inKeys: Rows<Float>, inValues: Rows<Float>) {
    let (q, k, v) = (queries.elements, keys.elements, values.elements)
    let (shares, slopes) = (pass.weights.elements, inContext.elements)
    var inWeights = [Float](repeating: 0, count: shares.count)
    var inQueries = [Float](repeating: 0, count: q.count)
    var (inKeys, inValues) = (inQueries, inQueries)
    Self.forEachPair(of: queries.count) { row, other, slot in
      inWeights[slot] = rowProduct(slopes, row, v, other, width: Self.width)
      addRow(shares[slot], slopes, row, to: &inValues, other, width: Self.width)
    }
    let inScores = pass.pullback(Rows(inWeights, length: Language.length)).elements
    Self.forEachPair(of: queries.count) { row, other, slot in
      addRow(Self.sharpness * inScores[slot], k, other, to: &inQueries, row, width: Self.width)
      addRow(Self.sharpness * inScores[slot], q, row, to: &inKeys, other, width: Self.width)
    }
    return (
      Rows(inQueries, length: Self.width), Rows(inKeys, length: Self.width),
      Rows(inValues, length: Self.width)
    )
  }

  /// As usual, scores are divided by the root of the width.
  private static let sharpness = 1 / Float(width).squareRoot()

  /// Every character, every one up to it in its sentence, and the slot of their score.
  private static func forEachPair(of rows: Int, _ body: (_ row: Int, _ other: Int, _ slot: Int) -> Void) {
    for row in 0..<rows {
      let place = row % Language.length
      for other in 0...place { body(row, row - place + other, row * Language.length + other) }
    }
  }
}

// ## The model
//
// Characters become vectors. The query and the value of a character are made of its own, its key of that of the character
// before: so the 9 of f can be found by f. What attention brings back is added, and a last layer guesses the next
// character, by softmax in every model: only the attention differs.

struct Reader {
  private var embedding, queries, keys, values, mixing, guessing: Dense
  let attention: Attention

  init(_ argmax: NoisyArgmax, using generator: inout StreamGenerator) {
    let (width, count) = (Attention.width, Language.characters.count)
    embedding = Dense(count, width, using: &generator)
    queries = Dense(width, width, using: &generator)
    keys = Dense(width, width, using: &generator)
    values = Dense(width, width, using: &generator)
    mixing = Dense(width, width, using: &generator)
    guessing = Dense(width, count, using: &generator)
    attention = Attention(argmax: argmax)
  }

  func answer(_ batch: Batch) -> (logits: Rows<Float>, weights: Rows<Float>) {
    let x = embedding(batch.inputs)
    let pass = attention(queries(x), keys(x.moved(by: 1, inParts: Language.length)), values(x))
    let mixed = x.combined(with: mixing(pass.context), +)
    return (guessing(mixed.rows(batch.questions)), pass.weights)
  }

  mutating func learn(_ batch: Batch, rate: Float) {
    let x = embedding(batch.inputs)
    let before = x.moved(by: 1, inParts: Language.length)
    let (q, k, v) = (queries(x), keys(before), values(x))
    let pass = attention(q, k, v)
    let mixed = x.combined(with: mixing(pass.context), +)
    let asked = mixed.rows(batch.questions)
    let (_, inLogits) = NoisyArgmax(.gumbel).lossWithGradient(for: guessing(asked), targets: batch.answers)

    let inMixed = guessing.pullback(of: inLogits, at: asked).scattered(to: batch.questions, of: mixed.count)
    let inContext = mixing.pullback(of: inMixed, at: pass.context)
    let (inQueries, inKeys, inValues) = attention.pullback(of: inContext, pass, q, k, v)
    let inX = [
      queries.pullback(of: inQueries, at: x), values.pullback(of: inValues, at: x),
      keys.pullback(of: inKeys, at: before).moved(by: -1, inParts: Language.length),
    ].reduce(inMixed) { $0.combined(with: $1, +) }
    _ = embedding.pullback(of: inX, at: batch.inputs)
    for layer in [\Reader.embedding, \.queries, \.keys, \.values, \.mixing, \.guessing] {
      self[keyPath: layer].step(rate: rate)
    }
  }
}

// ## Training
//
// An epoch is 128 sentences, fresh every time. Attention learns to look things up rather suddenly, sooner or later by the
// first weights: so there are several runs.

struct Trained {
  /// The mean surprise at the answers, epoch by epoch, and the share of them that are right.
  var (surprises, accuracies): ([Double], [Double]) = ([], [])
  /// The share of open weights that are exactly 0.
  var zeros = 0.0
  var seconds = Double.infinity
  /// The weights in the first sentence of the test.
  var weights: [Double] = []

  init(_ argmax: NoisyArgmax, run: Int, test: Batch, _ settings: Settings) {
    var generator = StreamGenerator(seed: settings.seed, stream: UInt64(run + 1))
    var reader = Reader(argmax, using: &generator)
    for _ in 0..<settings.epochs {
      let batches = (0..<8).map { _ in Batch(sentences: 16, using: &generator) }
      let time = processorSeconds {
        for batch in batches { reader.learn(batch, rate: 0.01) }
      }
      seconds = min(seconds, time)
      evaluate(reader, on: test)
    }
    settings.progress.advance("\(argmax)")
  }

  private mutating func evaluate(_ reader: Reader, on test: Batch) {
    let (logits, shares) = reader.answer(test)
    surprises.append(NoisyArgmax(.gumbel).losses(for: logits, targets: test.answers).mean())
    accuracies.append(zip(logits, test.answers).map { $0.indexOfLargest() == $1 ? 1.0 : 0 }.mean())
    let open = shares.enumerated().flatMap { $1[...($0 % Language.length)] }
    zeros = open.map { $0 == 0 ? 1.0 : 0 }.mean()
    weights = shares.rows(0..<Language.length).elements.map { Double($0) }
  }

  /// How many epochs it took to get nine of ten right; one more than all, if it never did.
  var epochsToLearn: Int { (accuracies.firstIndex { $0 >= 0.9 } ?? accuracies.count) + 1 }
}

// ## What comes out

@main enum Main {
  typealias Results = [(name: String, runs: [Trained])]

  static let laws: [(name: String, argmax: NoisyArgmax)] = [
    ("gumbel", NoisyArgmax(.gumbel)),
    ("normal", NoisyArgmax(.normal, sharpnessOf: .gumbel)),
    ("logistic", NoisyArgmax(.logistic, sharpnessOf: .gumbel)),
    ("uniform", NoisyArgmax(.uniform, sharpnessOf: .gumbel)),
  ]

  static func main() {
    runExample(
      "example-attention", "One layer that looks things up, its attention under four laws.",
      epochs: 16, quickEpochs: 12
    ) { settings in
      let runs = settings.isQuick ? 1 : 6
      settings.progress.total = laws.count * runs
      var generator = StreamGenerator(seed: settings.seed)
      let test = Batch(sentences: 200, using: &generator)
      let results: Results = laws.map { law in
        (law.name, (0..<runs).map { Trained(law.argmax, run: $0, test: test, settings) })
      }
      let checks = results.map { name, runs in
        Check("\(name): answers that are right", runs.map { $0.accuracies.last ?? 0 }.mean(), atLeast: 0.9)
      }
      return Findings(
        tables: [table(of: results)],
        pictures: ["example-recall": curves(of: results), "example-weights": maps(of: results)],
        checks: checks + [Check("weights of 0 under uniform noise", results[3].runs[0].zeros, atLeast: 0.1)])
    }
  }

  static func table(of results: Results) -> Table {
    let seconds = results.map { $0.runs.map(\.seconds).min() ?? 0 }
    return Table(
      "Attention: answers right and weights of exactly 0, in percent; epochs until nine of ten are right",
      header: [
        "law of attention", "right", "epochs to learn", "of its runs", "weights of 0", "ms", "÷ softmax",
      ],
      rows: zip(results, seconds).map { result, time in
        let epochs = result.runs.map(\.epochsToLearn)
        return [
          result.name, withError(result.runs.map { $0.accuracies.last ?? 0 }),
          fixed(epochs.map { Double($0) }.mean(), 1), "\(epochs.min() ?? 0)–\(epochs.max() ?? 0)",
          percent(result.runs.map(\.zeros).mean()), fixed(1000 * time, 0), fixed(time / seconds[0], 2),
        ]
      })
  }

  // ## The pictures
  //
  // How fast each learns to answer, on average over the runs; a guess among ten digits would be 2.3 nats. And where each
  // looks: a line for every character of one sentence, from its first at the top, with the weights of those up to it.
  //
  // ![The mean surprise at the answers, epoch by epoch, under four laws](example-recall)
  //
  // ![The weights of attention under four laws, as grey tiles](example-weights)

  static func curves(of results: Results) -> String {
    let nats = ChartAxis("nats an answer", isLogarithmic: true)
    let series = results.enumerated().map { number, result in
      let points = (result.runs.first?.surprises ?? []).indices.map { epoch in
        ChartPoint(x: Double(epoch + 1), y: result.runs.map { $0.surprises[epoch] }.mean())
      }
      return ChartSeries(result.name, color: number, points: points)
    }
    return ChartFigure(
      "How fast attention learns to look things up",
      subtitle: "The mean surprise at answers, on sentences not seen",
      charts: [Chart(x: ChartAxis("epoch"), y: nats, series: series)], names: .lineEnds, plotWidth: 560,
      plotHeight: 280
    ).svg
  }

  static func maps(of results: Results) -> String {
    let pictures = results.map { result in
      TileFigure.Picture(result.runs[0].weights, columns: Language.length, caption: result.name)
    }
    return TileFigure(
      "Where attention looks",
      subtitle: "A line for every character of a sentence: the weights of those up to it",
      rows: [.init("", pictures)], tile: 7
    ).svg
  }
}
