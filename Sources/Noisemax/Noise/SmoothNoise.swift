/// A law that is smooth on the whole line, with light tails: its probabilities come exactly from the lattice.
///
/// One function beyond ``ExactNoise`` is all that the law states. Grid, step and window follow from measurements of
/// the law when its method is made, which takes some tens of milliseconds: keep the ``NoisyArgmax``, or the method in a
/// `static let` as the laws of this library do. State the law near 0, at whatever scale, and move it with
/// ``NoiseDistribution/shifted(by:)``.
///
/// The law must be analytic near the real line, f = F′ > 0 everywhere, with tails at least as light as an
/// exponential's; log-probabilities below −690 also need a log-concave density. A law with a kink, a jump or a
/// bounded support is not smooth: see `PiecewiseNoise`.
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
  /// - Precondition: the tails are light: some gap makes the rarer of two classes less likely than 1e-300.
  public static func lattice(of noise: some SmoothNoise) -> ExactMethod {
    ExactMethod(rowMethod: Lattice(LatticeTable(noise)))
  }
}
