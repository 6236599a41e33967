import CNoisemax
import Noisemax
import NoisemaxC
import Testing

/// What the functions compute: the 25 digits of references, and the very bits of the library.
@Suite struct CValuesTests {
  @Test(arguments: ShippedLaw.all.map(\.name))
  func referencesInDoubles(law: String) throws {
    let handle = try Handle(law)
    for row in try ArgmaxCase.all(of: law) {
      let n = row.logits.count
      let p = try written(n) { noisemax_probabilities(handle.pointer, row.logits, 1, n, 1, $0, $1, $2) }
      let logs = try written(n) {
        noisemax_log_probabilities(handle.pointer, row.logits, 1, n, 1, $0, $1, $2)
      }
      let gradient = try written(n) {
        noisemax_pullback(handle.pointer, row.logits, row.cotangent, 1, n, 1, $0, $1, $2)
      }
      let maximum = try written(1) {
        noisemax_summaries(
          handle.pointer, NOISEMAX_EXPECTED_MAXIMUM, row.logits, 1, n, 1, $0, nil, $1, $2)
      }
      try expect(p, row.probabilities, relatively: 1e-12, "p", row)
      try expect(logs, row.logProbabilities, relatively: 3e-12, absolutely: 3e-12, "log p", row)
      try expect(gradient, row.pullback, absolutely: 1e-12, "pullback", row)
      try expect(maximum, [row.expectedMaximum], relatively: 1e-12, absolutely: 1e-12, "maximum", row)
    }
  }

  @Test(arguments: ShippedLaw.all.map(\.name))
  func referencesInFloats(law: String) throws {
    let handle = try Handle(law)
    var count = 0
    for row in try ArgmaxCase.all(of: law) where row.logits.allSatisfy({ Double(Float($0)) == $0 }) {
      let (n, logits) = (row.logits.count, row.logits.map { Float($0) })
      let p: [Float] = try written(n) {
        noisemax_probabilities_f(handle.pointer, logits, 1, n, 1, $0, $1, $2)
      }
      try expect(p.map { Double($0) }, row.probabilities, relatively: 2e-5, absolutely: 1e-30, "p", row)
      count += 1
    }
    #expect(count > 0, "no row of \(law) is one of floats")
  }

  private func expect(
    _ values: [Double], _ references: [String], relatively: Double = 0, absolutely: Double = 1e-300,
    _ name: String, _ row: ArgmaxCase
  ) throws {
    for (value, reference) in zip(values, try numbers(references)) {
      let isClose =
        value == reference || (value - reference).magnitude <= absolutely + relatively * reference.magnitude
      #expect(isClose, "\(name) of \(row.noise) at \(row.logits): \(value), not \(reference)")
    }
  }

  /// Rows of six: ordinary ones, masks, far tails, one class alone, none, +∞, a NaN.
  static let rows: [Double] = {
    let (masked, infinite) = (-Double.infinity, Double.infinity)
    let rows: [[Double]] = [
      [0.5, -1, 2, 1.25, 0, -0.25], [1, 1, masked, 0, -3, 2], [0, -30, -31, -90, 1, -400],
      [masked, masked, 4, masked, masked, masked], [masked, masked, masked, masked, masked, masked],
      [0, infinite, 1, 2, 3, 4], [0, .nan, 1, 2, 3, 4],
    ]
    return rows.flatMap { $0 }
  }()
  static let count = 7
  static let vectors: [Double] = (0..<42).map { (slot: Int) in Double(slot * 29 % 17) / 4 - 2 }

  @Test(arguments: ShippedLaw.all.map(\.name), [0, 8])
  func bitsOfTheLibrary(law: String, points: Int) throws {
    try compare(Double.self, law, points)
    try compare(Float.self, law, points)
  }

