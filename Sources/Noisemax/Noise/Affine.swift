/// A law moved and stretched: the law of location + scale · ε, itself a law.
///
/// Made by ``NoiseDistribution/scaled(by:)`` and ``NoiseDistribution/shifted(by:)``. Values are those of the base
/// at (x − location)/scale, so they are as accurate as the base is at that (rounded) point; a density is divided by
/// the scale.
public struct Affine<Base: NoiseDistribution>: NoiseDistribution {
  /// The law that is moved and stretched.
  public let base: Base
  /// What is added to every draw.
  public let location: Double
  /// What every draw is multiplied by, before the location is added.
  public let scale: Double

  init(_ base: Base, location: Double, scale: Double) {
    require(scale > 0 && scale.isFinite, "the scale of a law is finite and above 0, not \(scale)")
    require(location.isFinite, "the location of a law is finite, not \(location)")
    self.base = base
    self.location = location
    self.scale = scale
  }

  public func cumulative(at x: Double) -> Double { base.cumulative(at: standardized(x)) }

  public func density(at x: Double) -> Double { base.density(at: standardized(x)) / scale }

  public func quantile(at p: Double) -> Double { location + scale * base.quantile(at: p) }

  private func standardized(_ x: Double) -> Double { (x - location) / scale }
}

extension Affine: Equatable where Base: Equatable {}
extension Affine: Hashable where Base: Hashable {}

extension Affine: AccurateNoise where Base: AccurateNoise {
  public func survival(at x: Double) -> Double { base.survival(at: standardized(x)) }

  public func upperQuantile(at q: Double) -> Double { location + scale * base.upperQuantile(at: q) }

  public func logCumulative(at x: Double) -> Double { base.logCumulative(at: standardized(x)) }

  public func logSurvival(at x: Double) -> Double { base.logSurvival(at: standardized(x)) }

  /// location + scale · (mean of the base).
  public var mean: Double { location + scale * base.mean }

  /// scale² · (variance of the base).
  public var variance: Double { scale * scale * base.variance }
}

extension Affine: ExactNoise where Base: ExactNoise {
  /// The method of the base: a transform takes the scale into account and does not depend on the location.
  public var exactMethod: ExactMethod { base.exactMethod }
}

extension Affine: DifferentiableNoise where Base: DifferentiableNoise {
  public func logDensityDerivative(at x: Double) -> Double {
    base.logDensityDerivative(at: standardized(x)) / scale
  }
}

/// A law that is another one moved and stretched.
protocol AffineNoise {
  /// The law underneath all wrappers, and how it is moved and stretched in the end.
  var standardized: StandardizedNoise { get }
}

/// A law taken apart: location + scale · ε with ε of the standard law.
struct StandardizedNoise {
  var standard: any NoiseDistribution
  var location = 0.0
  var scale = 1.0

  init(_ noise: any NoiseDistribution) {
    self = (noise as? any AffineNoise)?.standardized ?? StandardizedNoise(standard: noise)
  }

  private init(standard: any NoiseDistribution) { self.standard = standard }
}

extension Affine: AffineNoise {
  var standardized: StandardizedNoise {
    var inner = StandardizedNoise(base)
    inner.location = location + scale * inner.location
    inner.scale *= scale
    return inner
  }
}

extension NoiseDistribution {
  /// The law of `scale` · ε. The scale must be finite and above 0.
  public func scaled(by scale: Double) -> Affine<Self> { Affine(self, location: 0, scale: scale) }

  /// The law of `location` + ε. The location must be finite.
  public func shifted(by location: Double) -> Affine<Self> { Affine(self, location: location, scale: 1) }
}

extension Affine {
  /// The law of `factor` · (location + scale · ε): one wrapper, not two.
  public func scaled(by factor: Double) -> Affine {
    Affine(base, location: location * factor, scale: scale * factor)
  }

  /// The law of location + `offset` + scale · ε: one wrapper, not two.
  public func shifted(by offset: Double) -> Affine {
    Affine(base, location: location + offset, scale: scale)
  }
}
