import Foundation
import Noisemax
import Testing

/// Rows of two classes, which smooth laws have tables for.
@Suite struct PairTableTests {
  static let gaps: [Double] = [0, 1e-300, 1e-9, 0.03, 0.5, 1, 2.7, 5, 9.99, 13.3, 13.6, 21.9, 22.1, 30]

  /// p′ = φ(d/√2)/√2.
  @Test func normalSlopesAreThoseOfTheClosedForm() {
    let argmax = NoisyArgmax(.normal, scale: 3)
    for gap in Self.gaps {
      let slope = exp(-gap * gap / 4) / (4 * Double.pi).squareRoot()
      let result = argmax.pullback(at: [3 * gap + 1, 1], of: [0.25, 2])
      // The gap itself is rounded.
      let bound = (1e-11 + gap * gap * 1e-15) * slope
      #expect((result[1] - 1.75 / 3 * slope).magnitude <= bound, "gap \(gap): \(result)")
      #expect(result[0] == -result[1], "gap \(gap): \(result)")
    }
  }

  /// A masked class changes nothing, and takes the row another way.
  @Test(arguments: NoiseRegistry.entries.filter { $0.noise is any SmoothNoise }.map(\.name))
  func pullbacksAreThoseOfTwoClassesBesideAMaskedOne(law: String) throws {
    let noise = try #require(NoiseRegistry.noise(named: law))
    let argmax = NoisyArgmax(noise)
    for gap in Self.gaps {
      for v: [Double] in [[0, 1], [1, 0], [2.5, -0.5], [1e300, -1e300]] {
        for row in [[0.75, 0.75 - gap], [0.75 - gap, 0.75]] {
          let three: [Double] = row + [-.infinity]
          for (result, truth) in [
            (argmax.pullback(at: row, of: v), argmax.pullback(at: three, of: v + [0])),
            (
              argmax.logProbabilitiesPullback(at: row, of: v),
              argmax.logProbabilitiesPullback(at: three, of: v + [0])
            ),
          ] {
            for index in 0..<2 {
              #expect(
                isClose(result[index], truth[index], within: 2e-11 * truth[index].magnitude + 1e-300),
                "\(law), \(row), \(v): \(result), not \(truth)")
            }
          }
        }
      }
    }
  }
}
