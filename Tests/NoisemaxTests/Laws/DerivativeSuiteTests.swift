import Noisemax
import NoisemaxLaws
import Testing

/// The derivatives of every law and method through the suite that others run on theirs, and what that suite catches.
@Suite struct DerivativeSuiteTests {
  @Test(arguments: NoiseRegistry.entries.map(\.name), PropertySuiteTests.methods)
  func everyTransformHasItsDerivatives(name: String, method: NoisyArgmax.Method) throws {
    let noise = try #require(NoiseRegistry.noise(named: name))
    // Unoptimised, the fixed rows and a few more under the exact methods.
    guard !isDebugBuild || method == .exact else { return }
    let suite = PropertySuite(rows: isDebugBuild ? 2 : 40, largestRow: 12)
    let failures = suite.derivativeFailures(of: NoisyArgmax(noise, method: method))
    #expect(failures.isEmpty, "\(failures)")
    let scaled = PropertySuite(seed: 3, rows: isDebugBuild ? 1 : 10, largestRow: 6)
      .derivativeFailures(of: NoisyArgmax(noise, scale: 0.8, method: method))
    #expect(scaled.isEmpty, "\(scaled)")
  }

  typealias Broken = @Sendable (inout Derivatives<Double>) -> Void

  private static let softmax = NoisyArgmax(.gumbel)

  private static func pullback(_ row: [Double], _ v: [Double]) -> [Double] {
    softmax.pullback(at: row, of: v)
  }

  private static func loss(_ row: [Double], _ target: Int) -> (value: Double, gradient: [Double]) {
    softmax.lossWithGradient(for: row, target: target)
  }

  @Test(
    arguments: [
      ("edges of derivatives", { @Sendable in $0.pullback = { pullback($0, $1).map { $0.isNaN ? 0 : $0 } } }),
      (
        "masks in derivatives",
        { @Sendable in $0.pullback = { row, v in pullback(row.map { max($0, -50) }, v) } }
      ),
      (
        "rows that sum to zero",
        { @Sendable in $0.pullback = { pullback($0, $1).map { $0 > 0 ? $0 * (1 + 1e-10) : $0 } } }
      ),
      (
        "symmetry of the Jacobian",
        {
          $0.pullback = { row, v in pullback(row, zip(v, row).map { $0 == $1 ? $0 : $0 * (1 + 1e-9 * $1) }) }
        }
      ),
      ("positive semidefiniteness", { @Sendable in $0.pullback = { pullback($0, $1).map { -$0 } } }),
      ("losses", { @Sendable in $0.losses["mine"] = { (loss($0, $1).value - 1e-3, loss($0, $1).gradient) } }),
      (
        "losses",
        { @Sendable in $0.losses["mine"] = { (loss($0, $1).value, softmax.probabilities(for: $0)) } }
      ),
      ("closed forms of softmax", { @Sendable in $0.softmaxScale = 1 + 1e-9 }),
      ("finite differences", { @Sendable in $0.pullback = { pullback($0, $1).map { $0 * 1.0001 } } }),
      (
        "finite differences of log-probabilities",
        { @Sendable in
          $0.logPullback = { softmax.logProbabilitiesPullback(at: $0, of: $1).map { $0 * 1.0001 } }
        }
      ),
      (
        "gradient of the potential",
        { @Sendable in $0.potential = { softmax.expectedMaximum(of: $0) * 1.0001 } }
      ),
      (
        "finite differences of losses",
        { @Sendable in $0.losses["mine"] = { (loss($0, $1).value, loss($0, $1).gradient.map { $0 * 1.0001 }) }
        }
      ),
    ] as [(String, Broken)])
  func brokenDerivativesAreFound(property: String, breaking: @escaping Broken) throws {
    var derivatives = Derivatives<Double>(Self.softmax)
    breaking(&derivatives)
    derivatives.name = "broken"
    let failures = PropertySuite(rows: 40, largestRow: 10).derivativeFailures(of: derivatives)
    let failure = try #require(failures.first { $0.property == property }, "\(failures)")
    #expect(failure.subject == "broken" && failure.row.count <= 3, "\(failure)")
    #expect(failure.description.contains("\(failure.row)"))
  }
}
