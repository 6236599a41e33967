import Foundation
import Noisemax
import Testing

/// Orderings: against independent values, closed forms, and the sum over all orders.
@Suite struct OrderingTests {
  @Test(arguments: Fixture.transformLaws)
  func agreesWithIndependentValues(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for row in try Fixture.transformCases(of: law) {
      for pair in row.firstThenSecond {
        // One of the values is more than the first class's own probability, by 5e-7: that bounds what it can be.
        let truth = min(try double(pair.probability), try double(row.probabilities[pair.first]))
        let result = argmax.orderingLogProbability(
          for: row.logits, ordering: [pair.first, pair.second], scales: row.everyScale)
        let error = truth > 0 ? (exp(result) / truth - 1).magnitude : exp(result)
        #expect(error <= 1e-11, "\(row.testDescription), \(pair): \(exp(result)), not \(truth)")
        let single = argmax.orderingLogProbability(
          for: row.logits.map { Float($0) }, ordering: [pair.first, pair.second],
          scales: row.everyScale.map { Float($0) })
        #expect((exp(Double(single)) - truth).magnitude <= 1e-5, "\(row.testDescription), \(pair): \(single)")
      }
    }
  }

  /// All orders of four classes have probabilities that sum to 1, and those with one class first to its own.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func theOrdersSumToOne(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.5)
    let logits = [0.4, 0.9, -0.3, 0.1]
    let scales = [1, 0.3, 2, 1]
    var (total, first) = (0.0, [Double](repeating: 0, count: 4))
    let all = orders(of: [0, 1, 2, 3])
    #expect(all.count == 24)
    for order in all {
      let p = exp(argmax.orderingLogProbability(for: logits, ordering: order, scales: scales))
      total += p
      first[order[0]] += p
      // The last place follows from the others.
      let short = exp(
        argmax.orderingLogProbability(for: logits, ordering: Array(order.dropLast()), scales: scales))
      #expect((p - short).magnitude <= 1e-12 * p, "\(law), \(order): \(p), \(short)")
    }
    #expect((total - 1).magnitude <= 1e-12, "\(law): \(total)")
    let p = argmax.probabilities(for: logits, scales: scales)
    for i in p.indices {
      #expect((first[i] / p[i] - 1).magnitude <= 1e-12, "\(law), class \(i): \(first), \(p)")
    }
  }

  private func orders(of classes: [Int]) -> [[Int]] {
    classes.isEmpty
      ? [[]] : classes.flatMap { first in orders(of: classes.filter { $0 != first }).map { [first] + $0 } }
  }

  /// Plackett–Luce, by the closed form and by the panels, which scales of an ulp apart take.
  @Test func gumbelIsPlackettLuce() {
    let argmax = NoisyArgmax(.gumbel, scale: 2)
    let logits = [0.4, 0.9, -0.3, 8, -60, 0.1]
    for ordering in [[3], [3, 1, 0], [0, 1, 2, 3, 4, 5], [4, 2], [5, 4, 3, 2, 1, 0]] {
      var (left, truth) = (Set(logits.indices), 0.0)
      for index in ordering {
        truth += logits[index] / 2 - log(left.reduce(0) { $0 + exp(logits[$1] / 2) })
        left.remove(index)
      }
      let result = argmax.orderingLogProbability(for: logits, ordering: ordering)
      #expect(
        (result - truth).magnitude <= 1e-13 * max(truth.magnitude, 1), "\(ordering): \(result), not \(truth)")
      let scales = [1, 1.0.nextUp, 1, 1, 1, 1]
      let integrated = argmax.orderingLogProbability(for: logits, ordering: ordering, scales: scales)
      #expect((integrated - truth).magnitude <= 1e-11, "\(ordering): \(integrated), not \(truth)")
      let closed = argmax.rankingLossWithGradient(for: logits, ordering: ordering).gradient
      let other = argmax.rankingLossWithGradient(for: logits, scales: scales, ordering: ordering).logits
      for i in closed.indices {
        #expect((closed[i] - other[i]).magnitude <= 1e-11, "\(ordering), class \(i): \(closed), \(other)")
      }
    }
  }

  /// A long ranking of different classes, far below the least Double, by the panels and in closed form.
  @Test func longRankingsOfDifferentClasses() {
    let argmax = NoisyArgmax(.gumbel)
    let logits = (0..<90).map { sin(Double($0 * $0)) * 3 }
    let ordering = Array(logits.indices)
    var scales = logits.map { _ in 1.0 }
    scales[7] = 1.0.nextUp
    let closed = argmax.rankingLossWithGradient(for: logits, ordering: ordering)
    let other = argmax.rankingLossWithGradient(for: logits, scales: scales, ordering: ordering)
    #expect((other.value / closed.value - 1).magnitude <= 1e-12, "\(other.value), not \(closed.value)")
    for i in logits.indices {
      let error = (other.logits[i] - closed.gradient[i]).magnitude
      #expect(error <= 1e-10, "class \(i): \(other.logits[i]), not \(closed.gradient[i])")
    }
  }

  /// Far below the least Double gradients are finite, and sum to 0.
  @Test func farRankingsHaveGradients() {
    let logits = [6.9, -8.7, -6.2, 7.9]
    for (argmax, scales) in [
      (NoisyArgmax(.gumbel), [0.4, 0.05, 0.2, 0.14]), (NoisyArgmax(.normal), [0.4, 0.1, 0.2, 0.25]),
    ] {
      let result = argmax.rankingLossWithGradient(for: logits, scales: scales, ordering: [3, 1, 2, 0])
      #expect(result.value > 300, "\(argmax): \(result)")
      let numbers = result.logits + result.scales
      #expect(numbers.allSatisfy { $0.isFinite }, "\(argmax): \(result)")
      let content = result.logits.reduce(0) { $0 + $1.magnitude }
      #expect(result.logits.reduce(0, +).magnitude <= 1e-12 * content, "\(argmax): \(result)")
    }
  }

  /// Equal classes: every full ranking of n has probability 1/n!, however long.
  @Test(arguments: ShippedLaw.all.map(\.name), [2, 5, 20, 60])
  func equalClassesAreInAnyOrder(law: String, count: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let result = NoisyArgmax(noise).orderingLogProbability(
      for: [Double](repeating: 1.5, count: count), ordering: Array(0..<count),
      scales: [Double](repeating: 2, count: count))
    let truth = (1...count).reduce(0.0) { $0 - log(Double($1)) }
    #expect((result - truth).magnitude <= 1e-10, "\(law), \(count) classes: \(result), not \(truth)")
  }

  /// Under normal noise two classes are in the rarer order with Φ of their distance, below the least Double too.
  @Test func farOrdersOfTwoNormalClasses() {
    for gap in [1.0, 20, 45] {
      let result = NoisyArgmax(.normal).orderingLogProbability(
        for: [0, gap], ordering: [0, 1], scales: [3, 4])
      let truth = Normal().logSurvival(at: gap / 5)
      #expect((result - truth).magnitude <= 1e-11, "gap \(gap): \(result), not \(truth)")
    }
  }

  @Test(arguments: ["normal", "logistic", "gumbel", "reversed-gumbel", "laplace"])
  func gradientsEqualFiniteDifferences(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.5)
    let logits: [Double] = [0.4, 0.9, -0.3, -.infinity, 0.1, 1.4]
    let scales: [Double] = [1, 0.3, 2, 1, 1, 0.5]
    for ordering in [[1], [4, 1], [5, 0, 2], [0, 1, 2, 4, 5]] {
      let (value, inLogits, inScales) = argmax.rankingLossWithGradient(
        for: logits, scales: scales, ordering: ordering)
      #expect(value == argmax.rankingLoss(for: logits, ordering: ordering, scales: scales))
      var euler = 0.0
      for j in logits.indices where j != 3 {
        func slope(_ value: (Double) -> Double) -> Double { (value(1e-5) - value(-1e-5)) / 2e-5 }
        let slopeInLogits = slope { step in
          let moved = logits.indices.map { logits[$0] + ($0 == j ? step : 0) }
          return argmax.rankingLoss(for: moved, ordering: ordering, scales: scales)
        }
        let slopeInScales = slope { step in
          let moved = scales.indices.map { scales[$0] + ($0 == j ? step : 0) }
          return argmax.rankingLoss(for: logits, ordering: ordering, scales: moved)
        }
        let testCase = "\(law), \(ordering), class \(j)"
        #expect(
          (inLogits[j] - slopeInLogits).magnitude <= 1e-6, "\(testCase): \(inLogits[j]), not \(slopeInLogits)"
        )
        #expect(
          (inScales[j] - slopeInScales).magnitude <= 1e-5, "\(testCase): \(inScales[j]), not \(slopeInScales)"
        )
        euler += logits[j] * inLogits[j] + scales[j] * inScales[j]
      }
      #expect(inLogits[3] == 0 && inScales[3] == 0)
      #expect(inLogits.reduce(0, +).magnitude <= 1e-12 && euler.magnitude <= 1e-11, "\(law), \(ordering)")
    }
  }

  @Test func edges() {
    let argmax = NoisyArgmax(.normal)
    #expect(argmax.orderingLogProbability(for: [3.0], ordering: [0]) == 0)
    #expect(argmax.orderingLogProbability(for: [3, -.infinity] as [Double], ordering: [0]) == 0)
    #expect(
      argmax.orderingLogProbability(for: [3, -.infinity] as [Double], ordering: [1, 0]) == -Double.infinity)
    #expect(argmax.rankingLoss(for: [3, .infinity] as [Double], ordering: [1, 0]) == 0)
    #expect(argmax.rankingLoss(for: [3, .infinity] as [Double], ordering: [0]) == Double.infinity)
    #expect(argmax.rankingLoss(for: [3, .nan] as [Double], ordering: [0]).isNaN)
    #expect(NoisyArgmax(.uniform).rankingLoss(for: [3, 1.5] as [Double], ordering: [1]) == Double.infinity)
    let rows = Rows([0.4, 0.9, -0.3, 1, 2, 3], length: 3)
    let losses = [
      argmax.rankingLoss(for: rows[0], ordering: [2, 0]), argmax.rankingLoss(for: rows[1], ordering: [2]),
    ]
    let mean = argmax.rankingLoss(for: rows, orderings: [[2, 0], [2]])
    #expect((mean - (losses[0] + losses[1]) / 2).magnitude <= 1e-15)
    let (sum, gradient) = argmax.rankingLossWithGradient(
      for: rows, orderings: [[2, 0], [2]], reduction: .sum)
    #expect((sum - losses[0] - losses[1]).magnitude <= 1e-15)
    #expect(gradient[1] == argmax.rankingLossWithGradient(for: rows[1], ordering: [2]).gradient)
  }

  @Test func whatIsRefused() async throws {
    func check(_ result: ExitTest.Result?, says text: String) {
      let message = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
      #expect(message.contains(text), "\(message)")
    }
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).rankingLoss(for: [1.0, 2], ordering: [1, 1])
      }, says: "class 1 comes twice in the ordering [1, 1]")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).rankingLoss(for: [1.0, 2], ordering: [2])
      }, says: "2 in an ordering is not a class of a row of 2")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).rankingLoss(for: [1.0, 2], ordering: [1], scales: [0, 1])
      }, says: "the scale of class 0 is finite and above 0, not 0.0")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).rankingLoss(for: [1.0, 2], ordering: [])
      }, says: "an ordering has at least one class")
  }
}
