import Noisemax

// Rows where derivatives are hardest: many classes, spread wide, so that some are rare and steep and others compete.

extension PropertySuite {
  /// Checks entries of derivatives against an integral of its own, on rows of 3 to 100 classes.
  func spreadFailures(of derivatives: Derivatives<Double>) -> [PropertyFailure] {
    guard derivatives.integral != nil else { return [] }
    let property = Property<Double, [Double]>(name: "entries by an integral") { row, _, generator in
      entryViolation(of: derivatives, at: row, using: &generator)
    }
    var generator = SplitMix64(seed: seed)
    let series = (0..<max(2, rows / 20)).map { _ in spreadRow(using: &generator) }
    return failures(
      [property], of: derivatives.name, method: derivatives.method, series: series, generator: &generator
    ) { $0 }
  }
}

/// A leader, and classes even over the spread, or more of them near the leader, or in three clusters.
package func spreadRow(using generator: inout SplitMix64) -> [Double] {
  let counts = [3, 5, 10, 20, 40, 100]
  let spreads = [0.7, 1.5, 3, 10, 20, 30]
  let count = counts[generator.integer(in: 0...counts.count - 1)]
  let spread = spreads[generator.integer(in: 0...spreads.count - 1)]
  let centres = (0..<3).map { _ in generator.number(in: -spread...0) }
  let kind = generator.integer(in: 0...2)
  var row = (0..<count).map { _ in
    let share = generator.unit()
    switch kind {
    case 0: return -spread * share
    case 1: return -spread * share * share * share
    default: return centres[generator.integer(in: 0...2)] - 0.3 * share
    }
  }
  row[generator.integer(in: 0...count - 1)] = 0
  return row
}

/// What is wrong with derivatives at a row, if anything: some entries of the Jacobian, each within 1e-11 of itself, and of
/// the gradient of one log-probability.
package func entryViolation(
  of derivatives: Derivatives<Double>, at row: [Double], pairCount: Int = 24,
  using generator: inout SplitMix64
) -> String? {
  let open = row.indices.filter { row[$0] > -.infinity }
  guard isOrdinary(row), open.count > 1, let integral = derivatives.integral else { return nil }
  func openClass() -> Int { open[generator.integer(in: 0...open.count - 1)] }
  // One class with the rarest and with all others, and pairs at random.
  let target = openClass()
  let rarest = open.min { row[$0] < row[$1] } ?? target
  let pairs =
    open.filter { $0 != target }.map { (target, $0) }
    + (0..<pairCount).map { $0 % 3 == 0 ? (rarest, openClass()) : (openClass(), openClass()) }.filter {
      $0 != $1
    }
  guard let truth = integral(row, pairs) else { return "two integrals of the row disagree" }

  func unit(_ index: Int) -> [Double] { row.indices.map { $0 == index ? 1 : 0 } }
  func isWrong(_ value: Double, _ truth: Double, from least: Double) -> Bool {
    truth.magnitude >= least && !((value - truth).magnitude <= 1e-11 * truth.magnitude)
  }
  var columns: [Int: [Double]] = [:]
  for ((i, j), logSlope) in zip(pairs, truth.logSlopes) {
    let column = columns[j] ?? derivatives.pullback(row, unit(j))
    columns[j] = column
    let slope = -exponential(logSlope)
    if isWrong(column[i], slope, from: 1e-290) { return "∂p_\(j)/∂μ_\(i) is \(column[i]), not \(slope)" }
  }
  let logTarget = truth.logProbabilities[target]
  guard let logPullback = derivatives.logPullback, logTarget > -670 else { return nil }
  let gradient = logPullback(row, unit(target))
  for ((_, j), logSlope) in zip(pairs, truth.logSlopes).prefix(open.count - 1) {
    let slope = -exponential(logSlope - logTarget)
    if isWrong(gradient[j], slope, from: 1e-20) {
      return "∂log p_\(target)/∂μ_\(j) is \(gradient[j]), not \(slope)"
    }
  }
  return nil
}
