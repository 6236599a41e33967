/// The random index argmax(μ + s·ε): which class wins when independent noise of one law is added to every logit.
///
/// Under Gumbel noise its distribution is softmax. Every other law gives another transform with the same four
/// properties: probabilities are never negative, sum to one, keep the order of the logits, and do not change when
/// all logits are shifted together. The largest perturbed logit wins.
///
/// ```swift
/// let argmax = NoisyArgmax(.normal)
/// let p = argmax.probabilities(for: [2.0, 1.0, 0.5])
/// ```
///
/// Every quantity takes one row, an array, or many, ``Rows``, and comes in the same form.
///
/// The type is not generic: a model stores one, whatever law its configuration named.
///
/// **Rows.** An empty row gives an empty row, one open class probability 1. A logit of −∞ masks its class, which
/// then gets exactly 0 (log-probability −∞); where every class is masked, every class gets 0. One +∞ is certain to
/// win; several, or a NaN anywhere, make the whole row NaN.
///
/// **Promises.** Equal logits get bit-identical probabilities. Adding a constant to all logits, where the additions
/// are exact, changes no bit; nor does scaling the logits and the noise by the same power of two. A row gives the
/// same bits alone and in a batch. Masked classes beside others move their p by less than the bounds of accuracy.
public struct NoisyArgmax: Sendable {
  /// The law of the noise ε.
  public let noise: any NoiseDistribution
  /// s: what the noise is multiplied by before it is added to the logits.
  public private(set) var scale: Double
  /// How the integral over the noise is done.
  public let method: Method

  /// What the standard law's noise is multiplied by: the scale, times the stretching of the law itself.
  private(set) var unit: Double
  /// What is added to every perturbed logit: no probability depends on it, the expected maximum does.
  private(set) var location: Double
  let rowMethod: any RowMethod
  /// Whether that is the closed form, which whole batches have.
  let isSoftmax: Bool
  /// What the method has for rows of two classes.
  var pairs: PairTable? { lattice?.pairs }
  /// The method, if it is the lattice.
  let lattice: Lattice?
  /// The law as classes with scales of their own see it, if it has an exact method: the same for every scale.
  let lawOfClasses: LazyValue<ClassLaw>?
  /// The standard law, for draws.
  let sampler: NoiseSampler

  /// The transform under a law that has an exact method.
  ///
  /// - Parameters:
  ///   - noise: the law: `.gumbel`, …, or your own.
  ///   - scale: what the noise is multiplied by; finite and above 0. With `scale: 2` the logits [2, 4] have the
  ///     probabilities that [1, 2] have with scale 1.
  ///   - method: exact, unless said otherwise.
  public init(_ noise: some ExactNoise, scale: Double = 1, method: Method = .exact) {
    switch method {
    case .exact:
      let standard = StandardizedNoise(noise).standard
      // A law that is moved and stretched has the method of the one underneath.
      self.init(noise, scale, .exact, ((standard as? any ExactNoise) ?? noise).exactMethod.rowMethod)
    case .quantileRule(let points, let normalized):
      self.init(noise, scale: scale, points: points, normalized: normalized)
    }
  }

  /// The transform by the quantile rule, under any law.
  ///
  /// - Parameters:
  ///   - noise: the law: its three functions are all that the rule and draws need.
  ///   - scale: what the noise is multiplied by; finite and above 0.
  ///   - points: K, from 1 to 2²⁴. See ``Method/quantileRule(points:normalized:)`` for cost and accuracy.
  ///   - normalized: whether the values are divided by their sum.
  public init(
    _ noise: some NoiseDistribution, scale: Double = 1, points: Int, normalized: Bool = true
  ) {
    let rule = QuantileMethod(StandardizedNoise(noise).standard, points: points, normalized: normalized)
    self.init(noise, scale, .quantileRule(points: points, normalized: normalized), rule)
  }

  /// The transform under a law that a configuration names.
  ///
  /// - Parameters:
  ///   - name: the law's name in the registry, such as `"normal"`; upper and lower case are the same.
  ///   - scale: what the noise is multiplied by; finite and above 0.
  ///   - method: exact, unless said otherwise.
  ///   - registry: where the name is looked up: the shipped laws, unless said otherwise.
  /// - Throws: an ``UnknownNoise`` that lists the names, or a ``NoExactMethod`` for a law that has none.
  public init(
    named name: String, scale: Double = 1, method: Method = .exact, in registry: NoiseRegistry = .shipped
  ) throws {
    try self.init(anyNoise: registry.noise(named: name), scale: scale, method: method)
  }

