internal import NoiseKernels

/// The quantile rule of a smooth law on a grid, at a cost that hardly depends on the number of classes.
///
/// With S(x) = Σ_j log F(x − μ_j), a class at μ has the value t(μ) = (1/K) Σ_k exp(S(μ + q_k) − log F(q_k)): its own
/// factor in S is that of every node, so t is one smooth function for the whole row.
///
/// 1. Classes are deposited in cells and spread onto grid points as weights W, as the lattice does it;
/// 2. S(x_m) = Σ_g W_g log F(x_m − μ_g) on the same grid, from samples of log F;
/// 3. log t(μ_g), where S(μ_g + q_k) is interpolated: every node has one place between grid points, and its own shares;
/// 4. log t, interpolated to every class's place in its cell, is the logarithm of its value.
///
/// Cost: n·8 for steps 1 and 4, (grid points near classes)·(grid points) for 2 and (grid points near classes)·K·16 for
/// 3. Values are right to 1e-12 relative, and where their logarithms are below −300 these to 4e-15 of themselves.
final class QuantileGrid: Sendable {
  private let basis = CellBasis(taps: 16, terms: 8)
  /// The distance of the grid points, a power of two.
  private let cell: Double
  /// The distance of the law's quartiles.
  private let quartiles: Double
  /// Classes at gaps below −depth have no values above 1e-300.
  let depth: Double
  /// The lowest place where S matters: its terms there are nothing beside any that is wanted.
  private let lowestPlace: Double
  /// Below this gap a class has the factor 1 at every place that matters.
  private let competing: Double

  /// The sample index of the first sample of log F, at firstIndex · cell.
  private let firstIndex: Int
  private let samples: LatticeSamples
  private let memory = KeptMemory()

  /// For every node, how many grid points above a class the first of its 16 places stands, and their shares.
  private let shifts: [Int]
  private let shares: [Double]
  private let logCumulatives: [Double]

  init(_ noise: some SmoothNoise, nodes: [Double]) {
    quartiles = noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    require(quartiles > 0 && quartiles.isFinite, "the quartiles of \(noise) are \(quartiles) apart")
    let widest = Double(sign: .plus, exponent: (quartiles / 2).exponent, significand: 1)
    // What the eight terms leave out falls with the eighth power of the width: half of what is right to 1e-13 is right
    // to rounding, as sums of thousands of logarithms need it.
    let cells = LatticeTable.cells(for: noise, startingAt: widest, basis: basis, precision: .double)
    // However smooth log F is, the values of a row are sums of steps like those of Fⁿ, a fraction of the quartiles wide.
    let cell = min(cells[LatticeTable.sizes.upperBound] / 2, widest / 16)
    self.cell = cell

    let top = nodes[nodes.count - 1]
    let counts = 2 * logarithm(Double(nodes.count + 1))
    depth = top - Self.place(where: -720 - counts, in: noise, below: top, step: quartiles)
    // Grid points below the deepest class, and places below those, are interpolated with.
    let lowestPlace = min(
      Self.place(where: -820 - counts, in: noise, below: top, step: quartiles),
      top - depth - Double(basis.taps) * cell)
    let highest = noise.upperQuantile(at: Precision.double.tail / 1e9)
    (self.lowestPlace, competing) = (lowestPlace, lowestPlace - highest)

    // Grid points reach half the taps beyond the classes, and S as much beyond its places.
    let first = Int((lowestPlace / cell).rounded(.down)) - 2 * basis.taps
    let last = Int((highest / cell).rounded(.up)) + basis.taps
    firstIndex = first
    samples = LatticeSamples(
      logCumulative: (first...last).map { noise.logCumulative(at: Double($0) * cell) }, hazard: [], step: 1,
      in: memory)

    let matrix = UnsafeBufferPointer(start: basis.matrix, count: 8 * basis.taps)
    let rows = (0..<basis.taps).map { Array(matrix[8 * $0..<8 * $0 + 8]) }
    let firstTap = Int(basis.position(of: 0))
    shifts = nodes.map { Int(($0 / cell).rounded(.down)) + firstTap }
    shares = nodes.flatMap { node in
      let t = 2 * (node / cell - (node / cell).rounded(.down)) - 1
      return rows.map { polynomial($0, at: t) }
    }
    logCumulatives = nodes.map { noise.logCumulative(at: $0) }
  }

  /// The place, up to a quarter of the step, below which log F is below a value.
  private static func place(
    where value: Double, in noise: some SmoothNoise, below start: Double, step: Double
  ) -> Double {
    var (low, high) = (start - step, start)
    while noise.logCumulative(at: low) > value { (low, high) = (low - 2 * (start - low), low) }
    while high - low > step / 4 {
      let middle = (low + high) / 2
      if noise.logCumulative(at: middle) > value { high = middle } else { low = middle }
    }
    return low
  }

