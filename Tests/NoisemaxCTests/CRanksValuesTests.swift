import CNoisemax
import Foundation
import Noisemax
import NoisemaxC
import Testing

/// Scales of their own, the k largest, orderings, the inverse: the digits of references, and the very bits of the library.
@Suite struct CRanksValuesTests {
  @Test func references() throws {
    for row in try TransformCase.all() {
      let (n, handle, x, scales) = (row.logits.count, try Handle(row.noise), row.logits, row.scales)
      func included(_ k: Int) throws -> [Double] {
        try written(n) { noisemax_inclusions(handle.pointer, k, x, scales, 1, n, 1, $0, $1, $2) }
      }
      var inScales = [Double](repeating: -7, count: n)
      let gradient = try written(n) {
        noisemax_inclusion_pullback(
          handle.pointer, 1, x, scales, row.cotangent, 1, n, 1, $0, &inScales, $1, $2)
      }
      try expect(included(1), row.probabilities, relatively: 1e-11, "p", row)
      for (k, reference) in [(2, row.topTwo), (3, row.topThree)] where k <= n {
        try expect(included(k), reference, relatively: 1e-11, "top \(k)", row)
      }
      try expect(gradient, row.logitPullback, absolutely: 1e-10, "gradient in the logits", row)
      try expect(inScales, row.scalePullback, absolutely: 1e-10, "gradient in the scales", row)
      for pair in row.firstThenSecond {
        let loss = try written(1) {
          noisemax_ranking_losses(
            handle.pointer, x, scales, [pair.first, pair.second], 2, 1, n, 1, $0, nil, nil, $1, $2)
        }
        // One of the values is more than the first class's own probability, by 5e-7: that bounds what it can be.
        let bound = try numbers(row.probabilities)[Int(pair.first)]
        let (p, truth) = (exp(-loss[0]), min(try numbers([pair.probability])[0], bound))
        let isClose = (p - truth).magnitude <= 1e-11 * truth
        #expect(isClose, "\(pair.first), then \(pair.second) of \(row): \(p), not \(truth)")
      }
    }
  }

  private func expect(
    _ values: [Double], _ references: [String], relatively: Double = 0, absolutely: Double = 1e-300,
    _ name: String, _ row: TransformCase
  ) throws {
    let references = try numbers(references)
    try #require(values.count == references.count)
    for (value, reference) in zip(values, references) {
      let isClose = (value - reference).magnitude <= absolutely + relatively * reference.magnitude
      #expect(isClose, "\(name) of \(row): \(values), not \(references)")
    }
  }

  /// Rows of four: ordinary ones, classes without noise, masks, far tails, +∞, a NaN.
  private static let logits: [Double] = {
    let (masked, infinite) = (-Double.infinity, Double.infinity)
    let rows: [[Double]] = [
      [0.5, -1, 2, 1.25], [1, masked, 0.5, -0.25], [0, -30, 1, -9], [0, infinite, 1, 2], [0, .nan, 1, 2],
      [masked, masked, masked, masked],
    ]
    return rows.flatMap { $0 }
  }()
  private static let scales: [Double] = [
    1, 0.5, 2, 0.25, 0, 1, 1.5, 0.75, 2, 1, 1, 3, 1, 1, 1, 1, 0.5, 1, 1, 0, 1, 0, 1, 0,
  ]
  private static let vectors: [Double] = (0..<24).map { Double($0 * 29 % 17) / 4 - 2 }

  @Test(arguments: ShippedLaw.all.map(\.name))
  func bitsOfTheLibrary(law: String) throws {
    try compare(Double.self, law)
    try compare(Float.self, law)
  }

