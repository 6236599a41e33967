import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// The slope of the logarithm of the density.
@Suite struct DifferentiableNoiseTests {
  static let laws = NoiseRegistry.entries.compactMap { entry in
    (entry.noise as? any DifferentiableNoise).map { (entry.name, $0) }
  }

  /// Laws whose density jumps stay out.
  @Test func whoConforms() {
    #expect(Self.laws.map(\.0) == ["gumbel", "normal", "logistic", "reversed-gumbel", "laplace"])
    #expect(!((Exponential().scaled(by: 2) as Any) is any DifferentiableNoise))
  }

  @Test func isTheSlopeOfTheLogDensity() {
    for (name, law) in Self.laws {
      for point in stride(from: -4.03, through: 4.5, by: 0.37) {
        func difference(_ step: Double) -> Double {
          log(law.density(at: point + step)) - log(law.density(at: point - step))
        }
        let slope = (8 * difference(1e-3) - difference(2e-3)) / 12e-3
        let value = law.logDensityDerivative(at: point)
        #expect(
          (value - slope).magnitude < 1e-9 * (1 + slope.magnitude), "\(name) at \(point): \(value), \(slope)")
      }
    }
  }

  /// Where the slope crosses zero nothing cancels, and far out it stays finite as long as its value does.
  @Test func theEdges() {
    for x in [1e-20, -1e-20, 3e-9] {
      #expect(Gumbel().logDensityDerivative(at: x) == -x * (1 - x / 2))
      #expect(ReversedGumbel().logDensityDerivative(at: x) == -x * (1 + x / 2))
      #expect((Logistic().logDensityDerivative(at: x) / (-x / 2) - 1).magnitude < 1e-15)
      #expect(Normal().logDensityDerivative(at: x) == -x)
    }
    #expect(
      Logistic().logDensityDerivative(at: 1000) == -1 && Logistic().logDensityDerivative(at: -1000) == 1)
    #expect(Gumbel().logDensityDerivative(at: 1000) == -1)
    #expect(Gumbel().logDensityDerivative(at: -700).isFinite)
    #expect(Laplace().logDensityDerivative(at: 0) == 0 && Laplace().logDensityDerivative(at: -0.5) == 1)
    for (name, law) in Self.laws { #expect(law.logDensityDerivative(at: .nan).isNaN, "\(name)") }
  }

  /// A law with a slope of its own choosing, and a density that may jump.
  private struct Patched: DifferentiableNoise {
    var base: any NoiseDistribution = Normal()
    var slope: @Sendable (Double) -> Double = { -$0 }

    func cumulative(at x: Double) -> Double { base.cumulative(at: x) }
    func density(at x: Double) -> Double { base.density(at: x) }
    func quantile(at p: Double) -> Double { base.quantile(at: p) }
    func logDensityDerivative(at x: Double) -> Double { slope(x) }
  }

  /// The property suite sees a wrong slope, and a law that should not conform.
  @Test func brokenSlopesAreFound() {
    let suite = PropertySuite()
    #expect(suite.failures(of: Patched()) == [])
    let broken = [
      Patched { -$0 * 1.001 }, Patched { $0 }, Patched { $0.isNaN ? 0 : -$0 }, Patched { _ in .nan },
      Patched(base: Exponential()) { $0.isNaN ? $0 : -1 }, Patched(base: Uniform()) { $0 * 0 },
    ]
    for law in broken {
      #expect(suite.failures(of: law).map(\.property) == ["log-density derivative"])
    }
  }

  @Test func movedAndStretched() {
    let law = Logistic().scaled(by: 3).shifted(by: 1)
    #expect(law.logDensityDerivative(at: 2.5) == Logistic().logDensityDerivative(at: 0.5) / 3)
  }
}
