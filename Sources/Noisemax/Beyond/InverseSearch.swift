// The search for the logits that have given probabilities.

/// Newton's iteration on log p(μ) = log q, in units of the standard law.
///
/// The Jacobian of log p is ∂log p_i/∂μ_j = J_ij/p_i: no entry off its diagonal is above 0, and its rows sum to 0. So it is solved
/// by elimination without pivots, the likeliest class held. Within 2 % of p it is not made again, as long as the steps shrink: each
/// residual tells what it lacked along the step before (Broyden). Long rows take the step by pullbacks alone.
struct InverseSearch {
  private let model: InverseModel
  /// q, and log q.
  private let probabilities, target: [Double]
  private let likeliest: Int
  /// The ends of the noise of every class.
  private let lower, upper: [Double]
  /// Whether every class can win whatever the logits.
  private let isUnbounded: Bool

  /// - Parameters:
  ///   - argmax: the transform.
  ///   - scales: those of the classes, unless all are 1.
  ///   - probabilities: q, of at least two classes.
  ///   - target: log q.
  init(_ argmax: NoisyArgmax, scales: [Double]?, _ probabilities: [Double], _ target: [Double]) {
    let model = InverseModel(argmax: argmax, scales: scales)
    (self.model, self.probabilities, self.target) = (model, probabilities, target)
    likeliest = target.indices.max { target[$0] < target[$1] } ?? 0
    let law = StandardizedNoise(argmax.noise).standard
    let (lower, upper) = (law.quantile(at: 0), law.quantile(at: 1))
    self.lower = target.indices.map { model.noise(lower, of: $0) }
    self.upper = target.indices.map { model.noise(upper, of: $0) }
    isUnbounded = self.upper.allSatisfy { $0 == .infinity }
  }

  /// The most classes whose Jacobian is made: it costs n²/2 integrals, and n³/3 multiplications.
  private static var mostDense: Int { 64 }

  func result() -> [Double] {
    var logits = start()
    var best = (logits: logits, error: Double.infinity)
    var newton: BroydenStep?
    var (stalled, last) = (0, Double.infinity)
    for _ in 0..<100 {
      let residual = residual(at: logits)
      let error = residual.reduce(0) { Swift.max($0, $1.magnitude) }
      if residual.contains(where: \.isNaN) { break }
      let shrinks = error <= 0.1 * best.error
      stalled = error <= 0.5 * best.error ? 0 : stalled + 1
      if error < best.error { best = (logits, error) }
      // At last steps change nothing but roundings.
      if best.error <= 1e-13 || stalled > (best.error < 1e-9 ? 1 : 30) { break }
      let step: [Double]
      if target.count <= Self.mostDense {
        if newton == nil || !shrinks || error > 0.02 {
          let logProbabilities = zip(target, residual).map { $0 - $1 }
          let factors = Elimination(
            of: model.jacobian(at: logits, logProbabilities, without: likeliest), holding: likeliest,
            count: target.count)
          newton = BroydenStep(factors)
        }
        step = newton?.next(residual) ?? residual
      } else {
        // Before the last steps no more digits than the step itself is good for.
        let tolerance = Swift.max(1e-8, Swift.min(1e-2, 0.1 * error))
        step = longStep(residual, at: logits, tolerance: tolerance)
      }
      let isWhole = move(&logits, by: step)
      if !isWhole { newton = nil }
      // Errors shrink ever faster: the next one need not be seen.
      if newton != nil, shrinks, error < 1e-8, error * (error / last) <= 3e-13 { return logits }
      last = error
    }
    return best.logits
  }

  /// μ_i = −s_i·F⁻¹(1 − 0.6·q_i): the noise of class i brings it above 0 with about its probability.
  private func start() -> [Double] {
    let law = StandardizedNoise(model.argmax.noise).standard
    guard let law = law as? any AccurateNoise else { return target }
    var result = target.indices.map { index in
      0 - model.noise(law.upperQuantile(at: 0.6 * probabilities[index]), of: index)
    }
    for index in result.indices where upper[index] == lower[index] { place(index, in: &result, under: law) }
    return result
  }

  /// Moves a class without noise to where it has its probability beside the others: that is ∏ F, which rises with its logit.
  ///
  /// Where noise is bounded below Newton's steps would not get there from far above.
  private func place(_ still: Int, in logits: inout [Double], under law: any AccurateNoise) {
    var (low, high) = (floor(of: logits, without: still), logits[still])
    guard low > -.infinity else { return }
    for _ in 0..<60 {
      logits[still] = 0.5 * (low + high)
      let value = logits.indices.reduce(0.0) { sum, index in
        if index == still { return sum }
        return sum + law.logCumulative(at: model.point(logits[still] - logits[index], of: index))
      }
      if value < target[still] { low = logits[still] } else { high = logits[still] }
    }
    logits[still] = high
  }

