import Foundation
import Noisemax
import Testing

/// Every law against independent values: 4 ulp for values, 2 ulp for quantiles, and what the ends are.
@Suite struct NoiseValuesTests {
  static let laws = NoiseRegistry.entries.map(\.name)

  @Test(arguments: laws)
  func valuesAreWithinFourUlp(law: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
    for row in try Fixture.table("distribution-values.csv", of: law) {
      let x = try double(row["x"]!)
      let values = [
        ("cumulative", noise.cumulative(at: x)), ("survival", noise.survival(at: x)),
        ("logCumulative", noise.logCumulative(at: x)), ("logSurvival", noise.logSurvival(at: x)),
        ("density", noise.density(at: x)),
      ]
      for (column, value) in values {
        let truth = try double(row[column]!)
        if truth.isInfinite || truth == 0 {
          #expect(value == truth, "\(law) \(column) at \(x)")
        } else if truth.isNormal {
          #expect(ulps(from: value, to: truth) <= 4, "\(law) \(column) at \(x): \(value), not \(truth)")
        } else {
          #expect((value - truth).magnitude <= .leastNormalMagnitude, "\(law) \(column) at \(x): \(value)")
        }
      }
    }
  }

  @Test(arguments: laws)
  func quantilesAreWithinTwoUlp(law: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
    for row in try Fixture.table("quantile-values.csv", of: law) {
      let p = try double(row["p"]!)
      for (column, value) in [
        ("quantile", noise.quantile(at: p)), ("upperQuantile", noise.upperQuantile(at: p)),
      ] {
        let truth = try double(row[column]!)
        let isNear = ulps(from: value, to: truth) <= 2 || (value - truth).magnitude <= 0x1p-52
        #expect(isNear, "\(law) \(column) at \(p): \(value), not \(truth)")
      }
    }
  }

