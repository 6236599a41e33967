import Foundation
import NoiseKernels
import Noisemax
import Testing

/// The loops of uniform rows, in every instruction set, against plain sums.
@Suite struct UniformKernelsTests {
  private static let stride = UniformNodeRow.stride(withSums: true)
  /// Three classes of a block, the first at its base, and sixteen nodes below it.
  private static let depths = [0.0, 0.02, 0.05], ties = [5.0, 2, 3]
  private static let times = (0..<16).map { 0.005 + 0.006 * Double($0) }
  /// Two narrow classes, with F at the base.
  private static let narrowDistances = [0.0, 0.125], narrowTies = [2.0, 1], base = 0.25
  private static let early = (0..<12).map { 1 / Double($0 + 1) }, late = (0..<12).map { 2 / Double($0 + 3) }
  private static let (shift, factor) = (0.25, 0.5)

  /// Passes on a block of two vectors of nodes, weighted by 1 + t.
  private static func withBlock(_ body: (UniformBlock, UnsafeMutablePointer<Double>) -> Void) {
    var nodes = [Double](repeating: 0, count: 2 * stride)
    for (m, t) in times.enumerated() {
      let slot = stride * (m / 8) + m % 8
      nodes[slot + UniformNodeRow.points.offset] = base - t
      nodes[slot + UniformNodeRow.depths.offset] = t
      nodes[slot + UniformNodeRow.weights.offset] = 1 + t
    }
    // The first node below every kink is in these vectors.
    let firstVectors = depths.map { depth in times.firstIndex { $0 > depth }! / 8 }
    let reciprocals = narrowDistances.map { 1 / (base + $0) }
    let padding = [Double](repeating: 1, count: 8)
    var memory: [UnsafeMutablePointer<Double>] = []
    func keep(_ values: [Double]) -> UnsafeMutablePointer<Double> {
      let start = UnsafeMutablePointer<Double>.allocate(capacity: values.count)
      start.initialize(from: values, count: values.count)
      memory.append(start)
      return start
    }
    defer { for start in memory { start.deallocate() } }
    let start = keep(nodes)
    let (depths, ties) = (keep(Self.depths + padding), keep(Self.ties + padding))
    let (narrowDistances, narrowTies) = (keep(Self.narrowDistances), keep(Self.narrowTies))
    firstVectors.withUnsafeBufferPointer {
      let block = UniformBlock(
        nodes: start, vectors: 2, stride: stride, depths: depths, ties: ties, firstVectors: $0.baseAddress!,
        count: 3, atBase: 1, narrowDistances: narrowDistances, narrowTies: narrowTies,
        narrowReciprocals: keep(reciprocals), narrowCount: 2, early: keep(early), shift: shift,
        factor: factor,
        late: keep(late))
      body(block, start)
    }
  }

  private static func value(_ row: UniformNodeRow, _ m: Int, _ nodes: UnsafeMutablePointer<Double>) -> Double
  {
    nodes[stride * (m / 8) + m % 8 + row.offset]
  }

  private static func polynomial(_ c: [Double], _ x: Double) -> Double {
    c.reversed().reduce(0) { $0 * x + $1 }
  }

