import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Transforms by name, their equality, how they are stored and print, and laws that have no exact method.
@Suite struct IdentityTests {
  /// A law without equality.
  private struct Nameless: ForwardingNoise, SmoothNoise {
    let original: any AccurateNoise = Logistic()
    func logReversedHazard(at x: Double) -> Double { Logistic().logReversedHazard(at: x) }
    var exactMethod: ExactMethod { .lattice(of: self) }
  }

  @Test func namesMakeTransforms() throws {
    for law in ShippedLaw.all {
      let named = try NoisyArgmax(named: law.name.uppercased(), scale: 2)
      #expect(
        named.probabilities(for: [1, 0, 0.5])
          == NoisyArgmax(law.noise, scale: 2).probabilities(for: [1, 0, 0.5]))
    }
    let rule = try NoisyArgmax(named: "normal", method: .quantileRule(points: 8))
    #expect(rule == NoisyArgmax(.normal, points: 8))
    let error = #expect(throws: UnknownNoise.self) { try NoisyArgmax(named: "cauchy") }
    let text = "\(try #require(error))"
    #expect(text.contains("'cauchy'") && ShippedLaw.all.allSatisfy { text.contains($0.name) }, "\(text)")
  }

  @Test func aLawWithHeavyTailsHasEverythingButAnExactMethod() throws {
    #expect(PropertySuite(rows: 20, largestRow: 20).failures(of: Cauchy()).isEmpty)
    let laws = NoiseRegistry.shipped.adding(Cauchy(), named: "Cauchy")
    #expect(laws.names == NoiseRegistry.shipped.names + ["cauchy"])
    #expect(laws.adding(Cauchy(), named: "normal").names.count == 8)
    let argmax = try NoisyArgmax(named: "cauchy", method: .quantileRule(points: 500), in: laws)
    #expect(argmax == NoisyArgmax(Cauchy(), points: 500))
    let sharp = NoisyArgmax(.uniform, sharpnessOf: .normal, points: 8)
    #expect(sharp == NoisyArgmax(.uniform, scale: 12.squareRoot(), points: 8))
    // The difference of two Cauchy draws is twice one: P[ε₁ − ε₂ < 1] = ½ + atan(½)/π.
    let p = argmax.probabilities(for: [1, 0])
    #expect((p[0] - (0.5 + atan(0.5) / .pi)).magnitude < 2e-3, "\(p)")
    let error = #expect(throws: NoExactMethod.self) { try NoisyArgmax(named: "cauchy", in: laws) }
    #expect("\(try #require(error))".contains("Cauchy"))
    // Full resolution in the upper tail.
    var generator = ScriptedGenerator(1 << 63, 0, 1 << 52)
    #expect(Cauchy().random(using: &generator) > 1e15)
  }

  @Test func equality() {
    #expect(NoisyArgmax(.normal) == NoisyArgmax(.normal, scale: 1))
    #expect(NoisyArgmax(.normal) != NoisyArgmax(.normal, scale: 2))
    #expect(NoisyArgmax(.normal) != NoisyArgmax(.logistic))
    #expect(NoisyArgmax(.normal) != NoisyArgmax(.normal, points: 8))
    #expect(NoisyArgmax(.normal, points: 8) != NoisyArgmax(.normal, points: 8, normalized: false))
    #expect(NoisyArgmax(Normal().scaled(by: 2)) == NoisyArgmax(Normal().scaled(by: 2)))
    #expect(NoisyArgmax(Normal().scaled(by: 2)) != NoisyArgmax(Normal().scaled(by: 3)))
    // Without equality of laws, what was made for one is what it is.
    let (one, other) = (NoisyArgmax(Nameless()), NoisyArgmax(Nameless()))
    #expect(one == one && one != other && NoisyArgmax(one, scale: 1) == one)
    #expect(NoisyArgmax(one, scale: 2) != one)
  }

  @Test func sharpnessIsOfTheVariance() {
    let argmax = NoisyArgmax(.uniform, sharpnessOf: .gumbel)
    #expect(isClose(argmax.scale * argmax.scale / 12, Double.pi * .pi / 6, within: 1e-15))
    #expect(NoisyArgmax(.normal, sharpnessOf: .normal) == NoisyArgmax(.normal))
  }

  @Test func descriptionsAreOneLine() {
    #expect("\(NoisyArgmax(.reversedGumbel))" == "argmax under reversed-gumbel")
    #expect("\(NoisyArgmax(.normal, scale: 0.5))" == "argmax under normal, scale 0.5")
    let moved = NoisyArgmax(Logistic().scaled(by: 2).shifted(by: 3))
    #expect("\(moved)" == "argmax under 2.0·logistic + 3.0")
    let rule = NoisyArgmax(.uniform, scale: 2, points: 16, normalized: false)
    #expect("\(rule)" == "argmax under uniform, scale 2.0 by 16 points, not normalized")
  }

  @Test func storedTransformsComeBack() throws {
    let moved = Logistic().scaled(by: 2).shifted(by: 3)
    for argmax in [
      NoisyArgmax(.gumbel), NoisyArgmax(.laplace, scale: 0.25),
      NoisyArgmax(.normal, points: 12, normalized: false),
      NoisyArgmax(moved, scale: 0.5),
    ] {
      let data = try JSONEncoder().encode(argmax)
      let back = try JSONDecoder().decode(NoisyArgmax.self, from: data)
      #expect(back.description == argmax.description && back.method == argmax.method)
      #expect(back.probabilities(for: [1, 0, 0.5]) == argmax.probabilities(for: [1, 0, 0.5]), "\(argmax)")
      if argmax.method == .exact {
        #expect(back.expectedMaximum(for: [1, 0]) == argmax.expectedMaximum(for: [1, 0]), "\(argmax)")
      }
    }
    let encoder = JSONEncoder()
    let decoder = JSONDecoder()
    let laws = NoiseRegistry.shipped.adding(Cauchy(), named: "cauchy")
    encoder.userInfo[NoiseRegistry.userInfoKey] = laws
    decoder.userInfo[NoiseRegistry.userInfoKey] = laws
    let argmax = NoisyArgmax(Cauchy(), scale: 3, points: 5)
    #expect(try decoder.decode(NoisyArgmax.self, from: encoder.encode(argmax)) == argmax)
  }

  @Test func whatCannotBeStoredOrReadSaysWhy() {
    func message(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "no error"
      } catch { return "\(error)" }
    }
    let unregistered = message { _ = try JSONEncoder().encode(NoisyArgmax(Cauchy(), points: 5)) }
    #expect(unregistered.contains("Cauchy"), "\(unregistered)")
    for (text, words) in [
      (#"{"noise": "student", "scale": 1}"#, "reversed-gumbel"),
      (#"{"noise": "normal", "scale": -2}"#, "not -2.0"),
      (#"{"noise": "normal", "stretch": 0}"#, "stretch"), (#"{"noise": "normal", "points": 0}"#, "not 0"),
      (#"{"noise": "normal", "points": 2000000000000}"#, "1 to 16777216 points, not 2000000000000"),
      (#"{"noise": "normal", "scale": 1e300, "stretch": 1e300}"#, "1e+300"),
    ] {
      let message = message { _ = try JSONDecoder().decode(NoisyArgmax.self, from: Data(text.utf8)) }
      #expect(message.contains(words), "\(text): \(message)")
    }
  }
}
