import NoiseKernels
import Noisemax
import Testing

/// The vector loops of the quantile rule over its nodes, class by class, as every instruction set of this machine runs them.
@Suite struct QuantileFactorsTests {
  /// Thousands of factors neither underflow nor lose digits, and parts of a logarithm count as factors do.
  @Test(arguments: InstructionSet.available)
  func productsKeepTheirExponents(set: InstructionSet) {
    let differences = (0..<5003).map { -100 + 0.03 * Double($0) }
    let nodes = (1...9).map { Laplace().quantile(at: Double($0) / 10) }
    var mantissas = [Double](repeating: 1, count: 16)
    var exponents = [Double](repeating: 0, count: 16)
    let factors = differences.flatMap { difference in
      (0..<16).map { Laplace().cumulative(at: difference + nodes[min($0, 8)]) }
    }
    let ones = [Double](repeating: 1, count: differences.count)
    set.kernels.multiply(&mantissas, &exponents, nodes: 16, by: factors, powers: ones, differences.count)
    let logarithms = [Double](repeating: -1e5, count: 16)
    let value = set.kernels.settleTerms(&mantissas, &exponents, logarithms: logarithms, nodes.count)
    var truths = nodes.map { node in
      stride(from: 0, to: differences.count, by: 100).reduce(-1e5) { sum, start in
        sum
          + differences[start..<min(start + 100, differences.count)]
          .reduce(0) { $0 + Laplace().logCumulative(at: $1 + node) }
      }
    }
    let top = truths.max()!
    truths = truths.map { exponential($0 - top) }
    let sum = truths.reduce(0, +)
    let log = value.exponent * 0x1.62e42fefa39efp-1 + logarithm(value.sum)
    #expect((log - (top + logarithm(sum))).magnitude <= 1e-15 * top.magnitude, "\(set): \(log)")
    for (term, truth) in zip(mantissas, truths) {
      #expect((term / value.sum - truth / sum).magnitude <= 1e-9, "\(set)")
    }
    #expect(mantissas[9...].allSatisfy { $0 == 0 })
  }

  /// Powers of two, which have no roundings: mantissas are within ½ and 1, and 0 where a factor is.
  @Test(arguments: InstructionSet.available)
  func powersOfFactors(set: InstructionSet) {
    let powers: [Double] = [2, 0, 6, 1]
    let exponentsOfFactors = [[-250.0, -1], [-7, -7], [-249, 0], [0, -3]]
    var factors: [Double] = []
    for (first, second) in exponentsOfFactors.map({ ($0[0], $0[1]) }) {
      factors += (0..<16).map { Double(sign: .plus, exponent: Int($0 < 8 ? first : second), significand: 1) }
    }
    factors[16 * 3 + 5] = 0
    for nodes in [8, 16] {
      var mantissas = [Double](repeating: 0.75, count: 16)
      var exponents = [Double](repeating: 3, count: 16)
      set.kernels.multiply(&mantissas, &exponents, nodes: nodes, by: factors, powers: powers, 4)
      for node in 0..<16 {
        let half = node < 8 ? 0 : 1
        var exponent = 3.0
        if node < nodes {
          for (power, factor) in zip(powers, exponentsOfFactors) { exponent += power * factor[half] }
        }
        let mantissa = node == 5 ? 0 : 0.75
        #expect(mantissas[node] == mantissa, "\(set), \(nodes) nodes, node \(node): \(mantissas[node])")
        #expect(
          node == 5 || exponents[node] == exponent, "\(set), \(nodes) nodes, node \(node): \(exponents[node])"
        )
      }
    }
  }

  /// Σ weight·f/F over the nodes that count, added to what there is, without those where F is 0.
  @Test(arguments: InstructionSet.available)
  func reversedHazardsAreWeighted(set: InstructionSet) {
    let count = 5
    let densities = (0..<16 * count).map { 1 + Double($0 % 7) }
    let cumulatives = (0..<16 * count).map { $0 % 5 == 3 ? 0 : 0.25 * Double(1 + $0 % 3) }
    let weights = (0..<16).map { Double($0) - 4.5 }
    for nodes in [8, 16] {
      var sums = (0..<count).map { Double($0) }
      set.kernels.addReversedHazards(
        densities, over: cumulatives, count, weights: weights, nodes: nodes, to: &sums)
      for k in 0..<count {
        var truth = Double(k)
        for node in 0..<nodes where cumulatives[16 * k + node] > 0 {
          let r: Double = densities[16 * k + node] / cumulatives[16 * k + node]
          truth += weights[node] * r
        }
        #expect(
          (sums[k] - truth).magnitude <= 1e-12, "\(set), \(nodes) nodes, class \(k): \(sums[k]), not \(truth)"
        )
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func productsOfNothingAreNothing(set: InstructionSet) {
    var mantissas = [Double](repeating: 0, count: 8)
    var exponents = [Double](repeating: 3, count: 8)
    let none: (sum: Double, exponent: Double) = set.kernels.settleTerms(
      &mantissas, &exponents, logarithms: nil, 5)
    #expect(none.sum == 0 && none.exponent == -Double.infinity && mantissas.allSatisfy { $0 == 0 })
    mantissas = [1, 1, 1, 1, 1, 1, 1, 1]
    exponents = [0, 0, 0, 0, 0, 0, 0, 0]
    let logarithms: [Double] = [-.infinity, -1e300, -2e9, -.infinity, 0, 0, 0, 0]
    let deep = set.kernels.settleTerms(&mantissas, &exponents, logarithms: logarithms, 4)
    #expect(mantissas[0] == 0 && mantissas[1] == 0 && mantissas[2] == deep.sum && mantissas[3] == 0)
    // So far out that a thousand is nothing.
    mantissas = [1, 1, 1, 1, 1, 1, 1, 1]
    exponents = [0, 0, 0, 0, 0, 0, 0, 0]
    let far = set.kernels.settleTerms(
      &mantissas, &exponents, logarithms: [-1e100, -1e200, 0, 0, 0, 0, 0, 0], 2)
    #expect(
      far.sum > 0 && mantissas[1] == 0 && (far.exponent / -1e100 * 0x1.62e42fefa39efp-1 - 1).magnitude < 1e-15
    )
    #expect((deep.exponent * 0x1.62e42fefa39efp-1 + 2e9).magnitude < 1)
  }
}
