import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Common factors at nodes where most classes are left out: against sums over whole rows, and closed forms of rare classes.
@Suite struct FactorNodesTests {
  /// Classes with two factors.
  private struct Row: CustomStringConvertible {
    let logits: [Double]
    let scales: [Double]?
    let loadings: Rows<Double>
    var description: String { "logits \(logits), scales \(scales ?? []), loadings \(loadings.elements)" }

    init(logits: [Double], loadings: [Double]) {
      (self.logits, scales, self.loadings) = (logits, nil, Rows(loadings, length: 2))
    }

    /// Eight classes that factors draw far apart.
    init(scaled: Bool) {
      let one = RandomVectors(count: 8, seed: 31)
      var loadings: [Double] = []
      for (first, second) in zip(one.v, one.w) {
        loadings.append(3 * first)
        loadings.append(2 * second)
      }
      self.loadings = Rows(loadings, length: 2)
      logits = one.logits
      // A wide class is not to be left out for its logit.
      var scales = one.scales
      scales[5] = 3
      self.scales = scaled ? scales : nil
    }
  }

  /// Σ φ(z) times what a body finds for the whole row at z, by the trapezoid rule, and the same times z.
  private func mean(
    _ row: Row, step: Double, radius: Double = 7.5,
    _ body: (_ batch: Rows<Double>, _ scales: Rows<Double>?) -> Rows<Double>
  ) -> (values: [Double], timesFactors: [[Double]]) {
    let (end, n) = (Int(radius / step), row.logits.count)
    var nodes: [[Double]] = []
    var (logits, scales): ([Double], [Double]) = ([], [])
    for i in -end...end {
      for j in -end...end where i * i + j * j <= end * end {
        let z = [Double(i) * step, Double(j) * step]
        nodes.append(z)
        for index in 0..<n {
          let drawn = row.loadings[index, 0] * z[0] + row.loadings[index, 1] * z[1]
          logits.append(row.logits[index] + drawn)
        }
        scales += row.scales ?? []
      }
    }
    let found = body(Rows(logits, length: n), row.scales == nil ? nil : Rows(scales, length: n))
    var values = [Double](repeating: 0, count: n)
    var timesFactors = [values, values]
    for (index, z) in nodes.enumerated() {
      let weight = step * step / (2 * Double.pi) * exp(-0.5 * (z[0] * z[0] + z[1] * z[1]))
      for number in 0..<n {
        let value = weight * found[index, number]
        values[number] += value
        for factor in 0..<2 { timesFactors[factor][number] += z[factor] * value }
      }
    }
    return (values, timesFactors)
  }

