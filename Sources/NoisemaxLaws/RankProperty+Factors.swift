// What common factors keep to.

extension RankProperty {
  /// The sum is 1, and a shift of all loadings, their signs and the order of the classes change nothing.
  static var factorsMoveAlong: RankProperty {
    RankProperty(name: "common factors move along") { ranks, row, generator in
      guard (2...4).contains(row.count) else { return nil }
      let loadings = randomVector(row.count, &generator).map { $0 / 2 }
      let values = ranks.withFactor(row, loadings)
      let sum = values.reduce(0, +)
      if !((sum - 1).magnitude <= 1e-5) { return "with loadings \(loadings) \(values) sum to \(sum)" }
      let ways: [(name: String, values: [Double])] = [
        ("reversed", ranks.withFactor(row.reversed(), loadings.reversed()).reversed()),
        ("with loadings moved by 2", ranks.withFactor(row, loadings.map { $0 + 2 })),
        ("with the signs changed", ranks.withFactor(row, loadings.map { 0 - $0 })),
      ]
      for way in ways {
        for i in row.indices where !((way.values[i] - values[i]).magnitude <= 4e-6) {
          return "\(way.name) the row has \(way.values), not \(values), with loadings \(loadings)"
        }
      }
      let none = ranks.withFactor(row, row.map { _ in 0.5 })
      let p = ranks.inclusions(row, 1, nil)
      for i in row.indices where !((none[i] - p[i]).magnitude <= accuracy) {
        return "with equal loadings class \(i) has \(none[i]), and without \(p[i])"
      }
      return nil
    }
  }
}