  /// The exact transform with noise as sharp as another law's: of the variance that the other has at scale 1.
  ///
  /// - Precondition: both variances are finite.
  public init(_ noise: some ExactNoise, sharpnessOf other: some AccurateNoise) {
    self.init(noise, scale: (other.variance / noise.variance).squareRoot())
  }

  /// The transform by the quantile rule with noise as sharp as another law's.
  ///
  /// - Precondition: both variances are finite.
  public init(
    _ noise: some AccurateNoise, sharpnessOf other: some AccurateNoise, points: Int, normalized: Bool = true
  ) {
    self.init(
      noise, scale: (other.variance / noise.variance).squareRoot(), points: points, normalized: normalized)
  }

  init(anyNoise noise: any NoiseDistribution, scale: Double, method: Method) throws(NoExactMethod) {
    switch method {
    case .exact:
      guard let exact = noise as? any ExactNoise else { throw NoExactMethod(noise: "\(noise)") }
      self.init(exact, scale: scale)
    case .quantileRule(let points, let normalized):
      self.init(noise, scale: scale, points: points, normalized: normalized)
    }
  }

  private init(_ noise: any NoiseDistribution, _ scale: Double, _ method: Method, _ rowMethod: any RowMethod)
  {
    let standardized = StandardizedNoise(noise)
    (unit, location) = standardized.scaled(by: scale)
    (self.noise, self.scale, self.method, self.rowMethod) = (noise, scale, method, rowMethod)
    sampler = NoiseSampler(standardized.standard)
    isSoftmax = rowMethod is Softmax
    lattice = rowMethod as? Lattice
    let ownLocation = standardized.location / standardized.scale
    lawOfClasses = (standardized.standard as? any ExactNoise).map { law in
      LazyValue { ClassLaw(law, location: ownLocation) }
    }
  }

  /// The transform under the same law by the same method, with noise of another scale.
  ///
  /// It takes no time: what the method has measured of the law is shared, where a smooth law of your own would
  /// otherwise be measured anew. For scales that change from step to step, as in training.
  ///
  /// - Parameters:
  ///   - other: the transform whose law and method are taken over.
  ///   - scale: what the law's noise is multiplied by, instead of `other.scale`; finite and above 0.
  public init(_ other: NoisyArgmax, scale: Double) {
    self = other
    self.scale = scale
    (unit, location) = StandardizedNoise(noise).scaled(by: scale)
  }
}

extension StandardizedNoise {
  /// What the standard law's noise is multiplied by, and what is then added, where this law's is multiplied by a scale.
  fileprivate func scaled(by factor: Double) -> (unit: Double, location: Double) {
    require(factor > 0 && factor.isFinite, "the scale of the noise is finite and above 0, not \(factor)")
    let unit = factor * scale
    require(unit > 0 && unit.isFinite, "scale \(factor) times the law's own \(scale) is \(unit)")
    return (unit, factor * location)
  }
}

extension NoisyArgmax {
  /// How the integral over the noise is done.
  public enum Method: Sendable, Hashable {
    /// The law's own exact method: softmax in closed form, the lattice for smooth laws, sums of powers for Exponential and
    /// Laplace noise, sums from kink to kink for Uniform noise, panels for other laws with kinks.
    case exact

    /// The K-point quantile rule with the nodes F⁻¹(k/(K+1)), for any law.
    ///
    /// - `points`: K, from 1 to 2²⁴. Under a smooth law time grows with n, beside a fixed part that grows with K (1000 classes
    ///   and 64 points take some 60 µs under Normal noise, derivatives three times as much). Under Uniform, Exponential and
    ///   Laplace noise it grows with n·K (0.3 ms for 1000 classes and 100 points of Laplace noise), and under Uniform noise with
    ///   a small part of n². Other laws with kinks, and laws of three functions, take n²·K factors F for n different logits, and so
    ///   do derivatives of values that are not normalized under smooth laws.
    /// - `normalized`: whether the values are divided by their sum. The formula's own values do not sum to one: for
    ///   K = 64 under Normal noise the sum is about 3 % short at 10 random classes, and 35 % at 1000.
    ///
    /// The rule is an approximation, good to two or three digits: <doc:ChoosingALaw> has its errors by law, classes and K.
    case quantileRule(points: Int, normalized: Bool = true)

    /// How many points the rule can have: more would only be slower, and memory would end.
    package static let pointCounts = 1...1 << 24
  }
}

extension Array where Element: LogitScalar {
  /// The probabilities of these logits under a law of noise: `logits.noisemax(under: .normal)`.
  ///
  /// Makes a ``NoisyArgmax`` for one row; keep one where there are many.
  public func noisemax(under noise: some ExactNoise, scale: Double = 1) -> [Element] {
    NoisyArgmax(noise, scale: scale).probabilities(for: self)
  }
}