  @Test(arguments: ["normal", "logistic", "reversed-gumbel"], [false, true])
  func agreesWithSumsOverWholeRows(law: String, scaled: Bool) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise)
    let row = Row(scaled: scaled)
    let n = row.logits.count
    let step = scaled ? 0.08 : 0.11
    let expected = mean(row, step: step) { batch, scales in
      guard let scales else { return argmax.probabilities(for: batch) }
      return argmax.probabilities(for: batch, scales: scales)
    }
    let result = argmax.probabilities(for: row.logits, loadings: row.loadings, scales: row.scales)
    for j in 0..<n {
      let error = (result[j] - expected.values[j]).magnitude
      #expect(error <= 1e-10, "\(law), \(row), class \(j): \(result), not \(expected.values)")
    }
    let v = (0..<n).map { sin(Double(3 * $0)) }
    let slopes = mean(row, step: step) { batch, scales in
      let cotangent = Rows((0..<batch.count).flatMap { _ in v }, length: n)
      guard let scales else { return argmax.pullback(for: batch, of: cotangent) }
      return argmax.inclusionPullback(for: batch, largest: 1, of: cotangent, scales: scales).logits
    }
    let (inLogits, inLoadings): ([Double], Rows<Double>)
    if let scales = row.scales {
      let gradient = argmax.pullback(for: row.logits, scales: scales, loadings: row.loadings, of: v)
      (inLogits, inLoadings) = (gradient.logits, gradient.loadings)
    } else {
      let gradient = argmax.pullback(for: row.logits, loadings: row.loadings, of: v)
      (inLogits, inLoadings) = (gradient.logits, gradient.loadings)
    }
    for j in 0..<n {
      let error = (inLogits[j] - slopes.values[j]).magnitude
      #expect(error <= 1e-9, "\(law), \(row), class \(j): \(inLogits), not \(slopes.values)")
      for factor in 0..<2 {
        let error = (inLoadings[j, factor] - slopes.timesFactors[factor][j]).magnitude
        #expect(error <= 1e-9, "\(law), \(row), class \(j): \(inLoadings), not \(slopes.timesFactors)")
      }
    }
  }

  /// Of two normal classes log p = log Φ(d/σ): what is rare is made of nodes far out, and of gaps that are not negligible there.
  @Test(arguments: [[[3.0, 0.5], [-1, 1.5]], [[1, 2], [-2, 0]]], [-8.0, -30, -60])
  func rareClassesKeepTheirDigits(loadings: [[Double]], d: Double) {
    let argmax = NoisyArgmax(.normal)
    let (first, second) = (loadings[0][0] - loadings[1][0], loadings[0][1] - loadings[1][1])
    let rows = Rows(loadings[0] + loadings[1], length: 2)
    for scales in [nil, [0.5, 2]] as [[Double]?] {
      let own: Double = scales == nil ? 2 : 4.25
      let deviation = (first * first + second * second + own).squareRoot()
      let expected = Normal().logCumulative(at: d / deviation)
      let result = argmax.logProbabilitiesWithErrorEstimate(for: [d, 0], loadings: rows, scales: scales)
      let error = (result.logProbabilities[0] - expected).magnitude
      #expect(error <= 1e-8, "\(loadings), \(d), \(scales ?? []): \(result), not \(expected)")
      #expect(result.errorEstimate <= 1e-8)
    }
  }

  /// What counts for nothing is told by the rarest class: relative to that, not to 1.
  @Test(arguments: [-9.0, -14])
  func rareClassesAreNotLeftOut(logit: Double) {
    let row = Row(logits: [0, -0.5, logit], loadings: [0.3, -0.2, 0, 0.4, -0.3, 0.1])
    let expected = mean(row, step: 0.12, radius: 12) { batch, _ in
      NoisyArgmax(.normal).probabilities(for: batch)
    }
    let logs = NoisyArgmax(.normal).logProbabilities(for: row.logits, loadings: row.loadings)
    for j in row.logits.indices {
      let truth = log(expected.values[j])
      #expect((logs[j] - truth).magnitude <= 1e-9, "\(row), class \(j): \(logs), not \(truth)")
    }
  }

  /// A node that is rare may leave out more, but not as much more as it is rare.
  @Test(arguments: [3.2, 3.5, 4, 5])
  func classesAreNotLeftOutTooNear(gap: Double) {
    // The third never wins, and is there for the second factor.
    let row = Row(
      logits: [0, 0 - gap * 2.0.squareRoot(), -60], loadings: [0, 0, 0.01, 0, 0, 0.01])
    let p = NoisyArgmax(.normal).probabilities(for: row.logits, loadings: row.loadings)[1]
    let truth = Normal().cumulative(at: row.logits[1] / 2.0001.squareRoot())
    #expect((p - truth).magnitude <= 1e-10, "\(row): \(p), not \(truth)")
  }

  /// The nodes of one row are shared out, too.
  @Test func aRowHasTheSameBitsOnAnyNumberOfThreads() {
    let argmax = NoisyArgmax(.logistic)
    for scaled in [false, true] {
      let row = Row(scaled: scaled)
      func values() -> [Double] {
        argmax.probabilities(for: row.logits, loadings: row.loadings, scales: row.scales, tolerance: 1e-3)
      }
      let whole = NoisyArgmax.$forcedParts.withValue(1) { values() }
      for parts in [2, 3, 8] {
        let cut = NoisyArgmax.$forcedParts.withValue(parts) { values() }
        #expect(cut == whole, "\(row) in \(parts) parts")
      }
    }
    // One factor has one line, of which every part has an eighth.
    let loadings = Rows(Row(scaled: false).loadings.elements, length: 1)
    let logits = [Double](repeating: 0, count: 16)
    func values() -> [Double] { argmax.probabilities(for: logits, loadings: loadings) }
    let whole = NoisyArgmax.$forcedParts.withValue(1) { values() }
    let cut = NoisyArgmax.$forcedParts.withValue(5) { values() }
    #expect(cut == whole)
  }
}
