import Noisemax

/// What a transform says beyond one winner under one scale, as the suite sees it.
public struct Ranks: Sendable {
  /// What failures call it.
  public var name: String
  /// P(i among the k largest), from the logits, k, and a scale for each class if they have their own.
  public var inclusions: @Sendable (_ row: [Double], _ count: Int, _ scales: [Double]?) -> [Double]
  /// The gradients of Σ v_i P(i among the k largest) in the logits and in the scales.
  public var pullback:
    @Sendable (_ row: [Double], _ count: Int, _ scales: [Double], _ cotangent: [Double]) -> (
      logits: [Double], scales: [Double]
    )
  /// log P of an ordering, the first class first.
  public var ordering: @Sendable (_ row: [Double], _ ordering: [Int]) -> Double
  /// The logits of given probabilities.
  public var logits: @Sendable ([Double]) -> [Double]
  /// The gradient of Σ_ij v_i w_j ∂p_i/∂μ_j in the logits and in the scale of the noise.
  public var secondPullback:
    @Sendable (_ row: [Double], _ v: [Double], _ w: [Double]) -> (logits: [Double], scale: Double)
  /// J v at a scale that is so many times the transform's.
  public var firstPullback: @Sendable (_ row: [Double], _ v: [Double], _ factor: Double) -> [Double]
  /// The transform's own scale.
  public var scale: Double
  /// The probabilities where classes have a loading each on a common factor.
  public var withFactor: @Sendable (_ row: [Double], _ loadings: [Double]) -> [Double]

  /// Those of a transform of the library.
  ///
  /// - Precondition: its method is exact.
  public init(_ argmax: NoisyArgmax) {
    name = "\(argmax.noise)"
    inclusions = { argmax.inclusionProbabilities(for: $0, largest: $1, scales: $2) }
    pullback = { argmax.inclusionPullback(for: $0, largest: $1, of: $3, scales: $2) }
    ordering = { argmax.orderingLogProbability(for: $0, ordering: $1) }
    logits = { argmax.logits(for: $0) }
    secondPullback = { argmax.secondPullback(for: $0, of: $1, and: $2) }
    firstPullback = { NoisyArgmax(argmax, scale: $2 * argmax.scale).pullback(for: $0, of: $1) }
    scale = argmax.scale
    withFactor = { argmax.probabilities(for: $0, loadings: Rows($1, length: 1), tolerance: 1e-6) }
  }
}

extension PropertySuite {
  /// Checks what a transform says of the k largest, of orderings, of scales of their own, of the logits behind
  /// probabilities, of second derivatives and of common factors: in Double, on rows of up to six classes.
  ///
  /// Finite differences step by 1e-4, so the noise should be about 1 wide.
  ///
  /// - Precondition: the method is exact.
  public func rankFailures(of argmax: NoisyArgmax) -> [PropertyFailure] { rankFailures(of: Ranks(argmax)) }

  /// The same of anything that makes these claims.
  public func rankFailures(of ranks: Ranks) -> [PropertyFailure] {
    var generator = SplitMix64(seed: seed)
    let series = (0..<rows).map { _ in
      let row = (0..<generator.integer(in: 1...6)).map { _ in generator.number(in: -2...2) }
      // Some ties.
      return generator.integer(in: 0...3) == 0 ? row.map { ($0 * 2).rounded() / 2 } : row
    }
    let properties = RankProperty.all.map { property in
      Property<Double, Void>(name: property.name) { row, _, generator in
        property.violation(ranks, row, &generator)
      }
    }
    return failures(
      properties, of: ranks.name, method: "\(NoisyArgmax.Method.exact)", series: series, generator: &generator
    ) { _ in }
  }
}

/// One property: a name, and what is wrong on a row, if anything.
struct RankProperty {
  let name: String
  let violation: (Ranks, _ row: [Double], inout SplitMix64) -> String?

  static var all: [RankProperty] {
    [
      inclusionsSumToK, inclusionsRise, inclusionsKeepTheOrder, orderingsSumToOne, firstPlaces, inverseUndoes,
      scalesMoveAlong, scaleDerivatives, secondDerivativesAreSymmetric, secondDerivativesAreDerivatives,
      factorsMoveAlong,
    ]
  }

  static let accuracy = 1e-11

  /// k places are taken by k classes.
  private static var inclusionsSumToK: RankProperty {
    RankProperty(name: "inclusion sums to k") { ranks, row, generator in
      for scales in [nil, randomScales(row.count, &generator)] {
        for k in 1...Swift.max(row.count, 1) where !row.isEmpty {
          let values = ranks.inclusions(row, k, scales)
          let sum = values.reduce(0, +)
          if !((sum - Double(k)).magnitude <= accuracy * Double(k)) {
            return "among the \(k) largest are \(values), \(sum) in all, with scales \(scales ?? [])"
          }
        }
      }
      return nil
    }
  }

  /// Who is among the k largest is among the k + 1 largest.
  private static var inclusionsRise: RankProperty {
    RankProperty(name: "inclusion rises with k") { ranks, row, generator in
      let scales = randomScales(row.count, &generator)
      var before = row.map { _ in 0.0 }
      for k in 1...Swift.max(row.count, 1) where !row.isEmpty {
        let values = ranks.inclusions(row, k, scales)
        if let i = row.indices.first(where: { !(values[$0] >= before[$0] * (1 - accuracy)) || values[$0] > 1 }
        ) {
          return "class \(i) has \(before[i]) and then \(values[i]) for k = \(k), with scales \(scales)"
        }
        before = values
      }
      return nil
    }
  }

