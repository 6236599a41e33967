import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Classes with common factors: against closed forms, a double integral, differences, and what theory says.
@Suite struct FactorTests {
  /// Of two classes under normal noise the difference is normal: p = Φ(d/σ), σ² = s₁² + s₂² + |v₁ − v₂|².
  @Test(arguments: [
    [[0.3], [-0.2]], [[3], [1]], [[10], [-10]], [[3, -1], [-3, 2]], [[1, 2], [2, 4]],
    [[0.5, -1, 1], [1, 0.5, -0.5]],
  ])
  func normalPairsHaveAClosedForm(loadings: [[Double]]) {
    let argmax = NoisyArgmax(.normal, scale: 0.8)
    let rank = loadings[0].count
    let rows = Rows(loadings.flatMap { $0 }, length: rank)
    let square = zip(loadings[0], loadings[1]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    for (d, scales) in [(0.7, nil), (-2, [1.5, 0.5])] as [(Double, [Double]?)] {
      let own = scales ?? [1, 1]
      let deviation = (square + 0.64 * (own[0] * own[0] + own[1] * own[1])).squareRoot()
      let p = Normal().cumulative(at: d / deviation)
      let result = argmax.probabilitiesWithErrorEstimate(for: [d, 0], loadings: rows, scales: scales)
      let testCase = "\(loadings), \(d), \(own): \(result), not \(p)"
      #expect((result.probabilities[0] - p).magnitude <= 1e-10, "\(testCase)")
      #expect((result.probabilities[1] - (1 - p)).magnitude <= 1e-10, "\(testCase)")
      #expect(result.errorEstimate <= 1e-10, "\(testCase)")
      // Φ(d/σ) in d, in s, in a loading.
      let slope = Normal().density(at: d / deviation) / deviation
      let v = [2.0, -1]
      let inLoading = { (factor: Int) in
        -3 * slope * d * (loadings[0][factor] - loadings[1][factor]) / (deviation * deviation)
      }
      let inLogits: [Double]
      let inLoadings: Rows<Double>
      if let scales {
        let gradient = argmax.pullback(for: [d, 0], scales: scales, loadings: rows, of: v)
        (inLogits, inLoadings) = (gradient.logits, gradient.loadings)
        for j in 0..<2 {
          let value = -3 * slope * d * 0.64 * scales[j] / (deviation * deviation)
          #expect((gradient.scales[j] - value).magnitude <= 1e-9, "\(testCase), \(gradient), not \(value)")
        }
      } else {
        let gradient = argmax.pullback(for: [d, 0], loadings: rows, of: v)
        (inLogits, inLoadings) = (gradient.logits, gradient.loadings)
        let value = -3 * slope * d * 2 * 0.8 / (deviation * deviation)
        #expect((gradient.scale - value).magnitude <= 1e-9, "\(testCase), \(gradient), not \(value)")
      }
      #expect(
        (inLogits[0] - 3 * slope).magnitude <= 1e-9 && (inLogits[1] + 3 * slope).magnitude <= 1e-9,
        "\(testCase)")
      for factor in 0..<rank {
        let value = inLoading(factor)
        #expect((inLoadings[0, factor] - value).magnitude <= 1e-9, "\(testCase), \(inLoadings), not \(value)")
        #expect((inLoadings[1, factor] + value).magnitude <= 1e-9, "\(testCase), \(inLoadings), not \(value)")
      }
    }
  }

  /// ∫∫ φ(z) f_i ∏ F dx dz by the trapezoid rule in both.
  @Test(arguments: ["normal", "logistic", "gumbel", "reversed-gumbel"])
  func agreesWithADoubleIntegral(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let (logits, loadings) = ([0.5, -0.25, 1, 0], [1.5, 0.5, -1, -2])
    var p = [0.0, 0, 0, 0]
    let (step, zStep) = (0.125, 0.1)
    for zIndex in -70...70 {
      let z = Double(zIndex) * zStep
      let weight = zStep * exp(-z * z / 2) / (2 * Double.pi).squareRoot()
      for xIndex in -480...480 {
        let x = Double(xIndex) * step
        let points = logits.indices.map { x - logits[$0] - loadings[$0] * z }
        let cumulatives = points.map { noise.cumulative(at: $0) }
        for i in logits.indices {
          var product = weight * step * noise.density(at: points[i])
          for j in logits.indices where j != i { product *= cumulatives[j] }
          p[i] += product
        }
      }
    }
    let result = NoisyArgmax(noise).probabilities(for: logits, loadings: Rows(loadings, length: 1))
    for i in logits.indices {
      #expect((result[i] - p[i]).magnitude <= 1e-10, "\(law), class \(i): \(result), not \(p)")
    }
  }

