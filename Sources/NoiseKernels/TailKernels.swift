/// The loops of rows under laws with exponential tails: a class has F(x) = 1 − c·t above its kink, with t = e^(−x) and its
/// *tail* c = κ·e^gap.
///
/// Classes are near or far. A far one has c·t ≤ 1/8 at every node. All far ones together count by their sums of powers of
/// q = factor·c, which is at most 1; with τ = t/factor, c·t = q·τ ≤ 1/8.
///
/// Nodes stand in blocks of eight, a vector for each ``TailNodeRow``. A near class has F = constant + t·slope at a node, and
/// ψ = 1/F. Once x has come down to the kink of the class, it has *passed*: its reversed hazard c·t·ψ is 1 from there on.
package protocol TailKernels: Sendable {
  /// Writes 2^shift·e^(gap + rise) of every gap, 0 behind the last one up to a whole number of vectors.
  static func tails(
    of gaps: UnsafePointer<Double>, _ count: Int, rise: Double, shift: Double,
    to tails: UnsafeMutablePointer<Double>
  ) -> TailSurvey

  /// Writes Σ qᵏ for k = 1…``tailTerms`` over all tails up to a limit, and lists the indices of the others.
  ///
  /// `sums` has twice as many slots. Only sums of 512 are rounded as Doubles; those of more are kept to twice the precision.
  ///
  /// - Returns: how many are listed.
  static func powerSums(
    of tails: UnsafePointer<Double>, _ count: Int, factor: Double, limit: Double,
    to sums: UnsafeMutablePointer<Double>, near: UnsafeMutablePointer<Int>
  ) -> Int

  /// Writes Σ weight·qᵏ for k = 0…``tailTerms`` − 1 over all tails up to a limit, in the same way.
  static func powerSums(
    of tails: UnsafePointer<Double>, weights: UnsafePointer<Double>, _ count: Int, factor: Double,
    limit: Double, to sums: UnsafeMutablePointer<Double>
  )

  /// Writes the value of a polynomial of q for every class, times its tail if wanted.
  static func tailPolynomials(
    of tails: UnsafePointer<Double>, _ count: Int, factor: Double, coefficients: UnsafePointer<Double>,
    timesTails: Bool, to values: UnsafeMutablePointer<Double>
  )

  /// Replaces u by u·a(q) − c·b(q), with two polynomials.
  static func pullBackTails(
    _ u: UnsafeMutablePointer<Double>, of tails: UnsafePointer<Double>, _ count: Int, factor: Double,
    a: UnsafePointer<Double>, b: UnsafePointer<Double>
  )

  /// Fills one or two blocks with the nodes of a panel in t, with the weights times the F of all classes: the near ones,
  /// and the far ones by exp(−τ·Σ logarithms_k·τᵏ), if there are any.
  ///
  /// The rule has 16 distances from the upper end of a panel in units of its width, and behind them their weights.
  static func layPanel(
    at nodes: UnsafeMutablePointer<Double>, blocks: Int, rule: UnsafePointer<Double>, panel: TailPanel,
    slopes: UnsafePointer<Double>, _ count: Int, logarithms: UnsafePointer<Double>?, perFactor: Double
  ) -> TailPanelSums

  /// The same for a panel in x between the kinks of near classes, of which some have passed.
  static func layPanel(
    at nodes: UnsafeMutablePointer<Double>, blocks: Int, rule: UnsafePointer<Double>, panel: KinkPanel,
    slopes: UnsafePointer<Double>, _ count: Int, logarithms: UnsafePointer<Double>?, perFactor: Double
  ) -> TailPanelSums

  /// Σ c·ψ over near classes at one point; behind them there are tails of 0 up to whole vectors.
  static func tailRate(
    at constant: Double, _ t: Double, tails: UnsafePointer<Double>, slopes: UnsafePointer<Double>,
    _ count: Int
  ) -> Double

  /// Writes Σ w·τᵏ over all nodes for k = 0…``tailTerms`` − 1, with a row of the nodes as w.
  static func nodeMoments(
    of nodes: UnsafePointer<Double>, blocks: Int, row: TailNodeRow, perFactor: Double,
    to moments: UnsafeMutablePointer<Double>
  )

  /// Writes Σ w·ψ for every near class over the blocks before its end, with the weights as w.
  static func nodeSums(
    of nodes: UnsafePointer<Double>, ends: UnsafePointer<Int>, slopes: UnsafePointer<Double>, _ count: Int,
    to sums: UnsafeMutablePointer<Double>
  )

  /// The same with the rows of reversed hazards and of cotangents as w.
  static func nodePairSums(
    of nodes: UnsafePointer<Double>, ends: UnsafePointer<Int>, slopes: UnsafePointer<Double>, _ count: Int,
    ofReversedHazards: UnsafeMutablePointer<Double>, ofCotangents: UnsafeMutablePointer<Double>
  )

  /// Writes Σ w/t of every block, with a row of the nodes as w.
  static func blockSums(
    of nodes: UnsafePointer<Double>, blocks: Int, row: TailNodeRow, to sums: UnsafeMutablePointer<Double>
  )

  /// Replaces the reversed hazards h by w·(h + t·Σ c·ψ), and the cotangents by w·t·(passed/t + Σ u·ψ), over the near classes that
  /// have not passed and the far ones: those have the polynomials `reversedHazards` and `cotangents` of τ in place of their sums.
  /// `passed` has a number for every count of classes that have.
  static func addTailReversedHazards(
    at nodes: UnsafeMutablePointer<Double>, blocks: Int, tails: UnsafePointer<Double>,
    slopes: UnsafePointer<Double>, u: UnsafePointer<Double>, passed: UnsafePointer<Double>, _ count: Int,
    reversedHazards: UnsafePointer<Double>, cotangents: UnsafePointer<Double>, perFactor: Double
  )

  /// Σ over the nodes of the measures times 1 − ∏ F, over all classes but a leader: one of the near ones, or where that is
  /// −1 a far one with a given tail.
  static func survivals(
    at nodes: UnsafePointer<Double>, blocks: Int, tails: UnsafePointer<Double>, _ count: Int,
    without leader: Int, farLeader: Double, logarithms: UnsafePointer<Double>?, perFactor: Double
  ) -> Double
}

