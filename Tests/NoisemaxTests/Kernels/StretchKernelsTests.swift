import NoiseKernels
import Noisemax
import Testing

/// The loops over stretches of the quantile rule, in every instruction set, against plain sums.
@Suite struct StretchKernelsTests {
  private static let gaps = [0.0, -0.125, -0.5, -0.625, -0.75, -2, -3.5]
  private static let ties = [1.0, 2, 1, 7, 1, 3, 1]

  /// A stretch of every law without kinks inside, with the slopes and tails of its open classes and F of a gap there.
  private struct Case {
    let stretch: QuantileStretch
    let slopes, tails: [Double]
    let cumulative: (Double) -> Double
    let reversedHazard: (Double) -> Double
  }

  private static func cases(terms: Int) -> [Case] {
    func stretch(_ form: StretchForm, _ middle: Double, origin: Double = 0) -> QuantileStretch {
      QuantileStretch(
        form, middle: middle, half: terms == 8 ? 0.01 : 0.1, origin: origin, terms: terms, start: 0,
        end: gaps.count)
    }
    let origin = 0.25
    let powers: [Double] = gaps.map { exponential($0) }
    let halves: [Double] = gaps.map { exponential($0 - origin) / 2 }
    let uniform = Case(
      stretch: stretch(.uniform, 0.45), slopes: gaps.map { 0 - $0 },
      tails: [Double](repeating: 1, count: gaps.count), cumulative: { $0 }, reversedHazard: { 1 / $0 })
    let ofExponential = Case(
      stretch: stretch(.exponential, 0.6), slopes: gaps.map { 0 - exponentialMinusOne($0) }, tails: powers,
      cumulative: { Exponential().cumulative(at: $0) }, reversedHazard: { 1 / exponentialMinusOne($0) })
    let ofLaplace = Case(
      stretch: stretch(.laplace, 0.7, origin: origin), slopes: halves.map { 0 - $0 }, tails: halves,
      cumulative: { Laplace().cumulative(at: $0) },
      reversedHazard: { Laplace().density(at: $0) / Laplace().cumulative(at: $0) })
    return [uniform, ofExponential, ofLaplace]
  }

  /// Chebyshev's nodes, and for each node its part in every coefficient.
  private static func basis(_ terms: Int) -> [Double] {
    let unused = [Double](repeating: 0, count: 16 - terms)
    let angles = (0..<terms).map { (Double($0) + 0.5) / Double(terms) * Double.pi }
    var rows: [Double] = []
    for angle in angles {
      for k in 0..<terms { rows.append((k == 0 ? 1 : 2) * cosine(Double(k) * angle) / Double(terms)) }
      rows += unused
    }
    return angles.map { cosine($0) } + unused + rows
  }

  private static func cosine(_ x: Double) -> Double {
    // By the half angle, where the series is short.
    if x.magnitude > 0.5 { return 2 * cosine(x / 2) * cosine(x / 2) - 1 }
    var sum = 1.0
    for k in (1..<12).reversed() { sum = 1 - x * x / Double((2 * k - 1) * 2 * k) * sum }
    return sum
  }

  /// Eleven nodes, the last six on the stretch, with eight copies of the first before them.
  private static func nodes(_ stretch: QuantileStretch, offset: Double) -> [Double] {
    let points = (0..<11).map { stretch.middle + stretch.half * (0.38 * Double($0 - 8) + 0.02) }
    let nodes = points.map { $0 - offset }
    return [Double](repeating: nodes[0], count: 8) + nodes
  }

  @Test(arguments: InstructionSet.available, [8, 16])
  func polynomialsAreSumsOfLogarithms(set: InstructionSet, terms: Int) {
    for example in Self.cases(terms: terms) {
      for ties in [nil, Self.ties] {
        let (stretch, offset) = (example.stretch, -0.375)
        let nodes = Self.nodes(stretch, offset: offset)
        var coefficients = [Double](repeating: .nan, count: 16)
        set.kernels.layStretch(
          stretch, slopes: example.slopes, ties: ties, Self.gaps.count, basis: Self.basis(terms),
          to: &coefficients)
        let less = nodes.map { $0 / 8 }
        var values = [Double](repeating: .nan, count: nodes.count)
        let next = values.withUnsafeMutableBufferPointer { values in
          let start = values.baseAddress! + 8
          return nodes.withUnsafeBufferPointer { nodes in
            less.withUnsafeBufferPointer { less in
              set.kernels.addStretch(
                stretch, coefficients: coefficients, offset: offset, nodes: nodes.baseAddress! + 8, last: 10,
                less: less.baseAddress! + 8, top: start + 10, margin: 1000, to: start)
            }
          }
        }
        #expect(next == 5, "\(set), \(stretch)")
        for index in 14..<19 {
          let x = nodes[index] + offset
          var truth = -less[index]
          for (k, gap) in Self.gaps.enumerated() {
            truth += (ties?[k] ?? 1) * logarithm(example.cumulative(x - gap))
          }
          #expect((values[index] - truth).magnitude <= 2e-14, "\(set), \(stretch), at \(x): \(values[index])")
        }
        #expect(values[13] == -.infinity, "\(set), \(stretch)")
      }
    }
  }

  /// Σ weight·r of terms that stand between Chebyshev's nodes, by way of these; and Σ weight·polynomial.
  @Test(arguments: InstructionSet.available, [8, 16])
  func reversedHazardsOfTermsBetweenNodes(set: InstructionSet, terms: Int) {
    for example in Self.cases(terms: terms) {
      let (stretch, offset, factor) = (example.stretch, 0.125, -2.0)
      let (nodes, basis) = (Self.nodes(stretch, offset: offset), Self.basis(terms))
      let terms8 = nodes.indices.map { 1 + Double($0) / 16 }
      var moments = [Double](repeating: 0, count: 128)
      let slopes = [3.0, -2] + [Double](repeating: 0, count: 14)
      let (sum, next) = nodes.withUnsafeBufferPointer { nodes in
        terms8.withUnsafeBufferPointer { weights in
          set.kernels.addMoments(
            of: weights.baseAddress! + 8, on: stretch, slopes: slopes, factor: factor, offset: offset,
            nodes: nodes.baseAddress! + 8, last: 10, to: &moments)
        }
      }
      #expect(next == 5, "\(set), \(stretch)")
      let points = (14..<19).map { nodes[$0] + offset }
      var expected = 0.0
      for (x, index) in zip(points, 14..<19) {
        expected += terms8[index] * (3 - 2 * (x - stretch.middle) / stretch.half)
      }
      #expect((sum - expected).magnitude <= 1e-13, "\(set), \(stretch): \(sum), not \(expected)")
      let sums = (0..<terms).map { k in moments[8 * k..<8 * k + 8].reduce(0, +) }
      var weights = [Double](repeating: 0, count: terms)
      for node in 0..<terms {
        for k in 0..<terms { weights[node] += basis[16 + 16 * node + k] * sums[k] }
      }
      var reversedHazards = [Double](repeating: 1, count: Self.gaps.count)
      set.kernels.addStretchReversedHazards(
        of: weights, on: stretch, slopes: example.slopes, tails: example.tails, Self.gaps.count, basis: basis,
        to: &reversedHazards)
      for (k, gap) in Self.gaps.enumerated() {
        var truth = 1.0
        for (x, index) in zip(points, 14..<19) {
          truth += factor * terms8[index] * example.reversedHazard(x - gap)
        }
        #expect(
          (reversedHazards[k] - truth).magnitude <= 1e-12 * truth.magnitude,
          "\(set), \(stretch), gap \(gap): \(truth)")
      }
    }
  }
}
