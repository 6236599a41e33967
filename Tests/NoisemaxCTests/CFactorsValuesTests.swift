import CNoisemax
import Foundation
import Noisemax
import NoisemaxC
import Testing

/// Common factors: a closed form, and the very bits of the library.
@Suite struct CFactorsValuesTests {
  /// Of two classes under normal noise the difference is normal: p = Φ(d/σ), σ² = s₁² + s₂² + |v₁ − v₂|².
  @Test(arguments: [[1.0, -0.5], [0.5, 1, -0.5, 0.25], [0.5, -1, 1, 1, 0.5, -0.5]])
  func twoNormals(loadings: [Double]) throws {
    let (handle, d, own, rank) = (try Handle("normal"), 0.7, [1.5, 0.5], loadings.count / 2)
    let differences = (0..<rank).map { loadings[$0] - loadings[rank + $0] }
    let deviation = (differences.reduce(2.5) { $0 + $1 * $1 }).squareRoot()
    let p = 0.5 * erfc(-d / deviation / 2.0.squareRoot())
    let slope = exp(-d * d / (2 * deviation * deviation)) / (deviation * (2 * Double.pi).squareRoot())
    func check(_ name: String, _ values: [Double], _ expected: [Double]) {
      #expect(values.count == expected.count)
      for (value, number) in zip(values, expected) {
        let isClose = (value - number).magnitude <= 1e-9
        #expect(isClose, "\(name), loadings \(loadings): \(values), not \(expected)")
      }
    }
    let c = Double.factors
    var (main, inScales, errors) = ([-7.0, -7], [-7.0, -7], [-7.0])
    var inLoadings = [Double](repeating: -7, count: 2 * rank)
    let values = try written(2) {
      c.probabilities(
        handle.pointer, [d, 0], own, loadings, rank, 1e-10, 1, 2, 1, $0, &errors, $1, $2)
    }
    check("p", values, [p, 1 - p])
    #expect(errors[0] >= 0 && errors[0] <= 1e-10, "loadings \(loadings): \(errors)")
    let logs = try written(2) {
      c.logProbabilities(handle.pointer, [d, 0], own, loadings, rank, 1e-10, 1, 2, 1, $0, nil, $1, $2)
    }
    check("log p", logs, [log(p), log1p(-p)])
    // d/σ in d, in s and in a loading, times the slope of Φ and what weighs the first class over the second.
    let square = deviation * deviation
    let expectedInLoadings = differences.map { -d * $0 / square } + differences.map { d * $0 / square }
    func expected(_ weight: Double) -> [[Double]] {
      [[1, -1], own.map { -d * $0 / square }, expectedInLoadings].map { $0.map { weight * slope * $0 } }
    }
    let pulled = try written(2) {
      c.pullback(
        handle.pointer, [d, 0], own, loadings, rank, 1e-10, [2, -1], 1, 2, 1, $0, &inScales,
        &inLoadings, $1, $2)
    }
    for (found, numbers) in zip([pulled, inScales, inLoadings], expected(3)) {
      check("pullback", found, numbers)
    }
    let loss = try written(1) {
      c.losses(
        handle.pointer, NOISEMAX_NEGATIVE_LOG_LIKELIHOOD, [d, 0], own, loadings, rank, 1e-10, [1], 1, 2, 1,
        $0, &main, &inScales, &inLoadings, $1, $2)
    }
    check("loss", loss, [-log1p(-p)])
    for (found, numbers) in zip(
      [main, inScales, inLoadings], expected(1 / (1 - p)))
    {
      check("gradients of the loss", found, numbers)
    }
    // E[max(X, 0)] of a normal X, without E of the target's noise, which is 0.
    let fenchelYoung = try written(1) {
      c.losses(
        handle.pointer, NOISEMAX_FENCHEL_YOUNG, [d, 0], own, loadings, rank, 1e-10, [1], 1, 2, 1, $0,
        &main, &inScales, &inLoadings, $1, $2)
    }
    check("Fenchel–Young loss", fenchelYoung, [d * p + square * slope])
    check("its gradient", main, [p, -p])
    check("that in the scales", inScales, own.map { $0 * slope })
    check(
      "that in the loadings", inLoadings,
      differences.map { $0 * slope } + differences.map { -$0 * slope })
  }