  @Test(arguments: laws)
  func endsAreExact(law: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
    #expect(noise.cumulative(at: -.infinity) == 0)
    #expect(noise.cumulative(at: .infinity) == 1)
    #expect(noise.survival(at: -.infinity) == 1)
    #expect(noise.survival(at: .infinity) == 0)
    #expect(noise.logCumulative(at: -.infinity) == -.infinity)
    #expect(noise.logCumulative(at: .infinity) == 0)
    #expect(noise.logSurvival(at: .infinity) == -.infinity)
    #expect(noise.logSurvival(at: -.infinity) == 0)
    #expect(noise.density(at: -.infinity) == 0)
    #expect(noise.density(at: .infinity) == 0)
    #expect(noise.quantile(at: 0) == noise.upperQuantile(at: 1))
    #expect(noise.quantile(at: 1) == noise.upperQuantile(at: 0))
    for p in [-0.1, -.leastNonzeroMagnitude, 1.0.nextUp, 2, .infinity, -.infinity, .nan] {
      #expect(noise.quantile(at: p).isNaN, "quantile at \(p)")
      #expect(noise.upperQuantile(at: p).isNaN, "upper quantile at \(p)")
    }
    let functions = [
      noise.cumulative, noise.survival, noise.logCumulative, noise.logSurvival, noise.density,
    ]
    for (index, function) in functions.enumerated() { #expect(function(.nan).isNaN, "function \(index)") }
  }

  @Test func supportsReachAsFarAsTheLaw() {
    for noise: any ExactNoise in [Gumbel(), ReversedGumbel(), Normal(), Logistic(), Laplace()] {
      #expect(noise.quantile(at: 0) == -.infinity)
      #expect(noise.quantile(at: 1) == .infinity)
    }
    #expect(Uniform().quantile(at: 0) == 0)
    #expect(Uniform().quantile(at: 1) == 1)
    #expect(Exponential().quantile(at: 0) == 0)
    #expect(Exponential().quantile(at: 1) == .infinity)
  }

  /// Where other libraries return −∞, 0 or a value that is off by a thousand ulps.
  @Test func farTailsKeepTheirDigits() {
    #expect(ulps(from: Normal().cumulative(at: -35), to: 1.124910706472406243978835e-268) <= 4)
    // Where Φ itself underflows, by its asymptotic series.
    #expect(ulps(from: Normal().logCumulative(at: -41), to: -845.133104601774617022583) <= 4)
    #expect(ulps(from: Normal().logCumulative(at: -50), to: -1254.83136113941990125413) <= 4)
    #expect(ulps(from: Normal().logSurvival(at: 1000), to: -500007.826694812184309806) <= 4)
    #expect(ulps(from: Normal().logCumulative(at: -1e10), to: -5e19) <= 4)
    #expect(Normal().logCumulative(at: -1e154) == -5e307)
    #expect(ulps(from: Normal().quantile(at: 1e-300), to: -37.04709629936119923654704) <= 2)
    #expect(ulps(from: Normal().upperQuantile(at: 1e-300), to: 37.04709629936119923654704) <= 2)
    let smallest = Double.leastNonzeroMagnitude
    #expect(ulps(from: Normal().quantile(at: smallest), to: -38.46740561714434625078436) <= 2)
    #expect(Gumbel().logSurvival(at: 1e300) == -1e300)
    #expect(Gumbel().logCumulative(at: -700) == -1.0142320547350045e304)
    #expect(Logistic().logCumulative(at: -1e300) == -1e300)
  }

  /// log r in both far tails, by their series: below, r is −x − 1/x under Normal noise, S(x) under Logistic noise, and
  /// t/(eᵗ − 1) with t = eˣ under the law of minima.
  @Test func reversedHazardsKeepTheirDigitsFarOut() {
    for x in [1e3, 1e5, 1e8, 1e12, 1e20] {
      let value = Normal().logReversedHazard(at: -x)
      let truth = log(x) + log1p(1 / (x * x) - 2 / (x * x * x * x))
      #expect(ulps(from: value, to: truth) <= 4, "normal at \(-x): \(value), not \(truth)")
    }
    for x in [20.0, 36, 300, 1e5] {
      let t = exp(-x)
      let below = [
        ("logistic", Logistic().logReversedHazard(at: -x), -t * (1 - t / 2)),
        ("reversed-gumbel", ReversedGumbel().logReversedHazard(at: -x), -t / 2 + t * t / 24),
      ]
      for (law, value, truth) in below {
        #expect(isClose(value, truth, within: 2e-16), "\(law) at \(-x): \(value), not \(truth)")
      }
      #expect(ulps(from: Logistic().logReversedHazard(at: x), to: -x - log1p(t)) <= 4, "logistic at \(x)")
    }
  }

  /// log(p/(1 − p)) = 4d·(1 + (2d)²/3 + (2d)⁴/5 + …) for p = ½ + d: all digits, however near to 0.
  @Test func logisticQuantilesNearTheMedianKeepTheirDigits() {
    for k in 1...4000 {
      let d = Double(k) * 0x1p-53 * Double(1 << (k % 40))
      guard d < 0.02 else { continue }
      let square = 4 * d * d
      let series = 1 / 3.0 + square * (1 / 5.0 + square * (1 / 7.0 + square * (1 / 9.0 + square / 11)))
      let truth = 4 * d + 4 * d * (square * series)
      let value = Logistic().quantile(at: 0.5 + d)
      #expect(ulps(from: value, to: truth) <= 2, "at ½ + \(d): \(value), not \(truth)")
      #expect(Logistic().quantile(at: 0.5 - d) == -value, "at ½ − \(d)")
    }
  }

  @Test func symmetricLawsHaveExactlyAntisymmetricQuantiles() {
    for noise: any ExactNoise in [Normal(), Logistic(), Laplace()] {
      #expect(noise.quantile(at: 0.5) == 0)
      for k in 1..<512 {
        let p = Double(k) / 1024  // 1 − p is exact
        #expect(noise.quantile(at: p) == -noise.quantile(at: 1 - p), "\(noise) at \(p)")
      }
    }
  }
}