  private func compare<Scalar: CScalar>(_ type: Scalar.Type, _ law: String) throws {
    let (n, count, c) = (4, Self.logits.count / 4, Scalar.ranks)
    let handle = try Handle(law, scale: 0.75)
    let argmax = try NoisyArgmax(named: law, scale: 0.75)
    let (x, v) = (Self.logits.map { Scalar($0) }, Self.vectors.map { Scalar($0) })
    let (rows, vectors) = (Rows(x, length: n), Rows(v, length: n))
    func check(_ name: String, _ values: [Scalar], _ expected: [Scalar]) {
      let isSame = bits(values) == bits(expected)
      #expect(isSame, "\(name) of \(type), \(law): \(values), not \(expected)")
    }
    for s in [nil, Self.scales.map { Scalar($0) }] {
      let scales = s.map { Rows($0, length: n) }
      var (gradient, inScales) = (x, x)
      for k in 1...3 {
        let name = "the \(k) largest, \(s == nil ? "no " : "")scales"
        let p = try written(count * n) { c.inclusions(handle.pointer, k, x, s, count, n, 1, $0, $1, $2) }
        check(
          "p of \(name)", p, argmax.inclusionProbabilities(for: rows, largest: k, scales: scales).elements)
        let pulled = try written(count * n) {
          c.inclusionPullback(handle.pointer, k, x, s, v, count, n, 1, $0, &inScales, $1, $2)
        }
        let expected = argmax.inclusionPullback(for: rows, largest: k, of: vectors, scales: scales)
        check("pullback of \(name)", pulled, expected.logits.elements)
        check("pullback in the scales of \(name)", inScales, expected.scales.elements)
        let sums = try written(count) {
          c.expectedSums(handle.pointer, k, x, s, count, n, 1, $0, &gradient, &inScales, $1, $2)
        }
        let alone = try written(count) {
          c.expectedSums(handle.pointer, k, x, s, count, n, 1, $0, nil, nil, $1, $2)
        }
        let sum = argmax.expectedSumWithGradient(for: rows, largest: k, scales: scales)
        check("sum of \(name)", sums, sum.value)
        check("sum alone of \(name)", alone, argmax.expectedSum(for: rows, largest: k, scales: scales))
        check("gradient of the sum of \(name)", gradient, sum.logits.elements)
        check("that in the scales", inScales, sum.scales.elements)
      }
      try compareLikelihood(argmax, handle, rows, scales ?? Rows(x.map { _ in 1 }, length: n), s, vectors)
    }
    try compareRankings(argmax, handle, rows)
  }

