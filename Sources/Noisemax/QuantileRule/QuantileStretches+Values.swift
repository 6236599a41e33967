internal import NoiseKernels

extension QuantileStretches {
  // MARK: values

  /// Writes the values of the first gaps, and calls with the terms of each.
  func writeValues(wanted: Int, _ body: (Int, QuantileTerms) -> Void) {
    var first = 0
    for gap in 0..<wanted {
      var terms = row.terms
      let logarithms = terms.resetLogarithms()
      first = stretch(at: rule.nodes[rule.count - 1], of: row.gaps[gap], from: first)
      var (k, node) = (first, rule.count - 1)
      while k < count {
        node = kernels.addStretch(
          stretch(k), coefficients: coefficients(k), offset: row.gaps[gap], nodes: rule.nodes, last: node,
          less: rule.logCumulatives, top: logarithms + (rule.count - 1), margin: rule.margin, to: logarithms)
        if node < 0 { break }
        k = stretch(at: rule.nodes[node], of: row.gaps[gap], from: k + 1)
      }
      row.values[gap] = terms.sum()
      body(gap, terms)
    }
  }

  // MARK: derivatives

  /// How many Doubles a stretch needs for derivatives: the coefficients of S′, and sums in vectors.
  private static var sizeOfMoments: Int { 16 + 8 * 16 }

  /// Memory for the products of all gaps, and what derivatives need besides.
  mutating func takeProducts(scratch: inout Scratch) -> UnsafeMutableBufferPointer<Double> {
    takeMemory(row.count * padded(rule.count) + Self.sizeOfMoments * count, scratch: &scratch)
  }

  /// Replaces the cotangents w of values by Σ_i w_i·∂t_i/∂μ_j, as ``QuantileRow/pullBack(_:products:by:factor:)``.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, products: UnsafeMutableBufferPointer<Double>,
    factor: (QuantileValue) -> Double
  ) {
    guard let products = products.baseAddress else { return }
    let length = padded(rule.count)
    let slopes = products + row.count * length
    let moments = slopes + 16 * count
    moments.update(repeating: 0, count: 8 * 16 * count)
    for k in 0..<count { writeSlopes(of: k, to: slopes + 16 * k) }
    row.losses.update(repeating: 0, count: row.count)
    row.sums.update(repeating: 0, count: row.count)
    row.forEachClass { gap, index in row.losses[gap] += cotangent[index] }

    var first = 0
    for gap in 0..<row.count where row.values[gap].mantissa != 0 {
      let factor = factor(row.values[gap])
      let weight = factor * row.losses[gap]
      first = stretch(at: rule.nodes[rule.count - 1], of: row.gaps[gap], from: first)
      var (k, node, gain) = (first, rule.count - 1, 0.0)
      while k < count && products[gap * length + node] != 0 {
        let (sum, next) = kernels.addMoments(
          of: products + gap * length, on: stretch(k), slopes: slopes + 16 * k, factor: weight,
          offset: row.gaps[gap], nodes: rule.nodes, last: node, to: moments + 8 * 16 * k)
        gain += sum
        node = next
        if node < 0 { break }
        k = stretch(at: rule.nodes[node], of: row.gaps[gap], from: k + 1)
      }
      row.sums[gap] = factor * gain
    }
    row.losses.update(repeating: 0, count: row.count)
    addLosses(moments: moments)
    write(to: cotangent)
  }

  /// The coefficients of the slope of S.
  private func writeSlopes(of k: Int, to slopes: UnsafeMutablePointer<Double>) {
    let (coefficients, stretch) = (coefficients(k), stretch(k))
    let last = stretch.terms - 1
    slopes[last] = 0
    var (before, after) = (0.0, 0.0)
    for m in (1...last).reversed() {
      (before, after) = (after + 2 * Double(m) * coefficients[m] / stretch.half, before)
      slopes[m - 1] = before
    }
    slopes[0] /= 2
  }

  /// What classes take from each other, from the moments.
  private func addLosses(moments: UnsafeMutablePointer<Double>) {
    var fromClosed = 0.0
    var (next, origin) = (row.count, origin)
    for k in (0..<count).reversed() {
      let stretch = stretch(k)
      let basis = rule.basis(stretch.terms)
      let moments = moments + 8 * 16 * k
      if stretch.origin != origin {
        origin = stretch.origin
        writeSlopes(from: stretch.start, origin: origin)
      }
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 32) { memory in
        let (sums, weights) = (memory.baseAddress!, memory.baseAddress! + 16)
        kernels.laneSums(of: moments, stretch.terms, to: sums)
        for node in 0..<stretch.terms {
          var weight = 0.0
          for m in 0..<stretch.terms { weight += basis[16 + 16 * node + m] * sums[m] }
          weights[node] = weight
        }
        if rule.form == .laplace {
          // Below their kinks classes have r = 1.
          while next > stretch.start {
            next -= 1
            row.losses[next] += fromClosed
          }
          fromClosed += sums[0]
        }
        kernels.addStretchReversedHazards(
          of: weights, on: stretch, slopes: row.slopes + stretch.start, tails: row.tails + stretch.start,
          stretch.end - stretch.start, basis: basis, to: row.losses + stretch.start)
      }
    }
    while next > 0 {
      next -= 1
      row.losses[next] += fromClosed
    }
  }

  /// What a class takes from itself is in both sums. Of a lone leader it may hide all others: moving all classes together
  /// changes nothing, and so it has what the others lack.
  private func write(to cotangent: UnsafeMutableBufferPointer<Double>) {
    var (total, leader) = (CompensatedSum(), 0)
    row.forEachClass { gap, index in
      if gap == 0 { leader = index }
      let own = cotangent[index]
      cotangent[index] = (own == 0 ? 0 : own * row.sums[gap]) - row.losses[gap]
      if gap > 0 { total.add(cotangent[index]) }
    }
    if row.ties[0] == 1 { cotangent[leader] = 0 - total.value }
  }
}
