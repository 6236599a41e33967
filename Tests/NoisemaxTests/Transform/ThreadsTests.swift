import Foundation
import Noisemax
import Testing

/// Batches on several threads: the partition is forced, since batches of tests are too short to be worth one.
@Suite struct ThreadsTests {
  /// No bit of a row depends on the rows around it or on the parts that the batch is cut into.
  @Test(
    arguments: ShippedLaw.all.map(\.name),
    [NoisyArgmax.Method.exact, .quantileRule(points: 8)])
  func rowsHaveTheSameBitsOnAnyNumberOfThreads(law: String, method: NoisyArgmax.Method) throws {
    let noise = try #require(ShippedLaw.standard(named: law))
    let argmax = NoisyArgmax(noise, method: method)
    for length in [2, 17] {
      check(argmax, Quantity.byRow, Batch<Double>(rows: 7, length: length))
      check(argmax, Quantity.byRow, Batch<Float>(rows: 7, length: length))
      // A mean with a row that has none is NaN, whatever the others are.
      let losses = Loss.allCases.filter { method == .exact || $0 == .negativeLogLikelihood }
      check(argmax, losses.flatMap(Quantity.means), Batch<Double>(rows: 7, length: length, isOrdinary: true))
      check(argmax, losses.flatMap(Quantity.means), Batch<Float>(rows: 7, length: length, isOrdinary: true))
    }
  }

  private func check<Scalar: LogitScalar>(
    _ argmax: NoisyArgmax, _ quantities: [Quantity<Scalar>], _ batch: Batch<Scalar>
  ) {
    let rows = (0..<batch.rows).map(batch.row)
    for quantity in quantities {
      let whole = NoisyArgmax.$forcedParts.withValue(1) { quantity.values(argmax, batch) }
      #expect(!whole.isEmpty)
      for parts in [2, 3, 7] {
        let cut = NoisyArgmax.$forcedParts.withValue(parts) { quantity.values(argmax, batch) }
        #expect(
          cut == whole, "\(quantity.name) of \(argmax), \(Scalar.self), in \(parts) parts: \(batch.logits)")
      }
      guard quantity.isByRow else { continue }
      let alone = rows.flatMap { quantity.values(argmax, $0) }
      #expect(alone == whole, "\(quantity.name) of \(argmax), \(Scalar.self), row by row: \(batch.logits)")
    }
  }

  /// What the tests above rest on: the batch is really cut, every row is in one part, and a batch worth no second
  /// thread is not cut.
  @Test func aForcedPartitionIsOne() {
    let argmax = NoisyArgmax(.normal)
    func parts(of rows: Int, forced: Int?, threads: Int = .max) -> [Range<Int>] {
      let lock = NSLock()
      nonisolated(unsafe) var parts: [Range<Int>] = []
      NoisyArgmax.$forcedParts.withValue(forced) {
        var workspace = NoisyArgmax.Workspace(threads: threads)
        argmax.forEachPart(of: RowShape(count: 10 * rows, rowLength: 10), workspace: &workspace) { part, _ in
          lock.withLock { parts.append(part) }
        }
      }
      return parts.sorted { $0.lowerBound < $1.lowerBound }
    }
    #expect(parts(of: 7, forced: 3) == [0..<2, 2..<4, 4..<7])
    #expect(parts(of: 2, forced: 100) == [0..<1, 1..<2])
    #expect(parts(of: 1, forced: 100) == [0..<1])
    #expect(parts(of: 3, forced: nil) == [0..<3])
    #expect(parts(of: 1 << 30, forced: nil, threads: 1) == [0..<1 << 30])
    let long = parts(of: 1 << 30, forced: nil)
    #expect(long.count > 1 || ProcessInfo.processInfo.activeProcessorCount == 1)
    #expect(long.first?.lowerBound == 0 && long.last?.upperBound == 1 << 30)
    #expect(zip(long, long.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
  }
}

/// A batch with everything that a quantity of it may need.
private struct Batch<Scalar: LogitScalar>: Sendable {
  var logits: [Scalar]
  var cotangent: [Scalar]
  var targets: [Int]
  var weights: [Scalar]
  let rows: Int
  let length: Int
  /// The number of the first row.
  var first = 0

  /// Unless all rows are ordinary: a masked class, a deep class, and rows that have no ordinary answer.
  init(rows: Int, length: Int, isOrdinary: Bool = false) {
    var generator = StreamGenerator(seed: UInt64(length))
    (self.rows, self.length) = (rows, length)
    logits = (0..<rows * length).map { _ in Scalar(Double.random(in: -4...4, using: &generator)) }
    cotangent = logits.map { _ in Scalar(Double.random(in: -1...1, using: &generator)) }
    targets = (0..<rows).map { $0 % length }
    weights = logits.map { _ in 1 / Scalar(length) }
    if isOrdinary { return }
    logits[2 * length] = -.infinity
    logits[3 * length + 1] = .nan
    logits[5 * length] = .infinity
    logits[6 * length + 1] = -800
  }

  /// One row of it.
  func row(_ row: Int) -> Batch {
    let slots = row * length..<(row + 1) * length
    return Batch(
      logits: Array(logits[slots]), cotangent: Array(cotangent[slots]), target: targets[row],
      weights: Array(weights[slots]), number: row)
  }

  private init(logits: [Scalar], cotangent: [Scalar], target: Int, weights: [Scalar], number: Int) {
    (self.logits, self.cotangent, self.weights) = (logits, cotangent, weights)
    (targets, rows, length, first) = ([target], 1, logits.count, number)
  }
}

