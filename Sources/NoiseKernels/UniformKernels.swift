/// The loops of rows under uniform noise, in y = how far a point x is below the upper end of the leader's support.
///
/// A class at a distance d behind the leader has F = 1 from y = d up, and F = 1 − (y − d) below. Classes stand in rising
/// order of d, and so do blocks of kinks and nodes: see `UniformBlock`.
package protocol UniformKernels: Sendable {
  /// Writes Σ weight·qᵏ for k = 1…``tailTerms`` with q = factor/(x + d) over some classes. `sums` has twice as many slots.
  static func openPowerSums(
    of distances: UnsafePointer<Double>, weights: UnsafePointer<Double>, _ count: Int, x: Double,
    factor: Double, to sums: UnsafeMutablePointer<Double>
  )

  /// Replaces every value by value·scale + q·polynomial(q), with the same q.
  static func addOpenPolynomials(
    of distances: UnsafePointer<Double>, _ count: Int, x: Double, factor: Double,
    coefficients: UnsafePointer<Double>, scale: Double, to values: UnsafeMutablePointer<Double>
  )

  /// Multiplies the weights of the nodes of a block by G over that at its base.
  static func weighUniformNodes(of block: UniformBlock)

  /// Writes to a row of the nodes their weights times Σ weight/F over the classes.
  static func addUniformClasses(
    of block: UniformBlock, weights: UnsafePointer<Double>, to row: UniformNodeRow)

  /// Adds Σ w/F over the nodes below their kinks to the sums of the classes of a block and to those of the narrow classes,
  /// with a row of the nodes as w.
  static func addUniformNodes(
    of block: UniformBlock, row: UniformNodeRow, to sums: UnsafeMutablePointer<Double>,
    narrow: UnsafeMutablePointer<Double>
  )

  /// Writes Σ w·((t + shift)·factor)ᵏ over the nodes of a block for k = 0…``tailTerms`` − 1.
  static func uniformNodeMoments(
    of block: UniformBlock, row: UniformNodeRow, shift: Double, factor: Double,
    to moments: UnsafeMutablePointer<Double>
  )
}

/// The rows of a vector of nodes: x, y less that of the block's base, the weight times G, and that times sums over the classes.
package enum UniformNodeRow: Int, Sendable {
  case points, depths, weights, first, second

  /// Where the row stands among the Doubles of a vector of nodes.
  package var offset: Int { 8 * rawValue }

  /// How many Doubles a vector of nodes has, without sums over the classes and with them.
  package static func stride(withSums: Bool) -> Int { withSums ? 40 : 24 }
}

/// Some kinks that follow each other, and the nodes between them.
///
/// - *Narrow* classes are the few whose F is small here. They count one by one.
/// - *Early* ones were passed before the segment of the block. Their log ∏ F is a polynomial of y less that of its start.
/// - *Late* ones were passed in the segment, but before the block or at its very base. Theirs is one of y less that of the
///   base.
/// - Those of the block itself count one by one.
package struct UniformBlock {
  /// Vectors of nodes, and how many Doubles lie between two.
  package let nodes: UnsafeMutablePointer<Double>
  package let vectors, stride: Int
  /// The classes of the block: y of their kinks less that of the base, their ties, and the vector with their first node.
  package let depths, ties: UnsafePointer<Double>
  package let firstVectors: UnsafePointer<Int>
  package let count: Int
  /// How many of these, none or one, have their kink at the base and are among the late ones.
  package let atBase: Int
  /// The narrow classes, their ties, and 1/F at the base.
  package let narrowDistances, narrowTies, narrowReciprocals: UnsafePointer<Double>
  package let narrowCount: Int
  /// τ = (t + shift)·factor is what the early ones' polynomial is of: nil if there are none.
  package let early: UnsafePointer<Double>?
  package let shift, factor: Double
  /// The late ones' polynomial of t: nil if there are none.
  package let late: UnsafePointer<Double>?

  package init(
    nodes: UnsafeMutablePointer<Double>, vectors: Int, stride: Int, depths: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, firstVectors: UnsafePointer<Int>, count: Int, atBase: Int,
    narrowDistances: UnsafePointer<Double>, narrowTies: UnsafePointer<Double>,
    narrowReciprocals: UnsafePointer<Double>, narrowCount: Int, early: UnsafePointer<Double>?, shift: Double,
    factor: Double, late: UnsafePointer<Double>?
  ) {
    (self.nodes, self.vectors, self.stride) = (nodes, vectors, stride)
    (self.depths, self.ties, self.firstVectors) = (depths, ties, firstVectors)
    (self.count, self.atBase) = (count, atBase)
    (self.narrowDistances, self.narrowTies) = (narrowDistances, narrowTies)
    (self.narrowReciprocals, self.narrowCount) = (narrowReciprocals, narrowCount)
    (self.early, self.shift, self.factor, self.late) = (early, shift, factor, late)
  }
}
