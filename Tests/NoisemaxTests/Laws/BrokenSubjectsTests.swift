import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Deliberately broken transforms and laws: every check of the suite can fail, and says what it saw.
@Suite struct BrokenSubjectsTests {
  // MARK: transforms

  typealias Map = @Sendable ([Double]) -> [Double]

  private static let softmax: Map = { NoisyArgmax(.gumbel).probabilities(for: $0) }

  private func failures(_ map: @escaping Map) -> [PropertyFailure] {
    PropertySuite(rows: 40, largestRow: 50).failures(of: Transform(name: "broken", probabilities: map))
  }

  @Test func theSoundTransformPasses() {
    #expect(failures(Self.softmax).isEmpty)
  }

  @Test(
    arguments: [
      ("nonnegativity", { @Sendable row in softmax(row).map { $0 - 1e-20 } }),
      ("normalisation", { @Sendable row in softmax(row).map { $0 * (1 + 1e-13) } }),
      ("order preservation", { @Sendable row in softmax(row).map { $0 > 0.5 ? 1 - $0 : $0 } }),
      ("identity of ties", { @Sendable row in softmax(row).enumerated().map { $0 == 0 ? $1 : $1.nextDown } }),
      // Without subtracting the maximum.
      ("shift invariance", { @Sendable row in softmax(row.map { $0 * (1 + 1e-16 * $0) }) }),
      ("masks", { @Sendable row in softmax(row.map { max($0, -1e3) }) }),
      (
        "permutation",
        { @Sendable row in
          let p = softmax(row)
          return p.indices.map { $0 == 0 && p.count > 1 ? p[0] * (1 + 1e-13) : p[$0] }
        }
      ),
      ("edges", { @Sendable row in softmax(row).map { $0.isNaN ? 0 : $0 } }),
    ] as [(String, Map)])
  func aBrokenTransformIsFound(property: String, map: @escaping Map) throws {
    let failure = try #require(failures(map).first { $0.property == property }, "\(failures(map))")
    #expect(failure.description.contains("\(failure.row)"))
    #expect(failure.row.count <= 3, "\(failure)")
    #expect(failure.originalRowLength >= failure.row.count)
    #expect(failure.subject == "broken" && failure.method == "Double")
  }

  /// Masked classes get their 0 and yet move the others, by ten times the bound and more.
  @Test func masksThatMoveOthersAreFound() throws {
    let found = failures { row in
      let (p, masks) = (Self.softmax(row), row.count { $0 == -.infinity })
      return row.count - masks < 2 ? p : p.map { $0 * (1 - 1e-13 * Double(masks)) }
    }
    let failure = try #require(found.first { $0.property == "masks" }, "\(found)")
    #expect(failure.detail.contains("with and without masks"), "\(failure)")
  }

  @Test func brokenFormsScalesAndLogarithmsAreFound() {
    var transform = Transform<Double>(NoisyArgmax(.gumbel))
    transform.otherForms["upside down"] = { Array(Self.softmax($0).reversed()) }
    transform.logProbabilities = { Self.softmax($0).map { $0 - 1 } }
    transform.scaledProbabilities = { row, _ in Self.softmax(row) }
    let found = Set(PropertySuite(rows: 20, largestRow: 20).failures(of: transform).map(\.property))
    #expect(found == ["forms", "log-probabilities", "power-of-two scaling"])
  }

  @Test func failuresFollowFromTheSeed() {
    let broken: Map = { Self.softmax($0).map { $0 * (1 + 1e-13) } }
    #expect(failures(broken).map(\.description) == failures(broken).map(\.description))
  }

  // MARK: laws

  /// A normal law with one function replaced.
  private struct Patched: ExactNoise {
    var cumulative: @Sendable (Double) -> Double = { Normal().cumulative(at: $0) }
    var density: @Sendable (Double) -> Double = { Normal().density(at: $0) }
    var quantile: @Sendable (Double) -> Double = { Normal().quantile(at: $0) }
    var survival: @Sendable (Double) -> Double = { Normal().survival(at: $0) }
    var upperQuantile: @Sendable (Double) -> Double = { Normal().upperQuantile(at: $0) }
    var logCumulative: @Sendable (Double) -> Double = { Normal().logCumulative(at: $0) }
    var logSurvival: @Sendable (Double) -> Double = { Normal().logSurvival(at: $0) }
    var mean = 0.0
    var variance = 1.0
    var exactMethod: ExactMethod { .softmax }

    func cumulative(at x: Double) -> Double { cumulative(x) }
    func density(at x: Double) -> Double { density(x) }
    func quantile(at p: Double) -> Double { quantile(p) }
    func survival(at x: Double) -> Double { survival(x) }
    func upperQuantile(at q: Double) -> Double { upperQuantile(q) }
    func logCumulative(at x: Double) -> Double { logCumulative(x) }
    func logSurvival(at x: Double) -> Double { logSurvival(x) }
  }

