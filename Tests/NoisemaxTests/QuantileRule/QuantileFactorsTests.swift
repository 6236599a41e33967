import NoiseKernels
import Noisemax
import Testing

/// The vector loops of the quantile rule over its nodes, as every instruction set of this machine runs them: F and r are
/// those of the laws themselves.
@Suite struct QuantileFactorsTests {
  static let laws: [(law: QuantileTable.Law, noise: any ExactNoise, zero: Double, lowest: Double)] = [
    (.uniform, Uniform(), 0, -1), (.exponential, Exponential(), 0, -1),
    (.laplace, Laplace(), -.infinity, -172), (.logistic, Logistic(), -.infinity, -172),
    (.normal, Normal(), -.infinity, -18), (.reversedGumbel, ReversedGumbel(), -.infinity, -172),
  ]

  /// Calls with a table of a law and the differences, with their exponentials.
  private func withTable(
    _ law: QuantileTable.Law, zero: Double, nodes: [Double], differences: [Double],
    _ body: (QuantileTable, QuantileDifferences) -> Void
  ) {
    let paddedNodes =
      nodes + [Double](repeating: nodes[nodes.count - 1], count: padded(nodes.count) - nodes.count)
    let rows = paddedNodes + paddedNodes.map { exponential($0) } + paddedNodes.map { exponential(-$0) }
    let values = differences + differences.map { exponential($0) } + differences.map { exponential(-$0) }
    let count = differences.count
    rows.withUnsafeBufferPointer { rows in
      values.withUnsafeBufferPointer { values in
        Normal.scaledTailCoefficients.withUnsafeBufferPointer { coefficients in
          let (row, value) = (rows.baseAddress!, values.baseAddress!)
          let table = QuantileTable(
            law, nodes: nodes.count, values: row, rising: row + paddedNodes.count,
            falling: row + 2 * paddedNodes.count,
            scaledTail: coefficients.baseAddress!, zero: zero, one: .infinity)
          body(
            table,
            QuantileDifferences(
              values: value, rising: value + count, falling: value + 2 * count, count: count))
        }
      }
    }
  }

  /// One factor at a time within 4e-15, but for the rounding of its place, which e^d·e^q and e^(d + q) do not share.
  @Test(arguments: InstructionSet.available)
  func factorsAreThoseOfTheLaw(set: InstructionSet) {
    var generator = StreamGenerator(seed: 1)
    for (law, noise, zero, lowest) in Self.laws {
      let nodes = (1...13).map { noise.quantile(at: Double($0) / 14) }
      for round in 0..<(isDebugBuild ? 100 : 1000) {
        let width = round % 2 == 0 ? 3 : -lowest
        let difference = Double.random(in: -width...width, using: &generator) - nodes[0]
        withTable(law, zero: zero, nodes: nodes, differences: [difference]) { table, differences in
          var mantissas = [Double](repeating: 1, count: padded(nodes.count))
          var exponents = [Double](repeating: 0, count: padded(nodes.count))
          set.kernels.multiplyCumulatives(
            at: differences, table, mantissas: &mantissas, exponents: &exponents)
          let terms = nodes.indices.map { $0 == round % nodes.count ? 1.0 : 0 }
          var sums = [0.0]
          let node = nodes[round % nodes.count]
          if noise.cumulative(at: difference + node) > 0 {
            set.kernels.sumReversedHazards(
              at: differences, times: terms + [0, 0, 0], table, to: &sums)
          }
          for (index, node) in nodes.enumerated() {
            let x = difference + node
            let truth = noise.cumulative(at: x)
            let value = mantissas[index] * exponential(exponents[index] * 0x1.62e42fefa39efp-1)
            let bound = 4e-15 + 3e-16 * (difference.magnitude + exponents[index].magnitude)
            #expect(
              (value - truth).magnitude <= bound * truth,
              "\(set), \(noise): F(\(x)) is \(truth), not \(value)")
          }
          let x = difference + node
          guard noise.cumulative(at: x) > 0 else { return }
          let truth = noise.density(at: x) / noise.cumulative(at: x)
          let bound =
            4e-15 + 3e-16 * difference.magnitude * max(1, x.magnitude) + 1e-15
            * max(0, -logarithm(max(truth, 1e-300)))
          #expect(
            (sums[0] - truth).magnitude <= bound * truth + 1e-300,
            "\(set), \(noise): r(\(x)) is \(truth), not \(sums[0])")
        }
      }
    }
  }

  /// Thousands of factors neither underflow nor lose digits, and parts of a logarithm count as factors do.
  @Test(arguments: InstructionSet.available)
  func productsKeepTheirExponents(set: InstructionSet) {
    let differences = (0..<5003).map { -100 + 0.03 * Double($0) }
    let nodes = (1...9).map { Laplace().quantile(at: Double($0) / 10) }
    withTable(.laplace, zero: -.infinity, nodes: nodes, differences: differences) { table, list in
      var mantissas = [Double](repeating: 1, count: 16)
      var exponents = [Double](repeating: 0, count: 16)
      set.kernels.multiplyCumulatives(at: list, table, mantissas: &mantissas, exponents: &exponents)
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
