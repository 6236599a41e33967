import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Second derivatives of log-probabilities, also of classes whose probability no Double holds.
@Suite struct SecondLogPullbackTests {
  @Test(arguments: SecondDifferences.laws.indices, [2, 3, 9])
  func equalsDifferencesOfThePullback(index: Int, n: Int) {
    let (name, argmax, step, accuracy) = SecondDifferences.laws[index]
    for (seed, own) in [(6, false), (7, true)] {
      let row = RandomVectors(count: n, seed: UInt64(seed))
      // Under uniform noise a narrow class may have no chance, and then no slope.
      let scales = row.scales.map { own ? 0.5 + $0 / 2 : 1 }
      let result = argmax.logProbabilitiesSecondPullback(
        for: row.logits, of: row.v, and: row.w, scales: scales)
      let slopes = SecondDifferences.slopes(of: row, under: argmax, step: step) {
        $0.logProbabilitiesPullback(for: $1, scales: scales, of: row.v).logits
      }
      for j in row.logits.indices {
        let error = (result.logits[j] - slopes.logits[j]).magnitude
        #expect(
          error <= 10 * accuracy,
          "\(name), scales \(scales), \(row), class \(j): \(result.logits[j]), not \(slopes.logits[j])")
      }
      let scaleError = (result.scale * argmax.scale - slopes.scale).magnitude
      #expect(
        scaleError <= 40 * accuracy, "\(name), scales \(scales), \(row): \(result.scale), not \(slopes)")
    }
  }

  /// log p = log Φ(−g/√2) has the second slope −λ(λ − g/√2)/2, λ = φ/Φ.
  @Test(arguments: [3.0, 30, 50, 70, 1000])
  func farNormalClasses(gap: Double) {
    let result = NoisyArgmax(.normal).logProbabilitiesSecondPullback(
      for: [0, -gap], of: [0, 1], and: [0.5, -1])
    let t = -gap / 2.0.squareRoot()
    let r = exp(Normal().logReversedHazard(at: t))
    // Far out λ + t is that of a series, which does not cancel.
    let rest = gap < 100 ? r + t : -1 / t * (1 - 2 / (t * t) + 10 / pow(t, 4))
    let value = -r * rest / 2 * -1.5
    for (j, sign) in [(0, -1.0), (1, 1.0)] {
      let error = (result.logits[j] - sign * value).magnitude
      #expect(error <= 1e-10 * r * r, "gap \(gap), class \(j): \(result), not \(value)")
    }
    // The slope along w is −1.5·λ/√2, and what is homogeneous of degree −1 in logits and scale has this derivative.
    let flow = -1.5 * r / 2.0.squareRoot()
    let inScale = -(flow - gap * value)
    #expect(
      (result.scale - inScale).magnitude <= 1e-9 * (1 + gap) * r * r,
      "gap \(gap): \(result), not \(inScale)")
  }

  /// log p of the last is μ₃ − μ₁ + log(1/2 − b/6), b = e^(μ₂ − μ₁), wherever it is far behind: e^(−50) and e^(−800).
  @Test(arguments: [-50.0, -800])
  func farExponentialClasses(last: Double) {
    let w = [0.5, -1, 3]
    let result = NoisyArgmax(.exponential).logProbabilitiesSecondPullback(
      for: [0, -0.5, last], of: [0, 0, 1], and: w)
    let b = exp(-0.5)
    let rest = 0.5 - b / 6
    let value = -(b / 6 / rest + b * b / 36 / (rest * rest)) * (w[1] - w[0])
    let sizes = [-1.0, 1, 0].map { $0 * value }
    for j in sizes.indices {
      #expect(
        (result.logits[j] - sizes[j]).magnitude <= 1e-10, "last \(last), class \(j): \(result), not \(sizes)")
    }
  }

  @Test func deepClassesEqualDifferences() {
    let argmax = NoisyArgmax(.normal)
    let (logits, v, w) = ([0, -1, -60, -0.5], [0.5, 0, 1, -0.25], [0.25, -1, 0.5, 1])
    let result = argmax.logProbabilitiesSecondPullback(for: logits, of: v, and: w)
    let slopes = SecondDifferences.slope(along: w, step: 0.1) { moved in
      argmax.logProbabilitiesPullback(for: zip(logits, moved).map { $0 + $1 }, of: v)
    }
    for j in logits.indices {
      #expect((result.logits[j] - slopes[j]).magnitude <= 1e-7, "class \(j): \(result), not \(slopes)")
    }
  }

  /// A class that cannot win stays where it is.
  @Test func whatCannotWinMovesNothing() {
    let argmax = NoisyArgmax(.uniform)
    let result = argmax.logProbabilitiesSecondPullback(
      for: [0, -0.25, -3], of: [1, 0.5, 7], and: [0, 1, 2])
    let without = argmax.logProbabilitiesSecondPullback(for: [0, -0.25], of: [1, 0.5], and: [0, 1])
    #expect(result.logits[2] == 0)
    for j in 0..<2 {
      #expect((result.logits[j] - without.logits[j]).magnitude <= 1e-12, "\(result), not \(without)")
    }
    #expect(without.logits.contains { $0.magnitude > 0.1 })
  }
}
