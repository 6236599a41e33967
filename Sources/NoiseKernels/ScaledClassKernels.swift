/// The laws that the loops know.
package enum VectorLaw: BitwiseCopyable, Sendable {
  case uniform, exponential, laplace, logistic, normal, gumbel, reversedGumbel
}

/// Classes, and sixteen nodes at which a law is evaluated for each of them, at z = (x − μ)/s − location.
package struct ClassPoints: BitwiseCopyable, @unchecked Sendable {
  /// Sixteen numbers, and sixteen that are to be added to them once μ is taken off.
  package let nodes: UnsafePointer<Double>
  package let locations: UnsafePointer<Double>
  /// Nil where all are 1.
  package let scales: UnsafePointer<Double>?
  package let count: Int
  package let location: Double
  /// Where 1 − F is not written, F may be 1 above this point.
  package let certain: Double
  /// (x + 4)·(1 − Φ(x))·e^(x²/2) in powers of (x − 4)/(x + 4), 28 coefficients, the lowest first.
  package let scaledTail: UnsafePointer<Double>

  package init(
    nodes: UnsafePointer<Double>, locations: UnsafePointer<Double>, scales: UnsafePointer<Double>?,
    count: Int,
    location: Double, certain: Double, scaledTail: UnsafePointer<Double>
  ) {
    (self.nodes, self.locations, self.scales, self.count) = (nodes, locations, scales, count)
    (self.location, self.certain, self.scaledTail) = (location, certain, scaledTail)
  }
}

/// Where z, F, 1 − F and f/s go, class by class, each if there is memory for it.
package struct ClassValues: BitwiseCopyable, @unchecked Sendable {
  package let z: UnsafeMutablePointer<Double>?
  package let cumulative: UnsafeMutablePointer<Double>
  package let survival, density: UnsafeMutablePointer<Double>?

  package init(
    z: UnsafeMutablePointer<Double>?, cumulative: UnsafeMutablePointer<Double>,
    survival: UnsafeMutablePointer<Double>?, density: UnsafeMutablePointer<Double>?
  ) {
    (self.z, self.cumulative, self.survival, self.density) = (z, cumulative, survival, density)
  }
}

/// The loops of classes that have scales of their own.
package protocol ScaledClassKernels: Sendable {
  /// Writes the values of a law at points. Each tail is within 1e-14 relative where it is above 1e-100, and within 1e-13 as far
  /// as it is a normal number.
  static func classValues(under law: VectorLaw, at points: ClassPoints, to values: ClassValues)

  /// Writes Σ log F(z) over all classes at sixteen nodes, −∞ where an F is 0. The nodes are those of ``ClassPoints``.
  ///
  /// Every term is within 1e-15 of max(1, |log F|).
  static func sumLogCumulatives(
    under law: VectorLaw, scaledTail: UnsafePointer<Double>, location: Double,
    nodes: UnsafePointer<Double>, locations: UnsafePointer<Double>, scales: UnsafePointer<Double>, count: Int,
    to sums: UnsafeMutablePointer<Double>
  )

  /// Writes log r(z), r = f/F, of one class at sixteen nodes, −∞ where f is 0, within 1e-15 of max(1, |log r|).
  static func logReversedHazards(
    under law: VectorLaw, scaledTail: UnsafePointer<Double>, location: Double,
    nodes: UnsafePointer<Double>, centre: Double, scale: Double, to values: UnsafeMutablePointer<Double>
  )

  /// Writes z and r(z)/s at sixteen nodes for every class, class by class, also where F underflows. Both are finite: 2¹⁰⁰⁰ at
  /// the most.
  static func reversedHazards(
    under law: VectorLaw, scaledTail: UnsafePointer<Double>, location: Double,
    nodes: UnsafePointer<Double>, locations: UnsafePointer<Double>, scales: UnsafePointer<Double>, count: Int,
    z: UnsafeMutablePointer<Double>, to values: UnsafeMutablePointer<Double>
  )

  /// Writes G·f_j/F_j, G = ∏F, of the first classes at the nodes, 0 where F_j is 0. Equal classes get equal bits.
  ///
  /// - Returns: G at the last node.
  static func winningTerms(
    cumulative: UnsafePointer<Double>, density: UnsafePointer<Double>, count: Int, noisy: Int,
    to terms: UnsafeMutablePointer<Double>
  ) -> Double

  /// Writes G·r_i·r_j, r = f/F, for every pair i < j of the first classes, one after the other.
  ///
  /// - Returns: G at the last node.
  static func meetingTerms(
    cumulative: UnsafePointer<Double>, density: UnsafePointer<Double>, count: Int, noisy: Int,
    reversedHazards: UnsafeMutablePointer<Double>, to terms: UnsafeMutablePointer<Double>
  ) -> Double

  /// Writes f_j·P(fewer than k others are above) of the first classes at the nodes, k > 1.
  ///
  /// `polynomials` has room for 16·(count + 2)·k numbers.
  ///
  /// - Returns: P(fewer than k classes are above) at the last node.
  static func inclusionTerms(
    cumulative: UnsafePointer<Double>, density: UnsafePointer<Double>, count: Int, noisy: Int, wanted: Int,
    polynomials: UnsafeMutablePointer<Double>, to terms: UnsafeMutablePointer<Double>
  ) -> Double

  /// Writes what the pullback of P(among the k largest) is summed from, and behind that for all classes the terms themselves,
  /// and those times z + location. The cotangents of the first classes rise.
  ///
  /// `work` has room for 8·(2·noisy + 3)·k numbers.
  ///
  /// - Returns: P(fewer than k classes are above) at the last node.
  static func inclusionPullbackTerms(
    z: UnsafePointer<Double>, cumulative: UnsafePointer<Double>, survival: UnsafePointer<Double>,
    density: UnsafePointer<Double>, cotangent: UnsafePointer<Double>, location: Double, count: Int,
    noisy: Int,
    wanted: Int, work: UnsafeMutablePointer<Double>, to terms: UnsafeMutablePointer<Double>
  ) -> Double

  /// Adds sixteen numbers times sixteen weights to eight sums, for every value: number 8 + i goes to sum i, as number i does.
  /// Writes what was added to all eight. The sums of a value, and that, are in a slot of its own, if slots are given.
  static func addWeighted(
    _ values: UnsafePointer<Double>, _ count: Int, at slots: UnsafePointer<Int>?,
    weights: UnsafePointer<Double>, to sums: UnsafeMutablePointer<Double>,
    contents: UnsafeMutablePointer<Double>
  )

  /// Integrates values over one panel of sixteen nodes, or over two of eight, and estimates what that is wrong by.
  ///
  /// The rule has sixteen weights, and as many factors for each of the last two Legendre coefficients. With the sum r of their
  /// magnitudes and the content c of a panel the error is about r²/c, or r where that is less. Two panels are judged each on its own.
  ///
  /// Writes the contents, and for the first values the errors; adds their contents to what is expected of the integrals. Those of
  /// a value are in a slot of its own, if slots are given.
  static func panelContents(
    _ values: UnsafePointer<Double>, _ count: Int, at slots: UnsafePointer<Int>?, judged: Int,
    rule: UnsafePointer<Double>, isPair: Bool, to contents: UnsafeMutablePointer<Double>,
    errors: UnsafeMutablePointer<Double>,
    expected: UnsafeMutablePointer<Double>
  )

  /// Writes log(1 + e^(u − e^−u)) and its slope at sixteen points; at those below −6 what they are there.
  static func bend(
    _ points: UnsafePointer<Double>, to values: UnsafeMutablePointer<Double>,
    slopes: UnsafeMutablePointer<Double>
  )
}
