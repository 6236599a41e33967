import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Second derivatives of probabilities: against closed forms, integrals done elsewhere, differences, and what theory says.
@Suite struct SecondPullbackTests {
  /// For two classes p is a function of the difference d of the logits, and all is its second derivative h′.
  private static let pairs: [(law: String, slope: @Sendable (Double) -> Double)] = [
    ("normal", { -$0 / 4 * exp(-$0 * $0 / 4) / Double.pi.squareRoot() }),
    ("laplace", { -$0 * exp(-$0.magnitude) / 4 }),
    // These two jump at a tie, where the mean of both sides is 0.
    ("exponential", { $0 == 0 ? 0 : -exp(-$0.magnitude) / 2 * ($0 < 0 ? -1 : 1) }),
    ("uniform", { $0 == 0 || $0.magnitude >= 1 ? 0 : $0 < 0 ? 1 : -1 }),
  ]

  @Test(arguments: pairs.map(\.law))
  func pairsHaveClosedForms(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let slope = try #require(Self.pairs.first { $0.law == law }).slope
    for d in [0, 0.25, -0.25, 0.75, -1.5, 4, -20, -45] {
      let result = NoisyArgmax(noise).secondPullback(for: [1 + d, 1], of: [2, 0.5], and: [-1, 0.75])
      let value = -1.5 * 1.75 * slope(d)
      let testCase = "\(law), difference \(d): \(result), not \(value)"
      #expect(
        (result.logits[0] - value).magnitude <= 1e-11 * (d == 0 ? 1 : value.magnitude),
        "\(testCase)")
      #expect(
        (result.logits[1] + value).magnitude <= 1e-11 * (d == 0 ? 1 : value.magnitude),
        "\(testCase)")
    }
  }

  /// Integrals by mpmath, with what an entry is summed from.
  private static let references:
    [(
      law: String, logits: [Double], scales: [Double], v: [Double], w: [Double], values: [Double],
      sizes: [Double]
    )] = [
      (
        "normal", [0.3, -0.2, 0.9], [1, 1, 1], [1, -2, 0.5], [0.25, 1, 3],
        [-0.50488994080365198928, 0.4461945081850943536, 0.05869543261855763568], [0.916, 1.221, 0.621]
      ),
      // Products of rare classes alone.
      (
        "normal", [0, -20, -20.5], [1, 1, 1], [0, 1, 0], [0, 0, 1],
        [3.7453215030406471016e-61, -1.8035539207715978974e-61, -1.9417675822690492042e-61],
        [3.74e-61, 1.8e-61, 1.94e-61]
      ),
      (
        "normal", [0, -20, -20.5], [1, 1, 1], [1, 2, -1], [0.5, 1, 1],
        [-5.1789847425878764685e-44, 5.247070289193021133e-44, -6.8085546605144664558e-46],
        [4.74e-43, 4.72e-43, 2.04e-45]
      ),
      (
        "normal", [0, -0.25, -12, -12.5], [1, 1, 1, 1], [0, 0, 1, 2], [1, 0.5, 0, -1],
        [
          5.6669020532830212162e-22, 5.4417278547063761367e-22, -1.0269777706707695453e-21,
          -8.3885220128220189985e-23,
        ],
        [5.66e-22, 5.44e-22, 1.02e-21, 8.38e-23]
      ),
      (
        "reversed-gumbel", [0.5, 0, -3], [1, 1, 1], [1, -2, 0.5], [0.25, 1, 3],
        [0.11805061133770356636, -0.1395611960547205656, 0.021510584717016999899], [0.246, 0.243, 0.0665]
      ),
      (
        "normal", [0.3, -0.2, 0.9], [1, 0.1, 3], [1, -2, 0.5], [0.25, 1, 3],
        [-0.14068348621222591045, 0.06443231979481602738, 0.076251166417409884087], [0.731, 0.937, 0.214]
      ),
    ]

  @Test(arguments: references.indices)
  func agreesWithIndependentValues(index: Int) throws {
    let reference = Self.references[index]
    let noise = try #require(ShippedLaw.standard(named: reference.law))
    let argmax = NoisyArgmax(noise)
    for (v, w) in [(reference.v, reference.w), (reference.w, reference.v)] {
      let result = argmax.secondPullback(for: reference.logits, of: v, and: w, scales: reference.scales)
      for j in reference.logits.indices {
        let error = (result.logits[j] - reference.values[j]).magnitude
        #expect(error <= 1e-11 * reference.sizes[j], "\(reference), v \(v), class \(j): \(result)")
      }
    }
  }

  /// Under Gumbel noise from softmax, by the law itself and by one that does not say that it is Gumbel's.
  @Test(arguments: [2, 3, 7, 40])
  func gumbelNoiseHasAClosedForm(n: Int) {
    let row = RandomVectors(count: n, seed: 1)
    let (scale, spread) = (0.7, [0, -3.0, -30])
    let logits = row.logits.indices.map { row.logits[$0] + spread[$0 % 3] }
    let top = logits.max() ?? 0
    let weights = logits.map { exp(($0 - top) / scale) }
    let total = weights.reduce(0, +)
    let p = weights.map { $0 / total }
    func mean(_ values: [Double]) -> Double { zip(p, values).reduce(0) { $0 + $1.0 * $1.1 } }
    let dv = row.v.map { $0 - mean(row.v) }
    let dw = row.w.map { $0 - mean(row.w) }
    let covariance = mean(zip(dv, dw).map { $0 * $1 })
    let ways: [(String, NoisyArgmax)] = [
      ("softmax", NoisyArgmax(.gumbel, scale: scale)),
      ("panels", NoisyArgmax(UnnamedGumbel(), scale: scale)),
    ]
    for (name, argmax) in ways {
      let result = argmax.secondPullback(for: logits, of: row.v, and: row.w)
      let logs = argmax.logProbabilitiesSecondPullback(for: logits, of: row.v, and: row.w)
      for j in logits.indices {
        let value = p[j] * (dv[j] * dw[j] - covariance) / (scale * scale)
        let ofLogs = -row.v.reduce(0, +) * p[j] * dw[j] / (scale * scale)
        let testCase = "\(name), \(row), class \(j)"
        #expect(
          (result.logits[j] - value).magnitude <= 1e-11 * p[j],
          "\(testCase): \(result.logits[j]), not \(value)")
        #expect(
          (logs.logits[j] - ofLogs).magnitude <= 1e-12 * Double(n),
          "\(testCase): \(logs.logits[j]), not \(ofLogs)")
      }
    }
  }

  /// T(v, w)·u is symmetric in all three, and a shift of all logits changes nothing.
  @Test(arguments: ShippedLaw.all.map(\.name), [2, 3, 12, 40])
  func isTheThirdDerivativeOfAPotential(law: String, n: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    for (seed, own) in [(2, false), (3, true)] {
      let row = RandomVectors(count: n, seed: UInt64(seed))
      let scales = own ? row.scales : nil
      func third(_ v: [Double], _ w: [Double], _ u: [Double]) -> Double {
        zip(argmax.secondPullback(for: row.logits, of: v, and: w, scales: scales).logits, u)
          .reduce(0) { $0 + $1.0 * $1.1 }
      }
      let values = [third(row.v, row.w, row.u), third(row.u, row.v, row.w), third(row.w, row.u, row.v)]
      let testCase = "\(law), own scales \(own), \(row): \(values)"
      #expect(
        (values[0] - values[1]).magnitude <= 1e-11 && (values[0] - values[2]).magnitude <= 1e-11,
        "\(testCase)")
      let result = argmax.secondPullback(for: row.logits, of: row.v, and: row.w, scales: scales)
      #expect(result.logits.reduce(0, +).magnitude <= 1e-12, "\(testCase)")
      #expect(result.logits.contains { $0.magnitude > 1e-3 }, "\(testCase)")
    }
  }

  /// Long steps of the pullback, under laws that are smooth between them, also of users.
  @Test(arguments: SecondDifferences.laws.indices, [2, 3, 9])
  func equalsDifferencesOfThePullback(index: Int, n: Int) {
    let (name, argmax, step, accuracy) = SecondDifferences.laws[index]
    for (seed, own) in [(4, false), (5, true)] {
      let row = RandomVectors(count: n, seed: UInt64(seed))
      let scales = own ? row.scales : row.logits.map { _ in 1 }
      let result = argmax.secondPullback(for: row.logits, of: row.v, and: row.w, scales: scales)
      let slopes = SecondDifferences.slopes(of: row, under: argmax, step: step) {
        $0.pullback(for: $1, scales: scales, of: row.v).logits
      }
      for j in row.logits.indices {
        let error = (result.logits[j] - slopes.logits[j]).magnitude
        #expect(
          error <= accuracy,
          "\(name), scales \(scales), \(row), class \(j): \(result.logits[j]), not \(slopes.logits[j])")
      }
      let scaleError = (result.scale * argmax.scale - slopes.scale).magnitude
      #expect(
        scaleError <= 4 * accuracy, "\(name), scales \(scales), \(row): \(result.scale), not \(slopes)")
    }
  }

  @Test func formsAgree() {
    let argmax = NoisyArgmax(.logistic, scale: 0.8)
    let rows = (0..<5).map { RandomVectors(count: 6, seed: 10 + UInt64($0)) }
    func together(_ part: (RandomVectors) -> [Double]) -> Rows<Double> { Rows(rows.flatMap(part), length: 6) }
    let (logits, v, w) = (together(\.logits), together(\.v), together(\.w))
    let batch = argmax.secondPullback(for: logits, of: v, and: w)
    let logs = argmax.logProbabilitiesSecondPullback(for: logits, of: v, and: w)
    var (result, inScale) = ([Double](repeating: 0, count: 30), [Double](repeating: 0, count: 5))
    var (ofLogs, ofLogsInScale) = (result, inScale)
    var workspace = NoisyArgmax.Workspace()
    do {
      var gradient = result.mutableSpan
      var scales = inScale.mutableSpan
      argmax.writeSecondPullback(
        for: logits.elements.span, of: v.elements.span, and: w.elements.span, rowLength: 6, to: &gradient,
        scale: &scales, workspace: &workspace)
    }
    do {
      var gradient = ofLogs.mutableSpan
      var scales = ofLogsInScale.mutableSpan
      argmax.writeLogProbabilitiesSecondPullback(
        for: logits.elements.span, of: v.elements.span, and: w.elements.span, rowLength: 6, to: &gradient,
        scale: &scales, workspace: &workspace)
    }
    #expect(result == batch.logits.elements && inScale == batch.scale)
    #expect(ofLogs == logs.logits.elements && ofLogsInScale == logs.scale)
    for (index, row) in rows.enumerated() {
      let alone = argmax.secondPullback(for: row.logits, of: row.v, and: row.w)
      #expect(alone.logits == batch.logits[index] && alone.scale == batch.scale[index], "\(row)")
      let single = argmax.secondPullback(
        for: row.logits.map { Float($0) }, of: row.v.map { Float($0) }, and: row.w.map { Float($0) })
      for j in row.logits.indices {
        #expect(
          (Double(single.logits[j]) - alone.logits[j]).magnitude <= 1e-5, "\(row): \(single), not \(alone)")
      }
    }
  }

  @Test(arguments: ["normal", "gumbel", "exponential"])
  func edges(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let masked = argmax.secondPullback(
      for: [0.5, -.infinity, 0] as [Double], of: [1, .nan, 2], and: [1, 5, -1])
    let alone = argmax.secondPullback(for: [0.5, 0] as [Double], of: [1, 2], and: [1, -1])
    #expect(masked.logits[1] == 0 && masked.scale == alone.scale, "\(masked), not \(alone)")
    #expect([masked.logits[0], masked.logits[2]] == alone.logits, "\(masked), not \(alone)")
    for row: [Double] in [[1], [.infinity, 0], [-.infinity, -.infinity]] {
      let ones = row.map { _ in 1.0 }
      let result = argmax.secondPullback(for: row, of: ones, and: ones)
      #expect(result.logits == row.map { _ in 0 } && result.scale == 0, "\(row): \(result)")
    }
    let undefined = argmax.secondPullback(for: [.nan, 1] as [Double], of: [1, 2], and: [1, -1])
    #expect(undefined.logits.allSatisfy(\.isNaN) && undefined.scale.isNaN)
    let empty = argmax.secondPullback(for: [] as [Double], of: [], and: [])
    #expect(empty.logits.isEmpty && empty.scale == 0)
  }
}
