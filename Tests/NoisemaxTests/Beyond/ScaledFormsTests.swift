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

  /// Both losses are linear in the target, up to what depends on no target.
  @Test(arguments: ["normal", "laplace"])
  func aDistributionIsAMeanOfClasses(law: String) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, scale: 0.8)
    let target = [0.5, 0, 0.125, 0.25, 0.125]
    for loss in [Loss.fenchelYoung, .negativeLogLikelihood] {
      for row in rows {
        let name = "\(loss), \(law), \(row)"
        let result = argmax.lossesWithGradients(
          for: row.logits, scales: row.scales, targets: target, as: loss)
        let parts = target.indices.map {
          argmax.lossesWithGradients(for: row.logits, scales: row.scales, targets: [$0], as: loss)
        }
        func mean(_ number: (Int) -> Double) -> Double {
          target.indices.reduce(0.0) { $0 + (target[$1] == 0 ? 0 : target[$1] * number($1)) }
        }
        let value = mean { parts[$0].values }
        #expect((result.values - value).magnitude <= 1e-12, "\(name): \(result), not \(value)")
        for j in target.indices {
          let (inLogit, inScale) = (mean { parts[$0].logits[j] }, mean { parts[$0].scales[j] })
          #expect((result.logits[j] - inLogit).magnitude <= 1e-12, "\(name), class \(j): \(result)")
          #expect((result.scales[j] - inScale).magnitude <= 1e-12, "\(name), class \(j): \(result)")
        }
        guard loss == .negativeLogLikelihood else { continue }
        let logs = argmax.logProbabilities(for: row.logits, scales: row.scales)
        for j in target.indices {
          #expect((parts[j].values + logs[j]).magnitude <= 1e-13, "\(name), class \(j): \(parts[j])")
        }
      }
    }
  }

  /// Its gradient is that of the Fenchel–Young loss, which tells the way back.
  @Test func whatCannotWinMakesALossInfinite() {
    let argmax = NoisyArgmax(.uniform)
    for target in [[0.5, 0.25, 0.25], [0, 1, 0]] {
      let logits = [3, 1.5, 2.75]
      let scales = [1, 0.5, 1.0]
      let result = argmax.lossesWithGradients(
        for: logits, scales: scales, targets: target, as: .negativeLogLikelihood)
      let other = argmax.lossesWithGradients(for: logits, scales: scales, targets: target)
      #expect(result.values == Double.infinity && other.values > 0, "\(result), \(other)")
      #expect(other.values < Double.infinity, "\(other)")
      #expect(result.logits == other.logits && result.scales == other.scales, "\(result), \(other)")
      #expect(result.logits[1] == -target[1], "\(result)")
    }
    let masked = argmax.lossesWithGradients(for: [0, -.infinity] as [Double], scales: [1, 2], targets: [1])
    #expect(masked.values == Double.infinity && masked.logits == [1, 0], "\(masked)")
    let undefined = argmax.lossesWithGradients(
      for: [.nan, 1] as [Double], scales: [1, 1], targets: [1], as: .negativeLogLikelihood)
    #expect(undefined.values.isNaN && undefined.logits.allSatisfy(\.isNaN), "\(undefined)")
    for loss in [Loss.fenchelYoung, .negativeLogLikelihood] {
      let own = argmax.lossesWithGradients(
        for: [.nan, 1, 0.5] as [Double], scales: [1, 2, 3], targets: [1], as: loss)
      #expect(own.values.isNaN && (own.logits + own.scales).allSatisfy(\.isNaN), "\(loss): \(own)")
    }
  }

  /// Bit for bit, and so is the gradient in the logits. A common scale moves a likelihood as logits do that are drawn together.
  @Test(arguments: ["gumbel", "normal", "laplace", "uniform"], [Loss.fenchelYoung, .negativeLogLikelihood])
  func aLossWithOneScaleIsTheOrdinaryOne(law: String, loss: Loss) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let (argmax, ordinary) = (NoisyArgmax(noise, scale: 2), NoisyArgmax(noise))
    let target = [0.25, 0, 0.25, 0.5]
    for logits in [[0.5, -0.25, 0.375, 0], [0.5, -.infinity, 0.75, 0.625], [0.5, .nan, 0, 1]] {
      // That of a masked class does not count.
      let scales = logits.map { $0 == -.infinity ? 3 : 0.5 }
      let found = argmax.lossesWithGradients(for: logits, scales: scales, targets: target, as: loss)
      let own = ordinary.lossWithGradient(for: logits, target: target, as: loss)
      let bits = ([found.values] + found.logits).map { $0.isNaN ? 0 : $0.bitPattern }
      let ownBits = ([own.value] + own.gradient).map { $0.isNaN ? 0 : $0.bitPattern }
      #expect(bits == ownBits, "\(law), \(loss), \(logits): \(found), not \(own)")
      guard loss == .negativeLogLikelihood, !own.value.isNaN else { continue }
      let drawn = -zip(logits, own.gradient).reduce(0) { $0 + ($1.1 == 0 ? 0 : $1.0 * $1.1) }
      let inScales = found.scales.reduce(0, +)
      #expect((0.5 * inScales - drawn).magnitude <= 1e-9, "\(law), \(logits): \(found), not \(drawn)")
    }
  }

  /// Rows, spans and both precisions.
  @Test(arguments: [Loss.fenchelYoung, .negativeLogLikelihood])
  func lossesOfABatchAreThoseOfItsRows(loss: Loss) {
    let argmax = NoisyArgmax(.logistic, scale: 0.8)
    let logits = together(\.logits)
    let scales = together(\.scales)
    let targets = rows.indices.map { $0 % 5 }
    let batch = argmax.lossesWithGradients(for: logits, scales: scales, targets: targets, as: loss)
    for (index, row) in rows.enumerated() {
      let own = argmax.lossesWithGradients(
        for: row.logits, scales: row.scales, targets: [targets[index]], as: loss)
      #expect(batch.values[index] == own.values, "\(loss), \(row)")
      #expect(batch.logits[index] == own.logits && batch.scales[index] == own.scales, "\(loss), \(row)")
      let single = argmax.lossesWithGradients(
        for: row.logits.map { Float($0) }, scales: row.scales.map { Float($0) }, targets: [targets[index]],
        as: loss)
      #expect(
        (Double(single.values) - own.values).magnitude <= 2e-5 * Swift.max(1, own.values), "\(loss), \(row)")
    }
    var values = [Double](repeating: -1, count: rows.count)
    var gradient = [Double](repeating: -1, count: logits.elements.count)
    var inScales = gradient
    var workspace = NoisyArgmax.Workspace()
    do {
      var first = gradient.mutableSpan
      var second = inScales.mutableSpan
      var third = values.mutableSpan
      argmax.writeLossesWithGradients(
        for: logits.elements.span, scales: scales.elements.span, rowLength: 5, targets: targets.span,
        as: loss, to: &first, inScales: &second, values: &third, workspace: &workspace)
    }
    #expect(values == batch.values && gradient == batch.logits.elements)
    #expect(inScales == batch.scales.elements)
  }
}
