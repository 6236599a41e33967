import Foundation
import Noisemax
import Testing

/// Losses of batches, in every form, and what wrong targets are told.
@Suite struct LossFormsTests {
  static let laws = ShippedLaw.all.map(\.name)

  @Test(arguments: laws, Loss.allCases)
  func batchesAreMeansOfRows(law: String, loss: Loss) throws {
    try check(Double.self, bound: 1e-15)
    try check(Float.self, bound: 1e-6)
    func check<Scalar: LogitScalar>(_ type: Scalar.Type, bound: Scalar) throws {
      let argmax = try NoisyArgmax(named: law)
      let logits: [Scalar] = [0.5, 0.25, -0.25, 0.125, -0.5, 0.25, 0, 0, 0.75]
      let classes = [0, 2, 1]
      let weights: [Scalar] = [0.5, 0.25, 0.25, 0, 0, 1, 0.125, 0.75, 0.125]
      var sums: (Scalar, Scalar) = (0, 0)
      var gradients: ([Scalar], [Scalar]) = ([], [])
      var ownGradients: ([Scalar], [Scalar]) = ([], [])
      var values: ([Scalar], [Scalar]) = ([], [])
      for row in 0..<3 {
        let slots = 3 * row..<3 * row + 3
        let single = Array(logits[slots])
        let ofClass = argmax.lossWithGradient(for: single, target: classes[row], as: loss)
        let ofWeights = argmax.lossWithGradient(for: single, target: Array(weights[slots]), as: loss)
        sums = (sums.0 + ofClass.value / 3, sums.1 + ofWeights.value / 3)
        ownGradients = (ownGradients.0 + ofClass.gradient, ownGradients.1 + ofWeights.gradient)
        values = (values.0 + [ofClass.value], values.1 + [ofWeights.value])
        gradients.0 += ofClass.gradient.map { $0 / 3 }
        gradients.1 += ofWeights.gradient.map { $0 / 3 }
      }
      let ofClasses = argmax.lossWithGradient(for: Rows(logits, length: 3), targets: classes, as: loss)
      let ofWeights = argmax.lossWithGradient(
        for: Rows(logits, length: 3), targets: Rows(weights, length: 3), as: loss)
      #expect((ofClasses.value - sums.0).magnitude <= bound && (ofWeights.value - sums.1).magnitude <= bound)
      for (a, b) in zip(ofClasses.gradient.elements + ofWeights.gradient.elements, gradients.0 + gradients.1)
      {
        #expect((a - b).magnitude <= bound, "\(a), not \(b)")
      }
      // Every other form gives the same bits.
      #expect(argmax.loss(for: Rows(logits, length: 3), targets: classes, as: loss) == ofClasses.value)
      #expect(
        argmax.loss(for: Rows(logits, length: 3), targets: Rows(weights, length: 3), as: loss)
          == ofWeights.value)
      let each = argmax.lossesWithGradients(for: Rows(logits, length: 3), targets: classes, as: loss)
      let eachOfWeights = argmax.lossesWithGradients(
        for: Rows(logits, length: 3), targets: Rows(weights, length: 3), as: loss)
      #expect(each.values == argmax.losses(for: Rows(logits, length: 3), targets: classes, as: loss))
      #expect(each.gradients.elements == ownGradients.0 && eachOfWeights.gradients.elements == ownGradients.1)
      #expect(eachOfWeights.values == values.1)
      var workspace = NoisyArgmax.Workspace()
      var memory = [Scalar](repeating: 0, count: 9)
      var span = memory.mutableSpan
      var value = argmax.writeLossGradient(
        for: logits.span, rowLength: 3, targets: classes.span, as: loss, to: &span, workspace: &workspace)
      #expect(value == ofClasses.value && memory == ofClasses.gradient.elements)
      span = memory.mutableSpan
      value = argmax.writeLossGradient(
        for: logits.span, rowLength: 3, targets: weights.span, as: loss, to: &span, workspace: &workspace)
      #expect(value == ofWeights.value && memory == ofWeights.gradient.elements)
      var numbers: [Scalar] = [0, 0, 0]
      span = numbers.mutableSpan
      argmax.writeLosses(
        for: logits.span, rowLength: 3, targets: classes.span, as: loss, to: &span, workspace: &workspace)
      #expect(numbers == argmax.losses(for: Rows(logits, length: 3), targets: classes, as: loss))
      span = numbers.mutableSpan
      argmax.writeLosses(
        for: logits.span, rowLength: 3, targets: weights.span, as: loss, to: &span, workspace: &workspace)
      #expect(
        numbers == argmax.losses(for: Rows(logits, length: 3), targets: Rows(weights, length: 3), as: loss))
      memory = logits
      span = memory.mutableSpan
      value = argmax.formLossGradient(
        in: &span, rowLength: 3, targets: classes.span, as: loss, workspace: &workspace)
      #expect(value == ofClasses.value && memory == ofClasses.gradient.elements)
      memory = logits
      span = memory.mutableSpan
      value = argmax.formLossGradient(
        in: &span, rowLength: 3, targets: weights.span, as: loss, workspace: &workspace)
      #expect(value == ofWeights.value && memory == ofWeights.gradient.elements)
      #expect(argmax.loss(for: Rows([Scalar](), length: 3), targets: [Int](), as: loss) == 0)
    }
  }

  /// Each row has its share of the mean and of its gradient, however many there are.
  @Test(arguments: Loss.allCases, [1, 2, 4, 5, 16, 33])
  func theMeanIsOverAllRows(loss: Loss, rows: Int) {
    let argmax = NoisyArgmax(.logistic)
    let logits = (0..<3 * rows).map { Double($0 * 37 % 19) / 8 }
    let targets = (0..<rows).map { $0 % 3 }
    let weights = (0..<3 * rows).map { $0 % 3 == 1 ? 0.5 : 0.25 }
    let ofClasses = argmax.lossWithGradient(for: Rows(logits, length: 3), targets: targets, as: loss)
    let ofWeights = argmax.lossWithGradient(
      for: Rows(logits, length: 3), targets: Rows(weights, length: 3), as: loss)
    var sums = (0.0, 0.0)
    for row in 0..<rows {
      let slots = 3 * row..<3 * row + 3
      let single = Array(logits[slots])
      let ofClass = argmax.lossWithGradient(for: single, target: targets[row], as: loss)
      let ofWeight = argmax.lossWithGradient(for: single, target: Array(weights[slots]), as: loss)
      sums = (sums.0 + ofClass.value, sums.1 + ofWeight.value)
      for (index, slot) in slots.enumerated() {
        let expected = (ofClass.gradient[index] / Double(rows), ofWeight.gradient[index] / Double(rows))
        #expect(
          isClose(ofClasses.gradient.elements[slot], expected.0, within: 1e-15),
          "\(logits), \(targets), \(slot)")
        #expect(
          isClose(ofWeights.gradient.elements[slot], expected.1, within: 1e-15),
          "\(logits), \(weights), \(slot)")
      }
    }
    #expect(isClose(ofClasses.value, sums.0 / Double(rows), within: 1e-14), "\(logits), \(targets)")
    #expect(isClose(ofWeights.value, sums.1 / Double(rows), within: 1e-14), "\(logits), \(weights)")
  }

  @Test func wrongTargetsTrapWithTheirValues() async throws {
    let results = [
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).loss(for: [1, 2, 3], target: 7)
      },
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).loss(for: [.nan, 2, 3], target: -1)
      },
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.gumbel).loss(for: [1, 2, 3], target: [0.5, 0.25, 0.125])
      },
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.gumbel).loss(for: [1, 2, 3], target: [1.5, -0.5, 0])
      },
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.gumbel).loss(for: [1, 2, 3], target: [0.5, 0.5])
      },
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.gumbel).lossWithGradient(for: Rows([1.0, 2, 3, 4], length: 2), targets: [0])
      },
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal, method: .quantileRule(points: 4)).loss(for: [1, 2, 3], target: 0)
      },
    ]
    let words = [
      "target 7 is not a class of a row of 3", "target -1 is not a class of a row of 3",
      "a row of 3 sum to 0.875, not to 1", "weight -0.5 of class 1 in a row of 3 is not 0 or more",
      "1 rows of 3 logits do not fit targets of 1 rows of 2", "2 rows do not fit 1 targets",
      "the quantile rule has no Fenchel–Young loss",
    ]
    for (result, words) in zip(results, words) {
      let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
      #expect(text.contains(words), "\(text)")
    }
  }
}
