import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Losses and their gradients: closed forms, independent integrals, near certainty, edges.
@Suite struct LossTests {
  static let laws = ShippedLaw.all.map(\.name)

  private static func argmax(_ law: String, scale: Double = 1) throws -> NoisyArgmax {
    let noise = try #require(ShippedLaw.standard(named: law))
    return NoisyArgmax(noise, scale: scale)
  }

  // MARK: values

  @Test func underGumbelNoiseBothAreTheCrossEntropy() throws {
    var rows = AdversarialRows(generator: SplitMix64(seed: 12))
    for _ in 0..<(isDebugBuild ? 6 : 40) {
      let row = rows.next(largest: 40)
      let softmax = NoisyArgmax(.gumbel)
      let (p, logs) = (softmax.probabilities(for: row), softmax.logProbabilities(for: row))
      let raw = row.indices.map { Double($0 % 3) + 0.25 }
      let y = raw.map { $0 / raw.reduce(0, +) }
      let crossEntropy = -zip(y, logs).reduce(0) { $0 + $1.0 * $1.1 }
      for (argmax, bound) in [(softmax, 1e-13), (try LatticeTests.transform("gumbel"), 1e-11)] {
        for loss in Loss.allCases {
          let (value, gradient) = argmax.lossWithGradient(for: row, target: y, as: loss)
          #expect(isClose(value, crossEntropy, within: bound * crossEntropy), "\(loss), \(row)")
          #expect(value == argmax.loss(for: row, target: y, as: loss))
          for i in row.indices {
            #expect(isClose(gradient[i], p[i] - y[i], within: bound), "\(loss), \(row), \(i)")
          }
          for target in [0, row.count - 1] {
            let (value, gradient) = argmax.lossWithGradient(for: row, target: target, as: loss)
            #expect(
              isClose(value, -logs[target], within: bound * -logs[target]), "\(loss), \(row), \(target)")
            #expect(value == argmax.loss(for: row, target: target, as: loss))
            for i in row.indices where i != target {
              #expect(isClose(gradient[i], p[i], within: 1e-11 * p[i] + 1e-300), "\(loss), \(row), \(i)")
            }
          }
        }
      }
    }
  }

  /// The leader of two classes as target: loss, and p − y, in closed form, with all their digits.
  @Test func nearCertaintyLossesKeepTheirDigits() throws {
    func expect(_ law: String, gap g: Double, loss: Double, p: Double, scale: Double = 1) throws {
      let argmax = try Self.argmax(law, scale: scale)
      let (value, gradient) = argmax.lossWithGradient(for: [0, scale * -g], target: 0)
      #expect(
        isClose(value, scale * loss, within: 3e-12 * scale * loss), "\(law), gap \(g): \(value), not \(loss)")
      #expect(isClose(gradient[0], -p, within: 3e-12 * p), "\(law), gap \(g): \(gradient[0]), not \(-p)")
      #expect(isClose(gradient[1], p, within: 3e-12 * p), "\(law), gap \(g): \(gradient[1]), not \(p)")
      let far = argmax.loss(for: [0, scale * -g], target: 1)
      #expect(isClose(far, scale * (loss + g), within: 1e-14 * far), "\(law), gap \(g): \(far)")
      let likelihood = argmax.loss(for: [0, scale * -g], target: 0, as: .negativeLogLikelihood)
      let truth = -log1p(-p)
      #expect(
        isClose(likelihood, truth, within: 3e-12 * truth), "\(law), gap \(g): \(likelihood), not \(truth)")
    }
    for g in [0.001, 0.3, 1, 4, 12, 30.5, 69.3, 100, 300, 650] {
      let t = exp(-g)
      try expect("exponential", gap: g, loss: t / 2, p: t / 2)
      try expect("laplace", gap: g, loss: t * (1.5 + g / 2) / 2, p: t * (1 + g / 2) / 2, scale: 2)
      try expect("gumbel", gap: g, loss: log1p(t), p: t / (1 + t), scale: 8)
      try expect("reversed-gumbel", gap: g, loss: log1p(t), p: t / (1 + t), scale: 0.25)
      if g >= 1 {
        try expect("logistic", gap: g, loss: g / expm1(g), p: t * (g - 1 + t) / ((1 - t) * (1 - t)))
      }
    }
    for reach in [0.75, 0.5, 0x1p-10, 0x1p-26, 0x1p-53] {
      try expect("uniform", gap: 1 - reach, loss: pow(reach, 3) / 6, p: reach * reach / 2)
    }
  }

  /// ∫ F·(1 − ∏ F of the others) over the leader's noise, in panels between all kinks.
  @Test(arguments: ["uniform", "exponential", "laplace"])
  func manyClassesUnderLawsWithKinks(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law) as? any PiecewiseNoise)
    let argmax = try Self.argmax(law)
    let unit = law == "uniform" ? 1.0 / 64 : 1
    for gaps: [Double] in [
      [0, 0], [0, 0.5, 3], [0, 0, 1, 20], [0, 10, 30, 60], [0, 63.5, 40, 63.75], [0, 1e-9, 5],
      [0] + (1...30).map { 2 * Double($0) },
    ] {
      let row = gaps.map { 0 - $0 * unit }
      let truth = Self.excess(of: row, under: noise)
      let value = argmax.loss(for: row, target: 0)
      #expect(isClose(value, truth, within: 1e-11 * truth), "\(row): \(value), not \(truth)")
      #expect(
        isClose(Double(argmax.loss(for: row.map { Float($0) }, target: 0)), truth, within: 1e-4 * truth),
        "\(row)")
    }
  }

  private static func excess(of row: [Double], under noise: some PiecewiseNoise) -> Double {
    let (low, high) = (
      max(noise.quantile(at: 0), row.min()! - 45), min(noise.upperQuantile(at: 0), 45)
    )
    var ends = row.flatMap { logit in noise.kinks.map { $0 + logit } }.filter { $0 > low && $0 < high }
    ends += stride(from: low, to: high, by: 1.0 / 16) + [high]
    ends.sort()
    let (nodes, weights) = (
      [-0.9061798459386640, -0.5384693101056831, 0, 0.5384693101056831, 0.9061798459386640],
      [0.2369268850561891, 0.4786286704993665, 0.5688888888888889, 0.4786286704993665, 0.2369268850561891]
    )
    var sum = 0.0
    for (a, b) in zip(ends, ends.dropFirst()) {
      for (node, weight) in zip(nodes, weights) {
        let x = (a + b) / 2 + (b - a) / 2 * node
        let others = row.dropFirst().reduce(0) { $0 + noise.logCumulative(at: x - $1) }
        sum += weight * (b - a) / 2 * noise.cumulative(at: x) * -expm1(others)
      }
    }
    return sum
  }

  @Test(arguments: laws)
  func theyAreLeastWhereTheProbabilitiesAreTheTarget(law: String) throws {
    let argmax = try Self.argmax(law, scale: 0.5)
    let row = [0.1, -0.2, 0.15, 0.3]
    let y = argmax.probabilities(for: row)
    let (value, gradient) = argmax.lossWithGradient(for: row, target: y)
    #expect(isClose(value, argmax.generalizedEntropy(for: row), within: 1e-14))
    #expect(gradient.allSatisfy { $0.magnitude <= 1e-15 })
    var generator = SplitMix64(seed: 2)
    for _ in 0..<20 {
      let other = row.map { $0 + Double.random(in: -1...1, using: &generator) }
      #expect(argmax.loss(for: other, target: y) > value, "\(other)")
      // Convex: below its chords.
      let middle = zip(row, other).map { ($0 + $1) / 2 }
      for target in [0, 3] {
        let chord = (argmax.loss(for: row, target: target) + argmax.loss(for: other, target: target)) / 2
        #expect(argmax.loss(for: middle, target: target) <= chord + 1e-15, "\(other)")
      }
    }
  }

  @Test(arguments: laws)
  func neverNegative(law: String) throws {
    let argmax = try Self.argmax(law)
    var rows = AdversarialRows(generator: SplitMix64(seed: 13))
    for _ in 0..<(isDebugBuild ? 6 : 40) {
      let row = rows.next(largest: 30) + [-1e9, -.infinity]
      for loss in Loss.allCases {
        for target in [0, row.firstIndex(of: row.max()!)!] {
          let (value, gradient) = argmax.lossWithGradient(for: row, target: target, as: loss)
          #expect(value >= 0, "\(loss), \(row), \(target): \(value)")
          // The loss falls as the target rises, and the entries of the others sum to what it falls by.
          if value.isFinite {
            #expect(
              gradient[target] <= 0 && gradient[row.count - 1] == 0, "\(loss), \(row), \(target): \(gradient)"
            )
            let size = gradient.reduce(0) { $0 + $1.magnitude }
            #expect(
              gradient.reduce(0, +).magnitude <= 1e-12 * size, "\(loss), \(row), \(target): \(gradient)")
          }
        }
      }
    }
  }

  @Test func likelihoodsOfRareClasses() {
    for gap in [10.0, 36, 52, 60, 300, 1000] {
      let (value, gradient) = NoisyArgmax(.normal)
        .lossWithGradient(for: [0, -gap], target: 1, as: .negativeLogLikelihood)
      let z = -gap * 0.5.squareRoot()
      #expect(isClose(value, -Normal().logCumulative(at: z), within: 1e-11 * value))
      let slope = 0.5.squareRoot() * exp(Normal().logReversedHazard(at: z))
      #expect(isClose(gradient[1], -slope, within: 1e-10 * slope), "\(gap): \(gradient), not \(-slope)")
    }
  }

  // MARK: gradients

  @Test(arguments: laws, PullbackTests.methods)
  func gradientsEqualFiniteDifferences(law: String, method: NoisyArgmax.Method) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.5, method: method)
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02]
    let y = [0.25, 0.25, 0, 0, 0.5]
    for loss in Loss.allCases where method == .exact || loss == .negativeLogLikelihood {
      let (_, gradient) = argmax.lossWithGradient(for: logits, target: y, as: loss)
      let (_, gradientOfClass) = argmax.lossWithGradient(for: logits, target: 1, as: loss)
      for index in logits.indices where index != 3 {
        func row(_ value: Double) -> [Double] { logits.enumerated().map { $0 == index ? value : $1 } }
        let slope = difference(at: logits[index]) { argmax.loss(for: row($0), target: y, as: loss) }
        #expect(isClose(gradient[index], slope, within: 1e-7), "\(loss), \(index): \(gradient), not \(slope)")
        let slopeOfClass = difference(at: logits[index]) { argmax.loss(for: row($0), target: 1, as: loss) }
        #expect(
          isClose(gradientOfClass[index], slopeOfClass, within: 1e-7), "\(loss), \(index): \(gradientOfClass)"
        )
      }
      #expect(gradient[3] == 0 && gradientOfClass[3] == 0)
    }
  }

  // MARK: edges

  @Test(arguments: Loss.allCases)
  func edges(loss: Loss) {
    let argmax = NoisyArgmax(.normal)
    func check(_ row: [Double], _ target: [Double], _ value: Double, _ gradient: [Double]) {
      let result = argmax.lossWithGradient(for: row, target: target, as: loss)
      let expected = "\(row), \(target): \(result), not \(value), \(gradient)"
      #expect(
        "\(result.value)" == "\(value)" && "\(result.gradient.map { $0 + 0 })" == "\(gradient)", "\(expected)"
      )
      #expect("\(argmax.loss(for: row, target: target, as: loss))" == "\(value)", "\(expected)")
      guard let index = target.firstIndex(of: 1) else { return }
      let ofClass = argmax.lossWithGradient(for: row, target: index, as: loss)
      #expect("\(ofClass)" == "\(result)", "\(expected)")
    }
    check([], [], 0, [])
    check([5], [1], 0, [0])
    check([-.infinity, 2, -.infinity], [0, 1, 0], 0, [0, 0, 0])
    check([.infinity, 2], [1, 0], 0, [0, 0])
    check([0, -1e300, -1e9], [1, 0, 0], 0, [0, 0, 0])
    let (nan, infinity) = (Double.nan, Double.infinity)
    check([.infinity, 2], [0.5, 0.5], infinity, [0.5, -0.5])
    check([-infinity, -infinity], [0, 1], infinity, [0, 0])
    // p − y without the masked class.
    let (p, q) = (argmax.probabilities(for: [1, 2])[0], argmax.probabilities(for: [1, 2])[1])
    let toMask = argmax.lossWithGradient(for: [1, -infinity, 2], target: 1, as: loss)
    #expect(toMask.value == infinity && toMask.gradient[1] == 0, "\(toMask)")
    #expect(isClose(toMask.gradient[0], p, within: 1e-14) && isClose(toMask.gradient[2], q, within: 1e-14))
    check([1, nan], [0, 1], nan, [nan, nan])
    check([infinity, infinity], [0, 1], nan, [nan, nan])
    // A masked class without weight is as if it were not there.
    let (with, without) = (
      argmax.lossWithGradient(for: [1, -.infinity, 2], target: [0.25, 0, 0.75], as: loss),
      argmax.lossWithGradient(for: [1, 2], target: [0.25, 0.75], as: loss)
    )
    #expect(isClose(with.value, without.value, within: 1e-15) && with.gradient[1] == 0)
    #expect(isClose(with.gradient[2], without.gradient[1], within: 1e-15))
  }

  /// In units of such a scale the gap is infinite; the loss is the gap.
  @Test(arguments: laws)
  func subnormalScalesKeepTheLossFinite(law: String) throws {
    let argmax = try Self.argmax(law, scale: 0x1p-1030)
    let (value, gradient) = argmax.lossWithGradient(for: [0.5, -4.5, -.infinity], target: 1)
    #expect(value == 5 && gradient == [1, -1, 0], "\(law): \(value), \(gradient)")
    #expect(argmax.loss(for: [0.5, -4.5, -.infinity], target: 2) == .infinity)
  }

  @Test func classesOutOfReach() {
    let (value, gradient) = NoisyArgmax(.uniform).lossWithGradient(for: [0, -1.5], target: 1)
    #expect(value == 1.5 && gradient == [1, -1])
    let (likelihood, slope) = NoisyArgmax(.uniform)
      .lossWithGradient(for: [0, -1.5], target: 1, as: .negativeLogLikelihood)
    #expect(likelihood == .infinity && slope == [1, -1])
    // One row out of reach among others: the mean is infinite, its gradient finite, the other row's as it was.
    let (mean, slopes) = NoisyArgmax(.uniform).lossWithGradient(
      for: Rows([0, -1.5, 0, -0.5], length: 2), targets: [1, 1], as: .negativeLogLikelihood)
    let other = NoisyArgmax(.uniform).lossWithGradient(for: [0, -0.5], target: 1, as: .negativeLogLikelihood)
    #expect(mean == .infinity && slopes[0] == [0.5, -0.5] && slopes[1] == other.gradient.map { $0 / 2 })
  }

  /// By the quantile rule too: p − y of its own p.
  @Test func theRuleHasAGradientWhereItsLikelihoodIsZero() {
    let rule = NoisyArgmax(.uniform, points: 8)
    let (value, gradient) = rule.lossWithGradient(for: [0, -0.25, -2], target: 2, as: .negativeLogLikelihood)
    let p = rule.probabilities(for: [0, -0.25, -2])
    #expect(value == .infinity && p[2] == 0 && gradient[2] == -1, "\(gradient)")
    #expect(isClose(gradient[0], p[0], within: 1e-14) && isClose(gradient[1], p[1], within: 1e-14))
  }
}
