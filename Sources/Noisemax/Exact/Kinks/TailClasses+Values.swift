internal import NoiseKernels

extension TailClasses {
  /// What the sums over the nodes are, besides those of the near classes.
  struct Integrals {
    /// Σp, and Σp without the first leader's.
    let total, rest: Double
  }

  /// e^−origin: p_i is that times c_i times a sum.
  private var unit: Double { isLone ? exponential(-origin) : 1 }

  /// The sums Σ w·ψ: those of the near classes, and the coefficients of the far ones.
  func integrate(over nodes: TailNodes) -> Integrals {
    endNear(before: nodes.blocks)
    kernels.nodeSums(of: nodes.start, ends: nearEnds, slopes: nearSlopes, nearCount, to: nearSums)
    addPassed(.weights, of: nodes, to: nearSums)
    var rest = CompensatedSum()
    if hasFar {
      kernels.nodeMoments(
        of: nodes.start, blocks: nodes.blocks, row: .weights, perFactor: perFactor, to: integralSeries)
      let series = TailSeries.shared
      for k in 0..<tailTerms {
        integralSeries[k] *= series.inverse[k]
        rest.add(integralSeries[k] * powerSums[k] / factor)
      }
    } else {
      // What is left are tails of 0.
      integralSeries.update(repeating: 0, count: tailTerms)
      integralSeries[0] = nodes.integral
    }
    var own = 0.0
    for k in 0..<nearCount {
      let p = nearTails[k] * nearSums[k]
      if near[k] == leader { own = p } else { rest.add(p) }
    }
    if isLone { return Integrals(total: 1, rest: rest.value * unit) }
    if nearIndexOfLeader == nil {
      // It is among the far ones, as one of many.
      return Integrals(total: rest.value, rest: rest.value)
    }
    let others = rest.value
    rest.add(own)
    return Integrals(total: rest.value, rest: others)
  }

  /// Classes that have not passed count at all nodes.
  private func endNear(before blocks: Int) {
    for k in 0..<nearCount { nearEnds[k] = Swift.min(nearEnds[k], blocks) }
  }

  /// Adds Σ w/(c·t) over the blocks from the end of every near class on.
  func addPassed(_ row: TailNodeRow, of nodes: TailNodes, to sums: UnsafeMutablePointer<Double>) {
    guard form.hasKinks && nearCount > 0 && nearEnds[0] < nodes.blocks else { return }
    let blockSums = nodes.start + TailNodeRow.blockSize * nodes.blocks
    kernels.blockSums(of: nodes.start, blocks: nodes.blocks, row: row, to: blockSums)
    var sum = 0.0
    var block = nodes.blocks
    for k in (0..<nearCount).reversed() {
      while block > nearEnds[k] {
        block -= 1
        sum += blockSums[block]
      }
      sums[k] += sum / nearTails[k]
    }
  }

  /// Where the first leader stands among the near classes.
  var nearIndexOfLeader: Int? { (0..<nearCount).first { near[$0] == leader } }

  /// Replaces the gaps by probabilities.
  func writeProbabilities(_ integrals: Integrals, to row: UnsafeMutablePointer<Double>) {
    let unit = unit / integrals.total
    if hasFar {
      scaleSeries(by: unit)
      kernels.tailPolynomials(
        of: tails, count, factor: factor, coefficients: otherSeries, timesTails: true, to: row)
    } else {
      row.update(repeating: 0, count: count)
    }
    for k in 0..<nearCount { row[near[k]] = Swift.min(nearTails[k] * nearSums[k] * unit, 1) }
    // What all others have is less than its rounding.
    if isLone { row[leader] = 1 }
  }

  /// Replaces the gaps by the logarithms of the probabilities.
  func writeLogarithms(_ integrals: Integrals, to row: UnsafeMutablePointer<Double>) {
    writeIntegrals(integrals)
    kernels.logarithms(of: values, count, shift: 0, to: logarithmsOfValues)
    for index in 0..<count where row[index] > -.infinity {
      row[index] = Swift.min(row[index] + logarithmsOfValues[index], 0)
    }
    if leaders == 1 && 2 * integrals.rest < integrals.total {
      row[leader] = logarithmOfOnePlus(0 - integrals.rest / integrals.total)
    }
  }

  /// Writes p_i·e^−gap of every class to the values: numbers that are never small. Of a lone leader it is 1.
  private func writeIntegrals(_ integrals: Integrals) {
    let unit = form.factor / integrals.total
    scaleSeries(by: unit)
    kernels.tailPolynomials(
      of: tails, count, factor: factor, coefficients: otherSeries, timesTails: false, to: values)
    for k in 0..<nearCount { values[near[k]] = nearSums[k] * unit }
    if isLone { values[leader] = 1 }
  }

  private func scaleSeries(by unit: Double) {
    for k in 0..<tailTerms { otherSeries[k] = integralSeries[k] * unit }
  }
}
