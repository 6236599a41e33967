/// What a law is to rows of few classes: log F as polynomials on narrow cells, and how a row's nodes follow from its
/// gaps. The memory belongs to whoever made it.
///
/// On every cell, from i·δ to (i + 1)·δ, log F is a polynomial of t ∈ −1…1, and r its derivative times 2/δ.
package struct DirectTable: BitwiseCopyable, @unchecked Sendable {
  /// How many coefficients a cell has: 12 Doubles or 6 Floats.
  package var terms = 12
  /// Rows with more classes times nodes are not served, or not pulled back.
  package var mostEvaluations = 0
  package var mostPairEvaluations = 0
  package var mostClasses = 0
  package var mostNodes = 0
  /// A row with a class below this gap is not served, unless the class is below `ignored`, too, and so as good as masked.
  package var deepest = 0.0
  package var ignored = -Double.infinity
  /// A class at a gap wins nothing above the node `end` + (1 − `endSlope`)·gap.
  package var end = 0.0
  package var endSlope = 0.0
  /// A class must not have its peak further above its logit than this: there r is too steep for the polynomials.
  package var peak = 0.0
  /// The next three lists go by i, the whole number in −gap·`perReach`.
  package var perReach = 1.0
  /// The lowest node that matters to a class at a gap.
  package var reach: UnsafePointer<Double>
  /// The same for products of two reversed hazards.
  package var pairReach: UnsafePointer<Double>
  /// The lowest node that matters to the leader, if the second class is at that gap.
  package var leaderReach: UnsafePointer<Double>
  /// The steps, for up to 4, 8, 16, … classes.
  package var steps: UnsafePointer<DirectStep>
  package var stepCount = 0

  package init(
    reach: UnsafePointer<Double>, pairReach: UnsafePointer<Double>, leaderReach: UnsafePointer<Double>,
    steps: UnsafePointer<DirectStep>
  ) {
    (self.reach, self.pairReach, self.leaderReach, self.steps) = (reach, pairReach, leaderReach, steps)
  }
}

/// Nodes some cells apart, and the coefficients of the cells in the order in which such nodes meet them.
package struct DirectStep: BitwiseCopyable, @unchecked Sendable {
  /// h, and h/δ.
  package let width: Double
  package let phases: Double
  /// δ, a number of few digits: its multiples are exact.
  package let cell: Double
  package let firstCell: Double
  /// The highest node that matters.
  package let highest: Double
  /// With v₀ the integrand of the rarest class at its peak, v₋₁ and v₁ at the nodes beside it: if v₀² > `sharpness`·v₋₁·v₁, the
  /// nodes are too far apart.
  package let sharpness: Double
  /// A row for every i below `phases` and every k: the coefficients of tᵏ on the cells i, i + phases, i + 2·phases, …, in
  /// `rowLength` slots. It begins at (i·terms + k)·rowLength.
  package let coefficients: UnsafeRawPointer
  package let rowLength: Int

  package init(
    width: Double, phases: Int, firstCell: Int, highest: Double, sharpness: Double,
    coefficients: UnsafeRawPointer, rowLength: Int
  ) {
    (self.width, self.phases, cell) = (width, Double(phases), width / Double(phases))
    (self.firstCell, self.highest, self.sharpness) = (Double(firstCell), highest, sharpness)
    (self.coefficients, self.rowLength) = (coefficients, rowLength)
  }
}

/// The nodes of one row, in memory that the caller gave.
package struct DirectRow {
  /// How many there are, a whole number of vectors; 0 where the row is not served.
  package var nodes = 0
  /// h·2/δ: Σ G·r·δ/2 times this is a probability.
  package var factor = 0.0
  /// h·(2/δ)², for products of two reversed hazards.
  package var pairFactor = 0.0
  /// How many classes take part, which of these is the rarest, and which the first leader.
  package var classes = 0
  package var rarest = 0
  package var leader = -1
  package var sharpness = 1.0
  /// Counted in nodes: how high the rarest class may have its peak.
  package var highestPeak = 0.0
  /// Of every class that takes part: the offset t in its cell; where its coefficients start; how many nodes it has; its index
  /// in the row.
  package let offsets: UnsafeMutablePointer<Double>
  package let starts: UnsafeMutablePointer<Int>
  package let reaches: UnsafeMutablePointer<Int>
  package let indices: UnsafeMutablePointer<Int>
  /// G at the nodes, and before and behind it memory for eight more. This and what follows are Floats in a table of Floats.
  package let g: UnsafeMutablePointer<Double>
  /// r·δ/2 at the nodes, for one class after the other, as far as the class has nodes, up to whole vectors.
  package let reversedHazards: UnsafeMutablePointer<Double>

  /// The probabilities, in the memory of the offsets once those have been used.
  package var probabilities: UnsafeMutablePointer<Double> { offsets }

  /// Memory for three times as many numbers as there are nodes, one for each class and 16 more.
  package var spare: UnsafeMutablePointer<Double> { reversedHazards + nodes * classes }

  package init(
    offsets: UnsafeMutablePointer<Double>, starts: UnsafeMutablePointer<Int>,
    reaches: UnsafeMutablePointer<Int>, indices: UnsafeMutablePointer<Int>, g: UnsafeMutablePointer<Double>,
    reversedHazards: UnsafeMutablePointer<Double>
  ) {
    (self.offsets, self.starts, self.reaches, self.indices) = (offsets, starts, reaches, indices)
    (self.g, self.reversedHazards) = (g, reversedHazards)
  }
}
