import Noisemax

/// A map from a row of logits to a row of probabilities, as the suite sees it.
public struct Transform<Scalar: LogitScalar>: Sendable {
  /// What failures call it.
  public var name: String
  /// The method and precision, for failures.
  public var method: String
  /// The map itself.
  public var probabilities: @Sendable ([Scalar]) -> [Scalar]
  /// The logarithms of the same probabilities, if there are any.
  public var logProbabilities: (@Sendable ([Scalar]) -> [Scalar])?
  /// The map with its noise multiplied by a power of two, if it has noise.
  public var scaledProbabilities: (@Sendable ([Scalar], _ factor: Double) -> [Scalar])?
  /// The same probabilities by every other form of the call (in place, from span to span, in a batch), by name.
  public var otherForms: [String: @Sendable ([Scalar]) -> [Scalar]] = [:]
  /// Whether the values claim to sum to one.
  public var isNormalized: Bool

  /// A map of your own, checked in the precision of its scalars.
  public init(
    name: String, isNormalized: Bool = true, probabilities: @escaping @Sendable ([Scalar]) -> [Scalar]
  ) {
    self.name = name
    self.method = "\(Scalar.self)"
    self.isNormalized = isNormalized
    self.probabilities = probabilities
  }

  /// A transform of the library, with all its forms.
  public init(_ argmax: NoisyArgmax) {
    var isNormalized = true
    if case .quantileRule(_, let normalized) = argmax.method { isNormalized = normalized }
    self.init(name: "\(argmax.noise)", isNormalized: isNormalized) { argmax.probabilities(for: $0) }
    method = "\(argmax.method) in \(Scalar.self)"
    logProbabilities = { argmax.logProbabilities(for: $0) }
    scaledProbabilities = { row, factor in
      NoisyArgmax(argmax, scale: argmax.scale * factor).probabilities(for: row)
    }
    otherForms["in place"] = { row in
      var row = row
      var workspace = NoisyArgmax.Workspace()
      var span = row.mutableSpan
      argmax.formProbabilities(in: &span, workspace: &workspace)
      return row
    }
    otherForms["from span to span, with a workspace that another row has used"] = { row in
      var workspace = NoisyArgmax.Workspace()
      var other: [Scalar] = [1, 2, 3]
      var span = other.mutableSpan
      argmax.formProbabilities(in: &span, workspace: &workspace)
      var result = [Scalar](repeating: -1, count: row.count)
      var resultSpan = result.mutableSpan
      argmax.writeProbabilities(for: row.span, to: &resultSpan, workspace: &workspace)
      return result
    }
    otherForms["in a batch"] = { row in
      let other: [Scalar] = row.indices.map { Scalar($0 % 3) }
      return argmax.probabilities(for: Rows(other + row + other, length: row.count))[1]
    }
  }
}

/// The bounds that the library promises in one precision.
enum PrecisionBounds<Scalar: LogitScalar> {
  private static var isDouble: Bool { Scalar.significandBitCount > 23 }
  /// The relative error of a probability …
  static var accuracy: Scalar { isDouble ? 3e-12 : 2e-5 }
  /// … that is not below this one.
  static var smallest: Scalar { isDouble ? 1e-300 : 1e-30 }
  /// |Σp − 1|.
  static var sum: Double { isDouble ? 1e-14 : 2e-6 }
  /// The relative change under a permutation, and under masks beside the others.
  static var permutation: Scalar { isDouble ? 1e-14 : 2e-6 }
}