  /// Rows of three: an ordinary one, one with a mask and a class without noise behind it, a certain one, one with a NaN.
  private static let logits: [Double] = [
    0.5, -1, 2, 1, -.infinity, 0.5, 0, .infinity, 1, 0, .nan, 1,
  ]
  private static let scales: [Double] = [1, 0.5, 2, 0.25, 0, 1.5, 1, 2, 1, 1, 1, 0.75]
  private static let vectors: [Double] = (0..<12).map { Double($0 * 29 % 17) / 4 - 2 }
  private static let classes: [Int64] = [2, 0, 1, 0]

  @Test(arguments: ShippedLaw.all.map(\.name)) func bitsOfTheLibrary(law: String) throws {
    try compareValues(Double.self, law)
    try compareValues(Float.self, law)
    try compareGradients(Double.self, law)
    try compareGradients(Float.self, law)
  }

  private func loadings<Scalar: CScalar>(_ type: Scalar.Type, rank: Int) -> Rows<Scalar> {
    Rows((0..<12 * rank).map { Scalar($0 * 7919 % 64) / 64 }, length: rank)
  }

  private func compareValues<Scalar: CScalar>(_ type: Scalar.Type, _ law: String) throws {
    let (handle, argmax) = (try Handle(law, scale: 0.75), try NoisyArgmax(named: law, scale: 0.75))
    let (x, c, tolerance) = (Rows(Self.logits.map { Scalar($0) }, length: 3), Scalar.factors, 1e-3)
    for s in [nil, Self.scales.map { Scalar($0) }] {
      for rank in 1...2 {
        let name = "\(argmax), \(type), rank \(rank), scales \(String(describing: s))"
        let (v, scales) = (loadings(type, rank: rank), s.map { Rows($0, length: 3) })
        var errors = [Scalar](repeating: -7, count: 4)
        let p = try written(12) {
          c.probabilities(
            handle.pointer, x.elements, s, v.elements, rank, tolerance, 4, 3, 1, $0, &errors, $1, $2)
        }
        let expected = argmax.probabilitiesWithErrorEstimate(
          for: x, loadings: v, scales: scales, tolerance: tolerance)
        #expect(bits(p) == bits(expected.probabilities.elements), "\(name): \(p), not \(expected)")
        #expect(bits(errors) == bits(expected.errorEstimate), "\(name): \(errors), not \(expected)")
        let logs = try written(12) {
          c.logProbabilities(
            handle.pointer, x.elements, s, v.elements, rank, tolerance, 4, 3, 1, $0, &errors, $1, $2)
        }
        let logarithms = argmax.logProbabilitiesWithErrorEstimate(
          for: x, loadings: v, scales: scales, tolerance: tolerance)
        #expect(bits(logs) == bits(logarithms.logProbabilities.elements), "\(name): \(logs)")
        #expect(bits(errors) == bits(logarithms.errorEstimate), "\(name): \(errors), not \(logarithms)")
      }
    }
  }

