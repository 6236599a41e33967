import MyLaws
import Noisemax
import NoisemaxLaws
import Testing

@Suite struct MyLawsTests {
  private let suite = PropertySuite(rows: 60, largestRow: 100)

  @Test(arguments: [0.01, 0.5, 0.9])
  func theMixtureIsALaw(gumbelShare: Double) {
    #expect(suite.failures(of: GumbelNormalMixture(gumbelShare: gumbelShare)) == [])
  }

  @Test func theTriangularLawIsOne() {
    #expect(suite.failures(of: Triangular(), symmetricAbout: 0) == [])
  }

  @Test func theirTransformsKeepTheProperties() {
    #expect(suite.failures(of: NoisyArgmax(GumbelNormalMixture(gumbelShare: 0.5))) == [])
    #expect(suite.failures(of: NoisyArgmax(Triangular())) == [])
    #expect(suite.failures(of: NoisyArgmax(Triangular(), method: .quantileRule(points: 16))) == [])
  }

  @Test func theirDerivativesKeepThem() {
    #expect(suite.derivativeFailures(of: NoisyArgmax(GumbelNormalMixture(gumbelShare: 0.5))) == [])
    #expect(suite.derivativeFailures(of: NoisyArgmax(Triangular(), scale: 2)) == [])
  }

  /// With two classes the noise is the sum of four uniform variables, whose law is known.
  @Test func theTriangularLawHasAClosedFormForTwoClasses() {
    for (gap, probability) in [(0.5, 19.1875 / 24), (1, 23.0 / 24), (1.5, 1 - 0.0625 / 24), (2, 1), (3, 1)] {
      let p = NoisyArgmax(Triangular()).probabilities(for: [gap, 0])
      #expect(abs(p[0] - probability) <= 1e-14, "gap \(gap): \(p)")
      #expect(abs(p[1] - (1 - probability)) <= 1e-14, "gap \(gap): \(p)")
    }
  }

  /// The mixture is softmax where it is all but Gumbel's, and the quantile rule comes near it anywhere.
  @Test func theMixtureLiesBetweenItsParts() {
    let logits = [2, 1, 0.5, -1]
    let p = NoisyArgmax(GumbelNormalMixture(gumbelShare: 1 - 1e-12)).probabilities(for: logits)
    for (value, softmax) in zip(p, NoisyArgmax(.gumbel).probabilities(for: logits)) {
      #expect(abs(value - softmax) <= 1e-11)
    }
    let mixture = GumbelNormalMixture(gumbelShare: 0.5)
    let exact = NoisyArgmax(mixture).probabilities(for: logits)
    let rule = NoisyArgmax(mixture, method: .quantileRule(points: 2000)).probabilities(for: logits)
    for (value, approximate) in zip(exact, rule) { #expect(abs(value - approximate) <= 1e-3) }
  }
}