  /// Under normal noise a factor for a class alone is more noise: three dimensions, up to three scales.
  @Test(arguments: [1.0, 3])
  func factorsOfOneClassAreWiderNoise(size: Double) {
    let argmax = NoisyArgmax(.normal)
    let logits = [0.5, -0.25, 1, 0]
    let own: [Double] = [size, 0.5 * size, 0.75 * size, 0]
    let loadings = Rows([own[0], 0, 0, 0, own[1], 0, 0, 0, own[2], 0, 0, 0], length: 3)
    let expected = argmax.probabilities(for: logits, scales: own.map { hypot(1, $0) })
    let result = argmax.probabilitiesWithErrorEstimate(for: logits, loadings: loadings)
    #expect(result.errorEstimate <= 1e-10, "loadings \(own): \(result)")
    for j in logits.indices {
      let error = (result.probabilities[j] - expected[j]).magnitude
      #expect(error <= 1e-10, "loadings \(own), class \(j): \(result), not \(expected)")
    }
  }

  /// The estimate is above the error, where two grids agree by accident too.
  @Test(arguments: ShippedLaw.all.map(\.name), [0.25, 1, 3, 10])
  func theEstimateHolds(law: String, size: Double) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for seed in 20..<23 {
      let row = RandomVectors(count: 4, seed: UInt64(seed))
      let loadings = Rows(row.v.map { size * $0 }, length: 1)
      let fine = argmax.probabilitiesWithErrorEstimate(for: row.logits, loadings: loadings, tolerance: 1e-8)
      for tolerance in [1e-2, 1e-3, 1e-5] {
        let result = argmax.probabilitiesWithErrorEstimate(
          for: row.logits, loadings: loadings, tolerance: tolerance)
        let error = zip(result.probabilities, fine.probabilities).map { ($0 - $1).magnitude }.max() ?? 1
        #expect(
          error <= result.errorEstimate + 1e-8 && result.errorEstimate <= tolerance,
          "\(law), \(row), loadings \(loadings): \(result), not \(fine)")
      }
    }
  }

  /// Of two classes far apart in either direction each wins half the time. It takes as many nodes as there may be, and no
  /// more: not those of the wide axis for every node of the other one.
  @Test(arguments: [[1e300, -1e300], [1e300, 0, -1e300, 0, 0, 1], [1e20, 0, -1e20, 0, 0, 1e-12]])
  func loadingsOfAnySizeHaveAnAnswer(loadings: [Double]) {
    let rows = Rows(loadings, length: loadings.count == 2 ? 1 : 2)
    let result = NoisyArgmax(.gumbel).probabilitiesWithErrorEstimate(
      for: [Double](repeating: 0, count: rows.count), loadings: rows, tolerance: 0.1)
    for index in 0..<2 {
      let error = (result.probabilities[index] - 0.5).magnitude
      #expect(error <= 1e-2, "loadings \(loadings): \(result)")
    }
  }

  /// What loads alike on all classes is no factor, and a rotation of z is nothing.
  @Test func equalLoadingsChangeNothing() {
    let argmax = NoisyArgmax(.logistic)
    let (logits, v) = ([0.5, -0.3, 1.25], [1.0, -2, 0.5])
    let equal = Rows([Double](repeating: 0.7, count: 6), length: 2)
    #expect(argmax.probabilities(for: logits, loadings: equal) == argmax.probabilities(for: logits))
    let gradient = argmax.pullback(for: logits, loadings: equal, of: v)
    #expect(gradient.logits == argmax.pullback(for: logits, of: v))
    #expect(gradient.loadings.elements.allSatisfy { $0 == 0 }, "\(gradient)")
    #expect((gradient.scale - argmax.scalePullback(for: logits, of: v)).magnitude <= 1e-15, "\(gradient)")
    let loadings = [1, 0.5, -1, 0.25, 0, -2]
    let plain = argmax.probabilities(for: logits, loadings: Rows(loadings, length: 2))
    let moved = argmax.probabilities(for: logits, loadings: Rows(loadings.map { $0 + 5 }, length: 2))
    var rotated: [Double] = []
    for j in logits.indices {
      let (one, other) = (loadings[2 * j], loadings[2 * j + 1])
      rotated += [0.6 * one - 0.8 * other, 0.8 * one + 0.6 * other]
    }
    let turned = argmax.probabilities(for: logits, loadings: Rows(rotated, length: 2))
    #expect(plain != argmax.probabilities(for: logits))
    for j in logits.indices {
      #expect((moved[j] - plain[j]).magnitude <= 1e-11, "\(moved), not \(plain)")
      #expect((turned[j] - plain[j]).magnitude <= 1e-11, "\(turned), not \(plain)")
    }
  }
}
