import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Classes with scales of their own: closed forms, bounds, and what is refused.
@Suite struct ScaledProbabilitiesTests {
  /// Two normal classes: Φ of the difference over the root of the sum of squares, whatever the ratio of the scales.
  @Test(arguments: [1.5, 10, 1e4, 1e8])
  func twoNormalClasses(ratio: Double) {
    let argmax = NoisyArgmax(.normal)
    for gap in [0.3, 1, 5, 20] {
      for wide in [0, 1] {
        let scales = wide == 0 ? [ratio, 1] : [1, ratio]
        let spread = (1 + ratio * ratio).squareRoot()
        let logits = [gap * spread, 0]
        let p = argmax.probabilities(for: logits, scales: scales)
        let truth = Normal().survival(at: gap * spread / spread)
        let testCase = "logits \(logits), scales \(scales): \(p), not \(truth)"
        // What rounding the first logit moves.
        let bound = 3e-12 + gap * gap * 4e-16
        #expect((p[1] / truth - 1).magnitude <= bound, "\(testCase)")
        #expect((p[0] - (1 - truth)).magnitude <= 1e-14, "\(testCase)")
      }
    }
  }

  /// Log-probabilities below the least Double.
  @Test func logarithmsOfTwoNormalClasses() {
    let argmax = NoisyArgmax(.normal)
    let cases: [(gap: Double, scale: Double)] = [(30, 2), (50, 0.1), (500, 3), (2000, 0.5)]
    for (gap, scale) in cases {
      let result = argmax.logProbabilities(for: [0, -gap], scales: [1, scale])
      let spread = (1 + scale * scale).squareRoot()
      let truth = Normal().logSurvival(at: gap / spread)
      #expect(
        (result[1] / truth - 1).magnitude <= 1e-13, "gap \(gap), scale \(scale): \(result[1]), not \(truth)")
      #expect(
        (result[0] + exp(truth)).magnitude <= 1e-12 * exp(truth), "gap \(gap), scale \(scale): \(result[0])")
    }
  }

  /// Two exponential classes, the narrow one ahead: the wide one wins by e^(−gap/wide)·wide/(wide + narrow).
  @Test(arguments: [2.0, 1e3, 1e8])
  func twoExponentialClasses(ratio: Double) {
    let argmax = NoisyArgmax(.exponential)
    for gap in [0.0, 0.5, 300, 700, 3000] {
      let row = [gap * ratio, 0]
      let logTruth = -gap + log(ratio / (1 + ratio))
      let p = argmax.probabilities(for: row, scales: [1, ratio])[1]
      let logP = argmax.logProbabilities(for: row, scales: [1, ratio])[1]
      #expect(
        (p - exp(logTruth)).magnitude <= 1e-11 * exp(logTruth) + 1e-300, "gap \(gap), ratio \(ratio): \(p)")
      #expect(
        (logP - logTruth).magnitude <= 1e-11 + 1e-13 * gap,
        "gap \(gap), ratio \(ratio): \(logP), not \(logTruth)")
    }
  }

  /// … and the narrow one behind by e^(−gap/narrow)·narrow/(wide + narrow): only its tail is above the wide one's kink.
  @Test(arguments: [1e-4, 1e-3, 0.01, 0.1, 1])
  func tailsAboveTheKinkOfAWideClass(narrow: Double) {
    for law in [NoisyArgmax(.exponential), NoisyArgmax(.laplace)] {
      for gap in [1, 5, 10, 15, 20, 27, 30, 40, 60, 100, 300, 600] as [Double] {
        // Four classes: two more take part that never win.
        let row = [0, -gap * narrow, -900 - gap, -900]
        let p = law.probabilities(for: row, scales: [1, narrow, 1, 0.5])[1]
        guard law == NoisyArgmax(.exponential) else {
          // P[X − Y > gap] of Laplace's, s the narrow scale: by partial fractions, for s ≠ 1.
          let (s, d) = (narrow, gap * narrow)
          let truth = 0.5 * (exp(-d) - s * s * exp(-d / s)) / (1 - s * s)
          if s != 1 {
            #expect((p / truth - 1).magnitude <= 3e-12 * (1 + d), "\(narrow), gap \(gap): \(p), not \(truth)")
          }
          continue
        }
        let truth = exp(-gap) * narrow / (1 + narrow)
        #expect((p / truth - 1).magnitude <= 5e-13, "\(narrow), gap \(gap): \(p), not \(truth)")
      }
    }
  }

  /// A rare class whose integrand lies on the rising side of a narrow one's step: from integrals in 40 digits.
  @Test func theTailBehindANarrowClass() {
    let cases: [(logits: [Double], scales: [Double], p: Double)] = [
      ([-1, -1.6, 1.25], [1, 0.08333333333333333, 0.01], 4.842488874941782993895e-253),
      ([-1.5, -1.63, 1.25], [1, 0.08, 0.0078125], 1.908145898996370811010e-281),
    ]
    for (logits, scales, truth) in cases {
      let p = NoisyArgmax(.normal).probabilities(for: logits, scales: scales)[1]
      #expect((p / truth - 1).magnitude <= 3e-12, "\(logits), \(scales): \(p), not \(truth)")
    }
  }

  /// A class without noise wins where all others are below it.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func aClassWithoutNoise(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 2)
    let logits = [0.4, 0.9, -0.3, 0.1]
    let scales = [1.0, 0, 0.5, 0]
    let p = argmax.probabilities(for: logits, scales: scales)
    let truth = noise.cumulative(at: 0.25) * noise.cumulative(at: 1.2)
    #expect((p[1] - truth).magnitude <= 1e-14, "\(law): \(p), not \(truth)")
    #expect(p[3] == 0, "the larger of two is the only one that counts: \(p)")
    #expect((p.reduce(0, +) - 1).magnitude <= 1e-14, "\(law): \(p)")
    // The limit of a narrow class.
    let narrow = argmax.probabilities(for: logits, scales: [1.0, 1e-8, 0.5, 1e-9])
    for i in p.indices { #expect((p[i] - narrow[i]).magnitude <= 1e-7, "\(law): \(p), \(narrow)") }
    let logs = argmax.logProbabilities(for: logits, scales: scales)
    for i in p.indices { #expect((exp(logs[i]) - p[i]).magnitude <= 1e-14, "\(law): \(logs), \(p)") }
    // Among two, both count.
    let two = argmax.inclusionProbabilities(for: logits, largest: 2, scales: scales)
    #expect((two.reduce(0, +) - 2).magnitude <= 1e-13, "\(law): \(two)")
    // It is among them where neither of the others is above, the other class without noise being so.
    let (first, third) = (noise.cumulative(at: -0.15), noise.cumulative(at: 0.4))
    #expect((two[3] - first * third).magnitude <= 1e-14, "\(law): \(two)")
  }

  /// Far above a class without noise one wins by its tail alone.
  @Test(arguments: ShippedLaw.all.map(\.name).filter { $0 != "uniform" })
  func tailsAboveAClassWithoutNoise(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for q in [1e-3, 1e-20, 1e-100, 1e-280] {
      let gap = noise.upperQuantile(at: q)
      // 1 − F at the Double that the gap is.
      let truth = noise.survival(at: gap)
      let (logits, scales) = ([0, 0 - gap, -2 - gap], [0, 1, 1e-3])
      let p = argmax.probabilities(for: logits, scales: scales)
      #expect((p[1] / truth - 1).magnitude <= 3e-12, "\(law), \(logits): \(p), not \(truth)")
      let slope = argmax.pullback(for: logits, scales: scales, of: [0, 1, 0]).logits
      let density = noise.density(at: gap)
      #expect((slope[1] / density - 1).magnitude <= 3e-12, "\(law), \(logits): \(slope), not \(density)")
      // The second of two without noise is as hard to pass.
      let two = argmax.inclusionProbabilities(for: [0, 0 - gap, 0.5], largest: 2, scales: [0, 1, 0])
      #expect((two[1] / truth - 1).magnitude <= 3e-12, "\(law), \(gap): \(two), not \(truth)")
      guard noise is Exponential || noise is Laplace else { continue }
      // E[(ε − gap)⁺].
      let loss = argmax.inclusionLoss(for: logits, largest: 1, target: [1, 0, 0], scales: scales)
      #expect((loss / truth - 1).magnitude <= 3e-12, "\(law), \(logits): \(loss), not \(truth)")
    }
  }

  /// Shifts, a common factor, and the order of the classes change nothing but roundings.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func invariances(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let logits = [0.4, 0.9, -0.3, 0.1, 0.9]
    let scales = [1, 0.02, 0.5, 30, 0.02]
    let p = argmax.probabilities(for: logits, scales: scales)
    let others: [[Double]] = [
      argmax.probabilities(for: logits.map { $0 + 64 }, scales: scales),
      argmax.probabilities(for: logits.map { $0 * 3 }, scales: scales.map { $0 * 3 }),
      NoisyArgmax(argmax, scale: 5).probabilities(for: logits, scales: scales.map { $0 / 5 }),
      Array(
        argmax.probabilities(for: logits.reversed(), scales: scales.reversed()).reversed()),
      Array(argmax.probabilities(for: logits + [-.infinity], scales: scales + [0.001]).dropLast()),
    ]
    for (index, other) in others.enumerated() {
      for i in p.indices {
        let difference = (p[i] - other[i]).magnitude
        // A shift rounds the logits in units of the narrow classes.
        #expect(
          difference <= (index == 0 ? 1e-11 : 1e-13) * p[i] + 1e-18, "\(law), change \(index): \(p), \(other)"
        )
      }
    }
    #expect(p[1] == p[4], "\(law): \(p)")
    let doubled = argmax.probabilities(for: logits.map { $0 * 4 }, scales: scales.map { $0 * 4 })
    #expect(p == doubled, "a power of two changes no bit")
  }

  /// A law that is moved: its mean is multiplied by every scale.
  @Test func aMovedLawMovesEveryClassByItsScale() {
    let moved = NoisyArgmax(Normal().shifted(by: 3))
    let (logits, scales) = ([0.4, 0.9, -0.3], [1.0, 0.25, 2])
    let p = moved.probabilities(for: logits, scales: scales)
    let q = NoisyArgmax(.normal).probabilities(for: zip(logits, scales).map { $0 + 3 * $1 }, scales: scales)
    for i in p.indices { #expect((p[i] - q[i]).magnitude <= 1e-14, "\(p), \(q)") }
  }

  /// Far from 0 the end of a narrow support lies between two Doubles.
  @Test func narrowBoundedClassesKeepTheirMass() {
    let argmax = NoisyArgmax(.uniform)
    for narrow in [3e-6, 1e-8] {
      let p = argmax.probabilities(for: [9.613612238599647, 0], scales: [narrow, 0.14])
      #expect((p[0] - 1).magnitude <= 1e-14 && p[1] == 0, "scale \(narrow): \(p)")
    }
  }

  /// A class on 0…s beside one on g…g + r with 0 ≤ g < s ≤ g + r wins on a triangle: p = (s − g)²/(2 r s). The end of the other
  /// one's support may be 0, where Doubles are dense.
  @Test func twoBoundedClassesMeetOnATriangle() {
    let argmax = NoisyArgmax(.uniform)
    var generator = SplitMix64(seed: 27)
    for _ in 0..<200 {
      let (s, r) = (
        Double.random(in: 0.5...3, using: &generator), Double.random(in: 3...5, using: &generator)
      )
      let gap = s * Double.random(in: 0...0.99, using: &generator)
      let rare = (s - gap) * (s - gap) / (2 * r * s)
      for shift in [0.0, gap, 7] {
        let p = argmax.probabilities(for: [shift - gap, shift], scales: [s, r])
        #expect(
          (p[0] - rare).magnitude <= 1e-12 * rare && (p[1] - (1 - rare)).magnitude <= 1e-14,
          "\([shift - gap, shift]), scales \([s, r]): \(p), not \(rare)")
      }
    }
  }

  /// Narrow classes far below do not say where the points of a grid are counted from.
  @Test(arguments: ["gumbel", "normal", "logistic"])
  func topmostClassesFarAboveNarrowOnes(law: String) throws {
    let argmax = try NoisyArgmax(named: law)
    for exponent in 3...24 {
      let c = pow(10, Double(exponent))
      let p = argmax.inclusionProbabilities(for: [c, c, c, 0, 1], largest: 2, scales: [1, 1, 1, 1, 1e-3])
      #expect(
        p[..<3].allSatisfy { ($0 * 1.5 - 1).magnitude <= 1e-12 } && p[3] == 0 && p[4] == 0,
        "\(law), \(c): \(p)")
    }
  }

  /// A class far above a narrow one is one of two whatever a wide one does, which is above the narrow one or below.
  @Test(arguments: ["normal", "logistic"])
  func narrowAndWideFarBelow(law: String) throws {
    let argmax = try NoisyArgmax(named: law)
    for exponent in 2...12 {
      for width in [1e-2, 1, 1e3, 1e6, 1e9] {
        let c = pow(10, Double(exponent))
        let p = argmax.inclusionProbabilities(for: [c, 0, 0], largest: 2, scales: [1, 1e-3, width])
        for (value, truth) in zip(p, [1, 0.5, 0.5]) {
          #expect((value - truth).magnitude <= 1e-12, "\(law), \(c), \(width): \(p)")
        }
      }
    }
  }

  /// A stretch of the line so short that F underflows on it as no f does.
  @Test(arguments: ["exponential", "uniform"])
  func kinksASubnormalNumberApart(law: String) throws {
    let argmax = try NoisyArgmax(named: law)
    let (logits, scales) = ([0, 0, 0, 0x1p-1050, 0], [0.0, 1, 1, 1, 1])
    let p = argmax.probabilities(for: logits, scales: scales)
    #expect(zip(p, [0, 0.25, 0.25, 0.25, 0.25]).allSatisfy { ($0 - $1).magnitude <= 1e-12 }, "\(law): \(p)")
    let v = [0.0, 1, -2, 3, 0.5]
    let slopes = argmax.pullback(for: logits, scales: scales, of: v)
    let logSlopes = argmax.logProbabilitiesPullback(for: logits, scales: scales, of: v)
    #expect(
      (slopes.logits + slopes.scales + logSlopes.logits + logSlopes.scales).allSatisfy { $0.isFinite },
      "\(law): \(slopes), \(logSlopes)")
  }

  /// Scales far below the digits of the logits, and nothing on the first points of a grid: all was 0 once.
  @Test func whatAGridDoesNotSeeIsFound() {
    let base: [Float] = [
      0, 7.6158066e+31, 0, 0, -4.3713696e-38, -4.7572945e-38, 4.3030504e+21,
    ]
    let some: [Float] = [1, 1, 0.0004863752, 7.275958e-12, 0.12411754, 1, 1, 1, 1]
    let row = (0..<300).map { base[$0 % 7] }
    let scales = (0..<300).map { some[$0 % 9] }
    let p = NoisyArgmax(.gumbel).inclusionProbabilities(for: row, largest: 32, scales: scales)
    let sum = p.reduce(0) { $0 + Double($1) }
    #expect((sum - 32).magnitude <= 1e-4, "sum \(sum) of \(p)")
  }

  @Test func extremeNumbersStayNumbers() {
    let argmax = NoisyArgmax(.normal)
    let huge = argmax.probabilities(for: [1e308, -1e308, 0] as [Double], scales: [1e308, 1e308, 1e300])
    #expect((huge.reduce(0, +) - 1).magnitude <= 1e-14, "\(huge)")
    let tiny = argmax.probabilities(for: [0x1p-1030, 0, 0] as [Double], scales: [0x1p-1030, 0x1p-1029, 0])
    #expect((tiny.reduce(0, +) - 1).magnitude <= 1e-14, "\(tiny)")
    // Scales that underflow beside the widest one.
    for law in ShippedLaw.all {
      let p = NoisyArgmax(law.noise).probabilities(for: [0, 0], scales: [1e-200, 1e200])
      let below = law.noise.cumulative(at: 0)
      #expect(zip(p, [below, 1 - below]).allSatisfy { ($0 - $1).magnitude <= 1e-14 }, "\(law.name): \(p)")
    }
    let apart = argmax.probabilities(for: [1e10, -1e300] as [Double], scales: [1e-10, 1])
    #expect((apart[0] - 1).magnitude <= 1e-15 && apart[1] == 0, "\(apart)")
  }

  /// The messages name the class and the value.
  @Test func whatIsRefused() async throws {
    func check(_ result: ExitTest.Result?, says text: String) {
      let message = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
      #expect(message.contains(text), "\(message)")
    }
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).probabilities(for: [1.0, 2], scales: [1, -0.5])
      }, says: "the scale of class 1 is finite and not below 0, not -0.5")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).probabilities(for: [1.0, 2], scales: [.nan, 1])
      }, says: "the scale of class 0 is finite and not below 0, not nan")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).probabilities(for: [0.5, 2, 0.5], scales: [0, 1, 0])
      }, says: "classes 0 and 2 have scale 0 and tie at 0.5")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).probabilities(for: [0.5, 2, 0.5], scales: [1, 1])
      }, says: "do not fit scales of 1 rows of 2")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal, points: 8).probabilities(for: [0.5, 2], scales: [1, 2])
      }, says: "the quantile rule has no probabilities of inclusion")
  }
}
