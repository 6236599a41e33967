// Second derivatives of the probabilities of one row, and of their logarithms.

/// The vectors of a second derivative, a number for every class of a row.
struct SecondCotangents {
  /// v; and w, which is replaced by the gradient of Σ v_i ∂/∂w of the probabilities or of their logarithms.
  let weights, directions: UnsafeMutableBufferPointer<Double>
  /// Memory for the probabilities, for ∂log p_i/∂w, and for what nobody reads.
  let probabilities, means, spare: UnsafeMutableBufferPointer<Double>

  static let count = 5

  /// In memory for so many vectors.
  init(_ memory: UnsafeMutableBufferPointer<Double>) {
    let n = memory.count / Self.count
    func vector(_ index: Int) -> UnsafeMutableBufferPointer<Double> {
      UnsafeMutableBufferPointer(rebasing: memory[index * n..<(index + 1) * n])
    }
    (weights, directions, spare) = (vector(0), vector(1), vector(2))
    (probabilities, means) = (vector(3), vector(4))
  }
}

extension ScaledRow {
  /// Replaces w by the gradient of Σ v_i ∂p_i/∂w, or of Σ v_i ∂log p_i/∂w, in the logits, in the units of the integrals.
  ///
  /// Every open class has noise. A class with log p = −∞ stays where it is.
  ///
  /// - Returns: the derivative of the same in the logarithm of a scale that all classes have in common.
  func pullBackTwice(
    _ quantity: Quantity, _ vectors: SecondCotangents, isSoftmax: Bool, scratch: inout Scratch
  ) -> Double {
    guard kind == .regular, wanted > 0, noisy > 0 else {
      vectors.directions.update(repeating: kind == .undefined ? .nan : 0)
      return kind == .undefined ? .nan : 0
    }
    let flow: Double
    if isSoftmax, commonScale != nil {
      flow = pullSoftmaxBackTwice(quantity, vectors)
    } else {
      flow = integrateSecondPullback(quantity, vectors, scratch: &scratch)
    }
    // Logits that are drawn together act as a larger scale.
    let leader = likeliest(of: vectors.probabilities)
    var sum = CompensatedSum(flow)
    for slot in 0..<noisy {
      let index = indices[slot]
      sum.add((location(index) - location(leader)) * vectors.directions[index])
    }
    return -sum.value
  }

  /// The class with the largest of some numbers.
  private func likeliest(of numbers: UnsafeMutableBufferPointer<Double>) -> Int {
    (0..<noisy).reduce(indices[0]) { numbers[indices[$1]] > numbers[$0] ? indices[$1] : $0 }
  }

  /// - Returns: Σ v_i ∂p_i/∂w, or that of the logarithms.
  private func integrateSecondPullback(
    _ quantity: Quantity, _ vectors: SecondCotangents, scratch: inout Scratch
  ) -> Double {
    let (v, w, p, means) = (vectors.weights, vectors.directions, vectors.probabilities, vectors.means)
    writeInclusions(to: p, scratch: &scratch)
    let rarest = rarest(of: p)
    let ofLogarithms = quantity == .logProbabilities
    // Where a class rules, nothing cancels.
    let leader = likeliest(of: p)
    let (weight, direction) = (ofLogarithms ? 0 : v[leader], w[leader])
    for slot in 0..<noisy {
      v[indices[slot]] -= weight
      w[indices[slot]] -= direction
    }
    means.update(repeating: 0)
    if ofLogarithms {
      for slot in 0..<noisy { means[indices[slot]] = w[indices[slot]] }
      pullBack(means, scales: vectors.spare, rarest: rarest, scratch: &scratch)
    }
    return integrateSecondPullback(
      ofLogarithms: ofLogarithms, vectors, rarest: rarest, scratch: &scratch)
  }

