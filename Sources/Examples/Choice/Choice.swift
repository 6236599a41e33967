// # A choice model: what does an hour cost?
//
// Estimate why people take the train, by maximum likelihood under normal noise, and compare with the usual logit.
//
// A traveller takes the alternative of largest utility. We see its price and its time; the rest is noise to us. So
// the choice is an argmax of logits and noise, and its probability is what this library computes. Under Gumbel noise
// this is the logit model, under normal noise the *multinomial probit*. Probit is what most people would rather have:
// noise that is the sum of many things is normal, and alternatives may be known more or less well. It is used
// little because its probabilities are integrals. Here they are exact, and so are their derivatives.

import Charts
import ExampleParts
import Noisemax
import NoisemaxDifferentiation
import _Differentiation

// ## A survey whose truth is known
//
// Four alternatives: car, bus, train, bicycle. The utility of alternative j to person n is
//
//     V_nj = a_j + b · price_nj + c · time_nj        with a = 0 for the car
//
// and the noise on it is normal, of deviation 1, but s for the bicycle: how people like cycling varies more, and so does the
// weather. We choose the six numbers, let people choose, and see whether the numbers can be told from the choices.

struct Survey {
  static let names = ["bus", "train", "bicycle", "price", "time", "scale of bicycle"]
  static let truth = [-0.6, -0.3, -1.2, -0.25, -1.5, 2.2]

  /// Person by person, alternative by alternative: what each coefficient but the scale is multiplied by.
  var attributes: [Double] = []
  var taken: [Int] = []

  init(people: Int, seed: UInt64) {
    var generator = StreamGenerator(seed: seed)
    let argmax = NoisyArgmax(.normal)
    for _ in 0..<people {
      let distance = Double.random(in: 2...20, using: &generator)
      let prices = [0.3 * distance, 2.5, 1.5 + 0.15 * distance, 0]
      let speeds = [35, 20, 45, 14.0]
      let waits = [0.1, 0.25, 0.3, 0]
      var person: [Double] = []
      for choice in 0..<4 {
        let price = prices[choice] * Double.random(in: 0.7...1.3, using: &generator)
        let hours =
          distance / speeds[choice] * Double.random(in: 0.7...1.6, using: &generator) + waits[choice]
        person += (1..<4).map { $0 == choice ? 1 : 0 } + [price, hours]
      }
      attributes += person
      let utilities = (0..<4).map { choice in
        (0..<5).reduce(0) { $0 + person[5 * choice + $1] * Self.truth[$1] }
      }
      // A draw with a scale for each alternative.
      taken.append(
        argmax.randomIndex(for: utilities, scales: [1, 1, 1, Self.truth[5]], using: &generator) ?? 0)
    }
  }
}

// ## Utilities, and their derivative
//
// With `import _Differentiation` the compiler differentiates what we write. It needs to be told the derivative of a
// loop over numbers, once: the utilities are linear in the coefficients, so the derivative is the transposed product.

extension Survey {
  func utilities(at coefficients: [Double]) -> Rows<Double> {
    let elements = stride(from: 0, to: attributes.count, by: 5).map { slot in
      (0..<5).reduce(0) { $0 + attributes[slot + $1] * coefficients[$1] }
    }
    return Rows(elements, length: 4)
  }

  @derivative(of: utilities, wrt: coefficients)
  func utilitiesWithPullback(
    at coefficients: [Double]
  ) -> (value: Rows<Double>, pullback: (Rows<Double>.TangentVector) -> [Double].TangentVector) {
    let count = coefficients.count
    return (utilities(at: coefficients), { .init(inCoefficients($0.base, count: count)) })
  }

  /// The gradient in the coefficients, from that in the utilities; 0 for a coefficient that they don't have.
  func inCoefficients(_ cotangent: [Double], count: Int) -> [Double] {
    var slopes = [Double](repeating: 0, count: count)
    for (row, v) in cotangent.enumerated() {
      for column in 0..<5 { slopes[column] += v * attributes[5 * row + column] }
    }
    return slopes
  }
}

// ## Logit and probit
//
// The log-likelihood is then one line for any law: the library's losses are known to the compiler.
// `sharpnessOf: .normal` gives Gumbel noise a deviation of 1 too, so that both models speak of utility in the same unit.

struct Model {
  var name: String
  var argmax: NoisyArgmax
  /// Whether the bicycle has a scale of its own, the last coefficient.
  var hasScale = false