/// Something that is computed of a whole batch, in one of its forms.
private struct Quantity<Scalar: LogitScalar> {
  let name: String
  /// Whether it is a number of rows one after the other, not a mean over them.
  var isByRow = true
  let compute: (NoisyArgmax, Batch<Scalar>) -> [Scalar]

  /// The bits of all values; NaN has one pattern.
  func values(_ argmax: NoisyArgmax, _ batch: Batch<Scalar>) -> [UInt64] {
    compute(argmax, batch).map { $0.isNaN ? .max : Double($0).bitPattern }
  }

  /// Written from span to span, or in place, with a workspace.
  private static func written(
    _ start: [Scalar], _ write: (inout MutableSpan<Scalar>, inout NoisyArgmax.Workspace) -> Scalar?
  ) -> [Scalar] {
    var result = start
    var workspace = NoisyArgmax.Workspace()
    var span = result.mutableSpan
    let value = write(&span, &workspace)
    return result + (value.map { [$0] } ?? [])
  }

  static var byRow: [Quantity] { forward + pullbacks + draws }

  private static var forward: [Quantity] {
    [
      Quantity(name: "probabilities") { $0.probabilities(for: Rows($1.logits, length: $1.length)).elements },
      Quantity(name: "log-probabilities") {
        $0.logProbabilities(for: Rows($1.logits, length: $1.length)).elements
      },
      Quantity(name: "written probabilities") { argmax, batch in
        written(batch.logits) {
          argmax.writeProbabilities(for: batch.logits.span, rowLength: batch.length, to: &$0, workspace: &$1)
          return nil
        }
      },
      Quantity(name: "written log-probabilities") { argmax, batch in
        written(batch.logits) {
          argmax.writeLogProbabilities(
            for: batch.logits.span, rowLength: batch.length, to: &$0, workspace: &$1)
          return nil
        }
      },
    ]
  }

  private static var pullbacks: [Quantity] {
    [
      Quantity(name: "pullback") {
        $0.pullback(for: Rows($1.logits, length: $1.length), of: Rows($1.cotangent, length: $1.length))
          .elements
      },
      Quantity(name: "pullback of log-probabilities") {
        $0.logProbabilitiesPullback(
          for: Rows($1.logits, length: $1.length), of: Rows($1.cotangent, length: $1.length)
        ).elements
      },
      Quantity(name: "written pullback") { argmax, batch in
        written(batch.logits) {
          argmax.writePullback(
            for: batch.logits.span, of: batch.cotangent.span, rowLength: batch.length, to: &$0, workspace: &$1
          )
          return nil
        }
      },
      Quantity(name: "written pullback of log-probabilities") { argmax, batch in
        written(batch.logits) {
          argmax.writeLogProbabilitiesPullback(
            for: batch.logits.span, of: batch.cotangent.span, rowLength: batch.length, to: &$0, workspace: &$1
          )
          return nil
        }
      },
      Quantity(name: "pullback in place") { argmax, batch in
        written(batch.cotangent) {
          argmax.formPullback(in: &$0, for: batch.logits.span, rowLength: batch.length, workspace: &$1)
          return nil
        }
      },
      Quantity(name: "pullback of log-probabilities in place") { argmax, batch in
        written(batch.cotangent) {
          argmax.formLogProbabilitiesPullback(
            in: &$0, for: batch.logits.span, rowLength: batch.length, workspace: &$1)
          return nil
        }
      },
    ]
  }

  private static var draws: [Quantity] {
    [
      Quantity(name: "random indices") {
        $0.randomIndex(for: Rows($1.logits, length: $1.length), seed: 7, firstRow: $1.first)
          .map { Scalar($0 ?? -1) }
      },
      Quantity(name: "distinct random indices") { argmax, batch in
        argmax.randomIndices(
          for: Rows(batch.logits, length: batch.length), distinct: batch.length, seed: 7,
          firstRow: batch.first
        ).map { Scalar($0 ?? -1) }
      },
      Quantity(name: "relaxed samples") {
        $0.relaxedSample(
          for: Rows($1.logits, length: $1.length), temperature: 0.5, seed: 7, firstRow: $1.first
        ).value.elements
      },
    ]
  }

  static func means(_ loss: Loss) -> [Quantity] {
    func mean(
      _ name: String, _ compute: @escaping (NoisyArgmax, Batch<Scalar>) -> [Scalar]
    ) -> Quantity { Quantity(name: "\(loss) \(name)", isByRow: false, compute: compute) }
    return [
      mean("of classes") {
        [$0.loss(for: Rows($1.logits, length: $1.length), targets: $1.targets, as: loss)]
      },
      mean("of distributions") {
        [
          $0.loss(
            for: Rows($1.logits, length: $1.length), targets: Rows($1.weights, length: $1.length), as: loss)
        ]
      },
      mean("of classes, with gradient") {
        let (value, gradient) = $0.lossWithGradient(
          for: Rows($1.logits, length: $1.length), targets: $1.targets, as: loss)
        return gradient.elements + [value]
      },
      mean("of distributions, with gradient") {
        let (value, gradient) = $0.lossWithGradient(
          for: Rows($1.logits, length: $1.length), targets: Rows($1.weights, length: $1.length), as: loss)
        return gradient.elements + [value]
      },
      mean("of classes, gradient written") { argmax, batch in
        written(batch.logits) {
          argmax.writeLossGradient(
            for: batch.logits.span, rowLength: batch.length, targets: batch.targets.span, as: loss, to: &$0,
            workspace: &$1)
        }
      },
      mean("of distributions, gradient in place") { argmax, batch in
        written(batch.logits) {
          argmax.formLossGradient(
            in: &$0, rowLength: batch.length, targets: batch.weights.span, as: loss, workspace: &$1)
        }
      },
    ]
  }
}