  @Test(arguments: InstructionSet.available)
  func weights(set: InstructionSet) {
    Self.withBlock { block, nodes in
      set.kernels.weighUniformNodes(of: block)
      for (m, t) in Self.times.enumerated() {
        func early(_ t: Double) -> Double {
          let x = (t + Self.shift) * Self.factor
          return -x * Self.polynomial(Self.early, x)
        }
        var product = exp(early(t) - early(0) - t * Self.polynomial(Self.late, t))
        for k in 1...2 where t > Self.depths[k] { product *= pow(1 - (t - Self.depths[k]), Self.ties[k]) }
        for k in 0...1 {
          product *= pow(1 - t / (Self.base + Self.narrowDistances[k]), Self.narrowTies[k])
        }
        let value = Self.value(.weights, m, nodes)
        let expected = (1 + t) * product
        #expect(
          isClose(value, expected, within: 1e-14 * expected), "\(set), node \(m): \(value), not \(expected)")
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func sumsOverClasses(set: InstructionSet) {
    let weights = [7.0, -2, 3] + [Double](repeating: 1, count: 8)
    Self.withBlock { block, nodes in
      set.kernels.addUniformClasses(of: block, weights: weights, to: .second)
      for (m, t) in Self.times.enumerated() {
        var sum = Self.polynomial(Self.early, (t + Self.shift) * Self.factor) + Self.polynomial(Self.late, t)
        for k in 1...2 where t > Self.depths[k] { sum += weights[k] / (1 - (t - Self.depths[k])) }
        for k in 0...1 { sum += Self.narrowTies[k] / (Self.base - t + Self.narrowDistances[k]) }
        let value = Self.value(.second, m, nodes)
        let expected = (1 + t) * sum
        #expect(isClose(value, expected, within: 1e-13 * expected.magnitude), "\(set), node \(m): \(value)")
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func sumsOverNodes(set: InstructionSet) {
    Self.withBlock { block, nodes in
      var (sums, narrow) = ([1.0, 2, 3], [4.0, 5])
      set.kernels.addUniformNodes(of: block, row: .weights, to: &sums, narrow: &narrow)
      for k in 0..<3 {
        let expected = Self.times.filter { $0 > Self.depths[k] }
          .reduce(Double(k + 1)) { $0 + (1 + $1) / (1 - ($1 - Self.depths[k])) }
        #expect(isClose(sums[k], expected, within: 1e-14 * expected), "\(set), \(k): \(sums[k])")
      }
      for k in 0..<2 {
        let distance = Self.narrowDistances[k]
        let expected = Self.times.reduce(Double(k + 4)) { $0 + (1 + $1) / (Self.base - $1 + distance) }
        #expect(isClose(narrow[k], expected, within: 1e-14 * expected), "\(set), narrow \(k): \(narrow[k])")
      }
      var moments = [Double](repeating: .nan, count: 2 * tailTerms)
      set.kernels.uniformNodeMoments(of: block, row: .weights, shift: 0.5, factor: 2, to: &moments)
      for k in 0..<tailTerms {
        let expected = Self.times.reduce(0.0) { $0 + (1 + $1) * pow(($1 + 0.5) * 2, Double(k)) }
        #expect(isClose(moments[k], expected, within: 1e-13 * expected), "\(set), \(k): \(moments[k])")
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func earlyClasses(set: InstructionSet) {
    for count in [1, 7, 8, 1500] {
      let distances = (0..<count).map { Double($0) / Double(count) } + [Double](repeating: 1, count: 8)
      let weights = distances.map { cos(40 * $0) + 0.5 }
      let (x, factor) = (0.25, 0.125)
      var sums = [Double](repeating: .nan, count: 2 * tailTerms)
      set.kernels.openPowerSums(of: distances, weights: weights, count, x: x, factor: factor, to: &sums)
      for k in 0..<tailTerms {
        let terms = (0..<count).map { weights[$0] * pow(factor / (x + distances[$0]), Double(k + 1)) }
        let (expected, size) = (terms.reduce(0, +), terms.reduce(0) { $0 + $1.magnitude })
        #expect(
          isClose(sums[k], expected, within: 1e-14 * size), "\(set), \(count) classes, \(k): \(sums[k])")
      }
      var values = distances.map { 1 + $0 }
      set.kernels.addOpenPolynomials(
        of: distances, count, x: x, factor: factor, coefficients: Self.early, scale: 0.5, to: &values)
      for k in values.indices {
        let q = factor / (x + distances[k])
        let expected =
          k < count ? 0.5 * (1 + distances[k]) + q * Self.polynomial(Self.early, q) : 1 + distances[k]
        #expect(isClose(values[k], expected, within: 1e-14 * expected), "\(set), \(count) classes, \(k)")
      }
    }
  }
}
