import Noisemax

/// The derivatives of a map from logits to probabilities, as the suite sees them.
public struct Derivatives<Scalar: LogitScalar>: Sendable {
  /// What failures call the map.
  public var name: String
  /// The method and precision, for failures.
  public var method: String
  /// The map itself.
  public var probabilities: @Sendable ([Scalar]) -> [Scalar]
  /// Jᵀv, from the logits and the cotangent v.
  public var pullback: @Sendable (_ row: [Scalar], _ cotangent: [Scalar]) -> [Scalar]
  /// Whether the probabilities claim to be the gradient of something convex: J symmetric and positive semidefinite.
  public var isConservative: Bool
  /// The function whose gradient the probabilities are, if there is one.
  public var potential: (@Sendable ([Scalar]) -> Scalar)?
  /// The logarithms of the probabilities, if there are any …
  public var logProbabilities: (@Sendable ([Scalar]) -> [Scalar])?
  /// … and the gradient of Σ v_i log p_i.
  public var logPullback: (@Sendable (_ row: [Scalar], _ cotangent: [Scalar]) -> [Scalar])?
  /// Losses with their gradients for the index of a class as target, by name.
  public var losses:
    [String: @Sendable (_ row: [Scalar], _ target: Int) -> (value: Scalar, gradient: [Scalar])] =
      [:]
  /// The scale of the noise where the map claims to be softmax, so that everything is known in closed form.
  public var softmaxScale: Double?

  /// The probabilities and their derivatives for pairs of classes, by a slow integral, where the law is known.
  var integral: (@Sendable (_ row: [Double], _ pairs: [(Int, Int)]) -> RowIntegral?)?

  /// A map of your own, with its pullback.
  public init(
    name: String, isConservative: Bool = true, probabilities: @escaping @Sendable ([Scalar]) -> [Scalar],
    pullback: @escaping @Sendable (_ row: [Scalar], _ cotangent: [Scalar]) -> [Scalar]
  ) {
    self.name = name
    self.method = "\(Scalar.self)"
    self.isConservative = isConservative
    self.probabilities = probabilities
    self.pullback = pullback
  }

  /// All derivatives of a transform of the library.
  public init(_ argmax: NoisyArgmax) {
    let isExact = argmax.method == .exact
    self.init(name: "\(argmax.noise)", isConservative: isExact) {
      argmax.probabilities(for: $0)
    } pullback: {
      argmax.pullback(for: $0, of: $1)
    }
    method = "\(argmax.method) in \(Scalar.self)"
    logProbabilities = { argmax.logProbabilities(for: $0) }
    logPullback = { argmax.logProbabilitiesPullback(for: $0, of: $1) }
    if isExact { potential = { argmax.expectedMaximum(for: $0) } }
    for loss in Loss.allCases where isExact || loss != .fenchelYoung {
      losses["\(loss)"] = { argmax.lossWithGradient(for: $0, target: $1, as: loss) }
    }
    if isExact && argmax.noise is any ExactNoise {
      integral = { RowIntegral(of: $0, pairs: $1, under: argmax.noise, scale: argmax.scale) }
    }
    if isExact && argmax.noise is Gumbel { softmaxScale = argmax.scale }
  }
}

extension PropertySuite {
  /// Checks the derivatives of a transform in both precisions: of its probabilities, log-probabilities, expected maximum
  /// and losses.
  ///
  /// Finite differences step by 1e-4, so the noise should be about 1 wide. Rows have 12 classes at most: every one takes
  /// as many pullbacks as it has classes. Entries are compared with an integral on rows of up to 100 classes, if the method
  /// is exact.
  public func derivativeFailures(of argmax: NoisyArgmax) -> [PropertyFailure] {
    let derivatives = Derivatives<Double>(argmax)
    return derivativeFailures(of: derivatives) + spreadFailures(of: derivatives)
      + derivativeFailures(of: Derivatives<Float>(argmax))
  }

  /// Checks the derivatives of any map from logits to probabilities.
  public func derivativeFailures<Scalar>(of derivatives: Derivatives<Scalar>) -> [PropertyFailure] {
    let properties = derivatives.properties.map { property in
      Property<Scalar, [[Scalar]]>(name: property.name) { row, jacobian, generator in
        property.violation(derivatives, row, jacobian, &generator)
      }
    }
    return failures(
      properties, of: derivatives.name, method: derivatives.method, largestRow: min(largestRow, 12)
    ) { row in
      row.indices.map { index in
        var cotangent = [Scalar](repeating: 0, count: row.count)
        cotangent[index] = 1
        return derivatives.pullback(row, cotangent)
      }
    }
  }
}
