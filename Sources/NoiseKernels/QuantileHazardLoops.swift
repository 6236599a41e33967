#if VARIANT
  import NoiseKernels
#endif

// Sums of r at differences of gaps plus every node of the quantile rule, eight nodes at a time.

extension VectorKernels {
  @inline(never)
  package static func sumHazards(
    at differences: QuantileDifferences, times terms: UnsafePointer<Double>, _ table: QuantileTable,
    to sums: UnsafeMutablePointer<Double>
  ) {
    switch table.law {
    case .uniform: uniformHazards(differences, table, terms, sums)
    case .exponential: exponentialHazards(differences, table, terms, sums)
    case .laplace: laplaceHazards(differences, table, terms, sums)
    case .logistic: logisticHazards(differences, table, terms, sums)
    case .normal: normalHazards(differences, table, terms, sums)
    case .reversedGumbel: reversedGumbelHazards(differences, table, terms, sums)
    case .gumbel: gumbelHazards(differences, table, terms, sums)
    }
  }
}

@inline(never)
private func uniformHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func hazard(_ index: Int, _ node: Int) -> Doubles {
    let x = load(table.values + node) + differences.values[index]
    return (Doubles(repeating: 1) / x).replacing(with: 0, where: (x .<= 0) .| (x .> 1))
  }
  sumProducts(differences.count, table.nodes, terms, sums, hazard)
}

@inline(never)
private func exponentialHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func hazard(_ index: Int, _ node: Int) -> Doubles {
    let x = load(table.values + node) + differences.values[index]
    let within = smaller(larger(x, Doubles()), Doubles(repeating: largestExponent))
    let r = Doubles(repeating: 1) / moderateExponentialMinusOne(within)
    return r.replacing(with: 0, where: (x .<= 0) .| (x .> largestExponent))
  }
  sumProducts(differences.count, table.nodes, terms, sums, hazard)
}

@inline(never)
private func laplaceHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func hazard(_ index: Int, _ node: Int) -> Doubles {
    let lower = differences.rising[index] * load(table.rising + node)
    let tail = differences.falling[index] * load(table.falling + node)
    return (tail / (2 - tail)).replacing(with: 1, where: lower .< 1)
  }
  sumProducts(differences.count, table.nodes, terms, sums, hazard)
}

@inline(never)
private func logisticHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func hazard(_ index: Int, _ node: Int) -> Doubles {
    Doubles(repeating: 1)
      / multiplyAdd(differences.rising[index], load(table.rising + node), Doubles(repeating: 1))
  }
  sumProducts(differences.count, table.nodes, terms, sums, hazard)
}

@inline(never)
private func normalHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func hazard(_ index: Int, _ node: Int) -> Doubles {
    normalHazard(load(table.values + node) + differences.values[index], table.scaledTail)
  }
  sumProducts(differences.count, table.nodes, terms, sums, hazard)
}

@inline(never)
private func reversedGumbelHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func hazard(_ index: Int, _ node: Int) -> Doubles {
    // t/(eᵗ − 1): 1 where t is nothing, and nothing where it is large.
    let t = larger(differences.rising[index] * load(table.rising + node), Doubles(repeating: 0x1p-1000))
    let r = t / moderateExponentialMinusOne(smaller(t, Doubles(repeating: largestExponent)))
    return r.replacing(with: 0, where: t .> largestExponent)
  }
  sumProducts(differences.count, table.nodes, terms, sums, hazard)
}

@inline(never)
private func gumbelHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func hazard(_ index: Int, _ node: Int) -> Doubles {
    differences.falling[index] * load(table.falling + node)
  }
  sumProducts(differences.count, table.nodes, terms, sums, hazard)
}

/// Σ_k terms_k · r(d + q_k) for every difference.
@_transparent
private func sumProducts(
  _ count: Int, _ nodes: Int, _ terms: UnsafePointer<Double>, _ sums: UnsafeMutablePointer<Double>,
  _ hazard: (_ difference: Int, _ node: Int) -> Doubles
) {
  var index = 0
  while index < count {
    var sum = Doubles()
    var node = 0
    while node < nodes {
      sum = multiplyAdd(load(terms + node), hazard(index, node), sum)
      node += 8
    }
    sums[index] = laneSum(sum)
    index += 1
  }
}

/// φ(x)/Φ(x), 0 above 37.
@_transparent
private func normalHazard(_ x: Doubles, _ coefficients: UnsafePointer<Double>) -> Doubles {
  let inverseRootTwoPi = 0.3989422804014327
  let magnitude = larger(x, Doubles() - x)
  let (value, reciprocal) = scaledTail(magnitude, coefficients)
  let density = gaussian(smaller(magnitude, Doubles(repeating: 37)))
  let (one, tail) = (Doubles(repeating: 1), value * reciprocal)
  // Below 0 the exponential is in both.
  let isLower = x .< 0
  let numerator = density.replacing(with: one, where: isLower).replacing(with: 0, where: x .> 37)
  let denominator = (1 - density * tail).replacing(with: tail, where: isLower)
  return inverseRootTwoPi * numerator / denominator
}
