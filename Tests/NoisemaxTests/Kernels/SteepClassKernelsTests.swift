import NoiseKernels
import Noisemax
import Testing

/// The loops over classes that have a function of their own at every node, in every instruction set, against plain sums.
@Suite struct SteepClassKernelsTests {
  /// Classes whose polynomials are random, over 48 nodes: some from the first node to the last, others inside a vector or a block,
  /// with exponentials from some node on.
  private struct Case {
    static let nodes = 48
    let classes: [SteepClass]
    let coefficients: [Double]
    let planeLength: Int

    init(_ generator: inout StreamGenerator) {
      let ends = [(0, 48), (3, 48), (0, 41), (17, 19), (8, 40), (30, 30), (15, 33)]
      planeLength = (Case.nodes + 16) * ends.count
      coefficients = (0..<8 * planeLength).map { _ in Double.random(in: -0.2...1, using: &generator) }
      classes = ends.enumerated().map { index, ends in
        var steep = SteepClass(
          slot: 64 * index, t: Double.random(in: -1...1, using: &generator), first: ends.0,
          firstLogarithm: [48, 20, 0, 18, 100, 16, 32][index], end: ends.1)
        steep.ratio = Double.random(in: -3...3, using: &generator)
        return steep
      }
    }

    func value(of steep: SteepClass, at node: Int) -> Double {
      guard node >= steep.first && node < steep.end else { return 0 }
      let polynomial = (0..<8).reversed().reduce(0) {
        $0 * steep.t + coefficients[$1 * planeLength + steep.slot + node]
      }
      return node < steep.firstLogarithm ? polynomial : exponential(polynomial)
    }
  }

  @Test(arguments: InstructionSet.available)
  func classesMeetAllOthers(set: InstructionSet) {
    var generator = StreamGenerator(seed: 31)
    for _ in 0..<20 {
      let given = Case(&generator)
      func random() -> [Double] {
        (0..<Case.nodes).map { _ in Double.random(in: 0...2, using: &generator) }
      }
      let (weights, sums, others) = (random(), random(), random())
      var (classes, r, v) = (given.classes, sums, others)
      var scratch = [Double](repeating: .nan, count: 16 * classes.count)
      for node in stride(from: 0, to: Case.nodes, by: 16) {
        weights.withUnsafeBufferPointer { weights in
          r.withUnsafeMutableBufferPointer { r in
            v.withUnsafeMutableBufferPointer { v in
              guard let weights = weights.baseAddress, let r = r.baseAddress, let v = v.baseAddress else {
                return
              }
              set.kernels.integratePairs(
                of: &classes, classes.count, from: node, coefficients: given.coefficients,
                planeLength: given.planeLength, weights: weights + node, sums: r + node, otherSums: v + node,
                scratch: &scratch)
            }
          }
        }
      }
      var entries = [(value: Double, size: Double)](repeating: (0, 0), count: classes.count)
      for node in 0..<Case.nodes {
        let values = classes.map { given.value(of: $0, at: node) }
        func sum(of term: (Int) -> Double) -> Double { classes.indices.reduce(0) { $0 + term($1) } }
        let truth = sums[node] + sum { values[$0] }
        let other = others[node] + sum { classes[$0].ratio * values[$0] }
        let size = others[node] + sum { (classes[$0].ratio * values[$0]).magnitude }
        #expect(
          (r[node] - truth).magnitude <= 1e-14 * size, "\(set), node \(node): R \(r[node]), not \(truth)")
        #expect(
          (v[node] - other).magnitude <= 1e-14 * size, "\(set), node \(node): V \(v[node]), not \(other)")
        for index in classes.indices {
          let (ratio, weight) = (classes[index].ratio, weights[node] * values[index])
          entries[index].value += weight * (ratio * (truth - values[index]) - (other - ratio * values[index]))
          entries[index].size += weight.magnitude * (ratio.magnitude * truth.magnitude + size)
        }
      }
      for (steep, entry) in zip(classes, entries) {
        #expect(
          (steep.entry - entry.value).magnitude <= 1e-14 * entry.size,
          "\(set), \(steep): \(steep.entry), not \(entry.value)")
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func sampledSumsAreThoseOfTheirPolynomials(set: InstructionSet) {
    var generator = StreamGenerator(seed: 32)
    let coefficients = (0..<8 * 50).map { _ in Double.random(in: -1...1, using: &generator) }
    for count in [0, 1, 2, 7, 40] {
      let gaps = (0..<count).map { _ in Double.random(in: -4...4, using: &generator) }
      let weights = (0..<count).map { _ in Double.random(in: 0...2, using: &generator) }
      // The arguments 1 − gap lie on the intervals from −3 to 9.5.
      let sum = coefficients.withUnsafeBufferPointer { coefficients in
        set.kernels.sum(
          weights, at: gaps, count, node: 1,
          intervals: SampledIntervals(first: -12, perUnit: 4, coefficients: coefficients.baseAddress!))
      }
      let truth = zip(weights, gaps).reduce(0.0) { sum, source in
        let position = (1 - source.1) * 4 + 12
        let t = 2 * (position - position.rounded(.down)) - 1
        return sum + source.0 * (0..<8).reversed().reduce(0) { $0 * t + coefficients[8 * Int(position) + $1] }
      }
      #expect((sum - truth).magnitude <= 1e-13, "\(set), \(count) classes: \(sum), not \(truth)")
    }
  }
}
