import Noisemax
import NoisemaxLaws
import NoisemaxEstimators

/// Estimates beside what they should be, to be judged all together.
struct Deviations: CustomStringConvertible {
  private var worst = 0.0
  private var worstCase = "none"
  private(set) var count = 0

  /// Compares every component in units of its standard error. One without error must be right.
  mutating func add(_ estimate: GradientEstimate, expected: [Double], _ name: @autoclosure () -> String) {
    for (index, expected) in expected.enumerated() {
      let (value, error) = (estimate.value[index], estimate.standardError[index])
      let size = 1e-13 * (1 + expected.magnitude)
      let deviation = Swift.max(0, (value - expected).magnitude - size) / Swift.max(error, size)
      count += 1
      if !(deviation <= worst) {
        worst = deviation
        worstCase = "\(name()): [\(index)] = \(value) ± \(error), expected \(expected)"
      }
    }
  }

  /// Whether chance makes the worst of so many deviations less often than once in 10,000 (Bonferroni).
  var areSuspicious: Bool { !(worst <= Normal().upperQuantile(at: 1e-4 / Double(2 * count))) }

  var description: String { "worst of \(count): \(worst) standard errors; \(worstCase)" }
}

/// How much the standard errors of repeated estimates are off their true spread, as the ratio of the variances, all
/// components together.
func varianceRatio(repetitions: Int, _ estimate: (_ seed: UInt64) -> GradientEstimate) -> Double {
  let estimates = (0..<repetitions).map { estimate(UInt64($0) + 1000) }
  var (claimed, spread) = (0.0, 0.0)
  for index in estimates[0].value.indices {
    let values = estimates.map { $0.value[index] }
    let mean = values.reduce(0, +) / Double(repetitions)
    spread += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(repetitions - 1)
    claimed += estimates.reduce(0) { $0 + $1.standardError[index] * $1.standardError[index] }
  }
  return claimed / Double(repetitions) / spread
}

/// The sum of the squares.
func squaredLength(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 } }

/// The largest distance between two components.
func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  zip(a, b).reduce(0) { Swift.max($0, ($1.0 - $1.1).magnitude) }
}

/// Some of all estimators for a discrete z.
let discreteEstimators: [DiscreteGradientEstimator] =
  ScoreBaseline.allCases.map { .scoreFunction(baseline: $0) } + [
    .relaxation(temperature: 0.5), .straightThrough(temperature: 0.5),
  ]

/// Σ a_i·z_i + Σ b_ij·z_i·z_j (1 + z_i), with numbers that differ everywhere: of third degree, and dependent on how
/// indices go together.
func cubicObjective(size: Int, using generator: inout SplitMix64) -> Objective {
  let slopes = (0..<size).map { _ in Double.random(in: -2...2, using: &generator) }
  let products = (0..<size * size).map { _ in Double.random(in: -1...1, using: &generator) }
  return Objective(
    value: { z in
      var sum = 0.0
      for i in z.indices {
        sum += slopes[i] * z[i]
        for j in z.indices { sum += products[i * size + j] * z[i] * z[j] * (1 + z[i]) }
      }
      return sum
    },
    gradient: { z in
      var slope = slopes
      for i in z.indices {
        for j in z.indices {
          slope[i] += products[i * size + j] * z[j] * (1 + 2 * z[i])
          slope[j] += products[i * size + j] * z[i] * (1 + z[i])
        }
      }
      return slope
    })
}
