// What a transform is equal to, how it is stored, and how it prints.

/// A law that has no exact method was asked for one.
public struct NoExactMethod: Error, CustomStringConvertible {
  /// The law.
  public let noise: String

  public var description: String {
    "\(noise) has no exact method: take the quantile rule, points: 64"
  }
}

extension NoisyArgmax: Equatable {
  /// Whether method and scale are the same, and the laws are equal or, where they cannot be compared, share one method made
  /// for them.
  public static func == (one: NoisyArgmax, other: NoisyArgmax) -> Bool {
    guard one.method == other.method, one.scale == other.scale else { return false }
    if areEqual(one.noise, other.noise) { return true }
    guard !(one.noise is any Equatable), type(of: one.rowMethod) is any AnyObject.Type else { return false }
    return one.unit == other.unit && one.location == other.location
      && one.rowMethod as AnyObject === other.rowMethod as AnyObject
  }
}

extension NoisyArgmax: CustomStringConvertible {
  /// One line: the law, and what is not as usual.
  public var description: String {
    let standardized = StandardizedNoise(noise)
    var law = NoiseRegistry.shipped.name(of: standardized.standard) ?? "\(standardized.standard)"
    if standardized.scale != 1 { law = "\(standardized.scale)·" + law }
    if standardized.location != 0 { law += " + \(standardized.location)" }
    let scale = scale == 1 ? "" : ", scale \(scale)"
    guard case .quantileRule(let points, let isNormalized) = method else {
      return "argmax under \(law)\(scale)"
    }
    return "argmax under \(law)\(scale) by \(points) points\(isNormalized ? "" : ", not normalized")"
  }
}

extension NoisyArgmax: Codable {
  private enum Key: String, CodingKey {
    case noise, location, stretch, scale, points, isNormalized
  }

  /// Reads what ``encode(to:)`` writes.
  ///
  /// - Throws: an error that says which number or name was wrong, and lists the names. Laws of your own are found in the
  ///   registry at ``NoiseRegistry/userInfoKey`` of the decoder.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    func corrupted(_ key: Key, _ message: String) -> DecodingError {
      .dataCorruptedError(forKey: key, in: values, debugDescription: message)
    }
    func number(_ key: Key, isPositive: Bool) throws -> Double {
      let number = try values.decodeIfPresent(Double.self, forKey: key) ?? (isPositive ? 1 : 0)
      guard number.isFinite, number > 0 || !isPositive else {
        throw corrupted(key, "\(key.rawValue) is finite\(isPositive ? " and above 0" : ""), not \(number)")
      }
      return number
    }
    let registry = decoder.userInfo[NoiseRegistry.userInfoKey] as? NoiseRegistry ?? .shipped
    let name = try values.decode(String.self, forKey: .noise)
    let (location, stretch) = try (
      number(.location, isPositive: false), number(.stretch, isPositive: true)
    )
    let scale = try number(.scale, isPositive: true)
    guard (scale * stretch).isFinite, scale * stretch > 0 else {
      throw corrupted(.scale, "scale \(scale) times the law's own \(stretch) is \(scale * stretch)")
    }
    let points = try values.decodeIfPresent(Int.self, forKey: .points)
    if let points, !Method.pointCounts.contains(points) {
      throw corrupted(.points, "the rule takes 1 to \(Method.pointCounts.upperBound) points, not \(points)")
    }
    let isNormalized = try values.decodeIfPresent(Bool.self, forKey: .isNormalized) ?? true
    let method = points.map { Method.quantileRule(points: $0, normalized: isNormalized) } ?? .exact
    do {
      let standard: any NoiseDistribution = try registry.noise(named: name)
      let noise =
        location == 0 && stretch == 1 ? standard : standard.movedAndStretched(location, stretch)
      try self.init(anyNoise: noise, scale: scale, method: method)
    } catch let error as UnknownNoise {
      throw corrupted(.noise, error.description)
    } catch let error as NoExactMethod {
      throw corrupted(.noise, error.description)
    }
  }

  /// Writes the law's name, location and scale, the scale of the noise, and the method.
  ///
  /// - Throws: an error with the law, if the registry (at ``NoiseRegistry/userInfoKey`` of the encoder, or the shipped
  ///   one) has none that is equal to it.
  public func encode(to encoder: any Encoder) throws {
    let registry = encoder.userInfo[NoiseRegistry.userInfoKey] as? NoiseRegistry ?? .shipped
    let standardized = StandardizedNoise(noise)
    guard let name = registry.name(of: standardized.standard) else {
      throw EncodingError.invalidValue(
        self,
        .init(
          codingPath: encoder.codingPath,
          debugDescription:
            "\(standardized.standard) is not a law of the registry: add it by adding(_:named:)"
        ))
    }
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(name, forKey: .noise)
    if standardized.location != 0 { try values.encode(standardized.location, forKey: .location) }
    if standardized.scale != 1 { try values.encode(standardized.scale, forKey: .stretch) }
    try values.encode(scale, forKey: .scale)
    guard case .quantileRule(let points, let isNormalized) = method else { return }
    try values.encode(points, forKey: .points)
    try values.encode(isNormalized, forKey: .isNormalized)
  }
}

extension NoiseDistribution {
  fileprivate func movedAndStretched(_ location: Double, _ stretch: Double) -> any NoiseDistribution {
    scaled(by: stretch).shifted(by: location)
  }
}
