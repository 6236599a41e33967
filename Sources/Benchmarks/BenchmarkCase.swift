import Noisemax

/// One thing to measure: a law by a method in a precision, one pass, over rows of n classes.
package struct BenchmarkCase: Sendable {
  package let law: ShippedLaw
  package let method: BenchmarkedMethod
  package let precision: Precision
  package let pass: Pass
  package let size: Int

  package enum Precision: String, CaseIterable, Sendable { case Float, Double }

  /// What is measured of a transform.
  package enum Pass: String, CaseIterable, Sendable {
    /// The probabilities.
    case forward
    /// The pullback of the probabilities, with the logits themselves as cotangent.
    case backward

    /// One call with a batch.
    func run<Scalar: LogitScalar>(
      _ argmax: NoisyArgmax, on batch: Span<Scalar>, rowLength: Int, to result: inout MutableSpan<Scalar>,
      workspace: inout NoisyArgmax.Workspace
    ) {
      switch self {
      case .forward:
        argmax.writeProbabilities(for: batch, rowLength: rowLength, to: &result, workspace: &workspace)
      case .backward:
        argmax.writePullback(for: batch, of: batch, rowLength: rowLength, to: &result, workspace: &workspace)
      }
    }
  }

  package enum BenchmarkedMethod: String, CaseIterable, Sendable {
    case exact
    case quantileRule = "quantile-rule"

    /// The K of the quantile rule.
    static let points = 64

    var method: NoisyArgmax.Method {
      switch self {
      case .exact: .exact
      case .quantileRule: .quantileRule(points: Self.points)
      }
    }

    /// The quantile rule costs n²·K under laws that are not smooth.
    func largestSize(under law: any ExactNoise) -> Int {
      self == .exact || law is any SmoothNoise ? .max : 1000
    }
  }

  static let sizes = [2, 3, 10, 32, 100, 1000, 10_000, 32_768, 131_072]

  /// How many rows of a size there are in a batch: enough to make the cost of a call negligible.
  static func rows(of size: Int) -> Int { max(1, min(1024, 65_536 / size)) }

  /// Every case, in the order of the table.
  package static let all: [BenchmarkCase] = ShippedLaw.all.flatMap { law in
    BenchmarkedMethod.allCases.flatMap { method in
      Pass.allCases.flatMap { pass in
        Precision.allCases.flatMap { precision in
          sizes.filter { $0 <= method.largestSize(under: law.noise) }.map { size in
            BenchmarkCase(law: law, method: method, precision: precision, pass: pass, size: size)
          }
        }
      }
    }
  }

  /// What it is, from the law to the pass: `["normal", "exact", "Double", "1000", "forward"]`.
  package var parts: [String] { [law.name, method.rawValue, precision.rawValue, "\(size)", pass.rawValue] }
  package var name: String { parts.joined(separator: "/") }

  var transform: NoisyArgmax { NoisyArgmax(law, method: method.method) }
}
