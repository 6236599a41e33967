import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Derivatives of log-probabilities, and draws, of classes with scales of their own.
@Suite struct ScaledLogarithmsTests {
  @Test(arguments: ["normal", "logistic", "gumbel", "reversed-gumbel", "laplace"])
  func equalsFiniteDifferences(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.5)
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02, 0.45]
    let v: [Double] = [0.5, -1, 2, 100, 0.25, 1]
    for still in [0.0, 0.7] {
      let scales: [Double] = [1, 0.4, still, 1, 2, 0.25]
      func value(_ logits: [Double], _ scales: [Double]) -> Double {
        let logs = argmax.logProbabilities(for: logits, scales: scales)
        return logs.indices.reduce(0.0) { $0 + ($1 == 3 ? 0 : logs[$1] * v[$1]) }
      }
      let result = argmax.logProbabilitiesPullback(for: logits, scales: scales, of: v)
      for j in logits.indices where j != 3 {
        func moved(_ numbers: [Double], _ step: Double) -> [Double] {
          numbers.indices.map { numbers[$0] + ($0 == j ? step : 0) }
        }
        let slope = (value(moved(logits, 1e-5), scales) - value(moved(logits, -1e-5), scales)) / 2e-5
        let testCase = "\(law), scales \(scales), class \(j)"
        #expect(
          (result.logits[j] - slope).magnitude <= 1e-6, "\(testCase): \(result.logits[j]), not \(slope)")
        guard scales[j] > 0 else { continue }
        let scaleSlope = (value(logits, moved(scales, 1e-5)) - value(logits, moved(scales, -1e-5))) / 2e-5
        #expect(
          (result.scales[j] - scaleSlope).magnitude <= 1e-5,
          "\(testCase): \(result.scales[j]), not \(scaleSlope)")
      }
      #expect(result.logits[3] == 0 && result.scales[3] == 0)
      #expect(result.logits.reduce(0, +).magnitude <= 1e-12, "\(law): \(result.logits)")
    }
  }

  /// log Φ(−g/σ) and its slopes −r/σ, with the reversed hazard r, far below the least Double too.
  @Test(arguments: [3.0, 30, 70, 1000])
  func farNormalClasses(gap: Double) {
    let result = NoisyArgmax(.normal).lossesWithGradients(
      for: [0, -gap], scales: [0.6, 0.8], targets: [1], as: .negativeLogLikelihood)
    let r = exp(Normal().logReversedHazard(at: -gap))
    #expect(
      (result.values / -Normal().logCumulative(at: -gap) - 1).magnitude <= 1e-12, "gap \(gap): \(result)")
    #expect((result.logits[0] / r - 1).magnitude <= 1e-10, "gap \(gap): \(result), r \(r)")
    #expect((result.logits[1] / r + 1).magnitude <= 1e-10, "gap \(gap): \(result), r \(r)")
    // d/ds of −log Φ(−g/√(s² + t²)) is −h·g·s at s² + t² = 1.
    #expect((result.scales[0] / (-r * gap * 0.6) - 1).magnitude <= 1e-10, "gap \(gap): \(result)")
    #expect((result.scales[1] / (-r * gap * 0.8) - 1).magnitude <= 1e-10, "gap \(gap): \(result)")
  }

  /// Frequencies of draws are the probabilities, within 5 deviations.
  @Test func drawsComeAtTheirRate() {
    let argmax = NoisyArgmax(Gumbel().shifted(by: -0.5), scale: 1.5)
    let logits: [Double] = [0.3, -0.2, 1, -.infinity]
    let scales: [Double] = [1, 2, 0, 1]
    let p = argmax.probabilities(for: logits, scales: scales)
    var generator = SplitMix64(seed: 12)
    var counts = [0, 0, 0, 0]
    let draws = 20_000
    for _ in 0..<draws {
      if let index = argmax.randomIndex(for: logits, scales: scales, using: &generator) { counts[index] += 1 }
    }
    for i in p.indices {
      let deviation = (p[i] * (1 - p[i]) / Double(draws)).squareRoot()
      let frequency = Double(counts[i]) / Double(draws)
      #expect((frequency - p[i]).magnitude <= 5 * deviation, "\(counts), \(p)")
    }
    let rows = Rows([0.3, -0.2, 1, .nan, 0, 0], length: 3)
    let indices = argmax.randomIndex(
      for: rows, scales: Rows([0, 0, 0, 1, 1, 1], length: 3), using: &generator)
    #expect(indices == [2, nil] as [Int?])
  }
}