  /// The same for v and w that are counted from the likeliest class's, with what ∂p_i/∂w is if logarithms are wanted.
  private func integrateSecondPullback(
    ofLogarithms: Bool, _ vectors: SecondCotangents, rarest: Double, scratch: inout Scratch
  ) -> Double {
    let (v, w, p, means) = (vectors.weights, vectors.directions, vectors.probabilities, vectors.means)
    var memory = Pieces(
      of: scratch.reserve(
        noisy + ScaledClasses.memory(for: taking) + SecondPullback.memory(for: taking)
          + ClassIntegrals.memory(forValues: 2 * noisy + 1, of: taking, under: law)))
    // Lanes come first, that they begin with a whole one.
    let classes = classes(memory: &memory)
    let pullback = SecondPullback(of: classes, rarest: rarest, memory: &memory)
    for slot in 0..<noisy {
      let index = indices[slot]
      let isDeep = ofLogarithms && p[index] < leastProbability
      let divisor = ofLogarithms && !isDeep ? p[index] : 1
      means[index] = isDeep ? 0 : means[index] / divisor
      pullback.set(
        slot, weight: isDeep ? 0 : v[index] / divisor, direction: w[index], mean: means[index])
    }
    let integrals = ClassIntegrals(of: classes, values: 2 * noisy + 1, precision: precision, memory: &memory)
    integrals.integrate(pullback)
    let entries = memory.take(noisy)
    entries.update(from: integrals.sums + noisy, count: noisy)
    pullback.addJumps(of: classes, to: entries)
    var flow = integrals.sums[2 * noisy]
    if ofLogarithms {
      flow = 0
      var deep: [(slot: Int, weight: Double)] = []
      for slot in 0..<noisy where p[indices[slot]] < leastProbability {
        if v[indices[slot]] != 0 { deep.append((slot, v[indices[slot]])) }
      }
      if !deep.isEmpty {
        let found = DeepScaledClasses(of: classes).addSecondGradient(
          of: deep, along: { w[indices[$0]] }, to: entries)
        for ((slot, _), mean) in zip(deep, found) { means[indices[slot]] = mean }
      }
      for slot in 0..<noisy where v[indices[slot]] != 0 {
        flow += v[indices[slot]] * means[indices[slot]]
      }
    }
    w.update(repeating: 0)
    for slot in 0..<noisy { w[indices[slot]] = entries[slot] }
    return flow
  }
}

extension ScaledRow {
  /// The same in closed form, where all classes have Gumbel noise of one scale: ∂p_i/∂w = p_i (w_i − w̄), w̄ = Σ p_i w_i, and
  /// the gradient of Σ v_i ∂p_i/∂w is p_j ((v_j − v̄)(w_j − w̄) − Σ p_i (v_i − v̄)(w_i − w̄)), scale 1. The second derivatives of
  /// log p_i are those of −log Σ e^μ, whatever i.
  private func pullSoftmaxBackTwice(_ quantity: Quantity, _ vectors: SecondCotangents) -> Double {
    let (v, w, p) = (vectors.weights, vectors.directions, vectors.probabilities)
    let scale = scale(indices[0])
    let leader = (0..<noisy).reduce(indices[0]) {
      location(indices[$1]) > location($0) ? indices[$1] : $0
    }
    var total = CompensatedSum()
    for slot in 0..<noisy {
      p[indices[slot]] = exponential((location(indices[slot]) - location(leader)) / scale)
      total.add(p[indices[slot]])
    }
    // Counted from the leader's, so that nothing cancels where that is almost certain.
    let (weight, direction) = (v[leader], w[leader])
    var (weightMean, directionMean, product, weightSum) = (
      CompensatedSum(), CompensatedSum(), CompensatedSum(), CompensatedSum()
    )
    for slot in 0..<noisy {
      let index = indices[slot]
      p[index] /= total.value
      weightSum.add(v[index])
      weightMean.add(p[index] * (v[index] - weight))
      directionMean.add(p[index] * (w[index] - direction))
      product.add(p[index] * (v[index] - weight) * (w[index] - direction))
    }
    let covariance = product.value - weightMean.value * directionMean.value
    var flow = CompensatedSum()
    for index in 0..<count where !isOpen(index) { w[index] = 0 }
    for slot in 0..<noisy {
      let index = indices[slot]
      let difference = (w[index] - direction) - directionMean.value
      flow.add(v[index] * difference)
      w[index] =
        quantity == .logProbabilities
        ? -weightSum.value * p[index] * difference / (scale * scale)
        : p[index] * (((v[index] - weight) - weightMean.value) * difference - covariance) / (scale * scale)
    }
    return (quantity == .logProbabilities ? flow.value : covariance) / scale
  }
}
