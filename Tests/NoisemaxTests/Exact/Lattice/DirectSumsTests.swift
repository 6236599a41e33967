import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// Rows of few classes: against the lattice, which serves the same row among many classes that hardly ever win, and against
/// a slow direct evaluation.
@Suite struct DirectSumsTests {
  private static let manyMasks = [Double](repeating: -.infinity, count: 4100)
  /// Open classes that change no probability: with them a row is one for the lattice, and not for the table of the few that
  /// matter.
  private static let manyRareClasses = [Double](repeating: -1e9, count: 4100)

  /// Shallow and deep rows of few classes, some of them tied or masked.
  private struct Rows {
    var generator: SplitMix64

    mutating func next() -> [Double] {
      let count = Int.random(in: 3...48, using: &generator)
      let spread = [0, 1e-12, 0.1, 1, 2, 5, 12][Int.random(in: 0..<7, using: &generator)]
      var row = (0..<count).map { _ in -spread * Double.random(in: 0...1, using: &generator) }
      for index in row.indices {
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: row[index] = -.infinity
        case 1: row[index] = row[0]
        case 2: row[index] = -spread - Double.random(in: 0...14, using: &generator)
        default: break
        }
      }
      (row[0], row[1]) = (0, -spread / 2)
      return row.shuffled(using: &generator)
    }
  }

  @Test(arguments: LatticeTests.windows)
  func agreesWithTheLattice(law: String, window: ClosedRange<Double>) throws {
    let argmax = try LatticeTests.transform(law)
    var rows = Rows(generator: SplitMix64(seed: 21))
    for _ in 0..<(isDebugBuild ? 100 : 4000) {
      let row = rows.next()
      let p = argmax.probabilities(for: row)
      let truth = argmax.probabilities(for: row + Self.manyRareClasses)
      for index in row.indices {
        #expect(
          (p[index] - truth[index]).magnitude <= 5e-13 * truth[index],
          "\(row), class \(index): \(p[index]), not \(truth[index])")
      }
      let single = argmax.probabilities(for: row.map { Float($0) })
      let singleTruth = argmax.probabilities(for: row.map { Double(Float($0)) } + Self.manyRareClasses)
      for index in row.indices {
        let error = (Double(single[index]) - singleTruth[index]).magnitude
        #expect(
          error <= min(3e-7, 5e-6 * singleTruth[index] + 1e-44),
          "\(row), class \(index): \(single[index]), not \(singleTruth[index])")
      }
    }
  }

  /// Logarithms likewise, those of classes that are almost certain too.
  @Test(arguments: LatticeTests.windows)
  func logarithmsAgreeWithTheLattice(law: String, window: ClosedRange<Double>) throws {
    let argmax = try LatticeTests.transform(law)
    var rows = Rows(generator: SplitMix64(seed: 25))
    // Each of thousands of deep logarithms is an integral of its own.
    for _ in 0..<(isDebugBuild ? 2 : 60) {
      let row = rows.next()
      let logP = argmax.logProbabilities(for: row)
      let truth = argmax.logProbabilities(for: row + Self.manyRareClasses)
      for index in row.indices {
        #expect(
          isClose(logP[index], truth[index], within: 1e-12 * truth[index].magnitude),
          "\(row), class \(index): \(logP[index]), not \(truth[index])")
      }
      let single = argmax.logProbabilities(for: row.map { Float($0) })
      let singleTruth = argmax.logProbabilities(for: row.map { Double(Float($0)) } + Self.manyRareClasses)
      for index in row.indices {
        #expect(
          isClose(Double(single[index]), singleTruth[index], within: 5e-6 * singleTruth[index].magnitude),
          "\(row), class \(index): \(single[index]), not \(singleTruth[index])")
      }
    }
  }

  /// And gradients, of probabilities and of their logarithms: relative to what entries are summed from, and to the largest
  /// for Floats.
  @Test(arguments: LatticeTests.windows)
  func gradientsAgreeWithTheLattice(law: String, window: ClosedRange<Double>) throws {
    let argmax = try LatticeTests.transform(law)
    var rows = Rows(generator: SplitMix64(seed: 26))
    for _ in 0..<(isDebugBuild ? 50 : 1000) {
      let row = rows.next()
      let v = row.map { _ in Double.random(in: -1...1, using: &rows.generator) }
      let (wide, zeros) = (row + Self.manyMasks, Self.manyMasks.map { _ in 0.0 })
      let single = row.map { Float($0) }
      let singleWide = single.map { Double($0) } + Self.manyMasks
      let p = argmax.probabilities(for: wide)
      for ofLogs in [false, true] {
        // Of a class that a Float shows, so that its logarithm weighs no more than 1e30.
        let w = ofLogs ? zip(v, p).map { $1 > 1e-30 ? $0 : 0 } : v
        let gradient =
          ofLogs ? argmax.logProbabilitiesPullback(for: row, of: w) : argmax.pullback(for: row, of: w)
        let truth =
          ofLogs
          ? argmax.logProbabilitiesPullback(for: wide, of: w + zeros)
          : argmax.pullback(for: wide, of: w + zeros)
        // |v_i − v_l| p_i bounds what an entry is made of, to a slope of log p.
        let size = truth.reduce(0) { max($0, $1.magnitude) }
        for index in row.indices {
          let own = ofLogs ? size : 20 * p[index]
          #expect(
            isClose(gradient[index], truth[index], within: 2e-11 * min(size, own) + 1e-300),
            "\(row), \(w), class \(index), logs \(ofLogs): \(gradient[index]), not \(truth[index])")
        }
        let narrow = w.map { Float($0) }
        let singleGradient =
          ofLogs
          ? argmax.logProbabilitiesPullback(for: single, of: narrow)
          : argmax.pullback(for: single, of: narrow)
        let narrowWide = narrow.map { Double($0) } + zeros
        let singleTruth =
          ofLogs
          ? argmax.logProbabilitiesPullback(for: singleWide, of: narrowWide)
          : argmax.pullback(for: singleWide, of: narrowWide)
        let largest = singleTruth.reduce(0) { max($0, $1.magnitude) }
        for index in row.indices {
          #expect(
            isClose(Double(singleGradient[index]), singleTruth[index], within: 5e-6 * largest + 1e-44),
            "\(row), \(w), class \(index), logs \(ofLogs): \(singleGradient[index]), not \(singleTruth[index])"
          )
        }
      }
    }
  }

  @Test(arguments: LatticeTests.windows)
  func agreesWithADirectEvaluation(law: String, window: ClosedRange<Double>) throws {
    let noise = try #require(ShippedLaw.standard(named: law) as? any SmoothNoise)
    func compare(under noise: some SmoothNoise) throws {
      let argmax = try LatticeTests.transform(law)
      var rows = Rows(generator: SplitMix64(seed: 22))
      for _ in 0..<(isDebugBuild ? 3 : 25) {
        let row = rows.next().filter { $0 > -.infinity }
        let p = argmax.probabilities(for: row)
        let truth = DirectIntegral(row, under: noise, window: window, step: 1 / 32).probabilities
        for index in row.indices {
          #expect(
            (p[index] - truth[index]).magnitude <= 1e-12 * truth[index],
            "\(row), class \(index): \(p[index]), not \(truth[index])")
        }
        #expect((p.reduce(-1, +)).magnitude <= 1e-14, "\(row)")
      }
    }
    try compare(under: noise)
  }

  /// Masked classes beside them change no route: nothing but the order in which probabilities are summed.
  @Test(arguments: LatticeTests.references)
  func masksChangeNothing(law: String) throws {
    let argmax = try LatticeTests.transform(law)
    var rows = Rows(generator: SplitMix64(seed: 24))
    for _ in 0..<(isDebugBuild ? 100 : 2000) {
      let row = rows.next().filter { $0 > -.infinity }
      let masks = [Double](repeating: -.infinity, count: Int.random(in: 1...100, using: &rows.generator))
      let p = argmax.probabilities(for: row)
      let masked = argmax.probabilities(for: masks + row + masks)
      #expect(
        masked.prefix(masks.count).allSatisfy { $0 == 0 } && masked.suffix(masks.count).allSatisfy { $0 == 0 }
      )
      for (index, value) in masked[masks.count..<masks.count + row.count].enumerated() {
        #expect(
          (value - p[index]).magnitude <= 2e-15 * p[index], "\(row) with \(masks.count) masks, class \(index)"
        )
      }
    }
  }

  /// Two classes have a table of their own, and few have one as long as they are not looked for among thousands: they are
  /// computed alone, whatever masks stand beside them.
  @Test(arguments: LatticeTests.references)
  func fewClassesAreComputedAlone(law: String) throws {
    let argmax = try LatticeTests.transform(law)
    var rows = Rows(generator: SplitMix64(seed: 25))
    for round in 0..<(isDebugBuild ? 150 : 2000) {
      let open = Array(rows.next().filter { $0 > -.infinity }.prefix(32))
      let pair = [open[0], open[1] * Double(round)]
      for (row, masks) in [(pair, [-.infinity]), (pair, Self.manyMasks), (open, Self.manyMasks)] {
        let long = masks + row + masks
        for (alone, masked, nothing) in [
          (argmax.probabilities(for: row), argmax.probabilities(for: long), 0),
          (argmax.logProbabilities(for: row), argmax.logProbabilities(for: long), -Double.infinity),
        ] {
          let slots = masks.count..<masks.count + row.count
          #expect(Array(masked[slots]) == alone, "\(row) with \(masks.count) masks")
          #expect(masked.indices.allSatisfy { slots.contains($0) || masked[$0] == nothing }, "\(row)")
        }
      }
    }
  }

  /// Beside many ties log p of a class is far below what the gap alone makes of it, and G in Floats may have no digits left.
  @Test(arguments: LatticeTests.references + ["reversed-gumbel"])
  func logarithmsOfRareClassesBesideTies(law: String) throws {
    let argmax = try LatticeTests.transform(law)
    for ties in [2, 12, 40, 100] {
      for gap in stride(from: Float(4), through: 26, by: isDebugBuild ? 11 : 1) {
        let row = [Float](repeating: 0, count: ties) + [-gap]
        let value = Double(argmax.logProbabilities(for: row)[ties])
        let truth = argmax.logProbabilities(for: row.map { Double($0) } + Self.manyRareClasses)[ties]
        #expect(
          isClose(value, truth, within: 5e-6 * truth.magnitude),
          "\(law), \(gap) below \(ties): \(value), not \(truth)")
      }
    }
  }

  /// The rows of the Jacobian sum to 0: the entry of a leader that is almost certain is what the others' are not, with
  /// all their digits.
  @Test(arguments: LatticeTests.references)
  func leadersTakeWhatTheOthersGive(law: String) throws {
    let argmax = try LatticeTests.transform(law)
    for gap in stride(from: 3.0, through: 11, by: 0.5) {
      // Alone, and among masks, where the lattice serves the row.
      for masks in [[], Self.manyMasks] {
        let row = [0, -gap, -gap - 1, -gap - 0.25]
        let (v, first) = ([0.5, 1, -2, 3] + masks.map { _ in 0 }, [1.0, 0, 0, 0] + masks.map { _ in 0 })
        for gradient in [
          argmax.pullback(for: row + masks, of: v),
          argmax.logProbabilitiesPullback(for: row + masks, of: first),
        ] {
          let others = gradient.dropFirst().reduce(0, +)
          let size = gradient.dropFirst().reduce(0) { $0 + $1.magnitude }
          #expect(
            (gradient[0] + others).magnitude <= 1e-14 * size,
            "\(law) \(row) and \(masks.count) masks: \(gradient[..<4])")
        }
      }
    }
  }

  /// A leader that is almost certain has log p = log(1 − s), s what the others have: all digits of it, however small s is.
  @Test func logarithmsOfLeadersThatAreAlmostCertain() throws {
    let gumbel = try LatticeTests.transform("gumbel")
    for d in stride(from: 2.0, through: 13, by: 0.5) {
      let t = exp(-d)
      let others = t + exp(-d - 1) + exp(-d - 0.25)
      for (argmax, row, s) in [
        (NoisyArgmax(.normal), [-d, 0], Normal().cumulative(at: -d * 0.5.squareRoot())),
        (NoisyArgmax(.logistic), [-d, 0], t * (d - 1 + t) / ((1 - t) * (1 - t))),
        (gumbel, [-d, 0, -d - 1, -d - 0.25], others / (1 + others)),
      ] {
        let (log, truth) = (argmax.logProbabilities(for: row)[1], log1p(-s))
        #expect(
          (log - truth).magnitude <= 1e-12 * truth.magnitude, "\(argmax.noise) \(row): \(log), not \(truth)")
      }
    }
  }

  /// Whatever stands beside them: equal logits get equal bits, and the order of classes matters only to the last ones.
  @Test(arguments: LatticeTests.references)
  func tiesAndOrder(law: String) throws {
    let argmax = try LatticeTests.transform(law)
    var rows = Rows(generator: SplitMix64(seed: 23))
    for _ in 0..<(isDebugBuild ? 100 : 2000) {
      let row = rows.next()
      let p = argmax.probabilities(for: row)
      var known: [Double: Double] = [:]
      for (logit, probability) in zip(row, p) {
        #expect(known[logit, default: probability] == probability, "\(row)")
        known[logit] = probability
      }
      let sorted = zip(row, p).sorted { $0.0 < $1.0 }.map(\.1)
      #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0 <= $1 * (1 + 1e-12) }, "\(row)")
      let reversed = argmax.probabilities(for: Array(row.reversed()))
      #expect(
        zip(p, reversed.reversed()).allSatisfy { ($0 - $1).magnitude <= 1e-14 * $0 }, "\(row)")
    }
  }
}