  @Test func theSoundLawPasses() {
    #expect(PropertySuite().failures(of: Patched(), symmetricAbout: 0).isEmpty)
  }

  @Test(
    arguments: [
      ("ends", Patched(quantile: { $0 > 1 ? .infinity : Normal().quantile(at: $0) })),
      (
        "quantiles are numbers",
        Patched(upperQuantile: { $0 < 1e-200 ? .nan : Normal().upperQuantile(at: $0) })
      ),
      ("quantiles are numbers", Patched(quantile: { $0 < 1e-200 ? .nan : Normal().quantile(at: $0) })),
      (
        "monotone cumulative function",
        Patched(cumulative: { Normal().cumulative(at: $0) * ($0 > 1 ? 0.9 : 1) })
      ),
      ("quantile", Patched(quantile: { Normal().quantile(at: $0) * (1 + 1e-8) })),
      ("density", Patched(density: { Normal().density(at: $0) * 1.001 })),
      ("survival function", Patched(survival: { 1 - Normal().cumulative(at: $0) })),
      ("log-cumulative function", Patched(logCumulative: { Gumbel().logCumulative(at: $0) })),
      ("log-survival function", Patched(logSurvival: { x in x > 30 ? -500 : Normal().logSurvival(at: x) })),
      ("upper quantile", Patched(upperQuantile: { Normal().quantile(at: 1 - $0) })),
      ("mean and variance", Patched(mean: 0.01)),
      ("mean and variance", Patched(variance: 1.01)),
    ] as [(String, Patched)])
  private func aBrokenLawIsFound(property: String, law: Patched) {
    let failures = PropertySuite().failures(of: law, named: "patched")
    #expect(failures.contains { $0.property == property && $0.subject == "patched" }, "\(failures)")
  }

  /// Laws whose promises to their exact methods can be broken.
  private struct PatchedSmooth: SmoothNoise {
    var base = Patched()
    var logReversedHazard: @Sendable (Double) -> Double = { Normal().logReversedHazard(at: $0) }

    func cumulative(at x: Double) -> Double { base.cumulative(x) }
    func density(at x: Double) -> Double { base.density(x) }
    func quantile(at p: Double) -> Double { base.quantile(p) }
    func survival(at x: Double) -> Double { base.survival(x) }
    func upperQuantile(at q: Double) -> Double { base.upperQuantile(q) }
    func logCumulative(at x: Double) -> Double { base.logCumulative(x) }
    func logSurvival(at x: Double) -> Double { base.logSurvival(x) }
    func logReversedHazard(at x: Double) -> Double { logReversedHazard(x) }
    var mean: Double { base.mean }
    var variance: Double { base.variance }
  }

  private struct PatchedPiecewise: PiecewiseNoise {
    var logDensity: @Sendable (Double) -> Double = { Laplace().logDensity(at: $0) }
    var kinks = [0.0]

    func cumulative(at x: Double) -> Double { Laplace().cumulative(at: x) }
    func density(at x: Double) -> Double { Laplace().density(at: x) }
    func quantile(at p: Double) -> Double { Laplace().quantile(at: p) }
    func survival(at x: Double) -> Double { Laplace().survival(at: x) }
    func upperQuantile(at q: Double) -> Double { Laplace().upperQuantile(at: q) }
    func logCumulative(at x: Double) -> Double { Laplace().logCumulative(at: x) }
    func logSurvival(at x: Double) -> Double { Laplace().logSurvival(at: x) }
    func logDensity(at x: Double) -> Double { logDensity(x) }
    var mean: Double { 0 }
    var variance: Double { 2 }
  }

  @Test func brokenPromisesToTheExactMethodsAreFound() {
    let suite = PropertySuite()
    #expect(suite.failures(of: PatchedSmooth()) == [])
    #expect(suite.failures(of: PatchedPiecewise()) == [])
    let lossy = PatchedSmooth { Foundation.log(Normal().density(at: $0) / Normal().cumulative(at: $0)) }
    let shifted = PatchedSmooth { Normal().logReversedHazard(at: $0) + 1e-6 }
    for law in [lossy, shifted] {
      #expect(suite.failures(of: law).map(\.property) == ["log-reversed hazard"])
    }
    let halved = PatchedPiecewise(logDensity: { Laplace().logDensity(at: $0) / 2 })
    #expect(suite.failures(of: halved).map(\.property) == ["log-density"])
    #expect(suite.failures(of: PatchedPiecewise(kinks: [0, .infinity])).map(\.property) == ["kinks"])
  }

  @Test func aFalseClaimOfSymmetryIsFound() {
    #expect(PropertySuite().failures(of: Gumbel(), symmetricAbout: 0).map(\.property) == ["symmetry"])
    #expect(PropertySuite().failures(of: Normal(), symmetricAbout: 0.01).map(\.property) == ["symmetry"])
  }
}
