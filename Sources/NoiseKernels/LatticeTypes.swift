// What the loops of the lattice are told of a row and of a table.

/// How gaps fall into cells of the logit axis. Cells are counted from the lowest one.
package struct CellGrid: Sendable {
  /// 1/w, a power of two.
  package let perUnit: Double
  package let firstCell: Int
  package let count: Int

  /// The cells from that of the lowest gap to that of the leader.
  package init(lowest: Double, perUnit: Double) {
    self.perUnit = perUnit
    firstCell = Self.cell(of: lowest, perUnit: perUnit)
    count = Self.cell(of: 0, perUnit: perUnit) - firstCell + 1
  }

  /// The cell of a gap, counted from the first one; a gap between two cells belongs to the upper one.
  package func cell(of gap: Double) -> Int { Self.cell(of: gap, perUnit: perUnit) - firstCell }

  private static func cell(of gap: Double, perUnit: Double) -> Int {
    Int((gap * perUnit).rounded(.down))
  }
}

/// How samples 0, 1, 2, … are stored: sample n in row n mod step, at n / step.
package struct SampleLayout: Sendable {
  package let step: Int
  package let rowLength: Int
  /// Where in a row its first sample stands, if rows are reversed.
  package let lastOfRow: Int
  /// How many samples there are.
  package let count: Int

  package init(step: Int, rowLength: Int, lastOfRow: Int = 0, count: Int) {
    (self.step, self.rowLength, self.lastOfRow, self.count) = (step, rowLength, lastOfRow, count)
  }
}

/// The shares of grid points in a value at an offset t: row k has those of all points in tᵏ, between 8 and 8 zeros.
package struct ShareRows {
  package let start: UnsafePointer<Double>
  package let stride: Int
  /// 16 points, or 8.
  package let points: Int

  package init(start: UnsafePointer<Double>, stride: Int, points: Int) {
    (self.start, self.stride, self.points) = (start, stride, points)
  }
}

extension ShareRows: @unchecked Sendable {}

/// The classes of a row among the grid points of its cells.
package struct PlacedClasses {
  package let count: Int
  /// For every class its cell, and its offset t ∈ −1…1 in it. Classes that do not compete have the cell behind the last one.
  package let cells: UnsafeMutablePointer<Int>
  package let offsets: UnsafeMutablePointer<Double>
  /// For every cell with a class, the slot of its first grid point in the list; −1 for a cell without one. For the cell behind
  /// the last one it is the end of the list.
  package let slots: UnsafeMutablePointer<Int>
  package let shares: ShareRows
  /// The shares of every class, from deposit to evaluation; nil if they are computed anew.
  package let kept: UnsafeMutablePointer<Double>?

  package init(
    count: Int, cells: UnsafeMutablePointer<Int>, offsets: UnsafeMutablePointer<Double>,
    slots: UnsafeMutablePointer<Int>, shares: ShareRows, kept: UnsafeMutablePointer<Double>? = nil
  ) {
    (self.count, self.cells, self.offsets) = (count, cells, offsets)
    (self.slots, self.shares, self.kept) = (slots, shares, kept)
  }
}

/// Node m and grid point p take the sample number start + m·step − p·stride.
package struct NodeGrid: Sendable {
  package let start: Int
  package let step: Int
  /// The stride is a power of two.
  package let strideExponent: Int

  package init(start: Int, step: Int, strideExponent: Int) {
    (self.start, self.step, self.strideExponent) = (start, step, strideExponent)
  }
}

/// A walk down the nodes may end where log G + factor·log r, the logarithm of an integrand, has fallen by `drop` from its
/// maximum, or where log G itself is below `leastLogarithm`.
package struct WalkEnd {
  /// log r at node 0, and a step further at the next one; nil for a walk to the last node.
  package let logReversedHazards: UnsafePointer<Double>?
  package let factor: Double
  package let drop: Double
  package let leastLogarithm: Double

  package init(
    logReversedHazards: UnsafePointer<Double>?, factor: Double, drop: Double, leastLogarithm: Double
  ) {
    (self.logReversedHazards, self.factor) = (logReversedHazards, factor)
    (self.drop, self.leastLogarithm) = (drop, leastLogarithm)
  }
}

/// A function on equal intervals: on the one from (first + k)/perUnit to (first + k + 1)/perUnit a polynomial in t ∈ −1…1,
/// with eight coefficients from 8·k on.
package struct SampledIntervals: @unchecked Sendable {
  package let first: Double
  package let perUnit: Double
  package let coefficients: UnsafePointer<Double>

  package init(first: Double, perUnit: Double, coefficients: UnsafePointer<Double>) {
    (self.first, self.perUnit, self.coefficients) = (first, perUnit, coefficients)
  }
}

/// A class of which r is wanted node by node.
package struct SteepClass: BitwiseCopyable {
  /// Where its coefficients at node 0 stand in a plane, and the offset t ∈ −1…1 at which its polynomials are taken.
  package let slot: Int
  package let t: Double
  /// The first node that matters to it, the one from which on the polynomials are those of log r, and the end.
  package let first, firstLogarithm, end: Int
  /// What r is multiplied by in V: v, or v/p.
  package var ratio = 0.0
  /// The class's entry of the gradient.
  package var entry = 0.0

  package init(slot: Int, t: Double, first: Int, firstLogarithm: Int, end: Int) {
    (self.slot, self.t, self.first) = (slot, t, first)
    (self.firstLogarithm, self.end) = (firstLogarithm, end)
  }
}

/// What a row's gaps are like, for the choice of its grid.
package struct GapSurvey: Sendable {
  /// The lowest gap that competes, and the lowest that is wanted.
  package var lowest = 0.0
  package var rarest = 0.0
  package var competitors = 0
  /// Whether some gap is neither wanted nor masked.
  package var hasDeeper = false

  package init() {}
}

/// What the loops over classes need as `scratch`.
package let blockMemory = 10 * 64

/// How many classes can be counted in the parts of cells.
package let mostClassesInParts = 1 << 24
