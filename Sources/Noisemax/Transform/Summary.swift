/// A number that says something of a row's random index: its expected maximum, or how far it is from certain.
///
/// Two entropies are here, and they are not the same. The **generalized entropy** belongs to the law of the noise: it is
/// what the Fenchel–Young loss is least by, and what makes p the answer to max ⟨μ, p⟩ + Ω(p). **Shannon's entropy**
/// −Σ p log p measures information. Under Gumbel noise of scale 1 they agree; under any other law they don't.
///
/// Which to use for a variational bound: E[log p(x|z)] − KL(q‖uniform) bounds log p(x) where z has the uniform prior on the
/// open classes. The divergence in it is ``divergenceFromUniform``, log n − H with Shannon's H, under every law. With the
/// generalized entropy instead of H the number is no bound, though it looks like one. For a prior that has logits of its
/// own take ``NoisyArgmax/divergence(for:from:)``.
public enum Summary: Sendable, Hashable, CaseIterable {
  /// E[max(μ + s·ε)], the expected largest perturbed logit: logsumexp + Euler's constant under Gumbel noise. Its gradient
  /// is p.
  ///
  /// Within 1e-13 · (scale + max |μ|). A row where no class is open has −∞, one with a NaN NaN, and one with a
  /// logit of +∞ has +∞. Exact methods only.
  case expectedMaximum

  /// E[max(μ + s·ε)] − E[s·ε] − ⟨μ, p⟩, the entropy that belongs to the law: by how much the noise of the winner exceeds
  /// that of any one class, in the mean. Its gradient is −Jμ.
  ///
  /// Never negative; it grows with the scale of the noise, and is 0 where one class is certain; near certainty it keeps
  /// the relative accuracy of the probabilities, 3e-12. Where no class is open it is 0, and NaN where a logit is. Exact
  /// methods only.
  case generalizedEntropy

  /// ∂E[max(μ + s·ε)]/∂s = E[ε of the winner]: the generalized entropy over the scale, plus the mean of the noise. Its gradient
  /// is −Jμ/s.
  ///
  /// Relative to 1 it is as accurate as the entropy. NaN for a row with a NaN or where no class is open. Exact methods only.
  case expectedMaximumScaleDerivative

  /// −Σ p log p, in nats. Its gradient is −Jᵀ log p.
  ///
  /// Near certainty it keeps the relative accuracy of the probabilities, as the other entropy does, and it has the same
  /// values at the edges. By every method whose values sum to one.
  case shannonEntropy

  /// Σ p log(n·p) = log n − H over the n open classes: the divergence of p from the uniform distribution. Its gradient is
  /// Jᵀ log p.
  ///
  /// Never negative. For p near uniform its terms n·p·log(n·p) − n·p + 1 keep the digits that log n − H would lose. 0 where
  /// no class is open, and NaN where a logit is. By every method whose values sum to one.
  case divergenceFromUniform

  /// Whether the quantile rule has none.
  var isOfExactMethods: Bool {
    switch self {
    case .expectedMaximum, .generalizedEntropy, .expectedMaximumScaleDerivative: true
    case .shannonEntropy, .divergenceFromUniform: false
    }
  }

  /// About how many times the probabilities' time it takes.
  func passes(withGradient: Bool) -> Double {
    withGradient ? 3 : isOfExactMethods ? 2 : 1
  }
}

