internal import NoiseKernels

/// A law as classes with scales of their own see it: F, 1 − F and f at many points, and where they change.
struct ClassLaw: Sendable {
  let noise: any ExactNoise
  /// Where the law is not smooth, the finite ends of its support among them, in units of the standard law.
  let kinks: [Double]
  let lowerEnd, upperEnd: Double
  /// √variance: a length on which the law is smooth between kinks.
  let deviation: Double
  /// E[ε] of the standard law.
  let mean: Double
  /// What the transform's own law adds to the standard one, in units of that.
  let location: Double
  private let median: Double
  /// The law, if the vector loops know it.
  let vectorLaw: VectorLaw?
  /// The law, if it states log(f/F), or its kinks.
  let smooth: (any SmoothNoise)?
  let piecewise: (any PiecewiseNoise)?
  /// The law, if it states the slope of its density.
  let differentiable: (any DifferentiableNoise)?
  /// Where its density jumps, and by how much.
  let jumps: [(kink: Double, height: Double)]

  /// In units of a class's scale: the quantiles beyond which no probability can be shown; above the last F is 1 to rounding.
  let farBelow, farAbove, certain: Double
  /// Likewise: above this f is nothing, beside the least number too, and F is 1.
  let highestEnd: Double
  /// Likewise: above this F has no sharp features.
  let nearAbove: Double

  init(_ noise: any ExactNoise, location: Double) {
    self.noise = noise
    self.location = location
    (lowerEnd, upperEnd) = (noise.quantile(at: 0), noise.upperQuantile(at: 0))
    (deviation, mean, median) = (noise.variance.squareRoot(), noise.mean, noise.quantile(at: 0.5))
    smooth = noise as? any SmoothNoise
    piecewise = noise as? any PiecewiseNoise
    let stated = piecewise?.kinks ?? []
    kinks = Set(stated + [lowerEnd, upperEnd]).filter(\.isFinite).sorted()
    (farBelow, farAbove) = (noise.quantile(at: 1e-305) + location, noise.upperQuantile(at: 1e-305) + location)
    highestEnd =
      upperEnd < .infinity
      ? upperEnd + location
      : Swift.max(farAbove, noise.upperQuantile(at: .leastNonzeroMagnitude) + location)
    certain = noise.upperQuantile(at: 0x1p-60)
    nearAbove = Swift.min(noise.upperQuantile(at: 0x1p-36), mean + 2.5 * deviation) + location
    differentiable = noise as? any DifferentiableNoise
    jumps = Self.jumps(of: noise, at: kinks, deviation: deviation)
    vectorLaw =
      switch noise {
      case is Normal: .normal
      case is Logistic: .logistic
      case is Laplace: .laplace
      case is Exponential: .exponential
      case is Uniform: .uniform
      case is Gumbel: .gumbel
      case is ReversedGumbel: .reversedGumbel
      default: nil
      }
    require(
      deviation > 0 && deviation.isFinite && lowerEnd < upperEnd,
      "\(noise) has variance \(noise.variance) and its support is \(lowerEnd)…\(upperEnd)")
  }

  /// How far apart the points of a grid may be for so many classes, whose scales are about the same or are not, in units of the
  /// least scale.
  ///
  /// The normal law's spectrum falls like e^−ω², the others' like e^−ω. The more normal classes, the narrower is their maximum.
  /// Among wide classes the narrowest seldom is the maximum. Far above all kinks that of many classes is wide; the reversed
  /// Gumbel law's tail is steep. Of steps between half and twice these, these take the fewest points, refinements among them.
  func gridStep(for count: Int, alike: Bool) -> Double {
    let share = 1 / (1.4 + logarithm(Double(count)))
    return switch vectorLaw {
    case .normal: (alike ? Swift.min(0.38, 1.2 * share) : 0.07 + 1.05 * share) * deviation
    case .reversedGumbel: 0.2 * deviation
    case .gumbel: 0.26 * deviation
    default: (kinks.isEmpty ? 0.22 : count > 50 ? 0.3 : 0.26) * deviation
    }
  }

  /// P(ε > this) = q, in units of a class's scale: but for q, a class is below the point that many scales above its logit.
  func highest(beyond q: Double) -> Double { noise.upperQuantile(at: q) + location }

  /// P(ε < this) = q, likewise.
  func lowest(beyond q: Double) -> Double { noise.quantile(at: q) + location }

  /// Writes z = (x − μ)/s − location, F, 1 − F and f/s of every class at the nodes, class by class. Without scales all are 1.
  ///
  /// Without noise z, and without survival 1 − F is not written; then F may be rounded to 1 a little early.
  func evaluate(
    _ count: Int, at nodes: PanelNodes, withNoise: Bool, withSurvival: Bool,
    locations: UnsafePointer<Double>, scales: UnsafePointer<Double>?, z: UnsafeMutablePointer<Lanes>,
    cumulative: UnsafeMutablePointer<Lanes>, survival: UnsafeMutablePointer<Lanes>,
    density: UnsafeMutablePointer<Lanes>
  ) {
    if let vectorLaw {
      let values = ClassValues(
        z: withNoise ? doubles(z) : nil, cumulative: doubles(cumulative),
        survival: withSurvival ? doubles(survival) : nil, density: doubles(density))
      return evaluate(vectorLaw, count, at: nodes, locations: locations, scales: scales, to: values)
    }
    // Infinite ones have a density of 0, and products with it.
    let farthest = Lanes(repeating: 1e300)
    for j in 0..<count {
      let point = ((nodes.high - locations[j]) + nodes.low) / (scales?[j] ?? 1) - location
      z[j] = point.clamped(lowerBound: -farthest, upperBound: farthest)
    }
    fill(
      noise, doubles(z), count * Lanes.scalarCount, median, doubles(cumulative), doubles(survival),
      doubles(density))
    if let scales { for j in 0..<count { density[j] /= scales[j] } }
  }

  /// Likewise by the vector loops, without scales where all are 1.
  func evaluate(
    _ law: VectorLaw, _ count: Int, at nodes: PanelNodes, locations: UnsafePointer<Double>,
    scales: UnsafePointer<Double>?, to values: ClassValues
  ) {
    withUnsafeBytes(of: nodes) { nodes in
      guard let nodes = nodes.baseAddress else { return }
      let points = ClassPoints(
        nodes: nodes.assumingMemoryBound(to: Double.self), locations: locations, scales: scales, count: count,
        location: location, certain: certain, scaledTail: scaledTail.pointer)
      kernels.classValues(under: law, at: points, to: values)
    }
  }
}

/// For every point one call of the lesser tail and one of f. The other tail is 1 less the lesser one, and accurate, too.
private func fill<Noise: ExactNoise>(
  _ noise: Noise, _ z: UnsafePointer<Double>, _ count: Int, _ median: Double,
  _ cumulative: UnsafeMutablePointer<Double>, _ survival: UnsafeMutablePointer<Double>,
  _ density: UnsafeMutablePointer<Double>
) {
  for index in 0..<count {
    let z = z[index]
    if z > median {
      survival[index] = noise.survival(at: z)
      cumulative[index] = 1 - survival[index]
    } else {
      cumulative[index] = noise.cumulative(at: z)
      survival[index] = 1 - cumulative[index]
    }
    density[index] = noise.density(at: z)
  }
}

/// The polynomial of the normal law's tail.
struct ScaledTail: @unchecked Sendable {
  private let memory = KeptMemory()
  let pointer: UnsafePointer<Double>

  init() { pointer = memory.keep(Normal.scaledTailCoefficients) }
}

let scaledTail = ScaledTail()
