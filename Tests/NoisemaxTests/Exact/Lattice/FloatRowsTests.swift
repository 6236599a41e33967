import Noisemax
import NoisemaxLaws
import Testing

/// Rows of Floats on the lattice, beside the same rows in Doubles, which others hold to 25 digits.
@Suite struct FloatRowsTests {
  private static func row(_ count: Int, spread: Float, power: Int, _ generator: inout SplitMix64)
    -> [Float]
  {
    var row = (0..<count).map { _ in
      -spread * (0..<power).reduce(1) { product, _ in product * Float.random(in: 0...1, using: &generator) }
    }
    row[count / 2] = 0
    return row
  }

  @Test(arguments: LatticeTests.references, [40, 120, 500, 900, 1500])
  func agreeWithDoubles(law: String, count: Int) throws {
    let argmax = try LatticeTests.transform(law)
    var generator = SplitMix64(seed: 41)
    for spread in [Float(0), 0.5, 3, 8, 20, 50, 400] {
      for power in [1, 3] {
        let row = Self.row(count, spread: spread, power: power, &generator)
        let (p, truth) = (argmax.probabilities(for: row), argmax.probabilities(for: row.map { Double($0) }))
        for index in row.indices {
          // What is subnormal has fewer digits, and what is below that is 0.
          let bound = 1e-5 * truth[index] + (truth[index] < 1e-36 ? 1e-37 : 0)
          #expect(
            (Double(p[index]) - truth[index]).magnitude <= bound,
            "\(law), \(count) classes, spread \(spread), power \(power), gap \(row[index]): \(p[index]), not \(truth[index])"
          )
        }
        let sum = p.reduce(-1.0) { $0 + Double($1) }
        #expect(
          sum.magnitude <= 2e-6, "\(law), \(count) classes, spread \(spread): the sum exceeds 1 by \(sum)")
      }
    }
  }

  /// Deposits are exact, whatever the order: only the sum that all are divided by may differ in its last bit.
  @Test(arguments: LatticeTests.references)
  func orderDoesNotMatter(law: String) throws {
    let argmax = try LatticeTests.transform(law)
    var generator = SplitMix64(seed: 42)
    for count in [64, 300, 600] {
      let row = Self.row(count, spread: 12, power: 2, &generator)
      let (p, reversed) = (argmax.probabilities(for: row), argmax.probabilities(for: Array(row.reversed())))
      for (index, pair) in zip(p, reversed.reversed()).enumerated() {
        #expect(
          (pair.0 - pair.1).magnitude <= 1.2e-7 * pair.0, "\(law), \(count) classes, class \(index): \(pair)")
      }
    }
  }
}
