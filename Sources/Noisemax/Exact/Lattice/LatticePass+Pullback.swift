internal import NoiseKernels

/// Probabilities down to 1e-300 take part in products: they are multiplied by this, and so is G.
let pullbackInflation = 0x1p800

extension LatticePass {
  /// Replaces v by the gradient of Σ v_i p_i, J v, or by that of Σ v_i log p_i, and the gaps by the probabilities.
  ///
  /// Entry i is u_i·a(μ_i) − p_i·b(μ_i), with u = p·v for probabilities, u = v for log-probabilities, and
  ///
  ///     p·a = ∫ G R r(x − μ_i) dx,   R(x) = Σ_j r(x − μ_j),
  ///     p·b = ∫ G V r(x − μ_i) dx,   V(x) = Σ_j u_j r(x − μ_j)/p_j.
  ///
  /// The ratios a and b are smooth functions of the gap of the class, and are interpolated.
  ///
  /// So is r(x − μ)/p(μ) in V, where r alone would not do: the tail of a rare class is too steep for the grid, but it is
  /// met mostly where it is as steep as p. Where not, see ``SteepClasses``. The mathematics: <doc:Mathematics#Derivatives>.
  ///
  /// Of log-probabilities, classes with `isDeep` (all below 1e-295) get their entries, and move none. Classes that are folded into
  /// an ``ExponentialTail`` have logarithms of factors below 0.
  ///
  /// - Returns: Σp − 1 before the normalisation.
  mutating func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    of kind: Quantity = .probabilities, logFactors: UnsafePointer<Double>?,
    isDeep: (Int) -> Bool = { _ in false }, scratch: inout Scratch
  ) -> Double {
    guard let gaps = row.baseAddress, let v = cotangent.baseAddress else { return 0 }
    let leader = row.firstIndex(of: 0) ?? 0
    let ofPairs = nodesOfPairs
    let (n, listed, vectors) = (row.count, pointCount + 16, padded(nodes) + 32)
    // A Float's pullback is only as good as its largest entry.
    let isPrecise = precision == .double || kind == .logProbabilities || !samples.isLogConcave
    let steepGaps = isPrecise ? SteepGaps(in: self, gaps, n, logFactors: logFactors) : nil
    var memory = Pieces(
      of: scratch.growList(
        to: 3 * listed + 2 * vectors + 2 * count + pullbackMemory + (steepGaps?.memory ?? 0),
        keeping: 0))
    let (weightsOfV, a, b) = (memory.take(listed), memory.take(listed), memory.take(listed))
    let (gR, gV) = (memory.take(vectors), memory.take(vectors))
    let (p, values, rest) = (memory.take(count), memory.take(count), memory.take(pullbackMemory))
    let steep = steepGaps.map {
      SteepClasses(at: $0, in: self, gaps: gaps, logFactors: logFactors, memory: &memory)
    }
    leaveOutTinyProbabilities()
    p.update(from: gaps, count: count)
    let defect = replaceByProbabilities(p)
    steep?.writeProbabilities(in: self, to: p)
    if kind == .logProbabilities {
      for index in 0..<n where isDeep(index) { v[index] = 0 }
    }
    if let logFactors {
      multiply(p, n, byExponentialsOf: logFactors)
      // Of log-probabilities every folded class keeps its v; of others one without a probability moves nothing.
      let least = kind == .logProbabilities ? 0x1p-1000 : 0
      for index in 0..<n where logFactors[index] < 0 && p[index] < 1e-300 {
        p[index] = isDeep(index) ? 0 : least
      }
    }
    let reference = reference(of: v, n, kind: kind, p: p, leader: leader, memory: values)
    let unit = replaceByU(v, n, of: kind, p: p, reference: reference)
    let inflation = pullbackInflation
    let (ofA, ofB) = kind == .probabilities ? (1 / inflation, 1) : (1, inflation)
    steep?.keepRatios(of: v, to: p)
    steep?.remove(from: v)
    spreadRatios(v, at: gaps, to: weightsOfV, memory: rest)
    if steepGaps?.areOthersRough == true {
      // R is summed in the way of V: then their errors of interpolation cancel in v·R − V where the two do.
      kernels.scaled(p, count, by: inflation, to: values)
      steep?.remove(from: values)
      spreadRatios(values, at: gaps, to: weights, memory: rest)
    }
    reversedHazardSums(weights, weightsOfV, to: gR, gV, nodes: ofPairs)
    steep?.integrate(over: ofPairs, in: self, r: gR, v: gV)
    kernels.multiply(gR, ofPairs, by: g)
    kernels.multiply(gV, ofPairs, by: g)
    integrals(of: gR, gV, nodes: ofPairs, to: a, b)
    kernels.divide(a, pointCount, by: heights, above: Self.inflatedLimit)
    kernels.divide(b, pointCount, by: heights, above: Self.inflatedLimit)
    evaluatePullback(p, v, at: gaps, a: a, b: b, unit: unit, ofA: ofA, ofB: ofB, memory: rest)
    steep?.writeEntries(times: unit * ofA, where: p, to: v)
    if kind == .logProbabilities {
      // A class without a probability has no term v_i·a of its own: what the reference took off V is put back.
      for index in 0..<ofPairs { gV[index] += reference / unit * (gR[index] / inflation) }
      // Many may be folded into one. The leader, at 0, has a probability.
      var known = (gap: 0.0, integral: 0.0)
      for index in 0..<n where p[index] == 0 && row[index] > -.infinity {
        if row[index] != known.gap {
          known = (row[index], integral(of: gV, over: ofPairs, ofClassAt: row[index]))
        }
        cotangent[index] = -unit * exponential(logFactors?[index] ?? 0) * known.integral
      }
    }
    kernels.scaled(p, count, by: 1 / (1 + defect), to: gaps)
    if samples.isLogConcave { balance(cotangent, at: row, leader: leader) }
    return defect
  }

  /// Replaces v by u relative to a reference, in units of a power of two that brings the largest v near 1.
  ///
  /// u = p·v of probabilities is inflated, as the heights under it are. u = v of log-probabilities is not: there V, and b with
  /// it, is too small by that factor.
  ///
  /// - Returns: the unit.
  private func replaceByU(
    _ v: UnsafeMutablePointer<Double>, _ n: Int, of kind: Quantity, p: UnsafePointer<Double>,
    reference: Double
  ) -> Double {
    let isOfProbabilities = kind == .probabilities
    let largest = kernels.subtract(
      reference, times: isOfProbabilities ? nil : p, from: v, n, where: p, above: 0)
    let unit = largest.isNormal ? largest.binade : 1
    let factor = isOfProbabilities ? pullbackInflation : 1
    if unit >= 0x1p-200 {
      kernels.scaled(v, n, by: factor / unit, to: v)
    } else {
      // Together the two could overflow.
      kernels.scaled(v, n, by: 1 / unit, to: v)
      kernels.scaled(v, n, by: factor, to: v)
    }
    if isOfProbabilities { kernels.multiply(v, n, by: p) }
    return unit
  }

  /// A number that is taken off all v, or off all v/p. As J·1 = 0 it moves nothing; it is chosen to leave 0 where a row
  /// saturates.
  ///
  /// If all integrands have one hump, a class has its largest entry of J with a leader: the leader's v is taken off. Otherwise
  /// classes may have more to do with each other, and it is the median of v, which leaves 0 where most v are equal. Most v/p
  /// never are equal: nothing is taken off.
  private func reference(
    of v: UnsafeMutablePointer<Double>, _ n: Int, kind: Quantity, p: UnsafePointer<Double>, leader: Int,
    memory: UnsafeMutablePointer<Double>
  ) -> Double {
    if samples.isLogConcave {
      let reference = kind == .probabilities ? v[leader] : v[leader] / p[leader]
      // So that the difference is 0.
      v[leader] = kind == .probabilities ? reference : p[leader] * reference
      return reference
    }
    if kind == .logProbabilities { return 0 }
    var count = 0
    for index in 0..<n where p[index] > 0 {
      memory[count] = v[index]
      count += 1
    }
    var values = UnsafeMutableBufferPointer(start: memory, count: count)
    values.sort()
    return count == 0 ? 0 : values[count / 2]
  }

  /// Spreads u onto the grid points, over the heights there.
  private func spreadRatios(
    _ u: UnsafePointer<Double>, at gaps: UnsafePointer<Double>, to weights: UnsafeMutablePointer<Double>,
    memory: UnsafeMutablePointer<Double>
  ) {
    spread(u, at: gaps, to: weights, memory: memory)
    kernels.divide(weights, pointCount, by: heights, above: Self.inflatedLimit)
  }

  /// Σ_m values(x_m) r(x_m − gap) h for a class that no table reaches, by the law itself.
  private func integral(
    of values: UnsafeMutablePointer<Double>, over nodes: Int, ofClassAt gap: Double
  ) -> Double {
    var sum = CompensatedSum()
    for index in 0..<nodes {
      let logReversedHazard = table.noise.logReversedHazard(at: Double(firstNode + index) * h - gap)
      // From here on it only falls.
      if logReversedHazard < -745 { break }
      sum.add(values[index] * exponential(logReversedHazard))
    }
    return h * sum.value
  }
}
