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

  /// Many kinks where F of the leaders has hardly begun: by what the law's own method finds.
  @Test func kinksNearTheLowerEnd() throws {
    let (own, grid) = try (
      NoisyArgmax(kinked: "uniform", onTheGrid: false), NoisyArgmax(kinked: "uniform", onTheGrid: true)
    )
    // The supports of fifty others end within a fourteenth above the lower end of the leaders', those of the rest hardly above it.
    for leaders in [[0.0], [0, -0.02], [0, -0.01, -0.03]] {
      let some = (0..<50).map { -0.999 + 0.07 * Double($0) / 50 }
      let row = leaders + some + (1...1150).map { -1 + 1e-6 * Double($0) / 2 }
      let (p, truth) = (grid.probabilities(for: row), own.probabilities(for: row))
      let v = row.indices.map { $0 < leaders.count ? 0 : 1 + 0.5 * sin(Double($0)) }
      let (slopes, slopesTruth) = (grid.pullback(for: row, of: v), own.pullback(for: row, of: v))
      let size = slopesTruth.reduce(0) { $0 + $1.magnitude }
      for index in row.indices {
        #expect(
          isClose(p[index], truth[index], within: 1e-11 * truth[index] / (1 + row[index])),
          "\(row), class \(index): \(p[index]), not \(truth[index])")
        #expect(
          isClose(slopes[index], slopesTruth[index], within: 1e-11 * size),
          "\(row), class \(index): \(slopes[index]), not \(slopesTruth[index])")
      }
    }
  }

  /// A law with a hump besides its kink, narrower than it is wide as a whole: panels without a look at them must be narrower
  /// than the hump.
  @Test func humpsAwayFromKinks() {
    let law = HumpedLaplace()
    let argmax = NoisyArgmax(OnTheGrid(base: law))
    for spread in [2.0, 5, 9] {
      let row = (0..<1100).map { $0 < 4 ? -0.3 * Double($0) : -spread * (1 + Double($0 % 25) / 25) }
      var counts: [Double: Double] = [:]
      for logit in row { counts[logit, default: 0] += 1 }
      let p = argmax.probabilities(for: row)
      let truth = law.probabilities(of: counts)
      for index in row.indices {
        let expected = truth[row[index]] ?? .nan
        #expect(
          isClose(p[index], expected, within: 1e-12 * expected),
          "\(row), class \(index): \(p[index]), not \(expected)")
      }
    }
  }
}

/// Nine tenths Laplace, one tenth a narrow logistic law beside it.
private struct HumpedLaplace: PiecewiseNoise {
  private let laplace = Laplace()
  private let logistic = Logistic()
  private func narrow(_ x: Double) -> Double { (x - 3) / 0.25 }

  var kinks: [Double] { [0] }
  func cumulative(at x: Double) -> Double {
    0.9 * laplace.cumulative(at: x) + 0.1 * logistic.cumulative(at: narrow(x))
  }
  func survival(at x: Double) -> Double {
    0.9 * laplace.survival(at: x) + 0.1 * logistic.survival(at: narrow(x))
  }
  func density(at x: Double) -> Double {
    0.9 * laplace.density(at: x) + 0.4 * logistic.density(at: narrow(x))
  }
  func logCumulative(at x: Double) -> Double {
    x < -600 ? x + log(0.45) : x < 0 ? log(cumulative(at: x)) : log1p(-survival(at: x))
  }
  func logSurvival(at x: Double) -> Double {
    x > 600 ? log(0.45) - x : x < 0 ? log1p(-cumulative(at: x)) : log(survival(at: x))
  }
  func quantile(at p: Double) -> Double {
    between(laplace.quantile(at: p), 3 + 0.25 * logistic.quantile(at: p)) { cumulative(at: $0) >= p }
  }
  func upperQuantile(at q: Double) -> Double {
    between(laplace.upperQuantile(at: q), 3 + 0.25 * logistic.upperQuantile(at: q)) { survival(at: $0) <= q }
  }
  var mean: Double { 0.3 }
  var variance: Double { 0.9 * 2 + 0.1 * (9 + 0.0625 * .pi * .pi / 3) - 0.09 }

  /// A quantile of the whole lies between those of its parts.
  private func between(_ one: Double, _ other: Double, isAbove: (Double) -> Bool) -> Double {
    guard one.isFinite, other.isFinite else { return one }
    var (low, high) = (min(one, other), max(one, other))
    while true {
      let middle = low + (high - low) / 2
      guard low < middle, middle < high else { return high }
      if isAbove(middle) { high = middle } else { low = middle }
    }
  }

  /// p for every logit, of which there are so many: by Gauss's rule on narrow panels between the kinks.
  func probabilities(of counts: [Double: Double]) -> [Double: Double] {
    let ends = ([-40, 42] + counts.keys).sorted()
    var sums = counts.mapValues { _ in 0.0 }
    for (lower, upper) in zip(ends, ends.dropFirst()) {
      let parts = ((upper - lower) / 0.125).rounded(.up)
      let half = (upper - lower) / parts / 2
      for part in 0..<Int(parts) {
        for (node, weight) in zip(UniformLevels.rule.nodes, UniformLevels.rule.weights) {
          let x = lower + (2 * Double(part) + 1 + node) * half
          let logG = counts.reduce(0) { $0 + $1.value * logCumulative(at: x - $1.key) }
          guard logG > -700 else { continue }
          for logit in counts.keys {
            let r = density(at: x - logit) / cumulative(at: x - logit)
            sums[logit]! += half * weight * exp(logG) * r
          }
        }
      }
    }
    return sums
  }
}
