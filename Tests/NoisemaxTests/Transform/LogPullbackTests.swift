import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Derivatives of log-probabilities, above and far below where probabilities underflow; and of the probabilities of
/// rare classes, which the same integrals give.
@Suite struct LogPullbackTests {
  static let laws = ShippedLaw.all.map(\.name)

  @Test(arguments: laws, PullbackTests.methods)
  func equalsFiniteDifferences(law: String, method: NoisyArgmax.Method) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.5, method: method)
    let cotangent = [0.5, -1, 2, .nan, 0.25, 0.5]
    for logits: [Double] in [
      [0.31, -0.22, 0.57, -.infinity, 0.02, 0.08], [1, -0.27, 0.2, -.infinity, 0.96, 0.91],
    ] {
      let gradient = argmax.logProbabilitiesPullback(for: logits, of: cotangent)
      for index in logits.indices where index != 3 {
        let slope = difference(at: logits[index]) { value in
          var row = logits
          row[index] = value
          return zip(argmax.logProbabilities(for: row), cotangent).reduce(0.0) {
            $1.0 > -.infinity ? $0 + $1.0 * $1.1 : $0
          }
        }
        #expect(
          isClose(gradient[index], slope, within: 1e-7 * max(1, slope.magnitude)),
          "\(logits), \(index): \(gradient), not \(slope)")
      }
      #expect(gradient[3] == 0)
    }
  }

  /// With two classes at a gap of g, −∂log p₁/∂g in closed form, near and far.
  @Test func twoClassesHaveClosedForms() throws {
    func expect(_ law: String, gap g: Double, slope: Double, within bound: Double = 1e-11) throws {
      let noise = try #require(ShippedLaw.standard(named: law))
      for scale in [1, 0.25] {
        let gradient = NoisyArgmax(noise, scale: scale)
          .logProbabilitiesPullback(for: [0, scale * -g], of: [0, 1]).map { $0 * scale }
        #expect(
          isClose(gradient[1], slope, within: bound * slope), "\(law), gap \(g): \(gradient), not \(slope)")
        #expect(isClose(gradient[0], -slope, within: bound * slope), "\(law), gap \(g): \(gradient)")
      }
    }
    for g in [0.01, 1, 5, 20, 36, 40, 51, 52, 53, 60, 150, 400, 640, 645, 690, 695, 710, 1000, 2e4] {
      let t = exp(-g)
      let root = 0.5.squareRoot()
      try expect(
        "normal", gap: g, slope: root * exp(Normal().logReversedHazard(at: -g * root)), within: 1e-10)
      if g >= 1 {
        try expect(
          "logistic", gap: g, slope: 1 - (1 - t) / (g - 1 + t) + 2 * t / (1 - t),
          within: g > 5 ? 1e-10 : 1e-11)
      }
      for law in ["gumbel", "reversed-gumbel"] { try expect(law, gap: g, slope: 1 / (1 + t), within: 1e-10) }
      try expect("exponential", gap: g, slope: 1)
      try expect("laplace", gap: g, slope: 1 - 1 / (2 + g))
    }
    for reach in [0.75, 0.5, 0x1p-20, 0x1p-53] { try expect("uniform", gap: 1 - reach, slope: 2 / reach) }
  }

  @Test func atTheEdgeOfUniformNoise() {
    for reach in [1e-20, 1e-148, 1e-151, 1e-160, 1e-250] {
      // The reach is the logit itself.
      let gradient = NoisyArgmax(.uniform).logProbabilitiesPullback(for: [1, reach], of: [0, 1])
      #expect(isClose(gradient[1], 2 / reach, within: 1e-10 / reach), "\(reach): \(gradient)")
      #expect(isClose(gradient[0], -2 / reach, within: 1e-10 / reach), "\(reach): \(gradient)")
    }
    // Out of reach: log p = −∞ there, whatever the logits next to it.
    #expect(NoisyArgmax(.uniform).logProbabilitiesPullback(for: [0, -2], of: [0, 1]) == [0, 0])
  }

  @Test func underGumbelNoiseItIsThatOfLogSoftmax() throws {
    let lattice = try LatticeTests.transform("gumbel")
    var generator = SplitMix64(seed: 8)
    for round in 0..<(isDebugBuild ? 5 : 40) {
      let spread = [1.0, 30, 200, 800, 3000][round % 5]
      let row = [0] + (0..<8).map { _ in -spread * Double.random(in: 0...1, using: &generator) }
      let v = row.map { _ in Double.random(in: -1...1, using: &generator) }
      let p = NoisyArgmax(.gumbel).probabilities(for: row)
      let total = v.reduce(0, +)
      for (argmax, bound) in [(NoisyArgmax(.gumbel), 1e-14), (lattice, 1e-10)] {
        let gradient = argmax.logProbabilitiesPullback(for: row, of: v)
        for i in row.indices {
          let truth = v[i] - p[i] * total
          #expect(
            isClose(gradient[i], truth, within: bound), "\(row), \(v), \(i): \(gradient[i]), not \(truth)")
        }
      }
    }
  }

  /// ∂log p_i/∂μ_j = −∫ G r_i r_j / p_i of every pair, and ∂p_i/∂μ_j, by the trapezoid rule.
  @Test(arguments: LatticeTests.windows)
  func everyPairOfSmoothLaws(law: String, window: ClosedRange<Double>) throws {
    let noise = try #require(ShippedLaw.standard(named: law) as? any SmoothNoise)
    let argmax = try LatticeTests.transform(law)
    var rows: [[Double]] = [
      [0, -20, -40], [0, -1, -45, -50], [0, -3, -9, -50], [0, -60, -61], [0, -40, -100],
      [0, 0, -30, -30.1], [0, -250, -260, -255], [0, -608, -664], [0, -1, -2, -125], [0, -1, -2, -400],
      [0, -21.3736589968539947, -21.3736589968539947, -21.3736589968539947],
      [-38] + [Double](repeating: 0, count: 11),
    ]
    var random = AdversarialRows(generator: SplitMix64(seed: 4))
    for _ in 0..<(isDebugBuild ? 3 : 20) { rows.append(random.next(largest: isDebugBuild ? 5 : 12)) }
    for row in isDebugBuild ? Array(rows.suffix(3)) : rows where row.count > 1 {
      let truth = PairIntegrals(row, under: noise, window: window)
      let jacobian = argmax.jacobian(for: row)
      for i in row.indices {
        let gradient = argmax.logProbabilitiesPullback(for: row, of: row.indices.map { $0 == i ? 1 : 0 })
        // Of a class that is integrated on its own, what is tiny beside the rest is not resolved.
        let floor = truth.logProbabilities[i] < -640 ? 1e-13 * truth.ratios[i].max()! : 1e-300
        for j in row.indices where j != i {
          let ratio = truth.ratios[i][j]
          #expect(
            isClose(-gradient[j], ratio, within: 1e-10 * ratio + floor),
            "\(row), \(i), \(j): \(-gradient[j]), not \(ratio)")
          let slope = ratio * exp(truth.logProbabilities[i])
          #expect(isClose(-jacobian[i][j], slope, within: 1e-11 * slope + 1e-297), "\(row), \(i), \(j)")
        }
      }
    }
  }

  @Test(arguments: ["uniform", "exponential", "laplace"])
  func everyPairOfLawsWithKinks(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let oracle =
      switch law {
      case "uniform": UniformOracle.integral
      case "exponential": ExponentialOracle.integral
      default: LaplaceOracle.integral
      }
    let unit = law == "uniform" ? 1.0 / 64 : 1
    for gaps: [Double] in [
      [0, 0.5, 3], [0, 0, 1, 20], [0, 10, 30, 60], [0, 63.5, 1, 63.75], [0, 1e-9, 5],
    ] {
      let distances = gaps.map { $0 * unit }
      for i in distances.indices {
        let gradient = argmax.logProbabilitiesPullback(
          for: distances.map { 0 - $0 }, of: distances.indices.map { $0 == i ? 1 : 0 })
        for j in distances.indices where j != i {
          let truth = -oracle(distances, [i, j]) / oracle(distances, [i])
          #expect(
            isClose(gradient[j], truth, within: 1e-11 * truth.magnitude),
            "\(distances), \(i), \(j): \(gradient[j]), not \(truth)")
        }
      }
    }
  }

  /// Below 1e-300, against differences of log-probabilities.
  @Test(arguments: ["exponential", "laplace", "normal", "logistic", "reversed-gumbel"])
  func deepClassesAmongMany(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let rows: [[Double]] = [
      [0, -0.25, -695, -740], [0, -1, -300, -800, -801, -700], [0, -5, -689, -692, -2000],
    ]
    for row in isDebugBuild ? Array(rows.prefix(1)) : rows {
      let v = row.indices.map { Double($0 + 1) / 4 }
      let gradient = argmax.logProbabilitiesPullback(for: row, of: v)
      for index in row.indices {
        let slope = difference(at: row[index], step: 1e-2) { value in
          var row = row
          row[index] = value
          return zip(argmax.logProbabilities(for: row), v).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let size = 1 + gradient.map(\.magnitude).max()!
        #expect(
          isClose(gradient[index], slope, within: 3e-5 * size), "\(row), \(index): \(gradient), not \(slope)")
      }
      #expect(gradient.reduce(0, +).magnitude <= 1e-10 * gradient.map(\.magnitude).reduce(0, +))
      let single = argmax.logProbabilitiesPullback(for: row.map { Float($0) }, of: v.map { Float($0) })
      let largest = gradient.map(\.magnitude).max()!
      for (a, b) in zip(single, gradient) { #expect(isClose(Double(a), b, within: 1e-5 * largest), "\(row)") }
    }
  }

  @Test func edgesAndForms() {
    let argmax = NoisyArgmax(.normal)
    for row: [Double] in [[], [1], [-.infinity, 1], [.infinity, 1], [-.infinity, -.infinity]] {
      #expect(argmax.logProbabilitiesPullback(for: row, of: row.map { _ in 1 }) == row.map { _ in 0 })
    }
    #expect(argmax.logProbabilitiesPullback(for: [.nan, 1], of: [1, 1]).allSatisfy { $0.isNaN })
    // A soft mask of −1e9 has a log-probability of −2.5e17: what moves it moves the leader as much.
    let masked = argmax.logProbabilitiesPullback(for: [0, -1e9], of: [0, 1])
    #expect(isClose(masked[1], 5e8, within: 50) && masked[0] == -masked[1], "\(masked)")
    let (logs, pullback) = argmax.logProbabilitiesWithPullback(for: [1.0, 2])
    #expect(logs == argmax.logProbabilities(for: [1, 2]))
    let (first, second) = (pullback([1, 0]), argmax.logProbabilitiesPullback(for: [3, 0], of: [0, 1]))
    #expect(
      argmax.logProbabilitiesPullback(
        for: Rows([1.0, 2, 3, 0], length: 2), of: Rows([1, 0, 0, 1], length: 2)
      ).elements == first
        + second)
    var result = [0.0, 0]
    var span = result.mutableSpan
    var workspace = NoisyArgmax.Workspace()
    let (row, cotangent) = ([1.0, 2], [1.0, 0])
    argmax.writeLogProbabilitiesPullback(
      for: row.span, of: cotangent.span, rowLength: 2, to: &span, workspace: &workspace)
    #expect(result == first)
  }
}

