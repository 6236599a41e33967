import Noisemax
import NoisemaxLaws
import Testing

/// The k largest, orderings, scales and the inverse of every law through the suite that others run on theirs, and what that
/// suite catches.
@Suite struct RankSuiteTests {
  @Test(arguments: ShippedLaw.all.map(\.name))
  func everyLawKeepsTheProperties(name: String) throws {
    let noise = try #require(ShippedLaw.standard(named: name))
    let suite = PropertySuite(rows: isDebugBuild ? 3 : 25, largestRow: 6)
    let failures = suite.rankFailures(of: NoisyArgmax(noise, scale: 0.9))
    #expect(failures.isEmpty, "\(failures)")
  }

  typealias Broken = @Sendable (inout Ranks) -> Void
  private static let sound = Ranks(NoisyArgmax(.gumbel))

  @Test(
    arguments: [
      (
        "inclusion sums to k",
        { @Sendable in $0.inclusions = { sound.inclusions($0, $1, $2).map { $0 * 0.999 } } }
      ),
      (
        "inclusion rises with k",
        { @Sendable in $0.inclusions = { sound.inclusions($0, max(1, $0.count - $1), $2) } }
      ),
      (
        "inclusion keeps the order",
        { @Sendable in $0.inclusions = { sound.inclusions($0.map { 0 - $0 }, $1, $2) } }
      ),
      ("orderings sum to one", { @Sendable in $0.ordering = { sound.ordering($0, $1) - 0.001 } }),
      ("orderings of one class", { @Sendable in $0.ordering = { sound.ordering($0, $1.reversed()) / 2 } }),
      ("the inverse undoes", { @Sendable in $0.logits = { sound.logits($0).map { $0 * 1.001 } } }),
      (
        "own scales move along",
        { @Sendable in
          $0.inclusions = { row, k, scales in sound.inclusions(row, k, scales.map { $0.sorted() }) }
        }
      ),
      (
        "derivatives in scales",
        { @Sendable in
          $0.pullback = { row, k, scales, v in
            let (logits, inScales) = sound.pullback(row, k, scales, v)
            return (logits, inScales.map { 0 - $0 })
          }
        }
      ),
      (
        "second derivatives are symmetric",
        { @Sendable in
          $0.secondPullback = { row, v, w in
            let (logits, scale) = sound.secondPullback(row, v.sorted(), w)
            return (logits, scale)
          }
        }
      ),
      (
        "second derivatives are differences",
        { @Sendable in
          $0.secondPullback = { row, v, w in
            let (logits, scale) = sound.secondPullback(row, v, w)
            return (logits, 0 - scale)
          }
        }
      ),
      (
        "common factors move along",
        { @Sendable in
          $0.withFactor = { row, loadings in sound.withFactor(row, loadings.map { $0.magnitude }) }
        }
      ),
    ] as [(String, Broken)])
  func aBrokenClaimIsFound(property: String, break: Broken) {
    var ranks = Self.sound
    `break`(&ranks)
    let found = PropertySuite(rows: 20, largestRow: 6).rankFailures(of: ranks).map(\.property)
    #expect(found.contains(property), "\(found)")
  }
}
