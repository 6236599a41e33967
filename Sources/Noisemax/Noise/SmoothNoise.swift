/// A law that is smooth on the whole line, with light tails: its probabilities come exactly from the lattice.
///
/// One function beyond ``AccurateNoise`` is all that the law states. Grid, step and window follow from measurements of
/// the law when its method is made, which takes some tens of milliseconds: keep the ``NoisyArgmax``, or the method in a
/// `static let` as the laws of this library do. State the law near 0, at whatever scale, and move it with
/// ``NoiseDistribution/shifted(by:)``.
///
/// The law must be analytic near the real line, f = F′ > 0 everywhere, with tails at least as light as an
/// exponential's. A law with a kink, a jump or a bounded support is not smooth: see `PiecewiseNoise`.
///
/// The density may have several humps, as that of a mixture. Then derivatives evaluate every class at every node, ten times
/// the cost of the lattice, rows of two and of few classes have no tables of their own, and log-probabilities below
/// −690 may be wrong: these need a log-concave density.
///
/// What is kept of a law are samples, close enough for polynomials between them to reproduce log F and log r, as far as
/// some class has a probability of 1e-300: a quarter of a million at most, some tens of megabytes, and half as much
/// again for each step of the integral that steep derivatives need. A law that needs more is
/// refused with the point that decided. Of normal noise with one draw in ten from a wider normal law, that serves
/// up to 60 times as wide.
public protocol SmoothNoise: ExactNoise {
  /// log r(x) = log(f(x)/F(x)), the logarithm of the reversed hazard (log F)′: accurate to a few ulp (absolutely where
  /// it is near 0) over the whole line, in both tails, and finite far beyond where f underflows.
  func logReversedHazard(at x: Double) -> Double
}

extension SmoothNoise {
  /// The lattice.
  public var exactMethod: ExactMethod { .lattice(of: self) }
}

extension ExactMethod {
  /// The lattice of a smooth law: measures the law and makes its tables.
  ///
  /// - Precondition: the law is smooth and its tails are light enough, as ``SmoothNoise`` says.
  public static func lattice(of noise: some SmoothNoise) -> ExactMethod {
    ExactMethod(rowMethod: Lattice(LatticeTable(noise)))
  }
}