  private func compare<Scalar: CScalar>(_ type: Scalar.Type, _ law: String, _ points: Int) throws {
    let (scale, n, count, c) = (0.75, 6, Self.count, Scalar.c)
    let handle = try Handle(law, scale: scale, points: points)
    let method = points == 0 ? NoisyArgmax.Method.exact : .quantileRule(points: points)
    let argmax = try NoisyArgmax(named: law, scale: scale, method: method)
    let (x, v) = (Self.rows.map { Scalar($0) }, Self.vectors.map { Scalar($0) })
    let (rows, vectors) = (Rows(x, length: n), Rows(v, length: n))
    func check(_ name: String, _ values: [Scalar], _ expected: [Scalar]) {
      let isSame = bits(values) == bits(expected)
      #expect(isSame, "\(name) of \(type), \(law), \(points) points: \(values), not \(expected)")
    }
    func values(_ call: CFunctions<Scalar>.Values) throws -> [Scalar] {
      try written(count * n) { call(handle.pointer, x, count, n, 1, $0, $1, $2) }
    }
    func pulled(_ call: CFunctions<Scalar>.Pullback, _ numbers: Int) throws -> [Scalar] {
      try written(numbers) { call(handle.pointer, x, v, count, n, 1, $0, $1, $2) }
    }
    check("p", try values(c.probabilities), argmax.probabilities(for: rows).elements)
    check("log p", try values(c.logProbabilities), argmax.logProbabilities(for: rows).elements)
    check("pullback", try pulled(c.pullback, count * n), argmax.pullback(for: rows, of: vectors).elements)
    check(
      "log pullback", try pulled(c.logPullback, count * n),
      argmax.logProbabilitiesPullback(for: rows, of: vectors).elements)
    check("scale", try pulled(c.scalePullback, count), argmax.scalePullback(for: rows, of: vectors))
    let summaries: [(noisemax_summary, Summary)] = [
      (NOISEMAX_EXPECTED_MAXIMUM, .expectedMaximum), (NOISEMAX_GENERALIZED_ENTROPY, .generalizedEntropy),
      (NOISEMAX_EXPECTED_MAXIMUM_SCALE_DERIVATIVE, .expectedMaximumScaleDerivative),
      (NOISEMAX_SHANNON_ENTROPY, .shannonEntropy), (NOISEMAX_DIVERGENCE_FROM_UNIFORM, .divergenceFromUniform),
    ]
    for (code, summary) in points == 0 ? summaries[...] : summaries[3...] {
      var gradient = [Scalar](repeating: -7, count: count * n)
      let both = try written(count) {
        c.summaries(handle.pointer, code, x, count, n, 1, $0, &gradient, $1, $2)
      }
      let alone = try written(count) { c.summaries(handle.pointer, code, x, count, n, 1, $0, nil, $1, $2) }
      let expected = argmax.valueWithGradient(of: summary, for: rows)
      check("\(summary)", both, expected.value)
      check("gradient of \(summary)", gradient, expected.gradient.elements)
      check("\(summary) alone", alone, argmax.value(of: summary, for: rows))
    }
    if points == 0 { try compareSecondDerivatives(argmax, handle, rows, vectors) }
    try compareLosses(argmax, handle, rows, points)
    try compareDraws(argmax, handle, rows, v)
  }

  private func compareSecondDerivatives<Scalar: CScalar>(
    _ argmax: NoisyArgmax, _ handle: Handle, _ rows: Rows<Scalar>, _ v: Rows<Scalar>
  ) throws {
    let (n, count, c, x) = (rows.rowLength, rows.count, Scalar.c, rows.elements)
    let w = Rows(v.elements.map { $0 * $0 - 1 }, length: n)
    let both = [
      (c.secondPullback, argmax.secondPullback(for: rows, of: v, and: w)),
      (c.logSecondPullback, argmax.logProbabilitiesSecondPullback(for: rows, of: v, and: w)),
    ]
    for (index, (call, expected)) in both.enumerated() {
      var inScale = [Scalar](repeating: -7, count: count)
      let all = try written(count * n) {
        call(handle.pointer, x, v.elements, w.elements, count, n, 1, $0, &inScale, $1, $2)
      }
      let alone = try written(count * n) {
        call(handle.pointer, x, v.elements, w.elements, count, n, 1, $0, nil, $1, $2)
      }
      let testCase = "second derivatives, \(index), \(argmax)"
      #expect(bits(all) == bits(expected.logits.elements), "\(testCase): \(all), not \(expected)")
      #expect(bits(alone) == bits(all), "\(testCase): \(alone), not \(all)")
      #expect(bits(inScale) == bits(expected.scale), "\(testCase): \(inScale), not \(expected.scale)")
    }
  }

