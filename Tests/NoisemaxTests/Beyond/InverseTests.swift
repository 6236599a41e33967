import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// The logits that have given probabilities.
@Suite struct InverseTests {
  /// Probabilities come back within 3e-12 relative, but for what rounding the logits moves.
  @Test(arguments: ShippedLaw.all.map(\.name))
  func theInverseUndoes(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 0.7)
    var generator = SplitMix64(seed: 4)
    var targets: [[Double]] = [
      [0.5, 0.5], [0.9, 0.1], [1 - 1e-12, 1e-12], [0.5, 0.3, 0.2], [0.25, 0.25, 0.25, 0.25],
      [1 - 3e-9, 1e-9, 2e-9], [0.6, 0.4 - 1e-20, 1e-20],
    ]
    if law != "uniform" { targets.append([0.7, 0.3 - 1e-200, 1e-200, 1e-250, 1e-100]) }
    for count in [3, 10, 40, 100, 300] {
      let weights = (0..<count).map { _ in exp(Double.random(in: -3...3, using: &generator)) }
      let total = weights.reduce(0, +)
      targets.append(weights.map { $0 / total })
    }
    // A long row with rare classes, which begin where no Double holds their probability.
    if law != "uniform" {
      let rare = (0..<65).map {
        exp(Double.random(in: ($0 < 32 ? -50 : -500)...0, using: &generator))
      }
      let total = rare.reduce(0, +)
      targets.append(rare.map { $0 / total })
    }
    for q in targets {
      let logits = argmax.logits(for: q)
      let p = argmax.probabilities(for: logits)
      let total = q.reduce(0, +)
      let sensitivity = movement(of: argmax, at: logits)
      for i in q.indices {
        let error = (p[i] / (q[i] / total) - 1).magnitude
        let bound = 3e-12 + 2 * sensitivity[i]
        #expect(
          error <= bound, "\(law), \(q.prefix(8)) of \(q.count), class \(i): off by \(error), bound \(bound)")
      }
      #expect(
        logits.reduce(0, +).magnitude <= 1e-12 * Double(q.count),
        "\(law), \(q.prefix(8)): \(logits.prefix(8))")
    }
  }

  /// Long rows of bounded noise have probabilities down to nothing: those that underflow don't keep others from theirs.
  @Test(
    arguments: [(1000, 0.5), (1000, 0.9), (1000, 0.99)]
      + (isDebugBuild ? [] : [(3000, 0.5), (3000, 0.7), (3000, 0.99)]),
    isDebugBuild ? [1] : [1, 2, 3])
  func rowsThatEndInUnderflow(row: (count: Int, spread: Double), seed: UInt64) {
    let argmax = NoisyArgmax(.uniform)
    let (count, spread) = row
    var generator = SplitMix64(seed: seed)
    let q = argmax.probabilities(
      for: (0..<count).map { _ in Double.random(in: -spread...0, using: &generator) })
    let p = argmax.probabilities(for: argmax.logits(for: q))
    #expect(q.contains { $0 > 0 && $0 < 1e-100 })
    for i in q.indices where q[i] > 1e-250 {
      #expect((p[i] / q[i] - 1).magnitude <= 1e-12, "\(row), seed \(seed), class \(i): \(p[i]), not \(q[i])")
    }
  }

  /// How far a rounding of every logit moves each log p.
  private func movement(of argmax: NoisyArgmax, at logits: [Double]) -> [Double] {
    logits.indices.map { i in
      let slopes = argmax.logProbabilitiesPullback(
        for: logits, of: logits.indices.map { $0 == i ? 1.0 : 0 })
      return logits.indices.reduce(0.0) { $0 + slopes[$1].magnitude * logits[$1].ulp }
    }
  }

  /// Classes with scales of their own, one of them without noise.
  @Test(arguments: ShippedLaw.all.map(\.name), [3, 8, 80])
  func theInverseUndoesUnderOwnScales(law: String, count: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 0.7)
    var generator = SplitMix64(seed: UInt64(count))
    let weights = (0..<count).map { _ in exp(Double.random(in: -2...2, using: &generator)) }
    let total = weights.reduce(0, +)
    let q = weights.map { $0 / total }
    var scales = (0..<count).map { _ in exp(Double.random(in: -1...1, using: &generator)) }
    if count == 3 { scales[1] = 0 }
    let logits = argmax.logits(for: q, scales: scales)
    let p = argmax.probabilities(for: logits, scales: scales)
    for i in q.indices {
      let slopes = argmax.logProbabilitiesPullback(
        for: logits, scales: scales, of: q.indices.map { $0 == i ? 1.0 : 0 }
      ).logits
      let bound = 3e-12 + 2 * q.indices.reduce(0) { $0 + slopes[$1].magnitude * logits[$1].ulp }
      let error = (p[i] / q[i] - 1).magnitude
      #expect(error <= bound, "\(law), \(q.prefix(8)), \(scales.prefix(8)), class \(i): off by \(error)")
    }
    #expect(logits.reduce(0, +).magnitude <= 1e-12 * Double(count), "\(law): \(logits.prefix(8))")
  }

  /// A class without noise may be the likeliest or a rare one: it stands above the least that the others can be.
  @Test(arguments: ShippedLaw.all.map(\.name), 0..<4)
  func aClassWithoutNoiseOfAnyProbability(law: String, still: Int) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    // Of a rare one the logit is rounded, by 1e-16 of what its noise is beside.
    for (q, bound) in [([0.5, 0.25, 0.1875, 0.0625], 1e-11), ([1 - 3e-6, 1e-6, 1e-6, 1e-6], 1e-8)] {
      for others in [[1, 1.0, 1], [1, 1.5, 0.5], [0.25, 2, 4]] {
        var scales = others
        scales.insert(0, at: still)
        let logits = argmax.logits(for: q, scales: scales)
        let p = argmax.probabilities(for: logits, scales: scales)
        for (value, given) in zip(p, q) {
          let isClose = (value - given).magnitude <= bound * given
          #expect(isClose, "\(law), \(scales): \(logits) have \(p), not \(q)")
        }
      }
    }
  }

  @Test func oneScaleForAllIsAsOfTheTransform() {
    for law in [NoisyArgmax(.normal), NoisyArgmax(.gumbel), NoisyArgmax(.uniform)] {
      let q = [0.5, 0.25, 0, 0.25]
      let found = law.logits(for: q, scales: [2, 2, 2, 2])
      #expect(found == NoisyArgmax(law, scale: 2).logits(for: q), "\(law): \(found)")
    }
  }

  /// Two normal classes: Φ⁻¹ times the root of the sum of squares apart.
  @Test func twoNormalClassesOfTheirOwnScales() {
    let logits = NoisyArgmax(.normal).logits(for: [1e-9, 1 - 1e-9], scales: [3.0, 4])
    let truth = 5 * Normal().quantile(at: 1e-9)
    #expect((logits[0] - logits[1] - truth).magnitude <= 1e-12 * truth.magnitude, "\(logits), \(truth) apart")
  }

  /// Softmax in closed form.
  /// Noise is noise however little it is beside that of another class. The logits have few digits for it.
  @Test func scalesFartherApartThanTheirQuotient() {
    let argmax = NoisyArgmax(.normal)
    for scale in [1e-10, 1e-300] {
      let logits = argmax.logits(for: [0.25, 0.25, 0.5], scales: [scale, scale, 1 / scale])
      #expect(logits.allSatisfy { $0.isFinite }, "\(scale): \(logits)")
    }
  }

  @Test func gumbelTakesLogarithms() {
    let q = [0.5, 0.3, 0.2]
    let logits = NoisyArgmax(.gumbel, scale: 2).logits(for: q)
    let mean = q.reduce(0) { $0 + log($1) } / 3
    for i in q.indices {
      let truth = 2 * (log(q[i]) - mean)
      #expect((logits[i] - truth).magnitude <= 1e-15, "\(logits)")
    }
  }

  /// Two normal classes: √2·Φ⁻¹ apart.
  @Test(arguments: [0.1, 1e-5, 1e-100, 1e-250])
  func twoNormalClasses(q: Double) {
    let logits = NoisyArgmax(.normal).logits(for: [q, 1 - q])
    let truth = Normal().quantile(at: q) * 2.0.squareRoot()
    #expect(
      (logits[0] - logits[1] - truth).magnitude <= 1e-13 * truth.magnitude, "\(logits), not \(truth) apart")
  }

  @Test func zerosAreMasked() {
    let certain = NoisyArgmax(.normal).logits(for: [0, 1, 0] as [Double])
    #expect(certain[0] == -Double.infinity && certain[1] == 0 && certain[2] == -Double.infinity)
    let logits = NoisyArgmax(.normal).logits(for: [0, 0.5, 0.5] as [Double])
    #expect(
      logits[0] == -Double.infinity && logits[1].magnitude <= 1e-12 && logits[2].magnitude <= 1e-12,
      "\(logits)")
    // Under bounded noise the largest logit that cannot win.
    let uniform = NoisyArgmax(.uniform, scale: 2)
    for likeliest in stride(from: 0.34, to: 1, by: 0.01) {
      let bounded = uniform.logits(for: [0, likeliest, 1 - likeliest])
      let floor = max(bounded[1], bounded[2])
      #expect(bounded[0] == floor - 2 || bounded[0] == (floor - 2).nextDown, "\(bounded)")
      #expect(uniform.probabilities(for: bounded)[0] == 0, "\(bounded)")
    }
    // … by its own scale, and without noise.
    let wide = NoisyArgmax(.uniform).logits(for: [0, 0.7, 0.3, 0] as [Double], scales: [4, 1, 2, 0])
    let floor = max(wide[1], wide[2])
    #expect(
      (wide[0] == floor - 4 || wide[0] == (floor - 4).nextDown) && wide[3] == floor.nextDown, "\(wide)")
    #expect(NoisyArgmax(.normal).logits(for: [Double]()).isEmpty)
    #expect(NoisyArgmax(.normal).logits(for: [1.0]) == [0])
    let rows = NoisyArgmax(.normal).logits(for: Rows([0.5, 0.5, 0.9, 0.1] as [Float], length: 2))
    #expect(rows[0][0].magnitude <= 1e-7 && (rows[1][0] - 0.906194).magnitude <= 1e-5, "\(rows.elements)")
  }

  @Test func whatIsRefused() async throws {
    func check(_ result: ExitTest.Result?, says text: String) {
      let message = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
      #expect(message.contains(text), "\(message)")
    }
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).logits(for: [0.5, 0.25])
      }, says: "the probabilities of a row of 2 sum to 0.75, not to 1")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).logits(for: [1.5, -0.5])
      }, says: "the probability -0.5 of class 1 is not 0 or more")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal, points: 4).logits(for: [0.5, 0.5])
      }, says: "the quantile rule has no inverse")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).logits(for: [0.5, 0.25, 0.25], scales: [0.0, 1, 0])
      }, says: "classes [0, 2] have scale 0: only one of them can have a probability above 0")
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NoisyArgmax(.normal).logits(for: [0.5, 0.5], scales: [1.0, -2])
      }, says: "the scale of class 1 is finite and not below 0, not -2.0")
  }
}
