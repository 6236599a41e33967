import Foundation
import Noisemax
import Testing

/// What a law with kinks has without stating it.
@Suite struct PiecewiseNoiseTests {
  /// A law that does not state the logarithm of its density.
  private struct Plain: PiecewiseNoise, ForwardingNoise {
    let base: any PiecewiseNoise
    var original: any ExactNoise { base }
    var kinks: [Double] { base.kinks }
  }

  /// By the density, and far out, where that underflows, by the slope of log(1 − F) or log F.
  @Test(arguments: [Exponential(), Laplace()] as [any PiecewiseNoise])
  func theLogarithmOfTheDensityReachesBeyondTheDensity(law: any PiecewiseNoise) {
    // log f(x) = −|x| for the exponential law on x ≥ 0, and log 2 less for Laplace's.
    let constant = law is Laplace ? -0.6931471805599453 : 0
    for x in [0.5, 3, 700, 740, 800, 1e4, -0.5, -700, -800, -1e4] {
      let expected = x < 0 && law is Exponential ? -Double.infinity : constant - x.magnitude
      let value = Plain(base: law).logDensity(at: x)
      #expect(isClose(value, expected, within: 1e-8), "\(law) at \(x): \(value), not \(expected)")
    }
    #expect(Plain(base: law).logDensity(at: .nan).isNaN)
  }
}
