/// The loops of the lattice and of its direct sums: over the classes of a row, its cells and grid points, and its nodes.
package protocol LatticeKernels: Sendable {
  static func survey(
    _ gaps: UnsafePointer<Double>, _ count: Int, competingFrom competing: Double, wantedFrom wanted: Double
  ) -> GapSurvey

  /// Writes the cell of every class, and its offset in it; classes below the limit get the cell behind the last one.
  static func place(
    _ gaps: UnsafePointer<Double>, from limit: Double, grid: CellGrid, as classes: PlacedClasses)

  /// W_g = Σ_j L_g(μ_j): writes for every grid point of the list the sum of the classes' shares in it. The order of the classes
  /// changes no bit.
  ///
  /// The shares of every class are kept if there is memory for them. `scratch` has 6·(points + 16) slots.
  static func deposit(
    _ classes: PlacedClasses, points: Int, weights: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  )

  /// W_g = Σ_j numbers_j·L_g(μ_j), otherwise as ``deposit``. Weights and scratch have points + 16 slots each.
  static func depositWeighted(
    _ numbers: UnsafePointer<Double>, of classes: PlacedClasses, points: Int,
    weights: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  )

  /// Writes the moments Σ tᵏ of every cell, k = 0…7, for fewer than ``mostClassesInParts`` classes.
  ///
  /// They come from the moments 0…4 of the equal parts of every cell: `shares` has five rows of 8 for every part, the shares of
  /// its moments in those of the cell. `scratch` has 8·(cells·parts + 1) slots and `blockMemory`.
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

  /// Lists the grid points within reach of a cell with a class, in blocks of eight, the lowest first.
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

  /// Writes for every grid point the slot of its sample at node 0.
  static func locate(
    _ points: UnsafePointer<Int>, _ count: Int, on nodes: NodeGrid, in layout: SampleLayout,
    starts: UnsafeMutablePointer<Int>
  )

  /// Writes for every node the slot of its sample at point 0. Rows are reversed, so that the samples at the next points follow.
  static func locate(
    nodes: Int, on grid: NodeGrid, in layout: SampleLayout, slots: UnsafeMutablePointer<Int>
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

  /// The sums of ``walkDown`` at all nodes, and at up to 31 more.
  static func weightedSums(
    _ weights: UnsafePointer<Double>, points: UnsafePointer<Int>, starts: UnsafePointer<Int>, _ count: Int,
    on grid: NodeGrid, samples: UnsafePointer<Double>, below end: Int,
    sums: UnsafeMutablePointer<Double>, nodes: Int
  )

  /// Σ_m values_m · samples[places_m + point] times a factor for every point.
  static func integrals(
    of values: UnsafePointer<Double>, _ nodes: Int, on grid: NodeGrid, slots: UnsafePointer<Int>,
    points: UnsafePointer<Int>, _ count: Int, samples: UnsafePointer<Double>, below end: Int,
    factor: Double, results: UnsafeMutablePointer<Double>
  )

  /// At sixteen nodes from one on: R += Σ r_k and V += Σ ratio_k·r_k over some classes, and their entries += Σ_m g·r_k·(ratio_k·R − V)
  /// with the sums over all other classes.
  ///
  /// r_k is the polynomial in t with its coefficients in eight planes, at slot_k + m, or from `firstLogarithm` on the exponential of that.
  /// There is room for sixteen numbers for every class.
  static func integratePairs(
    of classes: UnsafeMutablePointer<SteepClass>, _ count: Int, from node: Int,
    coefficients: UnsafePointer<Double>, planeLength: Int, weights g: UnsafePointer<Double>,
    sums r: UnsafeMutablePointer<Double>, otherSums v: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Double>
  )

  /// Σ_j weights_j·K(x − gaps_j), where all arguments lie on the intervals on which K is known.
  static func sum(
    _ weights: UnsafePointer<Double>, at gaps: UnsafePointer<Double>, _ count: Int, node x: Double,
    intervals: SampledIntervals
  ) -> Double

  /// About the error of interpolation in every cell with a slot from `first` on, relative to the values around its middle,
  /// and 0 for other cells.
  ///
  /// `differences` has two rows of `taps` factors of the values. Σ factor·value of either row is an error.
  static func interpolationErrors(
    of values: UnsafePointer<Double>, from first: Int, cells: Int, slots: UnsafePointer<Int>,
    differences: UnsafePointer<Double>, taps: Int, errors: UnsafeMutablePointer<Double>
  )

  /// Σ_p weights_p · samples[places_m + point] for every node m, and up to three more, for two weights at a time.
  static func weightedSums(
    _ weights: UnsafePointer<Double>, _ others: UnsafePointer<Double>, points: UnsafePointer<Int>,
    _ count: Int, on grid: NodeGrid, slots: UnsafePointer<Int>, samples: UnsafePointer<Double>,
    below end: Int, sums: UnsafeMutablePointer<Double>, otherSums: UnsafeMutablePointer<Double>, nodes: Int
  )

  /// As ``integrals``, of two functions at a time.
  static func integrals(
    of values: UnsafePointer<Double>, _ others: UnsafePointer<Double>, _ nodes: Int, on grid: NodeGrid,
    slots: UnsafePointer<Int>, points: UnsafePointer<Int>, _ count: Int, samples: UnsafePointer<Double>,
    below end: Int, factor: Double, results: UnsafeMutablePointer<Double>,
    otherResults: UnsafeMutablePointer<Double>
  )

  /// log p(t) = middle + Σ_k row_k·tᵏ, k = 1…7, on every cell that has a slot: writes the middles and the rows of coefficients,
  /// with p in the middle, e^middle, as row_0.
  ///
  /// `logarithms` are those of p at the points of the list. `matrix` has `taps` rows of 8, the shares of the value at a grid
  /// point in the coefficients. There is room for as many middles as cells, up to whole vectors.
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
    _ gaps: UnsafeMutablePointer<Double>, of classes: PlacedClasses, from limit: Double,
    logarithms: UnsafePointer<Double>, numbers: UnsafePointer<Double>
  ) -> Double

  /// From the coefficients on a cell with a slot those on its equal parts, of which there is an even number: p in the middle of
  /// the part, and three coefficients of log p relative to that. Other cells and the one behind the last get 0.
  ///
  /// `shares` has for k = 1…7 a row of four for every part. `scratch` has a slot for every part, up to whole vectors.
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

  /// The coefficients of a function on every cell with a slot, from its values at the points of the list. Other cells and the
  /// one behind the last get 0.
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
    _ gaps: UnsafeMutablePointer<Double>, of classes: PlacedClasses, from limit: Double,
    logarithms: UnsafePointer<Double>
  )

  /// Replaces gaps by the logarithms of probabilities, −∞ below the limit, from the coefficients on the cells.
  static func evaluateLogarithmsOfCells(
    _ gaps: UnsafeMutablePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
    rows: UnsafePointer<Double>, middles: UnsafePointer<Double>, scratch: UnsafeMutablePointer<Double>
  )

  /// Replaces u by unit·(ofA·u·a − ofB·p·b), 0 where p is 0, from a and b at the grid points of the list and 16 slots more.
  static func evaluatePullback(
    _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>, of classes: PlacedClasses,
    a: UnsafePointer<Double>, b: UnsafePointer<Double>, unit: Double, ofA: Double, ofB: Double
  )

  /// Replaces u by unit·(ofA·u·a − ofB·p·b), from the coefficients of a and b on the cells: in rows of 16, eight each, or if
  /// `isShort` of 8, four each. The gaps are overwritten.
  static func evaluatePullbackOfCells(
    _ gaps: UnsafeMutablePointer<Double>, _ p: UnsafePointer<Double>, _ u: UnsafeMutablePointer<Double>,
    _ count: Int, from limit: Double, grid: CellGrid, rows: UnsafePointer<Double>, isShort: Bool,
    unit: Double, ofA: Double, ofB: Double, scratch: UnsafeMutablePointer<Double>
  )

  /// Replaces the gaps of few classes by probabilities. `memory` begins with a cache line. It has 4·count slots for the row,
  /// and for the table `mostPairEvaluations` + 16·`mostClasses` + 4·(`mostNodes` + 16).
  ///
  /// - Returns: Σp − 1 before the normalisation; NaN where the table does not serve the row, and the gaps are left as they are.
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
  /// - Returns: Whether the table serves the row; where it does not, both are left as they are.
  static func directPullback(
    _ v: UnsafeMutablePointer<Double>, at gaps: UnsafeMutablePointer<Double>, _ count: Int,
    ofLogarithms: Bool, table: UnsafePointer<DirectTable>, memory: UnsafeMutablePointer<Double>
  ) -> Bool
}
