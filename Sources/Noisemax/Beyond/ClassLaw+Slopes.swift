internal import NoiseKernels

// The slope of the density, for second derivatives.

extension ClassLaw {
  /// Writes (log f)′ of every class with noise at the nodes that the classes were evaluated at, in units of the standard law.
  func writeSlopes(of classes: ScaledClasses, to slopes: UnsafeMutablePointer<Lanes>) {
    let one = Lanes(repeating: 1)
    for j in 0..<classes.noisy {
      let (z, cumulative, survival) = (classes.z[j], classes.cumulative[j], classes.survival[j])
      let density = classes.density[j] * classes.scales[j]
      switch vectorLaw {
      case .normal: slopes[j] = Lanes() - z
      case .logistic: slopes[j] = survival - cumulative
      case .laplace: slopes[j] = (Lanes() - one).replacing(with: one, where: z .< 0)
      case .exponential: slopes[j] = Lanes() - one
      case .uniform: slopes[j] = Lanes()
      // f/F is e^−z, and f/(1 − F) of the reversed law e^z.
      case .gumbel: slopes[j] = (density / cumulative).replacing(with: 0, where: cumulative .== 0) - one
      case .reversedGumbel:
        slopes[j] = one - (density / survival).replacing(with: 0, where: survival .== 0)
      case nil: for lane in z.indices { slopes[j][lane] = logDensityDerivative(at: z[lane]) }
      }
    }
  }

  /// (log f)′ at a point of the standard law; 0 outside the support.
  func logDensityDerivative(at z: Double) -> Double {
    if let differentiable { return differentiable.logDensityDerivative(at: z) }
    // Eight differences, narrow enough to stay between two kinks, and beside the distance to them: what is lost is
    // 6e-11 of the slope where f vanishes at a kink as a power.
    let step = kinks.reduce(deviation) { Swift.min($0, (z - $1).magnitude) } / 32
    var sum = 0.0
    for (index, weight) in [4.0 / 5, -1.0 / 5, 4.0 / 105, -1.0 / 280].enumerated() {
      let distance = Double(index + 1) * step
      sum += weight * (logDensity(at: z + distance) - logDensity(at: z - distance))
    }
    let slope = sum / step
    return slope.isFinite ? slope : 0
  }

  /// Where the density of a law with these kinks jumps, and by how much.
  static func jumps(
    of noise: any ExactNoise, at kinks: [Double], deviation: Double
  ) -> [(kink: Double, height: Double)] {
    kinks.compactMap { kink in
      let distance = 0x1p-44 * Swift.max(kink.magnitude, deviation)
      let height = noise.density(at: kink + distance) - noise.density(at: kink - distance)
      return height.magnitude * deviation > 1e-11 ? (kink, height) : nil
    }
  }
}
