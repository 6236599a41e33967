import Foundation
import Noisemax
import Testing

/// A law that is no number somewhere is not called rough: the function is named, and the point.
@Suite struct MeasuredNoiseTests {
  /// A normal law with one wrong function.
  private struct Flawed: SmoothNoise, ForwardingNoise {
    var original: any AccurateNoise { Normal() }
    var cumulativeFlaw: (@Sendable (Double) -> Double?)? = nil
    var reversedHazardFlaw: (@Sendable (Double) -> Double?)? = nil
    var quantileFlaw: (@Sendable (Double) -> Double?)? = nil
    func logCumulative(at x: Double) -> Double { cumulativeFlaw?(x) ?? Normal().logCumulative(at: x) }
    func logReversedHazard(at x: Double) -> Double {
      reversedHazardFlaw?(x) ?? Normal().logReversedHazard(at: x)
    }
    func upperQuantile(at q: Double) -> Double { quantileFlaw?(q) ?? Normal().upperQuantile(at: q) }
  }

  @Test func theFunctionAndThePointAreNamed() async throws {
    let cumulative = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(Flawed(cumulativeFlaw: { $0 < -10 ? log(Normal().cumulative(at: $0) - 1e-30) : nil }))
    }
    let underflow = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(Flawed(cumulativeFlaw: { $0 < -6 ? log(1 - Normal().survival(at: $0)) : nil }))
    }
    let reversedHazard = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(Flawed(reversedHazardFlaw: { $0 == 0 ? .nan : nil }))
    }
    let quantile = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(Flawed(quantileFlaw: { $0 < 1e-300 ? .nan : nil }))
    }
    let rule = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(Flawed(reversedHazardFlaw: { $0 > 1 ? .nan : nil }), points: 8)
        .probabilities(for: (0..<100).map { Double($0) / 50 })
    }
    for (result, words) in [
      (cumulative, ["logCumulative(at: -", "is nan"]),
      (underflow, ["logCumulative(at: -", "is -inf, though F is"]),
      (reversedHazard, ["logReversedHazard(at: 0.0)", "is nan"]),
      (quantile, ["upperQuantile(at: 5e-305)", "is nan"]),
      (rule, ["logReversedHazard(at: ", "is nan"]),
    ] {
      let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
      #expect(words.allSatisfy { text.contains($0) }, "\(words): \(text)")
    }
  }

  /// A bounded law with kinks of its own.
  private struct FlawedKinks: PiecewiseNoise, ForwardingNoise {
    var original: any AccurateNoise { Triangular() }
    var kinks: [Double]
  }

  @Test func kinksAreNumbers() async throws {
    let kinks = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(FlawedKinks(kinks: [-1, .nan, 1]))
    }
    let text = String(decoding: try #require(kinks).standardErrorContent, as: UTF8.self)
    #expect(text.contains("the kinks of") && text.contains("are [-1.0, nan, 1.0]"), "\(text)")
  }
}