  private func compareGradients<Scalar: CScalar>(_ type: Scalar.Type, _ law: String) throws {
    let (handle, argmax) = (try Handle(law, scale: 0.75), try NoisyArgmax(named: law, scale: 0.75))
    let (x, c, tolerance) = (Rows(Self.logits.map { Scalar($0) }, length: 3), Scalar.factors, 1e-2)
    let (v, w) = (loadings(type, rank: 1), Rows(Self.vectors.map { Scalar($0) }, length: 3))
    let s = Self.scales.map { Scalar($0) }
    for withScales in [false, true] {
      let name = "\(argmax), \(type), \(withScales ? "" : "no ")scales"
      var (gradient, inScales, inLoadings) = (s, s, s)
      func check(_ what: String, _ found: [Scalar], _ expected: [Scalar]) {
        #expect(bits(found) == bits(expected), "\(what) of \(name): \(found), not \(expected)")
      }
      func pulled(_ function: CFactorFunctions<Scalar>.Pullback) throws -> [Scalar] {
        try written(12) { result, message, capacity in
          withScales
            ? function(
              handle.pointer, x.elements, s, v.elements, 1, tolerance, w.elements, 4, 3, 1, result,
              &inScales, &inLoadings, message, capacity)
            : function(
              handle.pointer, x.elements, nil, v.elements, 1, tolerance, w.elements, 4, 3, 1, result, nil,
              &inLoadings, message, capacity)
        }
      }
      let p = try pulled(c.pullback)
      let scales = Rows(s, length: 3)
      if withScales {
        let expected = argmax.pullback(for: x, scales: scales, loadings: v, of: w, tolerance: tolerance)
        check("pullback", p, expected.logits.elements)
        check("pullback in the scales", inScales, expected.scales.elements)
        check("pullback in the loadings", inLoadings, expected.loadings.elements)
        let ofLogs = argmax.logProbabilitiesPullback(
          for: x, scales: scales, loadings: v, of: w, tolerance: tolerance)
        check("log pullback", try pulled(c.logPullback), ofLogs.logits.elements)
        check("log pullback in the scales", inScales, ofLogs.scales.elements)
        check("log pullback in the loadings", inLoadings, ofLogs.loadings.elements)
      } else {
        let expected = argmax.pullback(for: x, loadings: v, of: w, tolerance: tolerance)
        check("pullback", p, expected.logits.elements)
        check("pullback in the loadings", inLoadings, expected.loadings.elements)
        let ofLogs = argmax.logProbabilitiesPullback(for: x, loadings: v, of: w, tolerance: tolerance)
        check("log pullback", try pulled(c.logPullback), ofLogs.logits.elements)
        check("log pullback in the loadings", inLoadings, ofLogs.loadings.elements)
        // Where the gradient in scales is wanted, they are 1.
        _ = try written(12) {
          c.pullback(
            handle.pointer, x.elements, nil, v.elements, 1, tolerance, w.elements, 4, 3, 1, $0, &inScales,
            nil, $1, $2)
        }
        let ones = Rows([Scalar](repeating: 1, count: 12), length: 3)
        let own = argmax.pullback(for: x, scales: ones, loadings: v, of: w, tolerance: tolerance)
        check("pullback in scales of 1", inScales, own.scales.elements)
      }
      let kinds = [
        (NOISEMAX_FENCHEL_YOUNG, Loss.fenchelYoung),
        (NOISEMAX_NEGATIVE_LOG_LIKELIHOOD, .negativeLogLikelihood),
      ]
      for (code, loss) in kinds {
        let values = try written(4) {
          c.losses(
            handle.pointer, code, x.elements, withScales ? s : nil, v.elements, 1, tolerance, Self.classes,
            4, 3, 1, $0, &gradient, nil, &inLoadings, $1, $2)
        }
        let targets = Self.classes.map { Int($0) }
        if withScales {
          let expected = argmax.lossesWithGradients(
            for: x, scales: scales, loadings: v, targets: targets, as: loss, tolerance: tolerance)
          check("\(loss)", values + gradient, expected.values + expected.logits.elements)
          check("\(loss) in the loadings", inLoadings, expected.loadings.elements)
        } else {
          let expected = argmax.lossesWithGradients(
            for: x, loadings: v, targets: targets, as: loss, tolerance: tolerance)
          check("\(loss)", values + gradient, expected.values + expected.logits.elements)
          check("\(loss) in the loadings", inLoadings, expected.loadings.elements)
        }
      }
    }
  }

  @Test func rowsHaveTheSameBitsOnManyThreads() throws {
    let (handle, rows, n) = (try Handle("logistic"), 32, 3)
    let x = (0..<rows * n).map { Double($0 * 7919 % 1000) / 250 }
    let v = (0..<rows * n).map { Double($0 * 104729 % 1000) / 500 }
    func found(_ threads: Int32) throws -> [Double] {
      try written(rows * n) {
        noisemax_factor_probabilities(
          handle.pointer, x, nil, v, 1, 1e-6, rows, n, threads, $0, nil, $1, $2)
      }
    }
    let one = try found(1)
    for threads: Int32 in [0, 2, 64] {
      #expect(bits(try found(threads)) == bits(one), "\(threads) threads")
    }
  }
}
