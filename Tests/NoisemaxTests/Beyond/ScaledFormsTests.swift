import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Classes with scales of their own in memory of the caller's, and with a distribution as target.
@Suite struct ScaledFormsTests {
  private let rows = (0..<4).map { RandomVectors(count: 5, seed: 40 + UInt64($0)) }

  private func together(_ part: (RandomVectors) -> [Double]) -> Rows<Double> {
    Rows(rows.flatMap(part), length: 5)
  }

  @Test(arguments: ["normal", "exponential"])
  func spansAgreeWithRows(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 0.8)
    let (logits, scales, v) = (together(\.logits), together(\.scales), together(\.v))
    var workspace = NoisyArgmax.Workspace()
    var result = [Double](repeating: 0, count: 20)
    var inScales = result
    var maxima = [Double](repeating: 0, count: 4)
    do {
      var span = result.mutableSpan
      argmax.writeLogProbabilities(
        for: logits.elements.span, scales: scales.elements.span, rowLength: 5, to: &span,
        workspace: &workspace)
    }
    #expect(result == argmax.logProbabilities(for: logits, scales: scales).elements)
    do {
      var span = result.mutableSpan
      var other = inScales.mutableSpan
      argmax.writePullback(
        for: logits.elements.span, scales: scales.elements.span, of: v.elements.span, rowLength: 5, to: &span,
        inScales: &other, workspace: &workspace)
    }
    let pullback = argmax.pullback(for: logits, scales: scales, of: v)
    #expect(result == pullback.logits.elements && inScales == pullback.scales.elements)
    do {
      var span = result.mutableSpan
      var other = inScales.mutableSpan
      argmax.writeLogProbabilitiesPullback(
        for: logits.elements.span, scales: scales.elements.span, of: v.elements.span, rowLength: 5, to: &span,
        inScales: &other, workspace: &workspace)
    }
    let logPullback = argmax.logProbabilitiesPullback(for: logits, scales: scales, of: v)
    #expect(result == logPullback.logits.elements && inScales == logPullback.scales.elements)
    do {
      var span = maxima.mutableSpan
      argmax.writeExpectedMaximum(
        for: logits.elements.span, scales: scales.elements.span, rowLength: 5, to: &span,
        workspace: &workspace)
    }
    #expect(maxima == argmax.expectedMaximum(for: logits, scales: scales))
  }

  /// The cross-entropy is linear in the target.
  @Test(arguments: ["normal", "laplace"])
  func aDistributionIsAMeanOfClasses(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 0.8)
    let target = [0.5, 0, 0.125, 0.25, 0.125]
    for row in rows {
      let result = argmax.likelihoodLossWithGradient(for: row.logits, scales: row.scales, target: target)
      let parts = target.indices.map {
        argmax.likelihoodLossWithGradient(for: row.logits, scales: row.scales, target: $0)
      }
      let logs = argmax.logProbabilities(for: row.logits, scales: row.scales)
      let value = zip(target, logs).reduce(0) { $0 - $1.0 * $1.1 }
      #expect((result.value - value).magnitude <= 1e-13, "\(law), \(row): \(result), not \(value)")
      for j in target.indices {
        let inLogit = target.indices.reduce(0.0) { $0 + target[$1] * parts[$1].logits[j] }
        let inScale = target.indices.reduce(0.0) { $0 + target[$1] * parts[$1].scales[j] }
        #expect((result.logits[j] - inLogit).magnitude <= 1e-12, "\(law), \(row), class \(j): \(result)")
        #expect((result.scales[j] - inScale).magnitude <= 1e-12, "\(law), \(row), class \(j): \(result)")
        #expect((parts[j].value + logs[j]).magnitude <= 1e-13, "\(law), \(row), class \(j): \(parts[j])")
      }
    }
  }

  @Test func whatCannotWinMakesALossInfinite() {
    let argmax = NoisyArgmax(.uniform)
    let result = argmax.likelihoodLossWithGradient(
      for: [3, 1.5, 2.75] as [Double], scales: [1, 0.5, 1], target: [0.5, 0.25, 0.25])
    #expect(result.value == Double.infinity && result.logits[1] == 0, "\(result)")
    #expect(result.logits[0] < 0 || result.logits[2] < 0, "\(result)")
    let undefined = argmax.likelihoodLossWithGradient(for: [.nan, 1] as [Double], scales: [1, 1], target: 1)
    #expect(undefined.value.isNaN && undefined.logits.allSatisfy(\.isNaN), "\(undefined)")
  }
}
