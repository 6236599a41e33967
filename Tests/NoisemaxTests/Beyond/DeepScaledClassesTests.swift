import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Classes with scales of their own, so far behind that no Double holds their probability.
@Suite struct DeepScaledClassesTests {
  /// Behind two leaders at 0 with the rates a and b a class at −g with the scale t wins with e^(−g/t)·E[e^(−M/t)], M the leaders'
  /// maximum, whatever the other classes far behind are.
  private struct Exponentials {
    let leaders: (Double, Double)
    let scales: [Double]
    let gaps: [Double]

    init(count: Int, decades: Double) {
      leaders = (1, 0.25)
      let scales = (0..<count).map { pow(10, -decades * Double($0) / Double(count)) }
      gaps = scales.indices.map { (1000 + 300 * sin(Double($0 * $0))) * scales[$0] }
      self.scales = scales
    }

    var logits: [Double] { [0, 0] + gaps.map { -$0 } }
    var allScales: [Double] { [leaders.0, leaders.1] + scales }

    func logProbability(_ gap: Double, _ scale: Double) -> Double {
      let (a, b, rate) = (1 / leaders.0, 1 / leaders.1, 1 / scale)
      // λ/(λ + θ) with both parts over θ where that is large, so that nothing cancels.
      let sum = a * b * (a + b + 2 * rate) / ((a + rate) * (b + rate) * (a + b + rate))
      return -gap / scale + log(sum)
    }
  }