  private func compareLikelihood<Scalar: CScalar>(
    _ argmax: NoisyArgmax, _ handle: Handle, _ rows: Rows<Scalar>, _ scales: Rows<Scalar>, _ given: [Scalar]?,
    _ vectors: Rows<Scalar>
  ) throws {
    let (n, count, c, x, v) = (rows.rowLength, rows.count, Scalar.ranks, rows.elements, vectors.elements)
    let name = "\(argmax), scales \(String(describing: given))"
    var (gradient, inScales) = (x, x)
    let logs = try written(count * n) {
      c.logProbabilities(handle.pointer, x, given, count, n, 1, $0, $1, $2)
    }
    #expect(
      bits(logs) == bits(argmax.logProbabilities(for: rows, scales: scales).elements), "\(name): \(logs)")
    let pulled = try written(count * n) {
      c.logPullback(handle.pointer, x, given, v, count, n, 1, $0, &inScales, $1, $2)
    }
    let expected = argmax.logProbabilitiesPullback(for: rows, scales: scales, of: vectors)
    #expect(bits(pulled) == bits(expected.logits.elements), "\(name): \(pulled), not \(expected.logits)")
    #expect(bits(inScales) == bits(expected.scales.elements), "\(name): \(inScales), not \(expected.scales)")
    // The likelihood of a class, and the same as a distribution.
    let classes = (0..<count).map { Int64(($0 + 3) % n) }
    let weights = (0..<count * n).map { Scalar(Int64($0 % n) == classes[$0 / n] ? 1 : 0) }
    let losses = [
      (NOISEMAX_NEGATIVE_LOG_LIKELIHOOD, Loss.negativeLogLikelihood), (NOISEMAX_FENCHEL_YOUNG, .fenchelYoung),
    ]
    for (code, loss) in losses {
      let byClass = try written(count) {
        c.losses(handle.pointer, code, x, given, classes, nil, count, n, 1, $0, &gradient, &inScales, $1, $2)
      }
      let byWeights = try written(count) {
        c.losses(handle.pointer, code, x, given, nil, weights, count, n, 1, $0, nil, nil, $1, $2)
      }
      #expect(bits(byClass) == bits(byWeights), "\(name), \(loss): \(byClass), \(byWeights)")
      let found = argmax.lossesWithGradients(
        for: rows, scales: scales, targets: classes.map { Int($0) }, as: loss)
      #expect(bits(byClass) == bits(found.values), "\(name), \(loss): \(byClass), not \(found.values)")
      #expect(
        bits(gradient) == bits(found.logits.elements), "\(name), \(loss): \(gradient), not \(found.logits)")
      #expect(
        bits(inScales) == bits(found.scales.elements), "\(name), \(loss): \(inScales), not \(found.scales)")
    }
    let (seed, first): (UInt64, Int) = (.max - 3, 11)
    var indices = [Int64](repeating: -7, count: count)
    #expect(
      c.sample(handle.pointer, x, given, count, n, seed, first, 1, &indices, nil, 0) == NOISEMAX_OK)
    let drawn = (0..<count).map { row in
      var generator = StreamGenerator(seed: seed, stream: UInt64(first + row))
      return argmax.randomIndex(for: rows[row], scales: scales[row], using: &generator)
    }
    #expect(indices == drawn.map { Int64($0 ?? -1) }, "\(name)")
  }

  private func compareRankings<Scalar: CScalar>(
    _ argmax: NoisyArgmax, _ handle: Handle, _ rows: Rows<Scalar>
  ) throws {
    let (n, count, c, x) = (rows.rowLength, rows.count, Scalar.ranks, rows.elements)
    let scales = (0..<count * n).map { Scalar($0 % 5 + 1) / 4 }
    let ordering = [2, 0, 3]
    let orderings = (0..<count).flatMap { _ in ordering.map { Int64($0) } }
    for given in [nil, scales] {
      let name = "\(argmax), scales \(String(describing: given))"
      var (gradient, inScales) = (x, x)
      let alone = try written(count) {
        c.rankingLosses(handle.pointer, x, given, orderings, 3, count, n, 1, $0, nil, nil, $1, $2)
      }
      let values = try written(count) {
        c.rankingLosses(handle.pointer, x, given, orderings, 3, count, n, 1, $0, &gradient, nil, $1, $2)
      }
      let all = try written(count) {
        c.rankingLosses(handle.pointer, x, given, orderings, 3, count, n, 1, $0, nil, &inScales, $1, $2)
      }
      for row in 0..<count {
        let (logits, slots) = (rows[row], row * n..<(row + 1) * n)
        let own = given.map { Array($0[slots]) }
        let expected = argmax.rankingLoss(for: logits, ordering: ordering, scales: own)
        let scaled = argmax.rankingLossWithGradient(
          for: logits, scales: own ?? [1, 1, 1, 1], ordering: ordering)
        let plain = argmax.rankingLossWithGradient(for: logits, ordering: ordering)
        #expect(bits([alone[row]]) == bits([expected]), "\(name), row \(row): \(alone[row]), not \(expected)")
        let (value, slopes) = own == nil ? plain : (scaled.value, scaled.logits)
        #expect(bits([values[row]]) == bits([value]), "\(name), row \(row): \(values[row]), not \(value)")
        #expect(bits(Array(gradient[slots])) == bits(slopes), "\(name), row \(row): \(gradient)")
        #expect(bits([all[row]]) == bits([scaled.value]), "\(name), row \(row): \(all[row])")
        #expect(bits(Array(inScales[slots])) == bits(scaled.scales), "\(name), row \(row): \(inScales)")
      }
    }
  }

  @Test(arguments: ShippedLaw.all.map(\.name)) func inversesHaveTheBitsOfTheLibrary(law: String) throws {
    try compareInverses(Double.self, law)
    try compareInverses(Float.self, law)
  }

  private func compareInverses<Scalar: CScalar>(_ type: Scalar.Type, _ law: String) throws {
    let (handle, argmax) = (try Handle(law, scale: 0.75), try NoisyArgmax(named: law, scale: 0.75))
    let q: [Scalar] = [0.5, 0.25, 0.125, 0.125, 1, 0, 0, 0, 0.25, 0.25, 0, 0.5]
    // Of the classes without noise one can win, or none.
    let own: [Scalar] = [1, 0.5, 2, 0, 1, 0, 0, 1, 0.25, 1.5, 0, 0]
    for scales in [nil, own] {
      let logits = try written(12) {
        Scalar.ranks.inverse(handle.pointer, q, scales, 3, 4, 1, $0, $1, $2)
      }
      let expected = argmax.logits(for: Rows(q, length: 4), scales: scales.map { Rows($0, length: 4) })
      #expect(
        bits(logits) == bits(expected.elements),
        "\(argmax), \(type), scales \(String(describing: scales)): \(logits), not \(expected)")
    }
  }

  /// p of the inverse is what was given, where every class has a scale.
  @Test(arguments: ["normal", "gumbel", "laplace"]) func inversesAreInverse(law: String) throws {
    let (handle, q, scales) = (try Handle(law), [0.5, 0.3, 0.15, 0.05], [0.5, 1, 2, 0.25])
    let logits = try written(4) {
      noisemax_inverse(handle.pointer, q, scales, 1, 4, 1, $0, $1, $2)
    }
    let p = try written(4) {
      noisemax_inclusions(handle.pointer, 1, logits, scales, 1, 4, 1, $0, $1, $2)
    }
    for (value, given) in zip(p, q) {
      let isClose = (value - given).magnitude <= 1e-11 * given
      #expect(isClose, "\(law): \(logits) have \(p), not \(q)")
    }
  }

  @Test func rowsHaveTheSameBitsOnManyThreads() throws {
    let (rows, n) = (64, 6)
    let x = (0..<rows * n).map { Double($0 * 7919 % 1000) / 250 }
    let scales = (0..<rows * n).map { Double($0 * 104729 % 1000 + 1) / 500 }
    let handle = try Handle("normal")
    func included(_ threads: Int32) throws -> [Double] {
      try written(rows * n) {
        noisemax_inclusions(handle.pointer, 2, x, scales, rows, n, threads, $0, $1, $2)
      }
    }
    let one = try included(1)
    for threads: Int32 in [0, 2, 64] {
      #expect(bits(try included(threads)) == bits(one), "\(threads) threads")
    }
  }
}
