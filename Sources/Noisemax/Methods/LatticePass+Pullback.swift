/// What a cotangent belongs to.
enum CotangentKind {
  case probabilities, logProbabilities
}

extension LatticePass {
  /// Replaces v by the gradient of Σ v_i p_i, J v, or by that of Σ v_i log p_i, and the gaps by the probabilities.
  ///
  /// With u = p·v for probabilities and u = v for their logarithms, R(x) = Σ_j r(x − μ_j) and
  /// V(x) = Σ_j u_j r(x − μ_j)/p_j, entry i is u_i·a(μ_i) − p_i·b(μ_i), where p·a and p·b are the integrals of G·R and G·V
  /// against r(x − μ_i). The ratios a and b are smooth functions of the place of the class, and are interpolated.
  ///
  /// So is r(x − μ)/p(μ) in V, where r alone would not do: the tail of a rare class is too steep for the grid, but it is
  /// met only where it is as steep as p.
  ///
  /// Of log-probabilities, classes with `isDeep` (all below 1e-278) get their entries, and move none.
  mutating func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    of kind: CotangentKind = .probabilities, isDeep: (Int) -> Bool = { _ in false }, scratch: inout Scratch
  ) {
    let leader = row.firstIndex(of: 0) ?? 0
    let (n, terms, points) = (row.count, basis.terms, weights.count)
    var memory = UnsafeMutableBufferPointer(
      rebasing: scratch.growList(to: 2 * cells * terms + 3 * points + 2 * nodes + n, keeping: 0)[...])[...]
    func take(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
      defer { memory = memory.dropFirst(count) }
      return UnsafeMutableBufferPointer(rebasing: memory.prefix(count))
    }
    let (weightsOfV, a, b) = (take(points), take(points), take(points))
    let (gR, gV) = (take(nodes), take(nodes))
    // The coefficients of a; those of b take the place of the moments of u.
    let (coefficientsOfA, coefficientsOfB) = (take(cells * terms), take(cells * terms))
    let p = take(n)

    sum(table.hazard[stepExponent], weightedBy: weights, to: gR)
    expandCells()
    let defect = evaluate(row, to: p)
    // Relative to the leader's v, or to as much of every p, which moves nothing: where a row saturates, nothing cancels.
    let reference = kind == .probabilities ? cotangent[leader] : cotangent[leader] / p[leader]
    var largest = 0.0
    for index in 0..<n {
      let shift = kind == .probabilities ? reference : p[index] * reference
      let value = isDeep(index) ? 0 : cotangent[index]
      cotangent[index] = p[index] > 0 && index != leader ? value - shift : 0
      largest = max(largest, cotangent[index].magnitude)
    }
    // Probabilities down to 1e-300 take part in products: u is multiplied by 2⁸⁰⁰, and of log-probabilities V, with its
    // 1/p, divided by as much. The largest v is brought near 1 before, by a power of two.
    let unit = largest.isNormal ? largest.binade : 1
    let (ofU, ofA, ofB) =
      kind == .probabilities ? (Self.inflation, 1 / Self.inflation, 1) : (1, 1, Self.inflation)
    for index in 0..<n {
      cotangent[index] *= kind == .probabilities ? p[index] * ofU / unit : 1 / unit
    }
    deposit(cotangent, at: row, to: coefficientsOfB)
    spreadOverHeights(coefficientsOfB, to: weightsOfV)
    sum(table.hazard[stepExponent], weightedBy: weightsOfV, to: gV)
    for index in 0..<nodes {
      gR[index] *= g[index]
      gV[index] *= g[index]
    }
    expandRatios(a, b, gR, gV, to: coefficientsOfA, coefficientsOfB)
    // Classes without a probability have no term of their own that the reference could be taken off.
    for index in 0..<nodes { gV[index] += reference / unit * (gR[index] / Self.inflation) }

    for index in 0..<n {
      let gap = row[index]
      guard p[index] > 0 else {
        let isWanted = kind == .logProbabilities && gap > -.infinity
        (row[index], cotangent[index]) = (0, isWanted ? -unit * integral(of: gV, ofClassAt: gap) : 0)
        continue
      }
      let (cell, t) = place(of: gap)
      var (a, b) = (0.0, 0.0)
      for k in (cell * terms..<(cell + 1) * terms).reversed() {
        a = a * t + coefficientsOfA[k]
        b = b * t + coefficientsOfB[k]
      }
      cotangent[index] = unit * (cotangent[index] * ofA * a - p[index] * ofB * b)
      row[index] = p[index] / (1 + defect)
    }
    balance(cotangent, at: row, leader: leader)
  }

  /// The probabilities of all classes, undivided, from the coefficients of their cells.
  ///
  /// - Returns: Σp − 1.
  private func evaluate(
    _ gaps: UnsafeMutableBufferPointer<Double>, to p: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    let terms = basis.terms
    var total = CompensatedSum(-1)
    for index in p.indices {
      p[index] = 0
      guard gaps[index] >= -depth else { continue }
      let (cell, t) = place(of: gaps[index])
      // Where the base is a logarithm, the probability is below 1e-298, and so is all that it moves.
      guard bases[cell] > 0 else { continue }
      var logRatio = 0.0
      for k in (cell * terms..<(cell + 1) * terms).reversed() { logRatio = logRatio * t + moments[k] }
      p[index] = bases[cell] * exponential(logRatio)
      total.add(p[index])
    }
    return total.value
  }

  /// The moments of the classes, weighted by u.
  private func deposit(
    _ u: UnsafeMutableBufferPointer<Double>, at gaps: UnsafeMutableBufferPointer<Double>,
    to sums: UnsafeMutableBufferPointer<Double>
  ) {
    sums.update(repeating: 0)
    for index in u.indices where u[index] != 0 {
      let (cell, t) = place(of: gaps[index])
      var term = u[index]
      for k in cell * basis.terms..<(cell + 1) * basis.terms {
        sums[k] += term
        term *= t
      }
    }
  }

  /// Spreads the moments of all cells with numbers for probabilities onto the grid points, divided by their heights.
  private func spreadOverHeights(
    _ moments: UnsafeMutableBufferPointer<Double>, to weights: UnsafeMutableBufferPointer<Double>
  ) {
    let terms = basis.terms
    weights.update(repeating: 0)
    basis.matrix.withUnsafeBufferPointer { matrix in
      for cell in 0..<cells where bases[cell] > 0 {
        for tap in 0..<basis.taps {
          var sum = 0.0
          for k in 0..<terms { sum += matrix[tap * terms + k] * moments[cell * terms + k] }
          weights[cell + tap] += sum / heights[cell + tap]
        }
      }
    }
  }

  /// Σ_m values(x_m) r(x_m − gap) h for a class that no table reaches, by the law itself.
  private func integral(of values: UnsafeMutableBufferPointer<Double>, ofClassAt gap: Double) -> Double {
    var sum = CompensatedSum()
    for index in 0..<nodes {
      let logHazard = table.noise.logReversedHazard(at: Double(firstNode + index) * h - gap)
      // From here on it only falls.
      if logHazard < -745 { break }
      sum.add(values[index] * exponential(logHazard))
    }
    return h * sum.value
  }

  /// The coefficients of a = A/H and b = B/H on every cell whose probabilities are numbers.
  private func expandRatios(
    _ a: UnsafeMutableBufferPointer<Double>, _ b: UnsafeMutableBufferPointer<Double>,
    _ gR: UnsafeMutableBufferPointer<Double>, _ gV: UnsafeMutableBufferPointer<Double>,
    to coefficientsOfA: UnsafeMutableBufferPointer<Double>,
    _ coefficientsOfB: UnsafeMutableBufferPointer<Double>
  ) {
    let terms = basis.terms
    for point in heights.indices where heights[point] > 0 {
      a[point] = integral(of: gR, at: point) / heights[point]
      b[point] = integral(of: gV, at: point) / heights[point]
    }
    coefficientsOfA.update(repeating: 0)
    coefficientsOfB.update(repeating: 0)
    guard let toA = coefficientsOfA.baseAddress, let toB = coefficientsOfB.baseAddress else { return }
    basis.matrix.withUnsafeBufferPointer { matrix in
      guard let matrix = matrix.baseAddress else { return }
      for cell in 0..<cells where bases[cell] > 0 {
        for tap in 0..<basis.taps {
          addMultiple(a[cell + tap], of: matrix + tap * terms, to: toA + cell * terms, count: terms)
          addMultiple(b[cell + tap], of: matrix + tap * terms, to: toB + cell * terms, count: terms)
        }
      }
    }
  }
}
