import Foundation
import Noisemax
import Testing

/// Derivatives of inclusion in logits and scales: against independent values, differences, and what theory says.
@Suite struct ScaledPullbackTests {
  @Test(arguments: Fixture.transformLaws)
  func agreesWithIndependentValues(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for row in try Fixture.transformCases(of: law) {
      let (logits, scales, v) = (row.logits, row.everyScale, row.cotangent)
      let result = argmax.pullback(for: logits, scales: scales, of: v)
      let single = argmax.pullback(
        for: logits.map { Float($0) }, scales: scales.map { Float($0) }, of: v.map { Float($0) })
      // What an entry is summed from, by the Jacobian's own entries.
      var content = [Double](repeating: 0, count: logits.count)
      var scaleContent = content
      for i in logits.indices {
        let unit = logits.indices.map { $0 == i ? 1.0 : 0 }
        let line = argmax.pullback(for: logits, scales: scales, of: unit)
        for j in logits.indices where j != i {
          content[j] += line.logits[j].magnitude * (v[i] - v[j]).magnitude
          scaleContent[j] += line.scales[j].magnitude * (v[i] - v[j]).magnitude
        }
      }
      let (inLogits, inScales) = (try row.logitPullback.map(double), try row.scalePullback.map(double))
      let (largest, largestInScales) = (
        inLogits.map(\.magnitude).max() ?? 0, inScales.map(\.magnitude).max() ?? 0
      )
      for j in logits.indices {
        let testCase = "\(row.testDescription), class \(j)"
        #expect(
          (result.logits[j] - inLogits[j]).magnitude <= 1e-10 * content[j] + 1e-300,
          "\(testCase): \(result.logits[j]), not \(inLogits[j])")
        #expect(
          (result.scales[j] - inScales[j]).magnitude <= 1e-10 * (scaleContent[j] + content[j]) + 1e-300,
          "\(testCase): \(result.scales[j]), not \(inScales[j])")
        #expect((Double(single.logits[j]) - inLogits[j]).magnitude <= 2e-5 * largest + 1e-30, "\(testCase)")
        #expect(
          (Double(single.scales[j]) - inScales[j]).magnitude <= 2e-5 * largestInScales + 1e-30, "\(testCase)")
      }
    }
  }

  /// Every k, with classes that have little noise or none.
  @Test(arguments: ["normal", "logistic", "gumbel", "reversed-gumbel", "laplace"], [1, 2, 3])
  func equalsFiniteDifferences(law: String, k: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.5)
    let logits: [Double] = [0.31, -0.22, 0.57, -.infinity, 0.02, 0.45]
    let scales: [Double] = [1, 0.4, 0, 1, 2, 0.05]
    let v: [Double] = [0.5, -1, 2, 100, 0.25, 1]
    func value(_ logits: [Double], _ scales: [Double]) -> Double {
      let p = argmax.inclusionProbabilities(for: logits, largest: k, scales: scales)
      return p.indices.reduce(0.0) { $0 + p[$1] * v[$1] }
    }
    let result = argmax.inclusionPullback(for: logits, largest: k, of: v, scales: scales)
    for j in logits.indices where j != 3 {
      let step = 1e-5
      func moved(_ numbers: [Double], _ step: Double) -> [Double] {
        numbers.indices.map { numbers[$0] + ($0 == j ? step : 0) }
      }
      let slope = (value(moved(logits, step), scales) - value(moved(logits, -step), scales)) / (2 * step)
      let testCase = "\(law), k = \(k), class \(j)"
      #expect((result.logits[j] - slope).magnitude <= 1e-6, "\(testCase): \(result.logits[j]), not \(slope)")
      // The scale of 0 has a slope from above.
      let (above, below) = (
        value(logits, moved(scales, step)), value(logits, moved(scales, j == 2 ? 0 : -step))
      )
      let scaleSlope = (above - below) / (j == 2 ? step : 2 * step)
      #expect(
        (result.scales[j] - scaleSlope).magnitude <= (j == 2 ? 1e-3 : 1e-5),
        "\(testCase): \(result.scales[j]), not \(scaleSlope)")
    }
    #expect(result.logits[3] == 0 && result.scales[3] == 0)
    #expect(result.logits.reduce(0, +).magnitude <= 1e-13, "a shift of all changes nothing: \(result.logits)")
    // Nor does a common factor.
    var euler = 0.0
    for j in logits.indices where j != 3 {
      euler += logits[j] * result.logits[j] + scales[j] * result.scales[j]
    }
    #expect(euler.magnitude <= 1e-13, "\(law), k = \(k): \(euler)")
  }

  /// The Jacobian is symmetric, its rows sum to 0, and off the diagonal nothing is above 0.
  @Test(arguments: ShippedLaw.all.map(\.name), [1, 2, 4])
  func theJacobianIsThatOfAConvexPotential(law: String, k: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let logits = [0.4, 0.9, -0.3, 0.1, 0.6]
    let scales = [1, 0.02, 0.5, 3, 1]
    let lines: [[Double]] = logits.indices.map { i in
      argmax.inclusionPullback(
        for: logits, largest: k, of: logits.indices.map { $0 == i ? 1.0 : 0 }, scales: scales
      ).logits
    }
    for i in logits.indices {
      let size = lines[i][i]
      #expect(lines[i].reduce(0, +).magnitude <= 1e-13 * size, "\(law), k = \(k): \(lines[i])")
      for j in logits.indices where j != i {
        let difference = (lines[i][j] - lines[j][i]).magnitude
        #expect(difference <= 1e-12 * lines[i][j].magnitude + 1e-30, "\(law), k = \(k), \(i), \(j)")
        #expect(lines[i][j] <= 0, "\(law), k = \(k), \(i), \(j)")
      }
    }
  }

  /// (x − μ)/s of a narrow class far below is more than a Double holds, but what it has of a gradient is 0.
  @Test(arguments: [1, 2])
  func narrowClassesBeyondAllNumbers(k: Int) throws {
    let shipped = try ShippedLaw.all.map { try NoisyArgmax(named: $0.name) }
    let own: [any ExactNoise] = [Triangular(), NormalMixture.contaminated(3), UnnamedGumbel()]
    for argmax in shipped + own.map({ NoisyArgmax($0) }) {
      let found = argmax.inclusionPullback(
        for: [0.25, 0, 0.5, -8.7e304], largest: k, of: [1, 0, 2, -1], scales: [1, 1, 0.5, 7e-9])
      let near = argmax.inclusionPullback(
        for: [0.25, 0, 0.5, -8.7e4], largest: k, of: [1, 0, 2, -1], scales: [1, 1, 0.5, 7e-9])
      for j in found.logits.indices {
        #expect(
          (found.logits[j] - near.logits[j]).magnitude <= 1e-13
            && (found.scales[j] - near.scales[j]).magnitude <= 1e-13, "\(argmax), k = \(k): \(found), \(near)"
        )
      }
    }
  }

  /// A cotangent as large as p is rare: where f underflows, the product of both has no digits, and is far above the least
  /// Double. From integrals in 40 digits.
  @Test(arguments: [1, 1e10, 1e50, 1e100, 1e200])
  func largeCotangentsOfRareClasses(v: Double) {
    let found = NoisyArgmax(.normal).pullback(for: [-9, 0.07, 0], scales: [0.3, 0, 1], of: [v, 0, 0]).logits
    let p = 2.2978984941240975752e-201
    // Of log p; that of a class without noise is what they leave.
    let truth = [100.88860338256509493, 0, -0.74768961637928783328]
    for (value, expected) in zip(found, truth) where expected != 0 {
      #expect((value / (v * p) / expected - 1).magnitude <= 1e-11, "\(v): \(found), not \(truth) · p·v")
    }
  }

  @Test func edgesHaveNoGradient() {
    let argmax = NoisyArgmax(.normal)
    let settled = argmax.inclusionPullback(for: [1, 2, -.infinity] as [Double], largest: 2, of: [1, 2, 3])
    #expect(settled.logits == [0, 0, 0] && settled.scales == [0, 0, 0])
    let undefined = argmax.pullback(for: [1, .nan] as [Double], scales: [1, 2], of: [1, 2])
    #expect(undefined.logits.allSatisfy { $0.isNaN } && undefined.scales.allSatisfy { $0.isNaN })
    let certain = argmax.pullback(for: [1, .infinity] as [Double], scales: [1, 2], of: [1, 2])
    #expect(certain.logits == [0, 0])
  }
}