  @Test(arguments: [1.0, 6, 15])
  func manyExponentialClasses(decades: Double) {
    let row = Exponentials(count: isDebugBuild ? 30 : 100, decades: decades)
    let (argmax, n) = (NoisyArgmax(.exponential), row.scales.count)
    let v = (0..<n + 2).map { $0 < 2 ? 0 : 1 + cos(Double($0)) }
    let logs = argmax.logProbabilities(for: row.logits, scales: row.allScales)
    let slopes = argmax.logProbabilitiesPullback(for: row.logits, scales: row.allScales, of: v)
    for i in 0..<n {
      let (gap, scale) = (row.gaps[i], row.scales[i])
      let truth = row.logProbability(gap, scale)
      let testCase = "\(decades) decades, class \(i), gap \(gap), scale \(scale)"
      #expect(
        truth < -690 && (logs[i + 2] / truth - 1).magnitude <= 1e-13,
        "\(testCase): \(logs[i + 2]), not \(truth)")
      // As far as the others are concerned that is all that depends on its logit.
      let slope = v[i + 2] / scale
      #expect(
        (slopes.logits[i + 2] / slope - 1).magnitude <= 1e-10,
        "\(testCase): \(slopes.logits[i + 2]), not \(slope)")
      let rate = 1 / scale
      let (a, b) = (1 / row.leaders.0, 1 / row.leaders.1)
      let inRate = 2 / (a + b + 2 * rate) - 1 / (a + rate) - 1 / (b + rate) - 1 / (a + b + rate)
      let inScale = v[i + 2] * (gap - inRate) * rate * rate
      #expect(
        (slopes.scales[i + 2] / inScale - 1).magnitude <= 1e-10,
        "\(testCase): \(slopes.scales[i + 2]), not \(inScale)")
    }
    let sum = slopes.logits.reduce(0, +)
    let largest = slopes.logits.reduce(0) { max($0, $1.magnitude) }
    #expect(sum.magnitude <= 1e-12 * largest, "\(decades) decades: \(slopes.logits)")
  }

  /// Kinks and scales that are nothing beside the width of a peak do not end it.
  @Test(arguments: [1e-20, 1e-40])
  func neighboursThatAreNothingApart(distance: Double) {
    let argmax = NoisyArgmax(.laplace)
    let expected = argmax.logProbabilities(for: [0, 0, -2000], scales: [1, 1, 1.5])
    let found = argmax.logProbabilities(for: [distance, 0, -2000, -5000], scales: [1, 1, 1.5, distance])
    #expect(
      expected[2] < -690 && (found[2] / expected[2] - 1).magnitude <= 1e-13, "\(found), not \(expected)")
  }

  /// Classes with one scale are not one class. Beside a leader far above, log p is that of two classes.
  @Test func classesOfOneScale() {
    let gaps = [70.0, 72, 74]
    let logs = NoisyArgmax(.normal).logProbabilities(
      for: [0] + gaps.map { -$0 }, scales: [1.5, 1, 1, 1])
    for (index, gap) in gaps.enumerated() {
      let truth = Normal().logCumulative(at: -gap / 3.25.squareRoot())
      #expect(
        truth < -690 && (logs[index + 1] / truth - 1).magnitude <= 1e-13,
        "gap \(gap): \(logs[index + 1]), not \(truth)")
    }
  }

  /// A class with next to no noise is one without, wherever between the leader and a class far behind it stands: there the
  /// integrand is level, and all of it below that class is gone.
  @Test func classesOfNextToNoNoise() {
    let argmax = NoisyArgmax(.laplace)
    for place in 1...200 {
      let logits = [0, -2000, -4.4321 * Double(place)]
      let still = argmax.logProbabilities(for: logits, scales: [1, 1, 0])[1]
      let narrow = argmax.logProbabilities(for: logits, scales: [1, 1, 1e-9])[1]
      #expect(still < -690 && (narrow - still).magnitude <= 1e-8, "\(logits): \(narrow), not \(still)")
    }
  }

  /// Where the digits of two Doubles end before a scale does, logarithms are as right as those tell.
  @Test func logitsThatDwarfScales() {
    let argmax = NoisyArgmax(.gumbel)
    for exponent in 20...36 {
      let c = pow(10, Double(exponent))
      let logs = argmax.logProbabilities(for: [-1e6 * c, 0, c], scales: [7e-9, 1, 1])
      #expect((logs[1] / c + 1).magnitude <= 1e-9 && logs[0] < logs[1] && logs[2] == 0, "\(c): \(logs)")
    }
  }

  /// Beside leaders of next to no noise M is huge below them and nothing above: a polynomial has no digits at their edge.
  @Test(arguments: [1, 2, 150])
  func behindLeadersWithoutWidth(leaders: Int) {
    let argmax = NoisyArgmax(.laplace)
    for exponent in 16...32 {
      let c = 7.2 * pow(10, Double(exponent))
      for narrow in [2e-21, 1e-9, 1] {
        for wide in [1e4, 4.5e16] where c > 1e15 * wide {
          let logs = argmax.logProbabilities(
            for: [0] + [Double](repeating: c, count: leaders),
            scales: [wide] + [Double](repeating: narrow, count: leaders))
          let truth = -c / wide
          #expect(
            (logs[0] / truth - 1).magnitude <= 1e-9 && logs[1] <= 0,
            "\(leaders) at \(c), scales \(wide), \(narrow): \(logs[...1])")
        }
      }
    }
  }

  /// A wide class behind leaders at c wins with e^(−c/w)/2, whatever is between: here a narrow class, and one without noise.
  /// From one kink to the next it is 10¹¹ times what the leaders are wide, and more.
  @Test(arguments: [1, 10, 75])
  func kinksFarApart(leaders: Int) {
    let argmax = NoisyArgmax(.laplace)
    for (place, w, narrow) in [(2.6e32, 1e21, 9e5), (1.7e25, 3e15, 1000), (3e18, 1e9, 1000)] {
      for (step, others) in (0..<24).map({ ($0, $0 % 3) }) {
        // The lengths between kinks are rounded up and down.
        let c = place * (1 + Double(step) / 97)
        let logs = argmax.logProbabilities(
          for: [0] + [Double](repeating: c, count: leaders) + [c / 4.7e11, -4e-10][..<others],
          scales: [w] + [Double](repeating: narrow, count: leaders) + [1, 0][..<others])
        let truth = -c / w - log(2)
        #expect(
          (logs[0] / truth - 1).magnitude <= 1e-13,
          "\(leaders) leaders at \(c), scales \(w), \(narrow), \(others) others: \(logs[0]), not \(truth)")
      }
    }
  }

  /// A class that reaches δ into the support of k leaders wins with (δ/s)ᵏ⁺¹/(k + 1), also where δ is far below the digits of
  /// two Doubles.
  @Test(arguments: [1, 10, 80])
  func uniformClassesThatHardlyReachLeaders(leaders: Int) {
    let argmax = NoisyArgmax(.uniform)
    for exponent in [-20, -43, -200] {
      let (s, delta) = (3e15, pow(10, Double(exponent)))
      let logs = argmax.logProbabilities(
        for: [delta, 0] + [Double](repeating: s, count: leaders),
        scales: [s, 1] + [Double](repeating: s, count: leaders))
      let count = Double(leaders + 1)
      let truth = count * log(delta / s) - log(count)
      #expect((logs[0] - truth).magnitude <= 2, "\(leaders) leaders, \(delta): \(logs[0]), not \(truth)")
    }
  }

  /// Equal classes have equal bits, and halve what is moved between them.
  @Test(arguments: ShippedLaw.all.map(\.name).filter { $0 != "uniform" })
  func equalClasses(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let (logits, scales) = ([0, -2000.0, 0.5, -2000.0, -1900, 0], [1, 0.5, 0.75, 0.5, 1.25, 1])
    let logs = argmax.logProbabilities(for: logits, scales: scales)
    #expect(logs[1] < -690 && logs[1] > -.infinity && logs[1] == logs[3], "\(law): \(logs)")
    let slopes = argmax.logProbabilitiesPullback(
      for: logits, scales: scales, of: [0, 1, 0, 1, 0, 0])
    #expect(slopes.logits[1] > 0 && slopes.logits[0] < 0, "\(law): \(slopes)")
    for (one, other) in [(1, 3), (0, 5)] {
      #expect(
        (slopes.logits[one] / slopes.logits[other] - 1).magnitude <= 1e-13, "\(law): \(slopes)")
      #expect(
        (slopes.scales[one] / slopes.scales[other] - 1).magnitude <= 1e-13, "\(law): \(slopes)")
    }
  }

  /// What moves a logarithm is what finite differences of it say, with a class without noise on top as well.
  @Test(arguments: ShippedLaw.all.map(\.name).filter { $0 != "uniform" }, [1.0, 0])
  func slopesAreDifferences(law: String, leader: Double) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    // The upper tail of the reversed Gumbel law is e^(−e^x).
    let gap: Double = law == "normal" ? 60 : law == "reversed-gumbel" && leader == 0 ? 8 : 900
    let logits = [0, -0.2, -gap, -1.25 * gap, -gap, -0.5]
    let scales = [leader, 0.5, 1, 1.5, 0.75, 0.0625]
    let v = [0, 0, 1, -0.5, 0.25, 0]
    func value(_ logits: [Double], _ scales: [Double]) -> Double {
      let logs = argmax.logProbabilities(for: logits, scales: scales)
      return logs.indices.reduce(0.0) { $0 + (v[$1] == 0 ? 0 : v[$1] * logs[$1]) }
    }
    let slopes = argmax.logProbabilitiesPullback(for: logits, scales: scales, of: v)
    let logs = argmax.logProbabilities(for: logits, scales: scales)
    #expect(logs[2...4].allSatisfy { $0 < -690 && $0 > -.infinity }, "\(law): \(logs)")
    let (inLogits, inScales) = (
      slopes.logits.reduce(0) { max($0, $1.magnitude) },
      slopes.scales.reduce(0) { max($0, $1.magnitude) }
    )
    func slope(_ j: Int, inScale: Bool) -> Double {
      let step = inScale ? 1e-4 * scales[j] : 1e-4
      func moved(_ times: Double) -> Double {
        var (logits, scales) = (logits, scales)
        if inScale { scales[j] += times * step } else { logits[j] += times * step }
        return value(logits, scales)
      }
      return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step)
    }
    for j in logits.indices {
      let testCase = "\(law), leader \(leader), class \(j)"
      let inLogit = slope(j, inScale: false)
      #expect(
        (slopes.logits[j] - inLogit).magnitude <= 1e-7 * inLogits,
        "\(testCase): \(slopes.logits[j]), not \(inLogit)")
      guard scales[j] > 0 else { continue }
      let inScale = slope(j, inScale: true)
      #expect(
        (slopes.scales[j] - inScale).magnitude <= 1e-7 * inScales,
        "\(testCase): \(slopes.scales[j]), not \(inScale)")
    }
  }
}
