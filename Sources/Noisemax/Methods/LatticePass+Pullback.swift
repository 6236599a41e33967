extension LatticePass {
  /// Replaces v by J v and the gaps by the probabilities.
  ///
  /// With R(x) = Σ_j r(x − μ_j) and V(x) = Σ_j v_j r(x − μ_j), (J v)_i = v_i·A(μ_i) − B(μ_i), where A and B are the
  /// integrals of G·R and G·V against r(x − μ_i). Both are smooth functions of the place of the class, as the
  /// probability H is, and so are a = A/H and b = B/H, which are interpolated.
  mutating func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    scratch: inout Scratch
  ) {
    let leader = centre(cotangent, onLeaderOf: row)
    let (terms, points) = (basis.terms, weights.count)
    var memory = UnsafeMutableBufferPointer(
      rebasing: scratch.growList(to: 2 * cells * terms + 3 * points + 2 * nodes, keeping: 0)[...])[...]
    func take(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
      defer { memory = memory.dropFirst(count) }
      return UnsafeMutableBufferPointer(rebasing: memory.prefix(count))
    }
    let (weightsOfV, a, b) = (take(points), take(points), take(points))
    let (gR, gV) = (take(nodes), take(nodes))
    // The coefficients of a; those of b take the place of the moments of v.
    let (coefficientsOfA, coefficientsOfB) = (take(cells * terms), take(cells * terms))

    depositCotangent(cotangent, at: row, to: coefficientsOfB)
    spread(coefficientsOfB, to: weightsOfV)
    sum(table.hazard[stepExponent], weightedBy: weights, to: gR)
    sum(table.hazard[stepExponent], weightedBy: weightsOfV, to: gV)
    for index in 0..<nodes {
      gR[index] *= g[index]
      gV[index] *= g[index]
    }
    expandCells()
    expandRatios(a, b, gR, gV, to: coefficientsOfA, coefficientsOfB)

    var total = CompensatedSum(-1)
    for index in row.indices {
      let gap = row[index]
      guard gap >= -depth else {
        (row[index], cotangent[index]) = (0, 0)
        continue
      }
      let (cell, t) = place(of: gap)
      var (logRatio, a, b) = (0.0, 0.0, 0.0)
      for k in (cell * terms..<(cell + 1) * terms).reversed() {
        logRatio = logRatio * t + moments[k]
        a = a * t + coefficientsOfA[k]
        b = b * t + coefficientsOfB[k]
      }
      // Where the base is a logarithm, the probability is below 1e-300, and so is all that it moves.
      let p = bases[cell] > 0 ? bases[cell] * exponential(logRatio) : 0
      total.add(p)
      row[index] = p
      cotangent[index] = p * (cotangent[index] * a - b)
    }
    let defect = total.value
    for index in row.indices { row[index] /= 1 + defect }
    balance(cotangent, at: row, leader: leader)
  }

  /// The moments of the classes, weighted by their cotangents.
  private func depositCotangent(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at gaps: UnsafeMutableBufferPointer<Double>,
    to sums: UnsafeMutableBufferPointer<Double>
  ) {
    sums.update(repeating: 0)
    for index in cotangent.indices where gaps[index] >= -depth {
      let (cell, t) = place(of: gaps[index])
      var term = cotangent[index]
      for k in cell * basis.terms..<(cell + 1) * basis.terms {
        sums[k] += term
        term *= t
      }
    }
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
