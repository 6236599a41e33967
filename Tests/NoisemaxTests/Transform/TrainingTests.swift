import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// A linear classifier learns by the losses of every law.
@Suite struct TrainingTests {
  static let laws = ShippedLaw.all.map(\.name)

  /// Points of four overlapping clusters in the plane, with a constant 1 as third feature.
  private struct Points {
    static let classes = 4
    let features: [[Double]]
    let labels: [Int]

    init(count: Int) {
      var generator = SplitMix64(seed: 1)
      func bell() -> Double {
        (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0...1, using: &generator) }
      }
      labels = (0..<count).map { $0 % Self.classes }
      features = labels.map { label in
        let angle = Double(label) * .pi / 2
        return [1.8 * cos(angle) + 0.8 * bell(), 1.8 * sin(angle) + 0.8 * bell(), 1]
      }
    }

    /// A row of logits for every point.
    func logits(_ weights: [Double]) -> [Double] {
      features.flatMap { point in
        (0..<Self.classes).map { label in
          (0..<3).reduce(0.0) { $0 + weights[3 * label + $1] * point[$1] }
        }
      }
    }

    /// What a gradient in the logits is in the weights.
    func pullback(_ gradient: [Double]) -> [Double] {
      var result = [Double](repeating: 0, count: 3 * Self.classes)
      for (index, point) in features.enumerated() {
        for label in 0..<Self.classes {
          for k in 0..<3 { result[3 * label + k] += gradient[Self.classes * index + label] * point[k] }
        }
      }
      return result
    }

    func correct(_ weights: [Double]) -> Int {
      let logits = logits(weights)
      return labels.indices.filter { index in
        let row = logits[Self.classes * index..<Self.classes * (index + 1)]
        return row.firstIndex(of: row.max()!)! - row.startIndex == labels[index]
      }.count
    }

    /// Full-batch descent, with the loss before every step.
    func trained(
      under argmax: NoisyArgmax, by loss: Loss, steps: Int, rate: Double = 0.4, from start: [Double]? = nil
    ) -> (weights: [Double], losses: [Double]) {
      var weights = start ?? [Double](repeating: 0, count: 3 * Self.classes)
      var losses: [Double] = []
      for _ in 0..<steps {
        let (value, gradient) = argmax.lossWithGradient(
          for: Rows(logits(weights), length: Self.classes), targets: labels, as: loss)
        losses.append(value)
        for (index, slope) in pullback(gradient.elements).enumerated() { weights[index] -= rate * slope }
      }
      return (weights, losses)
    }
  }

  @Test(arguments: laws, Loss.allCases)
  func reachesTheAccuracyOfSoftmax(law: String, loss: Loss) throws {
    guard !isDebugBuild || ["normal", "uniform"].contains(law) else { return }
    let noise = try #require(ShippedLaw.standard(named: law))
    let points = Points(count: isDebugBuild ? 24 : 40)
    let steps = isDebugBuild ? 15 : 40
    let softmax = points.trained(under: NoisyArgmax(.gumbel), by: .fenchelYoung, steps: steps)
    #expect(points.correct(softmax.weights) * 5 >= 4 * points.labels.count)
    // Noise as wide for every law; wider, with larger steps, for bounded noise, which must reach every point.
    let isBounded = law == "uniform" && loss == .negativeLogLikelihood
    let width = isBounded ? 4 : 1.3
    let argmax = NoisyArgmax(noise, scale: width / noise.variance.squareRoot())
    let (weights, losses) = points.trained(under: argmax, by: loss, steps: steps, rate: isBounded ? 4 : 0.4)
    #expect(points.correct(weights) >= points.correct(softmax.weights))
    for (before, after) in zip(losses, losses.dropFirst()) { #expect(after < before, "\(losses)") }
    #expect(losses[losses.count - 1] < 0.6 * losses[0])
  }

  /// Uniform noise cannot reach a target more than its scale behind: the likelihood's gradient there still leads back.
  @Test func likelihoodsLeadTargetsBackIntoReach() {
    let points = Points(count: 24)
    let argmax = NoisyArgmax(.uniform, scale: 14)
    // The weights of the neighbouring cluster, large.
    let start = (0..<Points.classes).flatMap { label in
      let angle = Double(label + 1) * .pi / 2
      return [9 * cos(angle), 9 * sin(angle), 0]
    }
    let (weights, losses) = points.trained(
      under: argmax, by: .negativeLogLikelihood, steps: 60, rate: 4, from: start)
    #expect(points.correct(start) < 12 && losses[0] == .infinity, "\(losses)")
    let firstFinite = losses.firstIndex { $0 < .infinity } ?? losses.count
    #expect(losses[firstFinite...].allSatisfy { $0 < .infinity } && firstFinite < 30, "\(losses)")
    #expect(points.correct(weights) >= 20 && losses[losses.count - 1] < 1, "\(losses)")
  }
}