extension NoisyArgmax {
  /// A summary of a row, and its gradient, which may be written to the memory of the row itself.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func summary<Scalar: LogitScalar>(
    _ summary: Summary, of row: UnsafeBufferPointer<Scalar>, gradient: UnsafeMutableBufferPointer<Scalar>?,
    workspace: inout Workspace
  ) -> Double {
    switch summary {
    case .expectedMaximum: return expectedMaximum(of: row, gradient: gradient, workspace: &workspace)
    case .expectedMaximumScaleDerivative:
      let isMasked = RowKind(of: row) == .masked
      let entropy = self.summary(.generalizedEntropy, of: row, gradient: gradient, workspace: &workspace)
      if let gradient {
        for index in gradient.indices { gradient[index] = Scalar(Double(gradient[index]) / scale) }
      }
      let mean = (noise as? any AccurateNoise)?.mean ?? .nan
      return isMasked ? .nan : entropy / scale + mean
    case .generalizedEntropy, .shannonEntropy, .divergenceFromUniform: break
    }
    switch RowKind(of: row) {
    case .undefined:
      gradient?.update(repeating: .nan)
      return .nan
    case .masked:
      gradient?.update(repeating: 0)
      return 0
    case .certain:
      let open = row.count { $0 > -.infinity }
      gradient?.update(repeating: 0)
      return summary == .divergenceFromUniform ? logarithm(Double(open)) : 0
    case .regular(let top, let open):
      switch summary {
      case .expectedMaximum, .expectedMaximumScaleDerivative, .generalizedEntropy:
        return generalizedEntropy(of: row, below: top, gradient: gradient, workspace: &workspace)
      case .shannonEntropy:
        return information(
          of: row, below: top, gradient: gradient, times: -1, workspace: &workspace, entropy)
      case .divergenceFromUniform:
        return information(
          of: row, below: top, gradient: gradient, times: 1, workspace: &workspace
        ) { p, _ in distanceFromUniform(p, open: open) }
      }
    }
  }

  @inline(__always)
  private func expectedMaximum<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, gradient: UnsafeMutableBufferPointer<Scalar>?,
    workspace: inout Workspace
  ) -> Double {
    let value: Double
    switch RowKind(of: row) {
    case .regular(let top, _):
      let (p, _, sums) = evaluate(
        row, below: top, for: gradient == nil ? .excess : [.excess, .probabilities], workspace: &workspace)
      if let gradient { copy(p, times: 1, to: gradient) }
      return top + (location + unit * (standardMean + sums.excess))
    case .undefined: value = row.contains { $0.isNaN } ? .nan : .infinity
    case .masked: value = -.infinity
    case .certain(let index): value = Double(row[index]) + (location + unit * standardMean)
    }
    if let gradient { write(.probabilities, of: row, to: gradient, workspace: &workspace) }
    return value
  }

  @inline(__always)
  private func generalizedEntropy<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, below top: Double, gradient: UnsafeMutableBufferPointer<Scalar>?,
    workspace: inout Workspace
  ) -> Double {
    let request: Request =
      gradient == nil ? [.probabilities, .excess] : [.probabilities, .pullback, .excess]
    let (p, vector, sums) = evaluate(row, below: top, for: request, workspace: &workspace) { gap, _ in 0 - gap
    }
    let distance = meanDistance(of: row, below: top, scale: unit) { p[$0] }
    if let gradient { copy(vector, times: 1, to: gradient) }
    return unit * (sums.excess + distance)
  }

  /// A value that depends on p alone, and the gradient of ±Σ p log p: Jᵀ log p, where the logarithms may be taken relative
  /// to the leader's, since the rows of J sum to zero.
  @inline(__always)
  private func information<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, below top: Double, gradient: UnsafeMutableBufferPointer<Scalar>?,
    times sign: Double, workspace: inout Workspace,
    _ value: (_ p: UnsafeMutableBufferPointer<Double>, _ leader: Int) -> Double
  ) -> Double {
    let leader = row.firstIndex { Double($0) == top } ?? 0
    let (p, _, _) = evaluate(row, below: top, for: .probabilities, workspace: &workspace)
    let result = value(p, leader)
    guard let gradient else { return result }
    var kept = Scratch()
    swap(&kept, &workspace.cotangents)
    let logarithms = kept.reserve(row.count)
    let reference = logarithm(p[leader])
    for index in row.indices {
      logarithms[index] = p[index] > 0 ? sign * (logarithm(p[index]) - reference) : 0
    }
    let (_, vector, _) = evaluate(
      row, below: top, for: [.probabilities, .pullback], workspace: &workspace
    ) { logarithms[$1] }
    swap(&kept, &workspace.cotangents)
    copy(vector, dividedBy: unit, to: gradient)
    return result
  }

  /// E[ε] of the standard law, NaN for a law that does not say.
  private var standardMean: Double { (StandardizedNoise(noise).standard as? any AccurateNoise)?.mean ?? .nan }

  /// What hangs on the expected maximum needs a method that has one.
  package func requireExact(_ quantity: String) {
    require(method == .exact, "the quantile rule has no \(quantity): use the exact method")
  }

  /// What is defined for distributions needs values that are one.
  func requireDistribution(_ quantity: String) {
    if case .quantileRule(_, normalized: false) = method {
      require(false, "values that do not sum to one have no \(quantity): take the rule normalized")
    }
  }

  /// Σ w_i·(max μ − μ_i)/scale; a class without weight adds nothing, be it masked, and a masked one with a weight makes
  /// it infinite.
  @inline(__always)
  func meanDistance<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, below top: Double, scale: Double, weight: (Int) -> Double
  ) -> Double {
    var sum = CompensatedSum()
    for index in row.indices {
      let weight = weight(index)
      if weight > 0 { sum.add(weight * (0 - gap(of: Double(row[index]), below: top, scale: scale))) }
    }
    return sum.value
  }
}

/// −Σ p log p. The logarithm of a leader that is likelier than not is that of what the others leave it.
private func entropy(_ p: UnsafeMutableBufferPointer<Double>, leader: Int) -> Double {
  var (others, entropy) = (CompensatedSum(), CompensatedSum())
  for index in p.indices where index != leader && p[index] > 0 {
    others.add(p[index])
    entropy.add(0 - p[index] * logarithm(p[index]))
  }
  let own = p[leader] > 0.5 ? logarithmOfOnePlus(-others.value) : logarithm(p[leader])
  entropy.add(0 - p[leader] * own)
  return entropy.value
}

/// (1/n) Σ φ(n·p) with φ(t) = t log t − t + 1 ≥ 0; the classes that p leaves out have φ(0) = 1.
private func distanceFromUniform(_ p: UnsafeMutableBufferPointer<Double>, open: Int) -> Double {
  var sum = CompensatedSum()
  let n = Double(open)
  var seen = 0
  for index in p.indices where p[index] > 0 {
    sum.add(excessOfLogarithm(n * p[index]))
    seen += 1
  }
  return (sum.value + Double(open - seen)) / n
}

/// φ(t) = t log t − t + 1. Near t = 1 the difference loses as many digits as rounding t does: both err by ε·|t − 1|.
private func excessOfLogarithm(_ t: Double) -> Double {
  Swift.max(t * logarithm(t) - (t - 1), 0)
}
