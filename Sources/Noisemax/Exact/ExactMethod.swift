/// The method that serves a law exactly: what a law names in ``ExactNoise/exactMethod``.
public struct ExactMethod: Sendable {
  let rowMethod: any RowMethod

  /// Softmax in closed form: right for the standard Gumbel law and for no other.
  package static let softmax = ExactMethod(rowMethod: Softmax())

  /// Sums of powers of the classes' tails, for a law whose upper tail is exponential.
  static func tails(_ form: TailForm) -> ExactMethod { ExactMethod(rowMethod: TailMoments(form: form)) }

  /// Sums over the kinks of the classes, for uniform noise and no other.
  static let uniform = ExactMethod(rowMethod: UniformMoments())

  /// Gauss–Legendre panels between the kinks of a law: what ``PiecewiseNoise`` fills in.
  public static func panels(of noise: some PiecewiseNoise) -> ExactMethod {
    ExactMethod(rowMethod: Panels(noise))
  }
}