  static let all = [
    Model(name: "logit", argmax: NoisyArgmax(.gumbel, sharpnessOf: .normal)),
    Model(name: "probit", argmax: NoisyArgmax(.normal)),
    Model(name: "probit with a scale", argmax: NoisyArgmax(.normal), hasScale: true),
  ]

  /// −log of the likelihood of what people took, and its gradient in the coefficients.
  func surprise(_ survey: Survey, at coefficients: [Double]) -> (value: Double, gradient: [Double]) {
    let (value, gradient) = valueWithGradient(at: coefficients) { coefficients in
      hasScale
        ? scaledLoss(for: survey.utilities(at: coefficients), scale: coefficients[5], taken: survey.taken)
        : argmax.loss(
          for: survey.utilities(at: coefficients), targets: survey.taken, as: .negativeLogLikelihood,
          reduction: .sum)
    }
    return (value, gradient.base)
  }

  // ## A scale for one alternative
  //
  // `scales:` gives every class a scale of its own. Its derivatives, in the logits and in the scales, come from
  // ``NoisyArgmax/logProbabilitiesPullback(for:scales:of:)``; stated as a `@derivative` they go into the same line above.

  private func scales(_ scale: Double, like utilities: Rows<Double>) -> Rows<Double> {
    Rows((0..<utilities.count).flatMap { _ in [1, 1, 1, scale] }, length: 4)
  }

  private func scaledLoss(for utilities: Rows<Double>, scale: Double, taken: [Int]) -> Double {
    let logs = argmax.logProbabilities(for: utilities, scales: scales(scale, like: utilities))
    return -taken.indices.reduce(0) { $0 + logs[$1, taken[$1]] }
  }

  @derivative(of: scaledLoss, wrt: (utilities, scale))
  private func scaledLossWithPullback(
    for utilities: Rows<Double>, scale: Double, taken: [Int]
  ) -> (value: Double, pullback: (Double) -> (Rows<Double>.TangentVector, Double)) {
    func pullback(_ v: Double) -> (Rows<Double>.TangentVector, Double) {
      let (inLogits, inScales) = argmax.logProbabilitiesPullback(
        for: utilities, scales: scales(scale, like: utilities), of: marks(of: taken, -v))
      return (.init(inLogits.elements), inScales.reduce(0) { $0 + $1[3] })
    }
    return (scaledLoss(for: utilities, scale: scale, taken: taken), pullback)
  }

  /// A number at what was taken, 0 at the rest.
  private func marks(of taken: [Int], _ value: Double) -> Rows<Double> {
    Rows(taken.flatMap { choice in (0..<4).map { $0 == choice ? value : 0 } }, length: 4)
  }

  // ## Second derivatives
  //
  // Standard errors need the second derivatives of the log-likelihood. ``NoisyArgmax/logProbabilitiesSecondPullback(for:of:and:scales:)``
  // has them exactly, in one direction of the utilities at a time: that of a coefficient is its column of the attributes.
  // Only those with the bicycle's scale are taken by differences of the exact gradient.

  func curvature(_ survey: Survey, at coefficients: [Double]) -> [[Double]] {
    let utilities = survey.utilities(at: coefficients)
    let scales = hasScale ? scales(coefficients[5], like: utilities) : nil
    var rows = (0..<5).map { column in
      let direction = stride(from: column, to: survey.attributes.count, by: 5).map { survey.attributes[$0] }
      let slopes = argmax.logProbabilitiesSecondPullback(
        for: utilities, of: marks(of: survey.taken, -1), and: Rows(direction, length: 4), scales: scales)
      return survey.inCoefficients(slopes.logits.elements, count: coefficients.count)
    }
    if hasScale {
      rows.append(difference(at: coefficients, along: 5) { surprise(survey, at: $0).gradient })
      for column in 0..<5 { rows[column][5] = rows[5][column] }
    }
    return rows
  }
}

// ## Estimates and standard errors
//
// The most likely coefficients are found by a quasi-Newton method on the exact gradient. Their standard errors are the
// square roots of the diagonal of the inverse of the second derivatives there.

struct Estimate {
  var model: Model
  var coefficients: [Double]
  var errors: [Double]
  var logLikelihood: Double