  /// About how long a row takes, of so many classes that fill so many cells, or a few quartiles.
  func seconds(classes: Int, cells: Int? = nil) -> Double {
    let cells = cells ?? Int(6 * quartiles / cell)
    let points = Double(min(cells + basis.taps, basis.taps * classes))
    let places = Double(cells + shifts[shifts.count - 1] - shifts[0] + 2 * basis.taps)
    return 1e-6 + 6e-9 * Double(classes) + points * (1e-10 * places + 1.5e-9 * Double(shifts.count))
  }

  /// Replaces the gaps by the logarithms of K·t relative to the leader's, −∞ for classes deeper than the depth.
  ///
  /// - Returns: the leader's log K·t, and whether classes that are not masked were too deep; or nil, with the row as it
  ///   was, where class by class takes less time.
  func replaceByLogValues(
    _ row: UnsafeMutableBufferPointer<Double>, secondsPerFactor: Double, scratch: inout Scratch
  ) -> (reference: Double, hasDeeper: Bool)? {
    guard let gaps = row.baseAddress else { return nil }
    let count = padded(row.count)
    let survey = kernels.survey(gaps, count, competingFrom: competing, wantedFrom: -depth)
    let grid = CellGrid(lowest: survey.lowest, perUnit: 1 / cell)
    let factors = Double(survey.competitors) * Double(survey.competitors) * Double(shifts.count)
    guard seconds(classes: survey.competitors, cells: grid.count) < factors * secondsPerFactor else {
      return nil
    }

    let taps = basis.taps
    let cells = padded(grid.count + 1)
    let length = 8 * (grid.count + 1)
    let mostPoints = padded(min(grid.count + taps - 1, taps * survey.competitors)) + 16
    // The places x_m of S, from m = firstPlace on.
    let firstWanted = max(0, grid.cell(of: -depth))
    let lowestPoint = grid.firstCell - (taps / 2 - 1)
    let firstPlace = max(
      Int((lowestPlace / cell).rounded(.down)), lowestPoint + firstWanted + shifts[0])
    let places = grid.firstCell + grid.count + taps / 2 + shifts[shifts.count - 1] + taps - firstPlace
    let loopLength = 3 * length + blockMemory
    var memory = Pieces(
      of: scratch.reserve(length + 2 * cells + 5 * mostPoints + padded(places) + 48 + loopLength))
    let rows = memory.take(length)
    let middles = memory.take(cells)
    let slots = memory.takeIntegers(cells)
    let points = memory.takeIntegers(mostPoints)
    let starts = memory.takeIntegers(mostPoints)
    let reaches = memory.takeIntegers(mostPoints)
    let weights = memory.take(mostPoints)
    let logarithms = memory.take(mostPoints)
    let sums = memory.take(padded(places) + 48)
    let loopMemory = memory.take(loopLength)

    kernels.deposit(gaps, count, from: competing, grid: grid, moments: rows, scratch: loopMemory)
    let pointCount = kernels.list(
      occupied: rows, cells: grid.count, taps: taps, points: points, slots: slots)
    kernels.spread(
      rows, cells: grid.count, shares: basis.shares, taps: taps, terms: basis.terms, points: points,
      count: pointCount, slots: slots, weights: weights)
    // The reaches of samples of r are not needed: they go where the logarithms will.
    kernels.locate(
      points, pointCount, in: samples.layout, from: firstPlace - lowestPoint - firstIndex, stride: 1,
      nodes: places, starts: starts, cumulativeReaches: reaches,
      hazardReaches: UnsafeMutableRawPointer(logarithms).assumingMemoryBound(to: Int.self))
    kernels.weightedSums(
      weights, starts: starts, reaches: reaches, count: pointCount, samples: samples.logCumulative,
      sums: sums, nodes: places)

    var firstPoint = 0
    while points[firstPoint] < firstWanted { firstPoint += 1 }
    kernels.logQuantileSums(
      of: sums, at: points, from: firstPoint, to: pointCount, offset: lowestPoint - firstPlace,
      shifts: shifts, shares: shares, logCumulatives: logCumulatives, nodes: shifts.count,
      logarithms: logarithms)
    // The leader stands at the lower end of the last cell, whose grid points are the last ones.
    let leader = pointCount - taps / 2 - 1
    let reference = logarithms[leader]
    for point in firstPoint..<pointCount {
      logarithms[point] -= reference
      weights[point] = 0
    }
    kernels.expand(
      from: firstWanted, cells: grid.count, slots: slots, exponents: weights, logarithms: logarithms,
      shift: 0, matrix: basis.matrix, taps: taps, rows: rows, middles: middles, scratch: loopMemory)
    (rows + 8 * grid.count).update(repeating: 0, count: 8)
    middles[grid.count] = -.infinity
    kernels.evaluateLogarithms(
      gaps, count, from: -depth, grid: grid, rows: rows, middles: middles, scratch: loopMemory)
    return (reference, survey.hasDeeper)
  }
}
