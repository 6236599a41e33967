import Foundation
import Noisemax
import Testing

/// The mean of the sum of the k largest, and its loss.
@Suite struct InclusionLossTests {
  /// Two normal classes: E[max] = μ₁Φ(d) + μ₂Φ(−d) + σφ(d), d the distance in units of σ, the root of the sum of squares.
  @Test(arguments: [0.5, 3, 20], [1.0, 1e-3, 1e5])
  func twoNormalClasses(gap: Double, ratio: Double) {
    let argmax = NoisyArgmax(.normal)
    let spread = (1 + ratio * ratio).squareRoot()
    let logits = [gap * spread, 0]
    let d = gap * spread / spread
    let excess = spread * (Normal().density(at: d) - d * Normal().survival(at: d))
    let value = argmax.expectedMaximum(for: logits, scales: [1, ratio])
    #expect((value - logits[0] - excess).magnitude <= 1e-13 * max(value.magnitude, spread), "\(value)")
    // The loss has its digits where the target is almost certain; the closed form cancels there by d².
    let loss = argmax.inclusionLoss(for: logits, largest: 1, target: [1, 0], scales: [1, ratio])
    #expect(
      (loss / excess - 1).magnitude <= 1e-11 * (1 + d * d),
      "gap \(gap), ratio \(ratio): \(loss), not \(excess)")
  }

  /// With one scale and k = 1 it is the ordinary loss.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func oneOfEqualScalesIsFenchelYoung(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.5)
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02, -3]
    let targets: [[Double]] = [[0, 0, 1, 0, 0, 0], [0.25, 0.5, 0.125, 0, 0.125, 0]]
    for target in targets {
      let ordinary = argmax.lossWithGradient(for: logits, target: target)
      let result = argmax.inclusionLossWithGradient(for: logits, largest: 1, target: target)
      #expect(
        (result.value / ordinary.value - 1).magnitude <= 1e-11, "\(law): \(result.value), \(ordinary.value)")
      for i in logits.indices {
        #expect((result.logits[i] - ordinary.gradient[i]).magnitude <= 1e-13, "\(law), class \(i)")
      }
    }
    let maximum = argmax.expectedMaximum(for: logits)
    let sum = argmax.expectedSum(for: logits, largest: 1)
    #expect((maximum - sum).magnitude <= 1e-12, "\(law): \(sum), not \(maximum)")
    let all = argmax.expectedSum(for: [0.5, -1, 2], largest: 3)
    #expect((all - 1.5 - 3 * 1.5 * noise.mean).magnitude <= 1e-14, "\(law): \(all)")
  }

  /// The sum of the two largest of three, less what the least is: its mean is minus that of the largest of mirrored noise.
  @Test func twoOfThreeLeaveTheLeast() {
    let logits = [0.4, -0.5, 0.8]
    let scales = [1, 0.25, 2]
    let two = NoisyArgmax(.gumbel).expectedSum(for: logits, largest: 2, scales: scales)
    let least = NoisyArgmax(.reversedGumbel).expectedMaximum(for: logits.map { -$0 }, scales: scales)
    let all = logits.reduce(0, +) + scales.reduce(0, +) * Gumbel().mean
    #expect((two - (all + least)).magnitude <= 1e-13, "\(two), not \(all + least)")
  }

  /// Noise with b added to it moves the logit of a class by b times its scale.
  @Test(arguments: ShippedLaw.all.map(\.name), [1, 2])
  func aShiftOfTheNoiseMovesLogitsByTheirScales(law: String, k: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    func shifted(_ noise: some ExactNoise) -> any ExactNoise { noise.shifted(by: 2) }
    let (logits, scales): ([Double], [Double]) = ([0.4, -0.5, 0.75, 1], [1, 0.25, 0.5, 2])
    let target = [0.25, 0.5, 0.125, 0.125].map { $0 * Double(k) }
    let moved = zip(logits, scales).map { $0 + 2 * $1 }
    let found = NoisyArgmax(shifted(noise)).inclusionLossWithGradient(
      for: logits, largest: k, target: target, scales: scales)
    let truth = NoisyArgmax(noise).inclusionLossWithGradient(
      for: moved, largest: k, target: target, scales: scales)
    let testCase = "\(law), k = \(k)"
    #expect((found.value / truth.value - 1).magnitude <= 1e-12, "\(testCase): \(found), \(truth)")
    for i in logits.indices {
      let slope = truth.scales[i] + 2 * truth.logits[i]
      #expect((found.logits[i] - truth.logits[i]).magnitude <= 1e-12, "\(testCase): \(found), \(truth)")
      #expect((found.scales[i] - slope).magnitude <= 1e-11, "\(testCase): \(found), \(truth)")
    }
    let sum = NoisyArgmax(shifted(noise)).expectedSum(for: logits, largest: k, scales: scales)
    let sumOfMoved = NoisyArgmax(noise).expectedSum(for: moved, largest: k, scales: scales)
    #expect((sum - sumOfMoved).magnitude <= 1e-12, "\(testCase): \(sum), not \(sumOfMoved)")
  }

  @Test(arguments: ShippedLaw.all.map(\.name), [1, 2, 3])
  func gradientsEqualFiniteDifferences(law: String, k: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.5)
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02, 0.45]
    let scales: [Double] = [1, 0.4, 0, 1, 2, 0.05]
    let shares: [Double] = [0.3, 0.2, 0.1, 0, 0.15, 0.25]
    let weights = shares.map { $0 * Double(k) }
    func loss(_ logits: [Double], _ scales: [Double]) -> Double {
      argmax.inclusionLoss(for: logits, largest: k, target: weights, scales: scales)
    }
    let result = argmax.inclusionLossWithGradient(for: logits, largest: k, target: weights, scales: scales)
    #expect(result.value == loss(logits, scales) && result.value > 0)
    for j in logits.indices where j != 3 {
      func moved(_ numbers: [Double], _ step: Double) -> [Double] {
        numbers.indices.map { numbers[$0] + ($0 == j ? step : 0) }
      }
      let slope = (loss(moved(logits, 1e-5), scales) - loss(moved(logits, -1e-5), scales)) / 2e-5
      let testCase = "\(law), k = \(k), class \(j)"
      #expect((result.logits[j] - slope).magnitude <= 1e-4, "\(testCase): \(result.logits[j]), not \(slope)")
      guard j != 2 else { continue }
      let scaleSlope = (loss(logits, moved(scales, 1e-5)) - loss(logits, moved(scales, -1e-5))) / 2e-5
      #expect(
        (result.scales[j] - scaleSlope).magnitude <= 1e-4,
        "\(testCase): \(result.scales[j]), not \(scaleSlope)")
    }
    #expect(result.logits[3] == 0 && result.scales[3] == 0)
  }

  /// The gradient of the sum is the inclusions; that in the scales makes the sum homogeneous: Σ μ_i ∂ + Σ s_i ∂ = the sum.
  @Test(arguments: ShippedLaw.all.map(\.name), [1, 2])
  func theSumHasAGradient(law: String, k: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.5)
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02]
    let scales: [Double] = [1, 0.4, 0, 1, 2]
    let result = argmax.expectedSumWithGradient(for: logits, largest: k, scales: scales)
    #expect(result.value == argmax.expectedSum(for: logits, largest: k, scales: scales))
    let p = argmax.inclusionProbabilities(for: logits, largest: k, scales: scales)
    for i in logits.indices { #expect((result.logits[i] - p[i]).magnitude <= 1e-14, "\(law): \(result)") }
    var sum = 0.0
    for i in logits.indices where i != 3 { sum += logits[i] * p[i] + scales[i] * result.scales[i] }
    #expect((sum - result.value).magnitude <= 1e-11, "\(law), k = \(k): \(sum), not \(result.value)")
  }

  @Test func edges() {
    let argmax = NoisyArgmax(.normal)
    #expect(argmax.expectedSum(for: [1, -.infinity] as [Double], largest: 2) == -Double.infinity)
    #expect(argmax.expectedSum(for: [1, .infinity] as [Double], largest: 1) == Double.infinity)
    #expect(argmax.expectedSum(for: [1, .nan] as [Double], largest: 1).isNaN)
    #expect(
      argmax.inclusionLoss(for: [1, -.infinity] as [Double], largest: 1, target: [0, 1]) == Double.infinity)
    #expect(argmax.inclusionLoss(for: [1, -.infinity] as [Double], largest: 1, target: [1, 0]) == 0)
    // A set that is almost certain.
    let loss = argmax.inclusionLoss(for: [9.0, 0, 10], largest: 2, target: [1, 0, 1])
    #expect(loss > 0 && loss < 1e-9, "\(loss)")
  }

  @Test func whatIsRefused() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(.normal).inclusionLoss(for: [1.0, 2, 3], largest: 2, target: [1, 0.5, 0])
    }
    let message = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
    #expect(message.contains("the weights of a target for the 2 largest sum to 1.5"), "\(message)")
  }
}
