import CommandLineConventions
import Dispatch
import Noisemax

/// `benchmarks accuracy`: the errors of the quantile rule, and of the sums of the exact methods.
///
/// The rows are the same in every run, and each cell of a table is worked on by one thread: the text is the same too.
enum AccuracyCommand {
  static let command = Command(
    "accuracy", "the measured error of the quantile rule and of the sums",
    summary: """
      Prints two tables about random rows of N(0, 1.5²), the same rows in every run: how far the
      quantile rule is from the exact probabilities, and how far the exact probabilities are from a
      sum of 1. It takes about a minute.
      """
  ) { _, output throws(Failure) in try output.write(text) }

  private static var text: String {
    let cells = RuleCell.all
    let errors = concurrently(cells.count) { cells[$0].measure() }
    var rule = MarkdownTable(
      ["law", "n", "K", "rows", "largest error, normalised", "mean Σp − 1, raw"], textColumns: 1)
    for (cell, error) in zip(cells, errors) {
      rule.append([
        cell.law.name, "\(cell.size)", "\(cell.points)", "\(cell.rows)", scientific(error.largest),
        scientific(error.meanDefect),
      ])
    }
    let sizes = [2, 10, 100, 1000]
    var sums = MarkdownTable(["law"] + sizes.map { "n = \($0)" } + ["Float, n = 1000"], textColumns: 1)
    for law in ShippedLaw.all {
      let transform = NoisyArgmax(law)
      let defects = sizes.map { largestDefect(of: transform, size: $0, as: Double.self) }
      let single = largestDefect(of: transform, size: 1000, as: Float.self)
      sums.append([law.name] + (defects + [single]).map(scientific))
    }
    return "The quantile rule with K points against the exact probabilities:\n\n\(rule.text)\n"
      + "The largest |Σp − 1| of the exact probabilities, of \(rowsOfSums) rows:\n\n\(sums.text)"
  }

  private static let rowsOfSums = 20

  private static func largestDefect<Scalar: LogitScalar>(
    of transform: NoisyArgmax, size: Int, as type: Scalar.Type
  ) -> Double {
    var logits = RandomLogits(seed: UInt64(size))
    return (0..<rowsOfSums).map { _ in
      let row = logits.row(of: size).map { Scalar($0) }
      // Summed pairwise, so that the sum adds no error of its own that would be worth showing.
      return abs(pairwiseSum(transform.probabilities(for: row).map { Double($0) }[...]) - 1)
    }.max() ?? 0
  }
}

/// One row of the table about the quantile rule.
private struct RuleCell: Sendable {
  let law: ShippedLaw
  let size: Int
  let points: Int

  static let all: [RuleCell] = ["normal", "gumbel", "logistic", "uniform"].flatMap { name in
    ShippedLaw.all.filter { $0.name == name }.flatMap { law in
      [2, 10, 100, 1000].flatMap { size in
        [16, 64, 256, 1024].filter { size <= 100 || $0 <= 256 }
          .map { RuleCell(law: law, size: size, points: $0) }
      }
    }
  }

  /// The rule costs n²·K.
  var rows: Int { size <= 100 ? 20 : 1 }

  func measure() -> (largest: Double, meanDefect: Double) {
    let exact = NoisyArgmax(law)
    let rule = NoisyArgmax(law, method: .quantileRule(points: points, normalized: false))
    var logits = RandomLogits(seed: UInt64(size))
    var largest = 0.0
    var defects = 0.0
    for _ in 0..<rows {
      let row = logits.row(of: size)
      let raw = rule.probabilities(for: row)
      // The normalised rule is the raw one over its sum: no need to do the work twice.
      let sum = pairwiseSum(raw[...])
      defects += sum - 1
      for (value, right) in zip(raw, exact.probabilities(for: row)) {
        largest = max(largest, abs(value / sum - right))
      }
    }
    return (largest, defects / Double(rows))
  }
}

private func pairwiseSum(_ values: ArraySlice<Double>) -> Double {
  guard values.count > 2 else { return values.reduce(0, +) }
  let middle = values.startIndex + values.count / 2
  return pairwiseSum(values[..<middle]) + pairwiseSum(values[middle...])
}

/// The results of independent pieces of work in their order, made on all cores.
private func concurrently<Result: Sendable>(_ count: Int, _ work: @Sendable (Int) -> Result) -> [Result] {
  let slots = UnsafeMutableBufferPointer<Result?>.allocate(capacity: count)
  slots.initialize(repeating: nil)
  defer {
    slots.deinitialize()
    slots.deallocate()
  }
  nonisolated(unsafe) let results = slots
  DispatchQueue.concurrentPerform(iterations: count) { results[$0] = work($0) }
  return slots.compactMap { $0 }
}
