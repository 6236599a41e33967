internal import NoiseKernels

extension TailMoments {
  /// Replaces a cotangent by the gradient of Σ v_i p_i, or of Σ v_i log p_i, and the gaps by probabilities or by their
  /// logarithms.
  ///
  /// With u_i the cotangent of c_i·Σ w·ψ_i, R = Σ r and U = Σ u_i·ψ_i at the nodes,
  ///
  ///     gradient_i = κ'·(u_i·Σ w·R·ψ_i − c_i·Σ w·t·U·ψ_i),
  ///
  /// where u is v·e^gap and κ' = κ for probabilities, and u is v/I and κ' = κ with I = p·e^−gap for their logarithms: numbers
  /// that are never far apart, however rare the classes are. The term of a class with itself is in both sums. That of a
  /// lone leader may not even be integrable, but moving all classes together changes nothing: so u may be taken relative
  /// to the leader's, which is then 0. A class behind has a smaller term than the leader's, so that nothing cancels.
  func pullBack(
    _ vectors: RowVectors, at row: UnsafeMutableBufferPointer<Double>, nodes: TailNodes,
    integrals: TailClasses.Integrals, for request: Request
  ) {
    guard let gaps = row.baseAddress, let u = vectors.cotangent.baseAddress else { return }
    let isLogarithm = request.contains(.logarithms)
    let classes = nodes.classes
    let leader = classes.leader
    let ownProbability: Double
    // e^gap, which the gaps give way to.
    let powers = vectors.spare
    kernels.exponentials(of: gaps, row.count, shift: 0, to: powers)
    if isLogarithm {
      classes.writeLogarithms(integrals, to: gaps)
      ownProbability = exponential(row[leader])
      vectors.dropCotangents(ofLogarithms: row)
      let reference = u[leader] / classes.values[leader]
      for index in row.indices {
        u[index] =
          u[index] == 0
          ? 0 - reference * powers[index] : u[index] / classes.values[index] - reference * powers[index]
      }
    } else {
      classes.writeProbabilities(integrals, to: gaps)
      ownProbability = row[leader]
      let reference = u[leader]
      for index in row.indices {
        u[index] = powers[index] > 0 ? (u[index] - reference) * powers[index] : 0
      }
    }
    u[leader] = 0
    classes.pullBack(u, over: nodes)
    if isLogarithm { vectors.dropCotangents(ofLogarithms: row) }
    if ownProbability > 0.5 { balance(vectors.cotangent, leader: leader) }
  }
}

extension TailClasses {
  /// Replaces u by the gradient.
  func pullBack(_ u: UnsafeMutablePointer<Double>, over nodes: TailNodes) {
    let series = TailSeries.shared
    let cotangents = otherSeries
    if hasFar || open < count {
      kernels.powerSums(of: tails, weights: u, count, factor: factor, limit: limit, to: cotangents)
    } else {
      cotangents.update(repeating: 0, count: tailTerms)
    }
    for k in 0..<tailTerms { cotangents[k] *= series.inverse[k] }
    if !hasFar { reversedHazards.update(repeating: 0, count: tailTerms) }
    // Of classes that have passed, Σ u/c: that is t·Σ u·ψ.
    let passed = nearSums
    passed[0] = 0
    for k in 0..<nearCount {
      nearCotangents[k] = u[near[k]]
      passed[k + 1] = passed[k] + nearCotangents[k] / nearTails[k]
    }
    kernels.addTailReversedHazards(
      at: nodes.start, blocks: nodes.blocks, tails: nearTails, slopes: nearSlopes, u: nearCotangents,
      passed: passed, nearCount, reversedHazards: reversedHazards, cotangents: cotangents,
      perFactor: perFactor)
    kernels.nodePairSums(
      of: nodes.start, ends: nearEnds, slopes: nearSlopes, nearCount, ofReversedHazards: nearSums,
      ofCotangents: otherSums)
    addPassed(.reversedHazards, of: nodes, to: nearSums)
    addPassed(.cotangents, of: nodes, to: otherSums)
    let (a, b) = (integralSeries, otherSeries)
    kernels.nodeMoments(
      of: nodes.start, blocks: nodes.blocks, row: .reversedHazards, perFactor: perFactor, to: a)
    kernels.nodeMoments(of: nodes.start, blocks: nodes.blocks, row: .cotangents, perFactor: perFactor, to: b)
    for k in 0..<tailTerms {
      a[k] *= form.factor * series.inverse[k]
      b[k] *= form.factor * series.inverse[k]
    }
    kernels.pullBackTails(u, of: tails, count, factor: factor, a: a, b: b)
    for k in 0..<nearCount {
      u[near[k]] = form.factor * (nearCotangents[k] * nearSums[k] - nearTails[k] * otherSums[k])
    }
  }
}
