#if canImport(_Differentiation)
  import Noisemax
  import NoisemaxDifferentiation
  import Testing
  import _Differentiation

  /// What the compiler differentiates is, bit for bit, what the library's pullbacks say.
  @Suite struct DifferentiationTests {
    static let transforms = [
      NoisyArgmax(.gumbel, scale: 0.5), NoisyArgmax(.normal), NoisyArgmax(.uniform, scale: 2),
      NoisyArgmax(.logistic, points: 8),
    ]
    let logits = [0.5, -1, 2, 0.25, 0, 1]
    let weights = [1.0, -2, 0.5, 3, 0, -1]

    @Test(arguments: transforms) func probabilitiesOfARow(argmax: NoisyArgmax) {
      let weights = weights
      let floats = logits.map { Float($0) }
      let doubles = gradient(at: logits) { weighted(argmax.probabilities(for: $0), weights) }
      #expect(doubles.base == argmax.pullback(for: logits, of: weights), "\(argmax)")
      let logs = gradient(at: logits) { weighted(argmax.logProbabilities(for: $0), weights) }
      #expect(logs.base == argmax.logProbabilitiesPullback(for: logits, of: weights), "\(argmax)")
      let single = gradient(at: floats) { argmax.probabilities(for: $0)[2] }
      #expect(single.base == argmax.pullback(for: floats, of: [0, 0, 1, 0, 0, 0]), "\(argmax)")
    }

    @Test(arguments: transforms) func probabilitiesOfRows(argmax: NoisyArgmax) {
      let weights = weights
      let slope = gradient(at: logits) {
        weighted(argmax.probabilities(for: Rows($0, length: 3)).elements, weights)
      }
      let rows = Rows(logits, length: 3)
      #expect(slope.base == argmax.pullback(for: rows, of: Rows(weights, length: 3)).elements, "\(argmax)")
      let atRows = gradient(at: rows) { weighted(argmax.logProbabilities(for: $0).elements, weights) }
      #expect(
        atRows.base == argmax.logProbabilitiesPullback(for: rows, of: Rows(weights, length: 3)).elements,
        "\(argmax)")
    }

    @Test func lossesAndSummaries() {
      let argmax = NoisyArgmax(.normal, scale: 0.75)
      for loss in Loss.allCases {
        let slope = gradient(at: logits) { argmax.loss(for: $0, target: 1, as: loss) }
        #expect(slope.base == argmax.lossWithGradient(for: logits, target: 1, as: loss).gradient)
        let ofRows = gradient(at: Rows(logits, length: 2)) {
          argmax.loss(for: $0, targets: [0, 1, 1], as: loss, reduction: .sum)
        }
        let expected = argmax.lossWithGradient(
          for: Rows(logits, length: 2), targets: [0, 1, 1], as: loss, reduction: .sum)
        #expect(ofRows.base == expected.gradient.elements)
      }
      let p = gradient(at: logits) { argmax.expectedMaximum(for: $0) }
      #expect(p.base == argmax.valueWithGradient(of: .expectedMaximum, for: logits).gradient)
      for summary in Summary.allCases {
        let slope = gradient(at: Rows(logits, length: 3)) { argmax.value(of: summary, for: $0)[1] * 2 }
        let (_, expected) = argmax.valueWithGradient(of: summary, for: Rows(logits, length: 3))
        #expect(slope.base == [0, 0, 0] + expected[1].map { 2 * $0 }, "\(summary)")
      }
    }

    @Test func relaxedDrawsAreThoseOfTheirSeed() {
      let argmax = NoisyArgmax(.gumbel)
      let weights = weights
      let (value, slope) = valueWithGradient(at: logits) {
        weighted(argmax.relaxedValue(for: $0, temperature: 0.5, seed: 3), weights)
      }
      var generator = StreamGenerator(seed: 3)
      let sample = argmax.relaxedSample(for: logits, temperature: 0.5, using: &generator)
      #expect(value == weighted(sample.value, weights) && slope.base == sample.pullback(of: weights))
    }

    /// Two classes apart by the sign of x: a linear model, written as a model is, learns it.
    struct Linear: Differentiable {
      var weights: [Double]

      @differentiable(reverse)
      func loss(_ x: Double, label: Int, under argmax: NoisyArgmax) -> Double {
        argmax.loss(for: [weights[0] * x, weights[1] * x], target: label)
      }
    }

    @Test(arguments: transforms.filter { $0.method == .exact }) func aModelIsTrained(argmax: NoisyArgmax) {
      var model = Linear(weights: [0, 0])
      let data = [(1.0, 0), (2.0, 0), (-1.5, 1), (-0.5, 1)]
      var losses: [Double] = []
      for _ in 0..<40 {
        var total = 0.0
        for (x, label) in data {
          let (loss, slope) = valueWithGradient(at: model) { $0.loss(x, label: label, under: argmax) }
          total += loss
          model.move(by: .init(weights: .init(slope.weights.base.map { -0.2 * $0 })))
        }
        losses.append(total)
      }
      #expect(losses.last! < 0.3 * losses[0] && model.weights[0] > model.weights[1], "\(argmax): \(losses)")
    }
  }

  @differentiable(reverse,wrt: numbers)
  private func weighted(_ numbers: [Double], _ weights: [Double]) -> Double {
    var sum = 0.0
    for index in 0..<withoutDerivative(at: numbers.count) { sum += numbers[index] * weights[index] }
    return sum
  }
#endif
