// What second derivatives keep to.

extension RankProperty {
  /// They are third derivatives of E[max]: no matter which two directions come first, and a shift changes nothing.
  static var secondDerivativesAreSymmetric: RankProperty {
    RankProperty(name: "second derivatives are symmetric") { ranks, row, generator in
      guard row.count > 1 else { return nil }
      let (u, v, w) = (
        randomVector(row.count, &generator), randomVector(row.count, &generator),
        randomVector(row.count, &generator)
      )
      func third(_ v: [Double], _ w: [Double], _ u: [Double]) -> Double {
        zip(ranks.secondPullback(row, v, w).logits, u).reduce(0) { $0 + $1.0 * $1.1 }
      }
      let values = [third(u, v, w), third(v, w, u), third(w, u, v)]
      if !values.allSatisfy({ ($0 - values[0]).magnitude <= 1e-9 }) {
        return "in three orders of \(u), \(v), \(w) they are \(values)"
      }
      let sum = ranks.secondPullback(row, v, w).logits.reduce(0, +)
      return sum.magnitude <= 1e-9 ? nil : "those for \(v), \(w) sum to \(sum)"
    }
  }

  /// Differences of the pullback. Where the law has a kink within a step, the shorter step has it no more.
  static var secondDerivativesAreDerivatives: RankProperty {
    RankProperty(name: "second derivatives are differences") { ranks, row, generator in
      guard row.count > 1 else { return nil }
      let (v, w) = (randomVector(row.count, &generator), randomVector(row.count, &generator))
      let found = ranks.secondPullback(row, v, w)
      let i = generator.integer(in: 0...row.count - 1)
      func flow(_ row: [Double], _ factor: Double) -> Double {
        zip(ranks.firstPullback(row, v, factor), w).reduce(0) { $0 + $1.0 * $1.1 }
      }
      var report: String?
      for step in [1e-4, 1e-6] {
        var (above, below) = (row, row)
        (above[i], below[i]) = (row[i] + step, row[i] - step)
        let inLogit = (flow(above, 1) - flow(below, 1)) / (2 * step)
        let inScale = (flow(row, 1 + step) - flow(row, 1 - step)) / (2 * step * ranks.scale)
        if (found.logits[i] - inLogit).magnitude <= 1e-3, (found.scale - inScale).magnitude <= 1e-3 {
          return nil
        }
        report =
          "of class \(i) and the scale they are \(found.logits[i]) and \(found.scale), by differences \(inLogit) and \(inScale), for \(v), \(w)"
      }
      return report
    }
  }

  static func randomVector(_ count: Int, _ generator: inout SplitMix64) -> [Double] {
    (0..<count).map { _ in generator.number(in: -1...1) }
  }
}
