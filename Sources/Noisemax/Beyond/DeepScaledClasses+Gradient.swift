// Derivatives of log-probabilities that underflow as probabilities.

extension DeepScaledClasses {
  /// What one class has of a cell.
  private struct Share {
    let cell, slot: Int
    /// The weight of the class times what the nodes have of its p.
    var flow: Lanes
  }

  /// Adds the gradient of Σ w_i log p_i over deep classes i, in the order of their slots, in the logits and the scales.
  ///
  ///     Σ_i w_i ∂log p_i/∂μ_j = w_j E_j[Σ_{i≠j} r_i] − Σ_{i≠j} w_i E_i[r_j],
  ///
  /// E_i over the x where i wins. Cells that several classes have in common have every r_j once. The sums over i ≠ j are those
  /// before j and those after it: none is a difference.
  func addGradient(
    of deep: [(slot: Int, weight: Double)], toLogits logits: UnsafeMutablePointer<Double>,
    scales: UnsafeMutablePointer<Double>
  ) {
    let law = classes.law
    var shares: [Share] = []
    let hasStill = classes.count > classes.noisy
    let still = DoubleDouble(hasStill ? classes.locations[classes.noisy] : 0)
    let logM = hasStill ? logProduct.evaluate(at: still) : -.infinity
    for (slot, weight) in deep {
      if slot >= classes.noisy {
        addGradient(ofStill: slot, times: weight, toLogits: logits, scales: scales)
        continue
      }
      let integral = integral(of: slot)
      for (cell, share) in integral.shares {
        shares.append(Share(cell: cell, slot: slot, flow: weight * share))
      }
      guard logM > -.infinity, integral.logProbability > -.infinity else { continue }
      // What moves to it from the class without noise as its logit rises.
      let z = z(of: slot, at: still)
      let logR = law.logReversedHazard(at: z) - logarithm(classes.scales[slot])
      let flow = weight * exponential(logM + logR - integral.logProbability)
      logits[slot] += flow
      scales[slot] += flow * (z + law.location)
      logits[classes.noisy] -= flow
      scales[classes.noisy] -= flow * (law.mean + law.location)
    }
    forEachCell(of: &shares) { addGradient(of: $0, toLogits: logits, scales: scales) }
  }

  /// The gradient of a class without noise: r of all others where it is.
  private func addGradient(
    ofStill slot: Int, times weight: Double, toLogits logits: UnsafeMutablePointer<Double>,
    scales: UnsafeMutablePointer<Double>
  ) {
    let law = classes.law
    law.writeReversedHazards(
      of: classes, at: PanelNodes(Lanes(), below: DoubleDouble(classes.locations[slot])))
    for j in 0..<classes.noisy {
      let flow = weight * classes.density[j][0]
      logits[j] -= flow
      scales[j] -= flow * (classes.z[j][0] + law.location)
      logits[slot] += flow
      scales[slot] += flow * (law.mean + law.location)
    }
  }

  /// Passes on the shares of one cell after the other, in the order of the slots, with z and r of all classes at its nodes.
  private func forEachCell(of shares: inout [Share], _ body: (ArraySlice<Share>) -> Void) {
    shares.sort { ($0.cell, $0.slot) < ($1.cell, $1.slot) }
    var first = 0
    while first < shares.count {
      let cell = shares[first].cell
      var end = first + 1
      while end < shares.count, shares[end].cell == cell { end += 1 }
      classes.law.writeReversedHazards(of: classes, at: logProduct.nodes(of: cell))
      body(shares[first..<end])
      first = end
    }
  }

  private func addGradient(
    of shares: ArraySlice<Share>, toLogits logits: UnsafeMutablePointer<Double>,
    scales: UnsafeMutablePointer<Double>
  ) {
    let location = classes.law.location
    // Σ r over the classes after one that has a share, and Σ of the shares after it.
    var (after, flowAfter) = (
      [Lanes](repeating: Lanes(), count: shares.count), [Lanes](repeating: Lanes(), count: shares.count)
    )
    var (r, flow) = (Lanes(), Lanes())
    var j = classes.noisy
    for (index, share) in shares.enumerated().reversed() {
      while j - 1 > share.slot {
        j -= 1
        r += classes.density[j]
      }
      (after[index], flowAfter[index]) = (r, flow)
      flow += share.flow
    }
    let all = flow
    (r, flow) = (Lanes(), Lanes())
    var index = 0
    for j in 0..<classes.noisy {
      let own = classes.density[j]
      var others = index == 0 ? all : index == shares.count ? flow : flow + (flowAfter[index - 1])
      if index < shares.count, shares[shares.startIndex + index].slot == j {
        let share = shares[shares.startIndex + index].flow
        let gain = share * (r + after[index])
        logits[j] += total(gain)
        scales[j] += total(gain * (classes.z[j] + location))
        others = flow + flowAfter[index]
        flow += share
        index += 1
      }
      let loss = others * own
      logits[j] -= total(loss)
      scales[j] -= total(loss * (classes.z[j] + location))
      r += own
    }
  }
}

