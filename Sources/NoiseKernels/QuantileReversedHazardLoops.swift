#if VARIANT
  import NoiseKernels
#endif

// Sums of r at differences of gaps plus every node of the quantile rule, eight nodes at a time.

extension VectorKernels {
  @inline(never)
  package static func sumReversedHazards(
    at differences: QuantileDifferences, times terms: UnsafePointer<Double>, _ table: QuantileTable,
    to sums: UnsafeMutablePointer<Double>
  ) {
    switch table.law {
    case .uniform: uniformReversedHazards(differences, table, terms, sums)
    case .exponential: exponentialReversedHazards(differences, table, terms, sums)
    case .laplace: laplaceReversedHazards(differences, table, terms, sums)
    case .logistic: logisticReversedHazards(differences, table, terms, sums)
    case .normal: normalReversedHazards(differences, table, terms, sums)
    case .reversedGumbel: reversedGumbelReversedHazards(differences, table, terms, sums)
    case .gumbel: gumbelReversedHazards(differences, table, terms, sums)
    }
  }
}

@inline(never)
private func uniformReversedHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func reversedHazard(_ index: Int, _ node: Int) -> Doubles {
    let x = load(table.values + node) + differences.values[index]
    return (Doubles(repeating: 1) / x).replacing(with: 0, where: (x .<= 0) .| (x .> 1))
  }
  sumProducts(differences.count, table.nodes, terms, sums, reversedHazard)
}

@inline(never)
private func exponentialReversedHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func reversedHazard(_ index: Int, _ node: Int) -> Doubles {
    let x = load(table.values + node) + differences.values[index]
    let within = smaller(larger(x, Doubles()), Doubles(repeating: largestExponent))
    let r = Doubles(repeating: 1) / moderateExponentialMinusOne(within)
    return r.replacing(with: 0, where: (x .<= 0) .| (x .> largestExponent))
  }
  sumProducts(differences.count, table.nodes, terms, sums, reversedHazard)
}

@inline(never)
private func laplaceReversedHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func reversedHazard(_ index: Int, _ node: Int) -> Doubles {
    let lower = differences.rising[index] * load(table.rising + node)
    let tail = differences.falling[index] * load(table.falling + node)
    return (tail / (2 - tail)).replacing(with: 1, where: lower .< 1)
  }
  sumProducts(differences.count, table.nodes, terms, sums, reversedHazard)
}

@inline(never)
private func logisticReversedHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func reversedHazard(_ index: Int, _ node: Int) -> Doubles {
    Doubles(repeating: 1)
      / multiplyAdd(differences.rising[index], load(table.rising + node), Doubles(repeating: 1))
  }
  sumProducts(differences.count, table.nodes, terms, sums, reversedHazard)
}

@inline(never)
private func normalReversedHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func reversedHazard(_ index: Int, _ node: Int) -> Doubles {
    normalReversedHazard(load(table.values + node) + differences.values[index], table.scaledTail)
  }
  sumProducts(differences.count, table.nodes, terms, sums, reversedHazard)
}

@inline(never)
private func reversedGumbelReversedHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func reversedHazard(_ index: Int, _ node: Int) -> Doubles {
    // t/(eᵗ − 1): 1 where t is nothing, and nothing where it is large.
    let t = larger(differences.rising[index] * load(table.rising + node), Doubles(repeating: 0x1p-1000))
    let r = t / moderateExponentialMinusOne(smaller(t, Doubles(repeating: largestExponent)))
    return r.replacing(with: 0, where: t .> largestExponent)
  }
  sumProducts(differences.count, table.nodes, terms, sums, reversedHazard)
}

@inline(never)
private func gumbelReversedHazards(
  _ differences: QuantileDifferences, _ table: QuantileTable, _ terms: UnsafePointer<Double>,
  _ sums: UnsafeMutablePointer<Double>
) {
  @inline(__always)
  func reversedHazard(_ index: Int, _ node: Int) -> Doubles {
    differences.falling[index] * load(table.falling + node)
  }
  sumProducts(differences.count, table.nodes, terms, sums, reversedHazard)
}

/// Σ_k terms_k · r(d + q_k) for every difference.
@_transparent
private func sumProducts(
  _ count: Int, _ nodes: Int, _ terms: UnsafePointer<Double>, _ sums: UnsafeMutablePointer<Double>,
  _ reversedHazard: (_ difference: Int, _ node: Int) -> Doubles
) {
  var index = 0
  while index < count {
    var sum = Doubles()
    var node = 0
    while node < nodes {
      sum = multiplyAdd(load(terms + node), reversedHazard(index, node), sum)
      node += 8
    }
    sums[index] = laneSum(sum)
    index += 1
  }
}

/// φ(x)/Φ(x), 0 above 37.
@_transparent
private func normalReversedHazard(_ x: Doubles, _ coefficients: UnsafePointer<Double>) -> Doubles {
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
