import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Losses and derivatives of classes with common factors.
@Suite struct FactorLossTests {
  private let logits: [Double] = [0.5, -.infinity, -0.25, 1]
  private let loadings = [1, 0.5, 9, 9, -1, 0.25, 0.5, -1.5]

  /// The derivative of a value in every logit, in every loading, and in the scale.
  private func slopes(
    _ argmax: NoisyArgmax, _ value: (NoisyArgmax, [Double], Rows<Double>) -> Double
  ) -> (logits: [Double], loadings: [Double], scale: Double) {
    let step = 1e-4
    func difference(_ body: (Double) -> Double) -> Double { (body(step) - body(-step)) / (2 * step) }
    func moved(_ numbers: [Double], _ index: Int, by step: Double) -> [Double] {
      numbers.indices.map { numbers[$0] + ($0 == index ? step : 0) }
    }
    let rows = Rows(loadings, length: 2)
    return (
      logits.indices.map { j in difference { value(argmax, moved(logits, j, by: $0), rows) } },
      loadings.indices.map { j in
        difference { value(argmax, logits, Rows(moved(loadings, j, by: $0), length: 2)) }
      },
      difference { value(NoisyArgmax(argmax, scale: argmax.scale + $0), logits, rows) }
    )
  }

  @Test(arguments: ["normal", "gumbel"])
  func derivativesEqualDifferences(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.2)
    let rows = Rows(loadings, length: 2)
    let v = [1.0, 100, -0.5, 2]
    func check(
      _ name: String, _ logits: [Double], _ scale: Double, _ loadings: Rows<Double>,
      _ value: (NoisyArgmax, [Double], Rows<Double>) -> Double
    ) {
      let expected = slopes(argmax, value)
      for j in logits.indices where j != 1 {
        #expect(
          (logits[j] - expected.logits[j]).magnitude <= 1e-6, "\(name), \(law): \(logits), not \(expected)")
      }
      #expect(logits[1] == 0 && loadings[1] == [0, 0])
      #expect((scale - expected.scale).magnitude <= 1e-6, "\(name), \(law): \(scale), not \(expected)")
      for j in loadings.elements.indices where j / 2 != 1 {
        #expect(
          (loadings.elements[j] - expected.loadings[j]).magnitude <= 1e-6,
          "\(name), \(law): \(loadings), not \(expected)")
      }
    }
    let pullback = argmax.pullback(for: logits, loadings: rows, of: v)
    check("p", pullback.logits, pullback.scale, pullback.loadings) {
      let p = $0.probabilities(for: $1, loadings: $2)
      return p.indices.reduce(0.0) { $0 + p[$1] * v[$1] }
    }
    let ofLogs = argmax.logProbabilitiesPullback(for: logits, loadings: rows, of: v)
    check("log p", ofLogs.logits, ofLogs.scale, ofLogs.loadings) {
      let p = $0.logProbabilities(for: $1, loadings: $2, tolerance: 1e-10)
      return p.indices.reduce(0.0) { $1 == 1 ? $0 : $0 + p[$1] * v[$1] }
    }
    for loss in [Loss.fenchelYoung, .negativeLogLikelihood] {
      let result = argmax.lossesWithGradients(for: logits, loadings: rows, targets: [2], as: loss)
      check("\(loss)", result.logits, result.scale, result.loadings) {
        $0.lossesWithGradients(for: $1, loadings: $2, targets: [2], as: loss, tolerance: 1e-11).values
      }
    }
  }

  /// With scales of their own: differences in every one, and where all are 1 what it is without.
  @Test(arguments: ["normal", "gumbel"])
  func ownScalesHaveDerivativesToo(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 1.2)
    let (rows, scales, v) = (Rows([1, 9, -1, 0.5], length: 1), [1, 0.5, 2, 0.75], [1.0, 100, -0.5, 2])
    let step = 1e-4
    func check(_ name: String, _ slopes: [Double], _ value: ([Double]) -> Double) {
      for j in scales.indices {
        func moved(_ step: Double) -> Double {
          value(scales.indices.map { scales[$0] + ($0 == j ? step : 0) })
        }
        let difference = (moved(step) - moved(-step)) / (2 * step)
        #expect(
          (slopes[j] - difference).magnitude <= 1e-6, "\(name), \(law), class \(j): \(slopes), \(difference)")
      }
    }
    func sum(_ scales: [Double]) -> Double {
      let logs = argmax.logProbabilities(for: logits, loadings: rows, scales: scales, tolerance: 1e-10)
      return v[0] * logs[0] + v[2] * logs[2] + v[3] * logs[3]
    }
    let ofLogs = argmax.logProbabilitiesPullback(for: logits, scales: scales, loadings: rows, of: v)
    check("log p", ofLogs.scales, sum)
    let ones = [1.0, 1, 1, 1]
    for loss in [Loss.fenchelYoung, .negativeLogLikelihood] {
      func losses(_ scales: [Double]) -> (
        values: Double, logits: [Double], scales: [Double], loadings: Rows<Double>
      ) {
        argmax.lossesWithGradients(
          for: logits, scales: scales, loadings: rows, targets: [2], as: loss, tolerance: 1e-10)
      }
      check("\(loss)", losses(scales).scales) { losses($0).values }
      let (own, plain) = (
        losses(ones),
        argmax.lossesWithGradients(for: logits, loadings: rows, targets: [2], as: loss, tolerance: 1e-10)
      )
      let inScale = own.scales.reduce(0, +) / argmax.scale
      let isSame = (own.values - plain.values).magnitude <= 1e-8 && (inScale - plain.scale).magnitude <= 1e-7
      #expect(isSame, "\(loss), \(law): \(own), not \(plain)")
    }
    // Of a masked target it is that of E[max], as in what is not the target.
    let impossible = argmax.lossesWithGradients(for: logits, scales: ones, loadings: rows, targets: [1])
    let other = argmax.lossesWithGradients(for: logits, scales: ones, loadings: rows, targets: [2])
    #expect(impossible.values == Double.infinity && other.values < Double.infinity, "\(impossible)")
    for j in [0, 1, 3] {
      #expect(impossible.scales[j] == other.scales[j], "class \(j): \(impossible), \(other)")
    }
  }

  @Test func lossesAreWhatTheySay() {
    let argmax = NoisyArgmax(.normal, scale: 1.2)
    let rows = Rows(loadings, length: 2)
    let p = argmax.probabilities(for: logits, loadings: rows)
    let likelihood = argmax.lossesWithGradients(
      for: logits, loadings: rows, targets: [3], as: .negativeLogLikelihood)
    #expect((likelihood.values + log(p[3])).magnitude <= 1e-8, "\(likelihood), \(p)")
    let fenchelYoung = argmax.lossesWithGradients(for: logits, loadings: rows, targets: [3])
    for j in logits.indices {
      #expect((fenchelYoung.logits[j] - p[j] + (j == 3 ? 1 : 0)).magnitude <= 1e-8, "\(fenchelYoung), \(p)")
    }
    // Without factors it is the loss that the library has.
    let none = argmax.lossesWithGradients(
      for: logits, loadings: Rows([Double](repeating: 0, count: 4), length: 1), targets: [3])
    #expect((none.values - argmax.loss(for: logits, target: 3)).magnitude <= 1e-12, "\(none)")
  }

  /// Of what cannot win the losses are +∞, and the gradient is that of the Fenchel–Young loss: p for a masked target.
  @Test func whatCannotWinMakesALossInfinite() {
    let argmax = NoisyArgmax(.normal, scale: 1.2)
    let rows = Rows(loadings, length: 2)
    let p = argmax.probabilities(for: logits, loadings: rows)
    for loss in [Loss.fenchelYoung, .negativeLogLikelihood] {
      let masked = argmax.lossesWithGradients(for: logits, loadings: rows, targets: [1], as: loss)
      #expect(masked.values == Double.infinity, "\(loss): \(masked)")
      for j in logits.indices {
        #expect((masked.logits[j] - p[j]).magnitude <= 1e-8, "\(loss), class \(j): \(masked), not \(p)")
      }
    }
    let far: [Double] = [0, -200, 1]
    let one = Rows([1.0, -1, 0.5], length: 1)
    let found = argmax.lossesWithGradients(
      for: far, loadings: one, targets: [1], as: .negativeLogLikelihood)
    let other = argmax.lossesWithGradients(for: far, loadings: one, targets: [1])
    #expect(found.values == Double.infinity && other.values < Double.infinity, "\(found), \(other)")
    #expect(found.logits == other.logits && found.scale == other.scale, "\(found), \(other)")
    #expect(found.loadings == other.loadings && found.logits[1] < -0.9, "\(found), \(other)")
  }

  /// log Φ(−g/σ) far below the tolerance of a probability.
  @Test(arguments: [5.0, 20, 40])
  func rareClassesHaveTheirLogarithm(gap: Double) {
    let argmax = NoisyArgmax(.normal)
    let loadings = Rows([1.0, -0.5], length: 1)
    let deviation = (2 + 1.5 * 1.5).squareRoot()
    let value = Normal().logCumulative(at: -gap / deviation)
    let result = argmax.logProbabilities(for: [0, -gap], loadings: loadings)
    #expect((result[1] - value).magnitude <= 1e-8, "gap \(gap): \(result), not \(value)")
    let slope = exp(Normal().logReversedHazard(at: -gap / deviation)) / deviation
    let gradient = argmax.logProbabilitiesPullback(for: [0, -gap], loadings: loadings, of: [0, 1])
    #expect((gradient.logits[1] / slope - 1).magnitude <= 1e-8, "gap \(gap): \(gradient), not \(slope)")
  }

  @Test func batchesAreRows() {
    let argmax = NoisyArgmax(.logistic)
    let rows = (0..<4).map { RandomVectors(count: 3, seed: 30 + UInt64($0)) }
    let logits = Rows(rows.flatMap(\.logits), length: 3)
    let loadings = Rows(rows.flatMap(\.u), length: 1)
    let batch = argmax.probabilities(for: logits, loadings: loadings)
    let gradients = argmax.pullback(for: logits, loadings: loadings, of: Rows(rows.flatMap(\.v), length: 3))
    for (index, row) in rows.enumerated() {
      let own = Rows(row.u, length: 1)
      #expect(batch[index] == argmax.probabilities(for: row.logits, loadings: own), "\(row)")
      let gradient = argmax.pullback(for: row.logits, loadings: own, of: row.v)
      #expect(
        gradients.logits[index] == gradient.logits && gradients.scale[index] == gradient.scale, "\(row)")
      let single = argmax.probabilities(
        for: row.logits.map { Float($0) }, loadings: Rows(row.u.map { Float($0) }, length: 1), tolerance: 1e-6
      )
      for j in 0..<3 { #expect((Double(single[j]) - batch[index][j]).magnitude <= 1e-6, "\(row), \(single)") }
    }
  }

  @Test func edges() {
    let argmax = NoisyArgmax(.normal)
    let one = Rows([1.0, 2], length: 1)
    #expect(argmax.probabilities(for: [-.infinity, -.infinity] as [Double], loadings: one) == [0, 0])
    #expect(argmax.probabilities(for: [.infinity, 0] as [Double], loadings: one) == [1, 0])
    #expect(argmax.probabilities(for: [0, -.infinity] as [Double], loadings: one) == [1, 0])
    #expect(argmax.probabilities(for: [.nan, 0] as [Double], loadings: one).allSatisfy { $0.isNaN })
    let certain = argmax.pullback(for: [.infinity, 0] as [Double], loadings: one, of: [1, 2])
    #expect(certain.logits == [0, 0] && certain.scale == 0 && certain.loadings.elements == [0, 0])
    #expect(argmax.probabilities(for: [] as [Double], loadings: Rows([], length: 1)) == [])
  }

  @Test func mistakesAreNamed() async throws {
    let fourLoadings = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(.normal).probabilities(
        for: [1.0, 2], loadings: Rows([1, 2, 3, 4, 5, 6, 7, 8], length: 4))
    }
    let text = String(decoding: try #require(fourLoadings).standardErrorContent, as: UTF8.self)
    #expect(text.contains("1 to 3 loadings, not 4"), "\(text)")
    let infinite = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(.normal).probabilities(
        for: Rows([1.0, 2, 3, 4], length: 2), loadings: Rows([1, 2, 3, .infinity], length: 1))
    }
    let third = String(decoding: try #require(infinite).standardErrorContent, as: UTF8.self)
    #expect(
      third.contains("the loadings are no larger than 1e+300, and one of class 1 of row 1 is inf"), "\(third)"
    )
    let tooFew = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NoisyArgmax(.normal).probabilities(for: [1.0, 2], loadings: Rows([1], length: 1))
    }
    let second = String(decoding: try #require(tooFew).standardErrorContent, as: UTF8.self)
    #expect(second.contains("1 rows of loadings do not fit 2 logits"), "\(second)")
  }
}