/// How many powers stand for the far classes.
package let tailTerms = 12

/// The rows of a block of nodes.
package enum TailNodeRow: Int {
  case constants, factors, weights, reversedHazards, cotangents, measures, passed

  /// How many slots a block has.
  package static var blockSize: Int { 56 }

  /// Where the row stands in a block.
  package var offset: Int { 8 * rawValue }
}

/// A panel in t: from t on, and F is constant + t·slope with constant = `next` + `fall` times the distance from the lower
/// end. The measure has the leader's F, which is that constant or 1 − t/2.
package struct TailPanel: Sendable {
  package let t, width, next, fall: Double
  package let hasKinks: Bool

  package init(from t: Double, width: Double, next: Double, fall: Double, hasKinks: Bool) {
    (self.t, self.width, self.next, self.fall, self.hasKinks) = (t, width, next, fall, hasKinks)
  }
}

/// A panel in x, from where t is known down. At y below its upper end G·t is `above`·e^(`power`·y), times the F of the classes
/// that have not passed.
package struct KinkPanel: Sendable {
  package let t, width, above, power: Double
  /// How many near classes have passed, and the sum of reversed hazards besides those of the near ones that have not.
  package let passed: Int
  package let reversedHazard: Double

  package init(
    from t: Double, width: Double, above: Double, power: Double, passed: Int, reversedHazard: Double
  ) {
    (self.t, self.width, self.above, self.power) = (t, width, above, power)
    (self.passed, self.reversedHazard) = (passed, reversedHazard)
  }
}

/// What there is on a panel: the product of F at the last node over the classes that have not passed, Σ w and Σ w·t.
package struct TailPanelSums: Sendable {
  package var lastProduct = 1.0, integral = 0.0, pairIntegral = 0.0

  package init() {}
}

/// What the tails of a row are like.
package struct TailSurvey: Sendable {
  /// How many gaps are 0, how many are finite, and how many tails are above 0.
  package var leaders = 0, finite = 0, open = 0
  /// Σ c over the gaps below 0.
  package var sumOfOthers = 0.0
  /// The largest gap below 0, −∞ if there is none.
  package var second = -Double.infinity

  package init() {}
}
