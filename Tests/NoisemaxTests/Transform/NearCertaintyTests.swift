import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Losses, their gradients and the entropy where the first of many classes is nearly certain: what is left is a sum over
/// all others, and its digits are kept however small it is.
@Suite struct NearCertaintyTests {
  /// How far the others are behind, and over what they are spread.
  static let rows:
    [(law: String, window: ClosedRange<Double>, step: Double, margin: Double, spread: Double)] = [
      ("normal", -11...11, 1 / 16, 5, 3), ("normal", -11...11, 1 / 16, 9, 0),
      ("normal", -11...11, 1 / 16, 12, 6),
      ("normal", -11...11, 1 / 16, 25, 1), ("logistic", -40...60, 1 / 8, 12, 8),
      ("logistic", -40...60, 1 / 8, 35, 0), ("logistic", -40...60, 1 / 8, 60, 40),
      ("logistic", -40...60, 1 / 8, 250, 3),
    ]

  @Test(arguments: rows, isDebugBuild ? [400] : [300, 1000, 3000])
  func manyClassesKeepTheDigitsOfLossesAndEntropies(
    shape: (law: String, window: ClosedRange<Double>, step: Double, margin: Double, spread: Double),
    count: Int
  ) throws {
    let noise = try #require(ShippedLaw.standard(named: shape.law) as? any SmoothNoise)
    var generator = SplitMix64(seed: UInt64(count))
    let others = (1..<count).map { _ in
      -shape.margin - shape.spread * Double.random(in: 0...1, using: &generator)
    }
    let row = [0] + others
    func integral(_ noise: some SmoothNoise, _ step: Double) -> LeaderIntegral {
      LeaderIntegral(row, under: noise, window: shape.window, step: step)
    }
    let truth = integral(noise, shape.step)
    check(NoisyArgmax(noise), row, truth, "\(shape), \(count) classes: \(row)")
  }

  private func check(_ argmax: NoisyArgmax, _ row: [Double], _ truth: LeaderIntegral, _ whole: String) {
    func expect(_ name: String, _ value: Double, _ expected: Double) {
      #expect(
        isClose(value, expected, within: 3e-12 * expected.magnitude),
        "\(name): \(value), not \(expected), \(value / expected - 1) off, of \(whole)")
    }
    let (loss, gradient) = argmax.lossWithGradient(for: row, target: 0)
    expect("loss", loss, truth.excess)
    expect("loss alone", argmax.loss(for: row, target: 0), truth.excess)
    let (likelihood, slopes) = argmax.lossWithGradient(for: row, target: 0, as: .negativeLogLikelihood)
    expect("negative log-likelihood", likelihood, -log1p(-truth.rarity))
    expect("gradient at the leader", gradient[0], -truth.rarity)
    expect(
      "slope at the leader", slopes[0], -LeaderIntegral.sum(truth.couplings) / (1 - truth.rarity))
    for index in row.indices.dropFirst() {
      expect("gradient \(index)", gradient[index], truth.probabilities[index])
      expect("slope \(index)", slopes[index], truth.couplings[index] / (1 - truth.rarity))
    }
    let entropy = LeaderIntegral.sum([truth.excess] + zip(truth.probabilities, row).map { $0 * -$1 })
    expect("entropy", argmax.generalizedEntropy(for: row), entropy)
    expect(
      "entropy with gradient", argmax.valueWithGradient(of: .generalizedEntropy, for: row).value, entropy)
  }

  /// The integral itself: its step halved.
  @Test(arguments: rows)
  func theIntegralHasConverged(
    shape: (law: String, window: ClosedRange<Double>, step: Double, margin: Double, spread: Double)
  ) throws {
    let noise = try #require(ShippedLaw.standard(named: shape.law) as? any SmoothNoise)
    let row = [0] + (0..<20).map { -shape.margin - shape.spread * Double($0) / 19 }
    func integral(_ noise: some SmoothNoise, _ step: Double) -> LeaderIntegral {
      LeaderIntegral(row, under: noise, window: shape.window, step: step)
    }
    let (one, two) = (integral(noise, shape.step), integral(noise, shape.step * 0.37))
    let pairs =
      [(one.excess, two.excess)] + zip(one.probabilities + one.couplings, two.probabilities + two.couplings)
    for (a, b) in pairs { #expect(isClose(a, b, within: 2e-13 * b), "\(shape): \(a), not \(b)") }
  }
}