/// ∫ G r_i r_j / p_i of every pair of classes and log p_i, on one fine grid, in the log domain.
struct PairIntegrals {
  let logProbabilities: [Double]
  private(set) var ratios: [[Double]]

  init(_ row: [Double], under noise: some SmoothNoise, window: ClosedRange<Double>) {
    let step = 1.0 / 32
    let top = row.max()!
    let gaps = row.map { $0 - top }
    let nodes = (Int((gaps.min()! + window.lowerBound) / step)...Int(window.upperBound / step)).map {
      Double($0) * step
    }
    let logG = nodes.map { x in gaps.reduce(0) { $0 + noise.logCumulative(at: x - $1) } }
    let reversedHazards = gaps.map { gap in nodes.map { noise.logReversedHazard(at: $0 - gap) } }
    /// The largest value of an integrand, as a logarithm, and log p above it: together they have lost digits.
    let parts = reversedHazards.map { reversedHazard in
      let terms = zip(logG, reversedHazard).map { $0 + $1 }
      let largest = terms.max()!
      return (largest, log(step * terms.reduce(0) { $0 + exp($1 - largest) }))
    }
    logProbabilities = parts.map { $0 + $1 }
    ratios = []
    for i in gaps.indices {
      let density = nodes.indices.map { logG[$0] + reversedHazards[i][$0] - parts[i].0 - parts[i].1 }
      ratios.append(
        gaps.indices.map { j in
          step * nodes.indices.reduce(0) { $0 + exp(density[$1] + reversedHazards[j][$1]) }
        })
    }
  }
}
