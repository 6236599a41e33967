import Noisemax

/// This library at work on one case.
protocol CaseContender: Contender {
  var benchmarkCase: BenchmarkCase { get }
  /// How many threads a call may use.
  var threads: Int { get }
  /// The rows of the batches that were measured.
  var rows: Int { get }
  /// The largest difference of the first row's results to the exact ones.
  func error(against exact: [Double]) -> Double
}

func contender(for benchmarkCase: BenchmarkCase, logits: [Double], threads: Int) -> any CaseContender {
  switch benchmarkCase.precision {
  case .Float: Work<Float>(benchmarkCase, logits: logits.map { Float($0) }, threads: threads)
  case .Double: Work<Double>(benchmarkCase, logits: logits, threads: threads)
  }
}

/// The rows of one case in the type of its precision.
private final class Work<Scalar: LogitScalar>: CaseContender {
  let benchmarkCase: BenchmarkCase
  let threads: Int
  private(set) var rows = 1
  private let argmax: NoisyArgmax
  private let logits: [Scalar]
  private var batch: [Scalar]
  private var result: [Scalar]
  /// What a row took when last measured.
  private var secondsPerRow: Double?

  var name: String { benchmarkCase.name + (threads == 1 ? "" : ", all cores") }

  init(_ benchmarkCase: BenchmarkCase, logits: [Scalar], threads: Int) {
    self.benchmarkCase = benchmarkCase
    self.threads = threads
    self.logits = logits
    argmax = benchmarkCase.transform
    batch = Array(logits.prefix(benchmarkCase.size))
    result = batch
  }

  /// What is timed.
  private func run(calls: Int) {
    // Out of the object, so that the loop does not check at every turn who else may write to it.
    var output: [Scalar] = []
    swap(&output, &result)
    var workspace = NoisyArgmax.Workspace(threads: threads)
    var span = output.mutableSpan
    for _ in 0..<calls {
      benchmarkCase.pass.run(
        argmax, on: batch.span, rowLength: benchmarkCase.size, to: &span, workspace: &workspace)
    }
    swap(&output, &result)
  }

  func sample(lasting seconds: Double) -> Sample? {
    if let secondsPerRow, rows == 1, seconds > 0 { setRows(Int(seconds / secondsPerRow)) }
    let calls = secondsPerRow.map { max(1, Int(seconds / ($0 * Double(rows)))) } ?? 1
    let taken = secondsTaken { run(calls: calls) } / Double(calls * rows)
    // The first call of all meets cold caches: it says little about the next.
    let isFirst = secondsPerRow == nil
    secondsPerRow = taken
    if isFirst, taken < 0.02 { return sample(lasting: seconds) }
    return Sample(nanosecondsPerRow: taken * 1e9, rows: rows)
  }

  private func setRows(_ number: Int) {
    rows = max(1, min(number, logits.count / benchmarkCase.size))
    batch = Array(logits.prefix(rows * benchmarkCase.size))
    result = batch
  }

  func error(against exact: [Double]) -> Double {
    zip(result, exact).map { abs(Double($0) - $1) }.max() ?? .nan
  }
}