  init(_ model: Model, from survey: Survey) {
    let start = model.hasScale ? [0, 0, 0, 0, 0, 1] : [0, 0, 0, 0, 0.0]
    let (point, surprise) = minimum(from: start) { model.surprise(survey, at: $0) }
    let covariance = inverse(of: model.curvature(survey, at: point))
    self.model = model
    coefficients = point
    errors = point.indices.map { covariance[$0][$0].squareRoot() }
    logLikelihood = -surprise
  }

  /// How many standard errors a coefficient is off the truth.
  func deviation(_ index: Int) -> Double {
    (coefficients[index] - Survey.truth[index]) / errors[index]
  }

  /// What an hour is worth, in money: the ratio of two coefficients, in which the unit of utility cancels.
  var hour: Double { coefficients[4] / coefficients[3] }
}

// ## What comes out
//
// Every estimate stands with its standard error, and the likelihood says which model the choices speak for: twice the
// difference of two log-likelihoods, against 3.84 for one coefficient more.

@main enum Choice {
  static func main() {
    runExample(
      "example-choice",
      "Logit and multinomial probit by maximum likelihood, on choices whose truth is known.",
      epochs: 1, quickEpochs: 1
    ) { settings in
      settings.progress.total = Model.all.count
      let survey = Survey(people: settings.isQuick ? 1500 : 4000, seed: settings.seed)
      let estimates = Model.all.map { model in
        defer { settings.progress.advance(model.name) }
        return Estimate(model, from: survey)
      }
      return Findings(
        tables: [table(of: estimates, survey)], pictures: ["example-choice": picture(of: estimates)],
        checks: checks(of: estimates, settings))
    }
  }

  static func table(of estimates: [Estimate], _ survey: Survey) -> Table {
    var table = Table(
      "The choices of \(survey.taken.count) people: estimates and their standard errors",
      header: ["", "truth"] + estimates.map(\.model.name))
    for (index, name) in Survey.names.enumerated() {
      table.rows.append(
        [name, fixed(Survey.truth[index], 2)]
          + estimates.map { estimate in
            guard index < estimate.coefficients.count else { return "1, given" }
            return fixed(estimate.coefficients[index], 2) + " ± " + fixed(estimate.errors[index], 2)
          })
    }
    table.rows.append(
      ["an hour is worth", fixed(Survey.truth[4] / Survey.truth[3], 2)] + estimates.map { fixed($0.hour, 2) })
    table.rows.append(["log-likelihood", ""] + estimates.map { fixed($0.logLikelihood, 1) })
    return table
  }

  static func checks(of estimates: [Estimate], _ settings: Settings) -> [Check] {
    let (probit, scaled) = (estimates[1], estimates[2])
    let worst = scaled.coefficients.indices.map { scaled.deviation($0).magnitude }
    return [
      Check("the largest deviation from the truth, in standard errors", worst.max() ?? .nan, atMost: 3.5),
      Check("the largest standard error", scaled.errors.max() ?? .nan, atMost: 1.5),
      Check(
        "the gain of the likelihood by the scale", scaled.logLikelihood - probit.logLikelihood,
        atLeast: settings.isQuick ? 0.5 : 1.92),
    ]
  }

  // ## The picture
  //
  // How far the estimates are off the truth, in standard errors, with bars of two of them. A model that is right has its
  // dots within two of zero, nineteen times in twenty.
  //
  // ![Estimates of three models, in standard errors from the truth](example-choice)

  static func picture(of estimates: [Estimate]) -> String {
    let series = estimates.enumerated().map { number, estimate in
      ChartSeries(
        estimate.model.name, color: number, marks: .dots,
        points: estimate.coefficients.indices.map { index in
          let off = estimate.deviation(index)
          return ChartPoint(x: Double(index) + 0.2 * Double(number - 1), y: off, range: off - 2...off + 2)
        })
    }
    let ticks = Survey.names.enumerated().map { ChartTick(Double($0), $1) }
    let zero = ChartSeries(
      "", color: 6, marks: .dashedLine, points: [ChartPoint(x: -0.5, y: 0), ChartPoint(x: 5.5, y: 0)])
    return ChartFigure(
      "How far are the estimates off the truth?",
      charts: [
        Chart(
          x: ChartAxis("", range: -0.5...5.5, ticks: ticks), y: ChartAxis("standard errors"),
          series: [zero] + series)
      ], plotWidth: 660, plotHeight: 260
    ).svg
  }
}