  private func residual(at logits: [Double]) -> [Double] {
    var residual = model.logProbabilities(at: logits)
    for index in residual.indices { residual[index] = target[index] - residual[index] }
    return residual
  }

  /// Takes a step, held back where a class could no longer win: where all of its noise would be below all of another's.
  ///
  /// - Returns: whether nothing was held back.
  private func move(_ logits: inout [Double], by step: [Double]) -> Bool {
    let largest = step.reduce(0) { Swift.max($0, $1.magnitude) }
    let factor = largest > 64 ? 64 / largest : 1
    if isUnbounded {
      for index in logits.indices { logits[index] += factor * step[index] }
      return factor == 1
    }
    var result = logits
    for index in result.indices { result[index] += factor * step[index] }
    var isWhole = factor == 1
    func holdBack(_ index: Int, _ before: Double, _ after: Double) {
      guard after > -.infinity else { return }
      let reach = Swift.max(logits[index] + upper[index] - before, 0x1p-52 * (upper[index] - lower[index]))
      let least = after - upper[index] + reach / 8
      if result[index] < least { (result[index], isWhole) = (least, false) }
    }
    // A class without noise stands on what it is itself: there the others count. They reach for what it comes to.
    for index in result.indices where upper[index] == lower[index] {
      holdBack(index, floor(of: logits, without: index), floor(of: result, without: index))
    }
    let (before, after) = (floor(of: logits), floor(of: result))
    for index in result.indices where upper[index] < .infinity && upper[index] > lower[index] {
      holdBack(index, before, after)
    }
    // Steps from far off move all classes, and far from 0 logits have fewer digits.
    let shift = result[likeliest]
    for index in logits.indices { logits[index] = result[index] - shift }
    return isWhole
  }

  /// Below this point no perturbed logit is the largest, whatever that of one class may be.
  private func floor(of logits: [Double], without index: Int? = nil) -> Double {
    logits.indices.reduce(-.infinity) { $1 == index ? $0 : Swift.max($0, logits[$1] + lower[$1]) }
  }

  // MARK: - Long rows

  /// Newton's step, J step/p = residual, each row divided by its diagonal: so rare classes weigh as much as others.
  private func longStep(_ residual: [Double], at logits: [Double], tolerance: Double) -> [Double] {
    let values = zip(target, residual).map { $0 - $1 }
    let p = values.map { exponential($0) }
    let diagonal = diagonal(at: logits)
    // Of so rare a class Newton's step says little while log p is far from its target, and J nothing where p underflows.
    let most = 1e-6 / Double(p.count)
    let isFar = p.indices.map { p[$0] < most && (residual[$0].magnitude > 1 || target[$0] < -640) }
    // J·step sums to 0.
    let mean = zip(p, residual).reduce(0) { $0 + $1.0 * $1.1 }
    var step = minimalResidual(
      p.indices.map { isFar[$0] ? 0 : p[$0] / diagonal[$0] * (residual[$0] - mean) }, tolerance
    ) { direction in
      let image = model.pullback(at: logits, of: direction)
      return image.indices.map { isFar[$0] ? 0 : image[$0] / diagonal[$0] }
    }
    // A common shift moves nothing, but the near classes away from the far ones.
    let shift = step[likeliest]
    for index in step.indices where !isFar[index] { step[index] -= shift }
    if isFar.contains(true) { moveFarClasses(isFar, from: values, by: &step, at: logits) }
    return step
  }

  /// Classes far from their targets take Newton's step on their own log p, which is concave: from below it never goes too far.
  private func moveFarClasses(
    _ isFar: [Bool], from values: [Double], by step: inout [Double], at logits: [Double]
  ) {
    // With v = √p nothing of the slope of one comes from others, be they rarer or not; where that would underflow, a lesser power.
    let power = Swift.min(0.5, 600 / -(values.min() ?? -1))
    let weights = values.indices.map { isFar[$0] ? exponential(power * values[$0]) : 0 }
    let slopes = model.logPullbacks(at: logits, of: weights)
    for index in step.indices where isFar[index] && slopes[index] > 0 {
      step[index] = (target[index] - values[index]) * weights[index] / slopes[index]
    }
  }

  /// About J_ii, within a factor of 2: what moves to a class from the other half and from the likeliest one.
  private func diagonal(at logits: [Double]) -> [Double] {
    func image(_ isIn: (Int) -> Bool) -> [Double] {
      model.pullback(at: logits, of: logits.indices.map { isIn($0) ? 1 : 0 })
    }
    let even = image { $0 != likeliest && $0.isMultiple(of: 2) }
    let odd = image { $0 != likeliest && !$0.isMultiple(of: 2) }
    return logits.indices.map { index in
      let likeliestShare = even[index] + odd[index]
      if index == likeliest { return Swift.max(-likeliestShare, 0x1p-1000) }
      let other = index.isMultiple(of: 2) ? odd[index] : even[index]
      return Swift.max(likeliestShare - 2 * other, 0x1p-1000)
    }
  }
}