  /// Under one scale the larger logit is included the more likely.
  private static var inclusionsKeepTheOrder: RankProperty {
    RankProperty(name: "inclusion keeps the order") { ranks, row, generator in
      guard !row.isEmpty else { return nil }
      let k = generator.integer(in: 1...row.count)
      let values = ranks.inclusions(row, k, nil)
      for i in row.indices {
        for j in row.indices where row[i] >= row[j] && !(values[i] >= values[j] * (1 - accuracy)) {
          return "classes \(i) and \(j) have \(values[i]) and \(values[j]) among the \(k) largest"
        }
      }
      return nil
    }
  }

  /// One order comes about: of up to four classes all are tried.
  private static var orderingsSumToOne: RankProperty {
    RankProperty(name: "orderings sum to one") { ranks, row, _ in
      guard (1...4).contains(row.count) else { return nil }
      let sum = orders(of: Array(row.indices)).reduce(0.0) { $0 + exponential(ranks.ordering(row, $1)) }
      return (sum - 1).magnitude <= 1e-10 ? nil : "the probabilities of all orders sum to \(sum)"
    }
  }

  /// An ordering of one class is that class winning.
  private static var firstPlaces: RankProperty {
    RankProperty(name: "orderings of one class") { ranks, row, _ in
      guard !row.isEmpty else { return nil }
      let p = ranks.inclusions(row, 1, nil)
      for i in row.indices {
        let first = exponential(ranks.ordering(row, [i]))
        if !((first - p[i]).magnitude <= accuracy * p[i]) {
          return "class \(i) comes first with \(first), and wins with \(p[i])"
        }
      }
      return nil
    }
  }

  /// The probabilities of the logits of probabilities are these.
  private static var inverseUndoes: RankProperty {
    RankProperty(name: "the inverse undoes") { ranks, row, _ in
      let p = row.isEmpty ? [] : ranks.inclusions(row, 1, nil)
      guard p.allSatisfy({ $0 > 1e-30 }), (p.reduce(0, +) - 1).magnitude < 1e-7 else { return nil }
      let logits = ranks.logits(p)
      let again = ranks.inclusions(logits, 1, nil)
      for i in row.indices where !((again[i] - p[i]).magnitude <= 1e-10 * p[i]) {
        return "\(p) has the logits \(logits), and these have \(again)"
      }
      return nil
    }
  }

  /// The order of the classes, a common shift, and a common factor of logits and scales change nothing.
  private static var scalesMoveAlong: RankProperty {
    RankProperty(name: "own scales move along") { ranks, row, generator in
      guard !row.isEmpty else { return nil }
      let scales = randomScales(row.count, &generator)
      let k = generator.integer(in: 1...row.count)
      let values = ranks.inclusions(row, k, scales)
      let ways: [(name: String, values: [Double])] = [
        ("reversed", ranks.inclusions(row.reversed(), k, scales.reversed()).reversed()),
        ("moved by 3", ranks.inclusions(row.map { $0 + 3 }, k, scales)),
        ("doubled", ranks.inclusions(row.map { 2 * $0 }, k, scales.map { 2 * $0 })),
      ]
      for way in ways {
        for i in row.indices where !((way.values[i] - values[i]).magnitude <= 1e-10 * values[i]) {
          return "\(way.name) the row has \(way.values), not \(values), with k = \(k) and scales \(scales)"
        }
      }
      return nil
    }
  }

  /// Differences in every logit and every scale.
  private static var scaleDerivatives: RankProperty {
    RankProperty(name: "derivatives in scales") { ranks, row, generator in
      guard row.count > 1, Set(row).count == row.count else { return nil }
      let scales = randomScales(row.count, &generator)
      let k = generator.integer(in: 1...row.count - 1)
      let v = row.map { _ in generator.number(in: -1...1) }
      let (inLogits, inScales) = ranks.pullback(row, k, scales, v)
      func sum(_ row: [Double], _ scales: [Double]) -> Double {
        zip(ranks.inclusions(row, k, scales), v).reduce(0) { $0 + $1.0 * $1.1 }
      }
      for i in row.indices {
        let step = 1e-4
        var (above, below) = (row, row)
        (above[i], below[i]) = (row[i] + step, row[i] - step)
        let inLogit = (sum(above, scales) - sum(below, scales)) / (2 * step)
        var (wider, narrower) = (scales, scales)
        (wider[i], narrower[i]) = (scales[i] + step, scales[i] - step)
        let inScale = (sum(row, wider) - sum(row, narrower)) / (2 * step)
        // A kink within a step leaves an error in proportion to it.
        if !((inLogits[i] - inLogit).magnitude <= 1e-3) || !((inScales[i] - inScale).magnitude <= 1e-3) {
          return
            "of class \(i) they are \(inLogits[i]) and \(inScales[i]), by differences \(inLogit) and \(inScale), with k = \(k), scales \(scales), cotangent \(v)"
        }
      }
      return nil
    }
  }

  static func randomScales(_ count: Int, _ generator: inout SplitMix64) -> [Double] {
    (0..<count).map { _ in generator.number(in: 0.3...2) }
  }

  private static func orders(of classes: [Int]) -> [[Int]] {
    classes.count < 2
      ? [classes]
      : classes.flatMap { first in orders(of: classes.filter { $0 != first }).map { [first] + $0 } }
  }
}
