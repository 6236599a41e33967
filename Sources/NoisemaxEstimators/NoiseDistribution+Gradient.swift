import Noisemax

// Estimates of ∇E[f(z)] for a continuous z = μ + σ·ε, from draws.
//
//     pathwise    ∂f/∂z_i                       and  ε_i·∂f/∂z_i
//     score       −f(z)·ℓ′(ε_i)/σ_i             and  −f(z)·(1 + ε_i·ℓ′(ε_i))/σ_i        with ℓ = log of the density of ε

/// How ∇E[f(z)] in μ and σ is estimated, for z = μ + σ·ε.
public enum ContinuousGradientEstimator: Sendable, Hashable {
  /// The gradient of f at z, followed back to μ and σ with the noise held fixed (the reparametrisation trick).
  ///
  /// Unbiased for an f that is continuous and has a slope but for single points; the slope does not see a jump of f.
  /// Usually the estimator of the smaller variance, and not always: an f that oscillates, or steps up steeply, has
  /// small values and large slopes.
  case pathwise

  /// f(z)·∇log p(z): unbiased whatever f is, jumps included; needs no gradient of f.
  ///
  /// The law must be a ``Noisemax/DifferentiableNoise``. For a law whose density jumps, such as ``Noisemax/Uniform`` and
  /// ``Noisemax/Exponential`` at the ends of their supports, it would be biased, and is refused.
  case scoreFunction(baseline: ScoreBaseline = .none)
}

extension NoiseDistribution {
  /// An estimate of ∇E[f(z)] in μ and σ, where z_i = μ_i + σ_i·ε_i with independent noise of this law.
  ///
  /// ```swift
  /// let square = Objective(value: { $0[0] * $0[0] }, gradient: { [2 * $0[0]] })
  /// let (mu, sigma) = Normal().gradient(
  ///   of: square, location: [1], scale: [0.5], by: .pathwise, draws: 1000, seed: 1)
  /// ```
  ///
  /// - Parameters:
  ///   - objective: f, with its gradient if the estimator is pathwise.
  ///   - location: μ.
  ///   - scale: σ, as many numbers, each finite and above 0.
  ///   - estimator: which estimator.
  ///   - draws: how many draws of z; each costs one value or one gradient of f.
  ///   - seed: the noise of draw d comes, in order, from stream d of the ``StreamGenerator`` with this seed.
  /// - Returns: the mean over the draws and its standard error, for the gradient in μ and for that in σ.
  /// - Precondition: there are at least 2 draws.
  public func gradient(
    of objective: Objective, location: [Double], scale: [Double], by estimator: ContinuousGradientEstimator,
    draws: Int, seed: UInt64
  ) -> (location: GradientEstimate, scale: GradientEstimate) {
    require(draws >= 2, "a standard error takes at least 2 draws, not \(draws)")
    require(
      location.count == scale.count, "\(location.count) locations do not fit \(scale.count) scales")
    for scale in scale {
      require(scale > 0 && scale.isFinite, "the scale of the noise is finite and above 0, not \(scale)")
    }
    let vector = NoisyVector(noise: self, location: location, scale: scale, seed: seed)
    let estimate =
      switch estimator {
      case .pathwise: vector.pathwiseEstimate(of: objective, draws: draws)
      case .scoreFunction(let baseline):
        vector.scoreEstimate(of: objective, baseline: baseline, draws: draws)
      }
    return (estimate[..<location.count], estimate[location.count...])
  }
}

/// z = μ + σ·ε with its numbered draws. Gradients are those in μ followed by those in σ.
private struct NoisyVector<Noise: NoiseDistribution> {
  let noise: Noise
  let location: [Double]
  let scale: [Double]
  let seed: UInt64

  func pathwiseEstimate(of objective: Objective, draws: Int) -> GradientEstimate {
    var moments = RunningMoments(size: 2 * location.count)
    forEachDraw(draws) { noise, point in
      let slope = objective.requiredGradient(at: point)
      moments.add(slope + zip(slope, noise).map { $0 * $1 })
    }
    return moments.estimate
  }

  func scoreEstimate(of objective: Objective, baseline: ScoreBaseline, draws: Int) -> GradientEstimate {
    guard let law = noise as? any DifferentiableNoise else {
      fatalError("the score function is biased under \(noise), whose density jumps: estimate pathwise")
    }
    var terms = ScoreTerms(baseline: baseline, size: 2 * location.count, draws: draws)
    var score = [Double](repeating: 0, count: 2 * location.count)
    forEachDraw(draws) { noise, point in
      for index in noise.indices {
        let slope = law.logDensityDerivative(at: noise[index])
        score[index] = -slope / scale[index]
        score[location.count + index] = -(1 + noise[index] * slope) / scale[index]
      }
      terms.add(objective.value(point), score: score)
    }
    return terms.estimate
  }

  /// Calls the body with the noise and the point of every draw.
  private func forEachDraw(_ draws: Int, _ body: (_ noise: [Double], _ point: [Double]) -> Void) {
    for draw in 0..<draws {
      var generator = StreamGenerator(seed: seed, stream: UInt64(draw))
      let noise = noise.random(count: location.count, using: &generator)
      body(noise, noise.indices.map { location[$0] + scale[$0] * noise[$0] })
    }
  }
}

extension GradientEstimate {
  /// The estimate of some of the components.
  fileprivate subscript(components: some RangeExpression<Int>) -> GradientEstimate {
    GradientEstimate(
      value: Array(value[components]), standardError: Array(standardError[components]), draws: draws)
  }
}