extension DeepScaledClasses {
  /// Adds the gradient of Σ v_i ∂log p_i/∂w over deep classes i, in the order of their slots, where every class has noise.
  ///
  /// With D_i = Σ (w_i − w_k) r_k and means under e^L, ∂log p_i/∂w = E_i[D_i], and from every other class j to i moves
  /// E_i[r_j (D_i − E_i[D_i])] + (w_i − w_j) E_i[r_j′].
  ///
  /// - Returns: ∂log p_i/∂w of each.
  func addSecondGradient(
    of deep: [(slot: Int, weight: Double)], along direction: (_ slot: Int) -> Double,
    to entries: UnsafeMutablePointer<Double>
  ) -> [Double] {
    var shares: [Share] = []
    var means = [Double](repeating: 0, count: classes.noisy)
    for (slot, _) in deep {
      for (cell, share) in integral(of: slot).shares {
        shares.append(Share(cell: cell, slot: slot, flow: share))
      }
    }
    let directions = (0..<classes.noisy).map(direction)
    forEachCell(of: &shares) { shares in
      for share in shares { means[share.slot] += total(share.flow * differences(of: share.slot, directions)) }
    }
    var weights = means
    for (slot, weight) in deep { weights[slot] = weight }
    var slopes = [Lanes](repeating: Lanes(), count: classes.noisy)
    forEachCell(of: &shares) { shares in
      writeSlopes(to: &slopes)
      for share in shares {
        addSecondGradient(
          of: share, times: weights[share.slot], directions, slopes, mean: means[share.slot], to: entries)
      }
    }
    for (slot, weight) in deep { addJumps(of: slot, times: weight, directions, to: entries) }
    return deep.map { means[$0.slot] }
  }

  /// D of a class at the nodes.
  private func differences(of slot: Int, _ directions: [Double]) -> Lanes {
    var sum = Lanes()
    for j in 0..<classes.noisy where j != slot {
      sum += (directions[slot] - directions[j]) * classes.density[j]
    }
    return sum
  }

  /// Writes r′ of every class at the nodes.
  private func writeSlopes(to slopes: inout [Lanes]) {
    for j in slopes.indices {
      var slope = Lanes()
      for lane in slope.indices { slope[lane] = classes.law.logDensityDerivative(at: classes.z[j][lane]) }
      slopes[j] = classes.density[j] * (slope / classes.scales[j] - classes.density[j])
    }
  }

  private func addSecondGradient(
    of share: Share, times weight: Double, _ directions: [Double], _ slopes: [Lanes], mean: Double,
    to entries: UnsafeMutablePointer<Double>
  ) {
    let slot = share.slot
    let centred = differences(of: slot, directions) - mean
    for j in 0..<classes.noisy where j != slot {
      let terms = classes.density[j] * centred + (directions[slot] - directions[j]) * slopes[j]
      let flow = weight * total(share.flow * terms)
      entries[j] -= flow
      entries[slot] += flow
    }
  }

  /// What r′ of the other classes has at jumps of their densities, half of it from either side.
  private func addJumps(
    of slot: Int, times weight: Double, _ directions: [Double], to entries: UnsafeMutablePointer<Double>
  ) {
    let law = classes.law
    let logProbability = integral(of: slot).logProbability
    guard !law.jumps.isEmpty, logProbability > -.infinity else { return }
    for j in 0..<classes.noisy where j != slot {
      for jump in law.jumps {
        let scale = classes.scales[j]
        let centre = classes.point(jump.kink + law.location, of: j)
        // Another class is certain to be above.
        if (centre - logProduct.lower).value < -0x1p-30 * scale { continue }
        for point in [centre + DoubleDouble(0x1p-36 * scale), centre - DoubleDouble(0x1p-36 * scale)] {
          let share = exponential(logIntegrand(of: slot, at: point, without: j) - logProbability)
          let flow = weight * (directions[slot] - directions[j]) * 0.5 * jump.height / scale * share
          entries[j] -= flow
          entries[slot] += flow
        }
      }
    }
  }

  /// L at a point without log F of another class, which may be −∞.
  private func logIntegrand(of slot: Int, at x: DoubleDouble, without absent: Int) -> Double {
    let law = classes.law
    let logDensity = law.logDensity(at: z(of: slot, at: x)) - logarithm(classes.scales[slot])
    let logF = law.logCumulative(at: z(of: absent, at: x))
    if logDensity == -.infinity || logF > -0.5 {
      return logDensity > -.infinity
        ? logIntegrand(of: slot, at: x, logProduct.value(at: x)) - logF : logDensity
    }
    var sum = CompensatedSum(logDensity)
    for k in 0..<classes.noisy where k != slot && k != absent {
      sum.add(law.logCumulative(at: z(of: k, at: x)))
    }
    return sum.value
  }
}
