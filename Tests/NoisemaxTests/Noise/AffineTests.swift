import Noisemax
import Testing

/// Location and scale: one wrapper for every law, itself a law.
@Suite struct AffineTests {
  @Test func valuesAreThoseOfTheBaseAtTheStandardizedPoint() {
    let noise = Normal().scaled(by: 2).shifted(by: 1)
    #expect(noise.cumulative(at: 1) == 0.5)
    #expect(noise.cumulative(at: 4) == Normal().cumulative(at: 1.5))
    #expect(noise.survival(at: 4) == Normal().survival(at: 1.5))
    #expect(noise.density(at: 4) == Normal().density(at: 1.5) / 2)
    #expect(noise.logCumulative(at: -99) == Normal().logCumulative(at: -50))
    #expect(noise.logSurvival(at: 101) == Normal().logSurvival(at: 50))
    #expect(noise.quantile(at: 0.1) == 1 + 2 * Normal().quantile(at: 0.1))
    #expect(noise.upperQuantile(at: 1e-20) == 1 + 2 * Normal().upperQuantile(at: 1e-20))
    #expect(noise.mean == 1)
    #expect(noise.variance == 4)
  }

  @Test func wrappersCompose() {
    let noise = Gumbel().shifted(by: 1).scaled(by: 3).shifted(by: -2)
    #expect(noise == Gumbel().scaled(by: 3).shifted(by: 1))
    #expect(noise.location == 1 && noise.scale == 3)
    func wrap(_ noise: some ExactNoise) -> some ExactNoise { noise.scaled(by: 3).shifted(by: 1) }
    let nested = wrap(Gumbel().scaled(by: 0.5).shifted(by: 4))
    #expect(nested.mean == 1 + 3 * (4 + 0.5 * Gumbel().mean))
  }

  /// A law that is stretched keeps its exact method, also where only the protocol is known.
  @Test func aScaledGumbelIsStillSoftmax() {
    func transform(_ noise: some ExactNoise) -> NoisyArgmax {
      NoisyArgmax(noise.scaled(by: 4).shifted(by: 7))
    }
    let logits = [1.0, 3, -2]
    let expected = NoisyArgmax(.gumbel, scale: 2).probabilities(for: logits)
    #expect(transform(Gumbel().scaled(by: 0.5)).probabilities(for: logits) == expected)
    #expect(NoisyArgmax(.gumbel).probabilities(for: [0.5, 1.5, -1]) == expected)
  }

  @Test func theLocationMovesTheExpectedMaximumOnly() {
    let logits = [0.5, -1, 2]
    let moved = NoisyArgmax(Gumbel().shifted(by: 10), scale: 2)
    let plain = NoisyArgmax(.gumbel, scale: 2)
    #expect(moved.probabilities(for: logits) == plain.probabilities(for: logits))
    #expect((moved.expectedMaximum(of: logits) - plain.expectedMaximum(of: logits) - 20).magnitude < 1e-13)
    // One class that is certain has it too: E[μ + 2·(10 + ε)].
    let certain = NoisyArgmax(Normal().shifted(by: 10), scale: 2).expectedMaximum(of: [0.5, -.infinity])
    #expect(certain == 20.5, "\(certain)")
  }

  /// A wrapper around a wrapper stretches what the inner one added: 1 + 3·(4 + ε).
  @Test func theInnerLocationIsStretched() {
    func wrap(_ noise: some ExactNoise) -> NoisyArgmax { NoisyArgmax(noise.scaled(by: 3).shifted(by: 1)) }
    let certain = wrap(Normal().shifted(by: 4)).expectedMaximum(of: [0.0])
    #expect(certain == 13, "\(certain)")
    // Two tied classes exceed a single one by 3/√π.
    let pair = wrap(Normal().shifted(by: 4)).expectedMaximum(of: [0, 0])
    #expect((pair - 13 - 3 / Double.pi.squareRoot()).magnitude < 1e-13, "\(pair)")
  }

  @Test func impossibleScalesAndLocationsTrap() async {
    await #expect(processExitsWith: .failure) { _ = Normal().scaled(by: 0) }
    await #expect(processExitsWith: .failure) { _ = Normal().scaled(by: -1) }
    await #expect(processExitsWith: .failure) { _ = Normal().scaled(by: .nan) }
    await #expect(processExitsWith: .failure) { _ = Normal().shifted(by: .infinity) }
  }
}
