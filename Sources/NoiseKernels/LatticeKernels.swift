/// The loops of the lattice and of its direct sums: over the classes of a row, its cells and grid points, and its nodes.
package protocol LatticeKernels: Sendable {
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
    _ count: Int, slots: UnsafePointer<Int>, shares: ShareRows, kept: UnsafePointer<Double>?, points: Int,
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

  /// Replaces u by unit·(ofA·u·a − ofB·p·b), 0 where p is, from a and b at the grid points of the list, behind which stand 16
  /// more.
  static func evaluatePullback(
    _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>, _ cells: UnsafePointer<Int>,
    _ offsets: UnsafePointer<Double>, _ count: Int, slots: UnsafePointer<Int>, shares: ShareRows,
    kept: UnsafePointer<Double>?,
    a: UnsafePointer<Double>, b: UnsafePointer<Double>, unit: Double, ofA: Double, ofB: Double
  )

  /// Replaces u by unit·(ofA·u·a − ofB·p·b), with the coefficients of a and b on the cells in rows of 16, or of 8 with
  /// four for each, and gaps by anything.
  static func evaluatePullbackOfCells(
    _ gaps: UnsafeMutablePointer<Double>, _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>,
    _ count: Int, from limit: Double, grid: CellGrid, rows: UnsafePointer<Double>, isShort: Bool,
    unit: Double, ofA: Double, ofB: Double, scratch: UnsafeMutablePointer<Double>
  )

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
}
