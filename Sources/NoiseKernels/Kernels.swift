/// The loops that work over many numbers, as one instruction set runs them.
///
/// One source is compiled for each set, as a module of its own, since what a processor can run is known only at run
/// time. All sets compute the same; they differ in the last digits, where one rounds a product and its sum at once.
///
/// Rows of gaps are padded to whole vectors of eight with −∞, other buffers with anything; counts are those of the
/// numbers that matter.
package protocol Kernels: TailKernels, UniformKernels, ScaledClassKernels {
  static func top(of row: UnsafePointer<Double>, _ count: Int) -> RowTop

  static func top(of row: UnsafePointer<Float>, _ count: Int) -> RowTop

  /// (logit − top)/scale, −∞ in the lanes behind the row, up to a whole number of vectors.
  static func gaps(
    of row: UnsafePointer<Double>, _ count: Int, below top: Double, scale: Double,
    to gaps: UnsafeMutablePointer<Double>
  )

  static func gaps(
    of row: UnsafePointer<Float>, _ count: Int, below top: Double, scale: Double,
    to gaps: UnsafeMutablePointer<Double>
  )

  /// Writes numbers times a factor.
  static func scaled(
    _ numbers: UnsafePointer<Double>, _ count: Int, by factor: Double, to result: UnsafeMutablePointer<Double>
  )

  static func scaled(
    _ numbers: UnsafePointer<Double>, _ count: Int, by factor: Double, to result: UnsafeMutablePointer<Float>
  )

  /// Softmax of rows of a batch, from the first up to the first without a finite largest logit. The result may be the
  /// memory of the rows.
  ///
  /// - Returns: how many rows are done.
  static func softmax(
    _ rows: UnsafePointer<Double>, count: Int, rowLength: Int, scale: Double,
    to results: UnsafeMutablePointer<Double>
  ) -> Int

  static func softmax(
    _ rows: UnsafePointer<Float>, count: Int, rowLength: Int, scale: Double,
    to results: UnsafeMutablePointer<Float>
  ) -> Int

  /// Replaces the gaps of a row by their softmax p, and a cotangent by p·(v − Σp·v), with v relative to the leader's and 0
  /// where the gap is −∞; `single` if a Float's digits are enough.
  static func pullBackSoftmax(
    _ cotangent: UnsafeMutablePointer<Double>, at gaps: UnsafeMutablePointer<Double>, _ count: Int,
    leader: Int, single: Bool
  )

  /// The place of the first gap of 0, `count` if there is none.
  static func firstZero(of gaps: UnsafePointer<Double>, _ count: Int) -> Int

  static func survey(
    _ gaps: UnsafePointer<Double>, _ count: Int, competingFrom competing: Double, wantedFrom wanted: Double
  ) -> GapSurvey

  /// Writes the cell of every class, and its offset t ∈ −1…1 in it; classes below the limit get the cell behind the last one.
  static func place(
    _ gaps: UnsafePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
    cells: UnsafeMutablePointer<Int>, offsets: UnsafeMutablePointer<Double>
  )

  /// Writes the sums of the classes' shares in every grid point of the list, whose bits don't depend on the classes' order.
  ///
  /// The shares of every class are kept if there is memory for them; `scratch` has six places for every point and for 16
  /// more.
  static func deposit(
    _ cells: UnsafePointer<Int>, _ offsets: UnsafePointer<Double>, _ count: Int, slots: UnsafePointer<Int>,
    shares: ShareRows, kept: UnsafeMutablePointer<Double>?, points: Int,
    weights: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  )

  /// As ``deposit``, of numbers times shares. Weights and scratch have 16 places more than there are points.
  static func depositWeighted(
    _ numbers: UnsafePointer<Double>, _ cells: UnsafePointer<Int>, _ offsets: UnsafePointer<Double>,
    _ count: Int, slots: UnsafePointer<Int>, shares: ShareRows, points: Int,
    weights: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  )

  /// Writes the moments Σ tᵏ of every cell, k = 0…7, for fewer than ``mostClassesInParts`` classes, by moments up to k = 4 of
  /// the equal parts of every cell:
  /// `shares` has for every part five rows of 8, the shares of its moments in those of the cell.
  ///
  /// `scratch` has twice four places for every part and for one more, and `blockMemory`.
  static func depositParts(
    _ gaps: UnsafePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid, parts: Int,
    shares: UnsafePointer<Double>, moments: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  )

  /// Writes the moments Σ v·tᵏ of every cell, k = 0…7; `scratch` has `blockMemory`.
  static func depositMoments(
    _ weights: UnsafePointer<Double>, at gaps: UnsafePointer<Double>, _ count: Int, from limit: Double,
    grid: CellGrid, moments: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  )

  /// Lists the grid points within reach of a cell with a class, in blocks of eight, the deepest first.
  ///
  /// `slots` has −1 for every cell without a class, and gets for the others where in the list their first grid point stands;
  /// for the cell behind the last one that is the end of the list. `points` gets the points, counted from the first one of
  /// the first cell.
  ///
  /// - Returns: the length of the list.
  static func list(
    _ slots: UnsafeMutablePointer<Int>, cells: Int, taps: Int, points: UnsafeMutablePointer<Int>
  ) -> Int

  /// Spreads the moments of the cells with a slot onto the grid points of the list; those from `terms` on are 0.
  static func spread(
    _ moments: UnsafePointer<Double>, cells: Int, shares: ShareRows, terms: Int, points: UnsafePointer<Int>,
    count: Int, slots: UnsafePointer<Int>, weights: UnsafeMutablePointer<Double>
  )

  /// Where the samples of node 0 stand for the grid points.
  static func locate(
    _ points: UnsafePointer<Int>, _ count: Int, on nodes: NodeGrid, in layout: SampleLayout,
    starts: UnsafeMutablePointer<Int>
  )

  /// Where the samples of point 0 stand for the nodes, in rows that are reversed, so that those of the next points follow.
  static func locate(
    nodes: Int, on grid: NodeGrid, in layout: SampleLayout, places: UnsafeMutablePointer<Int>
  )

  /// Σ_p weights_p · samples[starts_p + m] at the nodes m from the highest down, 32 at a time, as far as they matter.
  ///
  /// Samples are 0 from `end` on, and zeros stand behind them as far as whole vectors need them.
  ///
  /// - Returns: the lowest node that matters.
  static func walkDown(
    from nodes: Int, on grid: NodeGrid, weights: UnsafePointer<Double>, points: UnsafePointer<Int>,
    starts: UnsafePointer<Int>, _ count: Int, samples: UnsafePointer<Double>, below end: Int,
    until stop: WalkEnd, logarithms: UnsafeMutablePointer<Double>
  ) -> Int

  /// Those sums at all nodes, and up to 31 more.
  static func weightedSums(
    _ weights: UnsafePointer<Double>, points: UnsafePointer<Int>, starts: UnsafePointer<Int>, _ count: Int,
    on grid: NodeGrid, samples: UnsafePointer<Double>, below end: Int,
    sums: UnsafeMutablePointer<Double>, nodes: Int
  )

  /// Σ_m values_m · samples[places_m + point] times a factor for every point.
  static func integrals(
    of values: UnsafePointer<Double>, _ nodes: Int, on grid: NodeGrid, places: UnsafePointer<Int>,
    points: UnsafePointer<Int>, _ count: Int, samples: UnsafePointer<Double>, below end: Int,
    factor: Double, results: UnsafeMutablePointer<Double>
  )

  /// e^x · 2^shift of every number, 0 from `count` on up to a whole number of vectors.
  static func exponentials(
    of numbers: UnsafePointer<Double>, _ count: Int, shift: Double, to results: UnsafeMutablePointer<Double>
  )

  /// e^x of a function at nodes, each interpolated by the shares of so many of its samples; 0 behind the last node up to
  /// two whole vectors.
  ///
  /// Samples with the same remainder by the step stand side by side, `rowLength` for each; `first` is the number of
  /// the first one that the first node takes.
  static func interpolatedExponentials(
    of samples: UnsafePointer<Double>, rowLength: Int, step: Int, from first: Int,
    shares: UnsafePointer<Double>, taps: Int, to results: UnsafeMutablePointer<Double>, _ count: Int
  )

  /// About the error of interpolation in every cell with a slot from `first` on, relative to the values around its middle,
  /// and 0 for other cells.
  ///
  /// `differences` has two rows of `taps` factors of the values, whose sums are two errors.
  static func interpolationErrors(
    of values: UnsafePointer<Double>, from first: Int, cells: Int, slots: UnsafePointer<Int>,
    differences: UnsafePointer<Double>, taps: Int, errors: UnsafeMutablePointer<Double>
  )

  /// Divides numbers by others; 0 where these are not above a limit.
  static func divide(
    _ numbers: UnsafeMutablePointer<Double>, _ count: Int, by divisors: UnsafePointer<Double>,
    above limit: Double
  )

  static func multiply(
    _ numbers: UnsafeMutablePointer<Double>, _ count: Int, by factors: UnsafePointer<Double>
  )

  /// Σ_p weights_p · samples[places_m + point] for every node m, and up to three more, for two weights at a time.
  static func weightedSums(
    _ weights: UnsafePointer<Double>, _ others: UnsafePointer<Double>, points: UnsafePointer<Int>,
    _ count: Int, on grid: NodeGrid, places: UnsafePointer<Int>, samples: UnsafePointer<Double>,
    below end: Int, sums: UnsafeMutablePointer<Double>, otherSums: UnsafeMutablePointer<Double>, nodes: Int
  )

  /// As ``integrals``, of two functions at a time.
  static func integrals(
    of values: UnsafePointer<Double>, _ others: UnsafePointer<Double>, _ nodes: Int, on grid: NodeGrid,
    places: UnsafePointer<Int>, points: UnsafePointer<Int>, _ count: Int, samples: UnsafePointer<Double>,
    below end: Int, factor: Double, results: UnsafeMutablePointer<Double>,
    otherResults: UnsafeMutablePointer<Double>
  )

  /// Subtracts a reference, times factors if there are any, from numbers; 0 where the weights are not above a limit.
  ///
  /// - Returns: the largest magnitude.
  static func subtract(
    _ reference: Double, times factors: UnsafePointer<Double>?, from numbers: UnsafeMutablePointer<Double>,
    _ count: Int, where weights: UnsafePointer<Double>, above limit: Double
  ) -> Double

  /// Adds numbers to sums, and times a factor to others; both are followed by what vectors reach beyond.
  ///
  /// - Returns: the sums of weight · number · sum, with the sums as they were before, of either kind.
  static func integrateAndAdd(
    _ numbers: UnsafePointer<Double>, _ count: Int, weights: UnsafePointer<Double>,
    to sums: UnsafeMutablePointer<Double>, times factor: Double, to otherSums: UnsafeMutablePointer<Double>
  ) -> (integral: Double, otherIntegral: Double)

  static func sum(of numbers: UnsafePointer<Double>, _ count: Int) -> Double

  static func sum(
    of numbers: UnsafePointer<Double>, _ count: Int, times factors: UnsafePointer<Double>
  ) -> Double

  /// The logarithms of positive numbers over 2^shift.
  static func logarithms(
    of numbers: UnsafePointer<Double>, _ count: Int, shift: Double,
    to logarithms: UnsafeMutablePointer<Double>
  )

  /// The coefficients of log p on every cell that has a slot, relative to its value in the middle, which goes to `middles`,
  /// and in the place of the first one p in the middle itself.
  ///
  /// `logarithms` are those of p at the points of the list; `matrix` has `taps` rows of 8, the shares of the coefficients in
  /// the value at a grid point; there are as many middles as cells, up to whole vectors.
  static func expand(
    _ logarithms: UnsafePointer<Double>, from firstWanted: Int, cells: Int, slots: UnsafePointer<Int>,
    matrix: UnsafePointer<Double>, taps: Int, rows: UnsafeMutablePointer<Double>,
    middles: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  )

  /// Replaces gaps by probabilities, 0 below the limit, from their logarithms and themselves at the grid points of the list,
  /// behind which stand 16 more.
  ///
  /// - Returns: Σp − 1.
  static func evaluate(
    _ gaps: UnsafeMutablePointer<Double>, _ cells: UnsafePointer<Int>, _ offsets: UnsafePointer<Double>,
    _ count: Int, from limit: Double, slots: UnsafePointer<Int>, shares: ShareRows,
    kept: UnsafePointer<Double>?, logarithms: UnsafePointer<Double>, numbers: UnsafePointer<Double>
  ) -> Double

  /// From the coefficients on the cells with a slot those on their equal parts, an even number: p in the middle of the part
  /// and three coefficients of log p relative to that; 0 on other cells and behind the last one.
  ///
  /// `shares` has for k = 1…7 a row of four for every part, and `scratch` a number for every part, up to whole vectors.
  static func divide(
    _ rows: UnsafePointer<Double>, from firstWanted: Int, cells: Int, slots: UnsafePointer<Int>, parts: Int,
    shares: UnsafePointer<Double>, to partRows: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  )

  /// Replaces gaps by probabilities, 0 below the limit, from the four coefficients on each part of the cells; `scratch` has
  /// `blockMemory`.
  ///
  /// - Returns: Σp − 1.
  static func evaluateParts(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid, parts: Int,
    rows: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) -> Double

  /// As ``evaluateParts``, with whole cells as their parts, in Floats; `rows` has eight numbers a cell, and `scratch` two
  /// for each besides.
  static func evaluateFloats(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
    rows: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) -> Double

  /// The coefficients of a function on every cell with a slot, from its values at the points of the list; 0 on the
  /// others, and behind the last cell.
  static func expandValues(
    _ values: UnsafePointer<Double>, cells: Int, slots: UnsafePointer<Int>, matrix: UnsafePointer<Double>,
    taps: Int, rows: UnsafeMutablePointer<Double>, stride: Int
  )

  /// The first four coefficients of two functions on every cell, those of the first before those of the other, by the
  /// first halves of the rows of a matrix.
  static func expandPairs(
    _ values: UnsafePointer<Double>, _ others: UnsafePointer<Double>, cells: Int, slots: UnsafePointer<Int>,
    matrix: UnsafePointer<Double>, taps: Int, rows: UnsafeMutablePointer<Double>
  )

  /// As ``evaluate``, by logarithms, −∞ below the limit.
  static func evaluateLogarithms(
    _ gaps: UnsafeMutablePointer<Double>, _ cells: UnsafePointer<Int>, _ offsets: UnsafePointer<Double>,
    _ count: Int, from limit: Double, slots: UnsafePointer<Int>, shares: ShareRows,
    kept: UnsafePointer<Double>?, logarithms: UnsafePointer<Double>
  )

  /// Replaces gaps by the logarithms of probabilities, −∞ below the limit, from the coefficients on the cells.
  static func evaluateLogarithmsOfCells(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
    rows: UnsafePointer<Double>, middles: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>
  )

  /// Σ eˣ over the numbers up to a limit, and over those above it.
  static func sumsOfExponentials(
    _ numbers: UnsafePointer<Double>, _ count: Int, split: Double
  ) -> (below: Double, above: Double)

  /// Replaces u by unit·(ofA·u·a − ofB·p·b), 0 where p is, from a and b at the grid points of the list, behind which stand 16
  /// more.
  static func evaluatePullback(
    _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>, _ cells: UnsafePointer<Int>,
    _ offsets: UnsafePointer<Double>, _ count: Int, slots: UnsafePointer<Int>, shares: ShareRows,
    a: UnsafePointer<Double>, b: UnsafePointer<Double>, unit: Double, ofA: Double, ofB: Double
  )

  /// Replaces u by unit·(ofA·u·a − ofB·p·b), with the coefficients of a and b on the cells in rows of 16, or of 8 with
  /// four for each, and gaps by anything.
  static func evaluatePullbackOfCells(
    _ gaps: UnsafeMutablePointer<Double>, _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>,
    _ count: Int, from limit: Double, grid: CellGrid, rows: UnsafePointer<Double>, isShort: Bool,
    unit: Double, ofA: Double, ofB: Double, scratch: UnsafeMutablePointer<Double>
  )

  /// log Σ_k exp(S_k − logCumulatives_k) at grid points, from S at consecutive places of the grid: S_k stands 16 places
  /// interpolated with the node's shares, the first of them at the number of the point + `offset` + shifts_k.
  ///
  /// Shifts ascend, and the last node's term is about the largest one; nodes whose places are before the first are left
  /// out. `first` is the first point of a block of the list. Behind the list, and behind the sums, there are 16 places more.
  static func logQuantileSums(
    of sums: UnsafePointer<Double>, at points: UnsafePointer<Int>, from first: Int, to end: Int, offset: Int,
    shifts: UnsafePointer<Int>, shares: UnsafePointer<Double>, logCumulatives: UnsafePointer<Double>,
    nodes: Int, logarithms: UnsafeMutablePointer<Double>
  )

  /// The share of every node in the value at a grid point, ψ = exp(S_k − logCumulatives_k − logarithm − reference), takes the
  /// slope S′ at its place to the gain Σ ψ·S′ of the point, and ψ times the weight of the point to the 16 places.
  ///
  /// Otherwise as ``logQuantileSums``, whose logarithms these are; behind the list and the places there are 16 more.
  static func spreadQuantileShares(
    of sums: UnsafePointer<Double>, slopes: UnsafePointer<Double>, at points: UnsafePointer<Int>,
    from first: Int, to end: Int, offset: Int, shifts: UnsafePointer<Int>, shares: UnsafePointer<Double>,
    logCumulatives: UnsafePointer<Double>, nodes: Int, logarithms: UnsafePointer<Double>, reference: Double,
    weights: UnsafePointer<Double>, gains: UnsafeMutablePointer<Double>, spread: UnsafeMutablePointer<Double>
  )

  /// Multiplies mantissa · 2^exponent of every node q by F(d + q) for every difference d. Factors are above 2⁻²⁵⁰, or 0
  /// under a law whose F is 0; under a Gumbel law nothing is done.
  static func multiplyCumulatives(
    at differences: QuantileDifferences, _ table: QuantileTable,
    mantissas: UnsafeMutablePointer<Double>, exponents: UnsafeMutablePointer<Double>
  )

  /// Adds log F(d + q) = −e^(−d − q) of the Gumbel law to a logarithm for every node.
  static func addLogarithmsOfGumbel(
    at differences: QuantileDifferences, _ table: QuantileTable, to logarithms: UnsafeMutablePointer<Double>
  )

  /// Σ_q terms · r(d + q) for every difference d, with r = f/F. Terms are 0 where F is, and behind the last node.
  static func sumHazards(
    at differences: QuantileDifferences, times terms: UnsafePointer<Double>, _ table: QuantileTable,
    to sums: UnsafeMutablePointer<Double>
  )

  /// Brings mantissas from ½ on and below 1, unless they are 0.
  static func splitExponents(
    of mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>, _ count: Int
  )

  /// Replaces mantissas by terms, 0 behind the last one: mantissa · 2^exponent · e^logarithm is term · 2^(exponent returned).
  ///
  /// - Returns: the sum of the terms, which is about 1 or more, and their exponent; 0 and −∞ where all are 0.
  static func settleTerms(
    _ mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>,
    logarithms: UnsafePointer<Double>?, _ count: Int
  ) -> (sum: Double, exponent: Double)

  /// Replaces the gaps of few classes by probabilities. `memory` begins with a cache line and has four places for every
  /// place of the row, one for every evaluation and 16 for every class that the table serves, and for four times its nodes
  /// and 64 more.
  ///
  /// - Returns: Σp − 1 before the normalisation, or NaN where the table does not serve the row, and the gaps are left.
  static func directProbabilities(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, table: UnsafePointer<DirectTable>,
    memory: UnsafeMutablePointer<Double>
  ) -> Double

  /// Likewise by log-probabilities.
  static func directLogProbabilities(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, table: UnsafePointer<DirectTable>,
    memory: UnsafeMutablePointer<Double>
  ) -> Double

  /// Replaces v by J v, or by the gradient of Σ v_i log p_i, and the gaps by probabilities.
  ///
  /// - Returns: Whether the table serves the row; where it does not, both are left.
  static func directPullback(
    _ v: UnsafeMutablePointer<Double>, at gaps: UnsafeMutablePointer<Double>, _ count: Int,
    ofLogarithms: Bool, table: UnsafePointer<DirectTable>, memory: UnsafeMutablePointer<Double>
  ) -> Bool

  /// Adds the nodes of a panel to ∫ f_k·F_k^(ties − 1)·∏ F_j^ties of so many classes, eight places for each.
  ///
  /// `nodes` are one or two vectors in rows of ``panelNodes``. The first row is a and the second c in F_k = a + c·slope_k,
  /// the third has the weights, the density in them; the product of the powers goes to the fourth.
  static func addProducts(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, slopes: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, _ count: Int, sums: UnsafeMutablePointer<Double>
  )

  /// As ``addProducts``, with three vectors of sums for each class, the second and third with another factor in the integral:
  /// R = Σ c·ties_j/F_j, and V = Σ c·cotangent_j/F_j. The product times them goes to the fifth and sixth row of `nodes`. The
  /// memory for reciprocals is 16 places for each class.
  static func addProductDerivatives(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, slopes: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, cotangents: UnsafePointer<Double>, _ count: Int,
    sums: UnsafeMutablePointer<Double>, reciprocals: UnsafeMutablePointer<Double>
  )

  /// Replaces the numbers q in the fourth row of the nodes by 1 − (1 − q)·∏ F_k^ties, where 1 − F_k = a + c·slope_k.
  static func addSurvivals(
    at nodes: UnsafeMutablePointer<Double>, vectors: Int, slopes: UnsafePointer<Double>,
    ties: UnsafePointer<Double>, _ count: Int
  )

  /// The sums of vectors of eight.
  static func laneSums(
    of vectors: UnsafePointer<Double>, _ count: Int, to sums: UnsafeMutablePointer<Double>
  )
}

