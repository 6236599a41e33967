import Foundation
import Noisemax
import Testing

/// Classes that are almost certain, by the products that shipped laws with kinks have and on the grid that others get.
@Suite struct PanelsGridTests {
  /// Two classes at a gap: what the lesser one has in closed form.
  private static func probability(of law: any PiecewiseNoise, gap: Double) -> Double {
    switch law {
    case is Uniform: (1 - gap) * (1 - gap) / 2
    case is Exponential: exp(-gap) / 2
    default: exp(-gap) * (1 + gap / 2) / 2
    }
  }

  /// log p of the greater one is what the lesser one leaves to it, with all digits.
  @Test(arguments: [Uniform(), Exponential(), Laplace()] as [any PiecewiseNoise], [false, true])
  func logarithmsNearZeroKeepTheirDigits(law: any PiecewiseNoise, onTheGrid: Bool) {
    let noise: any PiecewiseNoise = onTheGrid ? OnTheGrid(base: law) : law
    let argmax = NoisyArgmax(noise)
    for step in 1..<64 {
      let gap = law is Uniform ? Double(step) / 64 : Double(step) * 5
      let expected = log1p(-Self.probability(of: law, gap: gap))
      let value = argmax.logProbabilities(for: [0, -gap])[0]
      #expect(
        isClose(value, expected, within: 3e-12 * expected.magnitude),
        "\(law) at \(gap), on the grid \(onTheGrid): \(value), not \(expected)")
    }
  }
}