  private func compareLosses<Scalar: CScalar>(
    _ argmax: NoisyArgmax, _ handle: Handle, _ rows: Rows<Scalar>, _ points: Int
  ) throws {
    let (n, count, c, x) = (rows.rowLength, rows.count, Scalar.c, rows.elements)
    let classes = (0..<count).map { Int64($0 * 2 % n) }
    let targets = Rows((0..<count * n).map { Scalar($0 % n == 1 ? 0.75 : $0 % n == 4 ? 0.25 : 0) }, length: n)
    let losses: [(noisemax_loss, Loss)] = [
      (NOISEMAX_FENCHEL_YOUNG, .fenchelYoung), (NOISEMAX_NEGATIVE_LOG_LIKELIHOOD, .negativeLogLikelihood),
    ]
    for (code, loss) in points == 0 ? losses[...] : losses[1...] {
      var (byClass, byWeights) = (x, x)
      let ofClasses = try written(count) {
        c.losses(handle.pointer, code, x, classes, nil, count, n, 1, $0, &byClass, $1, $2)
      }
      let ofWeights = try written(count) {
        c.losses(handle.pointer, code, x, nil, targets.elements, count, n, 1, $0, &byWeights, $1, $2)
      }
      let alone = try written(count) {
        c.losses(handle.pointer, code, x, classes, nil, count, n, 1, $0, nil, $1, $2)
      }
      let indices = classes.map { Int($0) }
      let name = "\(loss) under \(argmax)"
      let (values, gradient) = (
        argmax.losses(for: rows, targets: indices, as: loss),
        argmax.lossWithGradient(for: rows, targets: indices, as: loss, reduction: .sum).gradient.elements
      )
      let ofDistributions = argmax.lossWithGradient(for: rows, targets: targets, as: loss, reduction: .sum)
      #expect(bits(alone) == bits(values), "\(name): \(alone), not \(values)")
      #expect(bits(ofClasses) == bits(values), "\(name): \(ofClasses), not \(values)")
      #expect(bits(byClass) == bits(gradient), "\(name): \(byClass), not \(gradient)")
      let expected = argmax.losses(for: rows, targets: targets, as: loss)
      #expect(bits(ofWeights) == bits(expected), "\(name): \(ofWeights), not \(expected)")
      #expect(bits(byWeights) == bits(ofDistributions.gradient.elements), "\(name): \(byWeights)")
    }
  }

  private func compareDraws<Scalar: CScalar>(
    _ argmax: NoisyArgmax, _ handle: Handle, _ rows: Rows<Scalar>, _ v: [Scalar]
  ) throws {
    let (n, count, c, x) = (rows.rowLength, rows.count, Scalar.c, rows.elements)
    let (seed, first, temperature): (UInt64, Int, Double) = (.max - 3, 11, 0.5)
    var indices = [Int64](repeating: -7, count: count)
    let status = c.sample(handle.pointer, x, count, n, seed, first, 1, &indices, nil, 0)
    let drawn = argmax.randomIndex(for: rows, seed: seed, firstRow: first)
    #expect(status == NOISEMAX_OK)
    #expect(indices == drawn.map { Int64($0 ?? -1) }, "\(argmax)")
    let sample = argmax.relaxedSample(for: rows, temperature: temperature, seed: seed, firstRow: first)
    var perturbed = x
    let y = try written(count * n) {
      c.relaxedSample(handle.pointer, temperature, x, count, n, seed, first, 1, $0, &perturbed, $1, $2)
    }
    #expect(bits(y) == bits(sample.value.elements), "\(argmax): \(y), not \(sample.value)")
    #expect(bits(perturbed) == bits(sample.perturbedLogits.elements), "\(argmax): \(perturbed)")
    var slopes = [Scalar](repeating: -7, count: count)
    let gradient = try written(count * n) {
      c.relaxedPullback(handle.pointer, temperature, x, v, count, n, seed, first, 1, $0, &slopes, $1, $2)
    }
    let expected = sample.pullback(of: Rows(v, length: n)).elements
    #expect(bits(gradient) == bits(expected), "\(argmax): \(gradient), not \(expected)")
    // Of one row of two alone: what the library sums over all rows.
    let one = argmax.relaxedSample(
      for: Rows(Array(x[..<n]), length: n), temperature: temperature, seed: seed, firstRow: first)
    #expect(slopes[0] == one.temperaturePullback(of: Rows(Array(v[..<n]), length: n)), "\(argmax): \(slopes)")
  }

  @Test func rowsHaveTheSameBitsOnManyThreads() throws {
    let (rows, n) = (4000, 10)
    let logits = (0..<rows * n).map { Double($0 * 7919 % 1000) / 250 }
    for law in ShippedLaw.all.map(\.name) {
      let handle = try Handle(law)
      let one = try written(rows * n) {
        noisemax_probabilities(handle.pointer, logits, rows, n, 1, $0, $1, $2)
      }
      for threads: Int32 in [0, -1, 2, 64] {
        let many = try written(rows * n) {
          noisemax_probabilities(handle.pointer, logits, rows, n, threads, $0, $1, $2)
        }
        #expect(bits(many) == bits(one), "\(law), \(threads) threads")
      }
    }
  }
}
