/// Laws of noise by name: for models whose configuration names their noise.
///
/// A registry is a value. Extend a copy of the shipped one by laws of your own, and hand it on:
///
/// ```swift
/// let laws = NoiseRegistry.shipped.adding(StudentT(degrees: 5), named: "student-t")
/// let argmax = try NoisyArgmax(named: "student-t", method: .quantileRule(points: 64), in: laws)
/// ```
public struct NoiseRegistry: Sendable {
  private var laws: [(name: String, noise: any AccurateNoise)]

  /// The laws that ship with the library.
  public static let shipped = NoiseRegistry(laws: ShippedLaw.all.map { ($0.name, $0.noise) })

  /// Where decoders find the registry that names are looked up in: `decoder.userInfo[NoiseRegistry.userInfoKey]`. Without
  /// one it is the shipped one. Encoders likewise.
  public static let userInfoKey = CodingUserInfoKey(rawValue: "Noisemax.NoiseRegistry")!

  /// The names, in lower case, words joined by a hyphen.
  public var names: [String] { laws.map(\.name) }

  /// The law of that name. Upper and lower case are the same.
  ///
  /// - Throws: an ``UnknownNoise`` that lists the names, if there is none.
  public func noise(named name: String) throws(UnknownNoise) -> any AccurateNoise {
    guard let law = laws.first(where: { $0.name == name.lowercased() }) else {
      throw UnknownNoise(name: name, known: names)
    }
    return law.noise
  }

  /// A registry with one law more, instead of any that had its name.
  public func adding(_ noise: some AccurateNoise, named name: String) -> NoiseRegistry {
    let name = name.lowercased()
    return NoiseRegistry(laws: laws.filter { $0.name != name } + [(name, noise)])
  }

  /// The name of a law that is equal to this one, if any is.
  func name(of noise: any NoiseDistribution) -> String? {
    laws.first { areEqual($0.noise, noise) }?.name
  }
}

/// A name that no law has.
public struct UnknownNoise: Error, CustomStringConvertible {
  /// The name that was asked for.
  public let name: String
  /// The names that there are.
  public let known: [String]

  public var description: String {
    "there is no law of noise named '\(name)': there are \(known.joined(separator: ", "))"
  }
}

/// A law that ships with the library, under the name that configurations, tools and tables use.
package struct ShippedLaw: Sendable {
  package let name: String
  /// The standard law.
  package let noise: any ExactNoise
  /// The same law, with the quantiles that its table is made from.
  package let preciseNoise: any PreciseNoise

  private init(name: String, noise: any PreciseNoise) {
    (self.name, self.noise, preciseNoise) = (name, noise, noise)
  }

  /// A new family is one file in `Noise/` and one line here.
  package static let all = [
    ShippedLaw(name: "gumbel", noise: Gumbel()),
    ShippedLaw(name: "normal", noise: Normal()),
    ShippedLaw(name: "logistic", noise: Logistic()),
    ShippedLaw(name: "reversed-gumbel", noise: ReversedGumbel()),
    ShippedLaw(name: "uniform", noise: Uniform()),
    ShippedLaw(name: "exponential", noise: Exponential()),
    ShippedLaw(name: "laplace", noise: Laplace()),
  ]

  package static func standard(named name: String) -> (any ExactNoise)? {
    all.first { $0.name == name.lowercased() }?.noise
  }
}

/// Whether two laws are the same: laws that cannot be compared are not.
func areEqual(_ one: any NoiseDistribution, _ other: any NoiseDistribution) -> Bool {
  func isEqual<Law: Equatable>(_ law: Law) -> Bool { law == other as? Law }
  return (one as? any Equatable).map { isEqual($0) } ?? false
}