/// The most nodes of a panel.
package let panelNodes = 16

/// How gaps fall into cells of the logit axis: cells are counted from the deepest one.
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

/// How samples at 0, 1, 2, … are stored: those with the same remainder by a step side by side.
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

/// How nodes and grid points lie to each other: the sample of node m and point p is the number start + m·step − p·stride.
package struct NodeGrid: Sendable {
  package let start: Int
  package let step: Int
  /// The stride is a power of two.
  package let strideExponent: Int

  package init(start: Int, step: Int, strideExponent: Int) {
    (self.start, self.step, self.strideExponent) = (start, step, strideExponent)
  }
}

/// Where a walk down the nodes may end: where the logarithm of an integrand, log G + factor·log r, has fallen that far below
/// its maximum, or log G itself is below the least.
package struct WalkEnd {
  /// log r at node 0, and a step further at the next one; nil for a walk to the last node.
  package let logHazards: UnsafePointer<Double>?
  package let factor: Double
  package let drop: Double
  package let leastLogarithm: Double

  package init(
    logHazards: UnsafePointer<Double>?, factor: Double, drop: Double, leastLogarithm: Double
  ) {
    (self.logHazards, self.factor) = (logHazards, factor)
    (self.drop, self.leastLogarithm) = (drop, leastLogarithm)
  }
}

/// What a row's gaps are like, for the choice of its grid.
package struct GapSurvey: Sendable {
  /// The deepest gap that competes, and the deepest that is wanted.
  package var lowest = 0.0
  package var rarest = 0.0
  package var competitors = 0
  /// Whether some gap is neither wanted nor masked.
  package var hasDeeper = false

  package init() {}
}

/// The largest logit of a row, NaN if there is a NaN, and how many are not −∞.
package struct RowTop: Sendable {
  package let largest: Double
  package let open: Int

  package init(largest: Double, open: Int) { (self.largest, self.open) = (largest, open) }
}

/// What the loops over classes need as `scratch`.
package let blockMemory = 10 * 64

/// How many classes can be counted in the parts of cells.
package let mostClassesInParts = 1 << 24

/// A number of places, rounded up to whole vectors.
package func padded(_ count: Int) -> Int { (count + 7) & ~7 }
