/// A law of noise on the real line: what a family must state to give a transform.
///
/// These three functions are all that the quantile rule and sampling need. Write them in one file, as a
/// `Sendable` value type, and every generic part of the library takes the family:
///
/// ```swift
/// struct Triangular: NoiseDistribution {
///   func cumulative(at x: Double) -> Double {
///     x <= -1 ? 0 : x >= 1 ? 1 : x < 0 ? (1 + x) * (1 + x) / 2 : 1 - (1 - x) * (1 - x) / 2
///   }
///   func density(at x: Double) -> Double { max(0, 1 - abs(x)) }
///   func quantile(at p: Double) -> Double {
///     p < 0.5 ? (2 * p).squareRoot() - 1 : 1 - (2 * (1 - p)).squareRoot()
///   }
/// }
/// ```
///
/// The suite in `NoisemaxLaws` checks that the three agree with each other.
public protocol NoiseDistribution: Sendable {
  /// F(x) = P[ε ≤ x]: 0 at −∞, 1 at +∞, never decreasing; NaN at NaN.
  func cumulative(at x: Double) -> Double

  /// f(x), the derivative of the cumulative function: never negative, 0 outside the support; NaN at NaN.
  func density(at x: Double) -> Double

  /// F⁻¹(p): the ends of the support at 0 and 1, NaN for p outside 0…1.
  func quantile(at p: Double) -> Double
}

/// A law whose tails are known to full relative accuracy, on both sides and in the log domain.
///
/// Its draws have full resolution in both tails, it can be registered and tabulated, and the quantile rule serves it. Whether
/// it has an exact method is another matter, and another conformance: ``ExactNoise``. Heavy tails are welcome here: state a
/// mean or variance that does not exist as NaN, one that is infinite as infinite.
///
/// Nothing here has a default: `1 - cumulative(at:)` has no correct digit left where the survival function is
/// below 2⁻⁵³, and a default would hide that. The laws of this library keep every value within **4 ulp** wherever
/// it is a normal number, and every quantile within **2 ulp** (or 2⁻⁵² absolute, where a quantile crosses zero).
public protocol AccurateNoise: NoiseDistribution {
  /// 1 − F(x) = P[ε > x], accurate where it is tiny.
  func survival(at x: Double) -> Double

  /// The x with P[ε > x] = q: accurate where q is tiny. The ends of the support at 1 and 0, NaN for q outside 0…1.
  func upperQuantile(at q: Double) -> Double

  /// log F(x): −∞ below the support, accurate in both tails, and finite far beyond where F underflows.
  func logCumulative(at x: Double) -> Double

  /// log(1 − F(x)): −∞ above the support, accurate in both tails.
  func logSurvival(at x: Double) -> Double

  /// E[ε].
  var mean: Double { get }

  /// E[(ε − mean)²].
  var variance: Double { get }
}

/// A law that has an exact method: what `NoisyArgmax(.normal)` asks for.
public protocol ExactNoise: AccurateNoise {
  /// The method that gives this law's probabilities exactly.
  ///
  /// `SmoothNoise` and `PiecewiseNoise` fill it in: state which of the two your law is rather than this.
  var exactMethod: ExactMethod { get }
}
