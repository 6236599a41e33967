/// The laws that ship with the library, by name: for models whose configuration names their noise.
public enum NoiseRegistry {
  /// A shipped law under the name that configurations, tools and tables use.
  public struct Entry: Sendable {
    /// The name, in lower case, words joined by a hyphen.
    public let name: String
    /// The standard law of that name.
    public var noise: any ExactNoise { preciseNoise }
    /// The same law, with the quantiles that its table is made from.
    package let preciseNoise: any PreciseNoise

    init(name: String, noise: any PreciseNoise) {
      self.name = name
      preciseNoise = noise
    }
  }

  /// Every shipped law. A new family is one file in `Noise/` and one line here.
  public static let entries: [Entry] = [
    Entry(name: "gumbel", noise: Gumbel()),
    Entry(name: "normal", noise: Normal()),
    Entry(name: "logistic", noise: Logistic()),
    Entry(name: "reversed-gumbel", noise: ReversedGumbel()),
    Entry(name: "uniform", noise: Uniform()),
    Entry(name: "exponential", noise: Exponential()),
    Entry(name: "laplace", noise: Laplace()),
  ]

  /// The law of that name, or nil if none ships under it. Upper and lower case are the same.
  public static func noise(named name: String) -> (any ExactNoise)? {
    entries.first { $0.name == name.lowercased() }?.noise
  }
}
