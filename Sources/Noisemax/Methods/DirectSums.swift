internal import NoiseKernels

/// Rows of few, shallow classes without grid points: log F and r of every class at every node, p_i = h·Σ_m G(x_m) r(x_m − μ_i).
///
/// That is n evaluations of two functions where the lattice has some dozens of grid points, and a row of ten classes
/// has fewer. The functions are polynomials on narrow cells (see ``DirectTable``), whose coefficients stand in the
/// order in which a walk along the nodes meets them, so that eight nodes are one vector.
///
/// Polynomials on cells do not follow r into its steep tail: rows with classes too deep for them are left to the lattice,
/// and so are rows whose rarest class has a sharper integrand than the step is made for.
final class DirectSums: @unchecked Sendable {
  private let tables: PerPrecision<Tables>
  private static let mostClasses = 64

  init(_ table: LatticeTable) {
    let noise = table.noise
    let quartiles = noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)
    let limit = min(10 * quartiles, table.depth)
    let law = SampledLaw(table, limit: limit)
    tables = PerPrecision { Tables(table, law, limit: limit, quartiles: quartiles, precision: $0) }
  }

  /// Replaces the gaps of a row by probabilities that sum to one.
  ///
  /// - Returns: Σp − 1 before the normalisation, or nil where the row is not one for this.
  @inline(__always)
  func replaceByProbabilities(
    _ row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> Double? {
    guard row.count <= Self.mostClasses, tables[precision].isUsable, let gaps = row.baseAddress else {
      return nil
    }
    let defect = kernels.directProbabilities(
      gaps, padded(row.count), table: tables[precision].table,
      memory: memory(for: row.count, precision: precision, scratch: &scratch))
    return defect.isNaN ? nil : defect
  }

  @inline(__always)
  private func memory(
    for count: Int, precision: Precision, scratch: inout Scratch
  ) -> UnsafeMutablePointer<Double> {
    let (count, nodes) = (padded(count), tables[precision].mostNodes)
    let memory = scratch.reserve(3 * count + (count + 4) * (nodes + 16) + 8)
    guard let start = memory.baseAddress else { fatalError("a row of no classes has no sums") }
    // At the beginning of a cache line.
    return UnsafeMutablePointer(bitPattern: (UInt(bitPattern: start) + 63) & ~63) ?? start
  }
}

/// The table for one precision, and the memory it refers to.
private final class Tables: @unchecked Sendable {
  let table: UnsafePointer<DirectTable>
  let mostNodes: Int
  let isUsable: Bool
  private var memory: [UnsafeMutableRawPointer] = []

  static let sizes = 2...6

  init(
    _ lattice: LatticeTable, _ law: SampledLaw, limit: Double, quartiles: Double, precision: Precision
  ) {
    let most = Double(1 << Self.sizes.upperBound)

    // Where the integrands end.
    func end(_ gap: Double) -> Double {
      law.end(gap: gap, leaders: most, drop: precision.drop, unit: lattice.unit)
    }
    let first = end(0)
    var slope = 0.0
    for index in 1...8 {
      let gap = limit * Double(index) / 8
      slope = max(slope, (end(gap) + gap - first) / gap)
    }

    // Gaps within i…i + 1 of these have the reach of the next one.
    let places = (0...Int(limit / quartiles) + 1).map { (Double($0) + 0.999) * quartiles }
    let reach = places.map { lattice.lowestNode(second: 0, deepest: -$0, precision: precision) }
    let pairReach = places.map {
      lattice.lowestNode(second: 0, deepest: -$0, pairs: true, precision: precision)
    }
    let leaderReach = places.map { lattice.lowestNode(second: -$0, deepest: 0, precision: precision) }
    let low = (reach + pairReach + leaderReach).reduce(0, min)
    let high = first + slope * limit

    // The peak of a class that deep below one leader is as far up the hazard's tail as peaks may be.
    let steepest = min(12 * quartiles, lattice.depth)
    let fit = CellFit(terms: precision == .double ? 12 : 6)
    var steps: [DirectStep] = []
    var mostNodes = 0
    for j in Self.sizes {
      let (h, sharpness) = law.step(
        for: 1 << j, coarsest: quartiles, steepest: steepest, precision: precision)
      var phases = precision == .double ? 2 : 4
      while phases <= 8
        && !(fit.error(
          of: law, width: h / Double(phases), low: low, high: high, steepest: steepest, most: most)
          <= precision.directTolerance)
      {
        phases *= 2
      }
      // Too steep a law is left to the lattice.
      guard phases <= 8 else { break }
      let width = h / Double(phases)
      let firstCell = Int((low / width).rounded(.down)) - 3 * phases
      let cellCount = Int((high / width).rounded(.up)) - firstCell
      // Behind every row there are zeros, as many as whole vectors may read.
      let rowLength = cellCount / phases + 1 + 24
      let memory = UnsafeMutablePointer<Double>.allocate(capacity: rowLength * phases * fit.terms)
      memory.initialize(repeating: 0, count: rowLength * phases * fit.terms)
      for index in 0..<cellCount {
        let coefficients = fit.coefficients(of: law, cell: firstCell + index, width: width)
        for k in 0..<fit.terms {
          memory[(index % phases * fit.terms + k) * rowLength + index / phases] = coefficients[k]
        }
      }
      self.memory.append(UnsafeMutableRawPointer(memory))
      let highest = lattice.highestNode(for: 1 << j, precision: precision)
      mostNodes = max(mostNodes, Int((highest - low) / h) + 20)
      steps.append(
        DirectStep(
          width: h, phases: phases, firstCell: firstCell, highest: highest, sharpness: exponential(sharpness),
          coefficients: memory, rowLength: rowLength))
    }
    self.mostNodes = padded(mostNodes)
    isUsable = steps.count == Self.sizes.count

    var memory = memory
    func kept<T>(_ values: [T]) -> UnsafePointer<T> {
      let copy = UnsafeMutablePointer<T>.allocate(capacity: values.count)
      copy.initialize(from: values, count: values.count)
      memory.append(UnsafeMutableRawPointer(copy))
      return UnsafePointer(copy)
    }
    var table = DirectTable(
      reach: kept(reach), pairReach: kept(pairReach), leaderReach: kept(leaderReach), steps: kept(steps))
    table.terms = fit.terms
    table.mostNodes = self.mostNodes
    table.mostEvaluations = precision.mostEvaluations
    table.stepCount = steps.count
    table.deepest = -limit
    table.ignored = -lattice.depth - lattice.competition(precision)
    table.end = first
    table.endSlope = slope
    table.peak = law.peak(gap: steepest) + steepest
    table.perReach = 1 / quartiles
    self.table = kept([table])
    self.memory = memory
  }

  deinit { for part in memory { part.deallocate() } }
}

extension Precision {
  /// The error of the polynomials, relative to what an integrand is at its peak.
  fileprivate var directTolerance: Double { self == .double ? 1e-13 : 2e-6 }
  /// The number of classes times that of nodes above which the lattice is faster.
  fileprivate var mostEvaluations: Int { self == .double ? 3200 : 2400 }
  /// The error of the trapezoid rule for the rarest class.
  fileprivate var sharpTolerance: Double { self == .double ? 2e-14 : 3e-7 }
}

/// A law as the samples of its table give it, between them by interpolation.
private struct SampledLaw {
  private let unit: Double
  private let first: Int
  /// Eight coefficients for every interval between samples: of log F and of log r.
  private let logCumulative: [Double]
  private let logHazard: [Double]

  init(_ table: LatticeTable, limit: Double) {
    unit = table.unit
    first = table.firstIndex + 7
    let samples = table.samples[0]
    let basis = table.bases[.double]
    func expanded(_ samples: UnsafeBufferPointer<Double>) -> [Double] {
      var result: [Double] = []
      result.reserveCapacity(8 * samples.count)
      basis.matrix.withUnsafeBufferPointer { matrix in
        for index in 0..<samples.count - 15 {
          for k in 0..<8 {
            var sum = 0.0
            for tap in 0..<16 { sum += matrix[8 * tap + k] * samples[index + tap] }
            result.append(sum)
          }
        }
      }
      return result
    }
    logCumulative = expanded(
      UnsafeBufferPointer(start: samples.logCumulative, count: samples.layout.cumulativeCount))
    // As far as the hazard of a class at the limit.
    let count = samples.layout.cumulativeCount + Int((limit / unit).rounded(.up))
    logHazard = table.logHazard.withUnsafeBufferPointer {
      expanded(UnsafeBufferPointer(rebasing: $0[..<min(count, $0.count)]))
    }
  }

  /// At the ends of the samples for what is beyond.
  private func value(_ coefficients: [Double], _ x: Double) -> Double {
    let place = (x / unit).rounded(.down)
    let index = min(max(Int(place) - first, 0), coefficients.count / 8 - 1)
    let t = min(max(2 * (x / unit - Double(index + first)) - 1, -1), 1)
    return coefficients.withUnsafeBufferPointer { coefficients in
      var sum = 0.0
      for k in (0..<8).reversed() { sum = sum * t + coefficients[8 * index + k] }
      return sum
    }
  }

  func logCumulative(at x: Double) -> Double { value(logCumulative, x) }
  func logHazard(at x: Double) -> Double { value(logHazard, x) }

  func logIntegrand(gap: Double, leaders: Double, at x: Double) -> Double {
    leaders * logCumulative(at: x) + logHazard(at: x + gap)
  }

  /// The highest node of a class at a gap below tied leaders.
  func end(gap: Double, leaders: Double, drop: Double, unit: Double) -> Double {
    var x = lowestStart(gap)
    var top = -Double.infinity
    while true {
      let value = logIntegrand(gap: gap, leaders: leaders, at: x)
      top = max(top, value)
      if value < top - drop { return x }
      x += 2 * unit
    }
  }

  /// Below every peak, and within the samples.
  private func lowestStart(_ gap: Double) -> Double { max(-gap - 64 * unit, Double(first + 1) * unit) }

  /// Where the integrand of a class below tied leaders is largest.
  func peak(gap: Double, leaders: Double = 1) -> Double {
    var x = lowestStart(gap)
    while logIntegrand(gap: gap, leaders: leaders, at: x + unit)
      > logIntegrand(gap: gap, leaders: leaders, at: x)
    {
      x += unit
    }
    return x
  }

  /// The coarsest step whose trapezoid sums of ties agree, whichever sample they begin with, and how sharp an integrand
  /// of a class below as many at the most may be at that step: −Δ² of its logarithm at the peak, measured for classes
  /// at all depths.
  func step(for classes: Int, coarsest: Double, steepest: Double, precision: Precision) -> (
    width: Double, sharpness: Double
  ) {
    let ties = Integrand(self, gap: 0, leaders: Double(classes))
    let step =
      (2...max(2, Int(coarsest / unit))).reversed().first { ties.error($0) <= precision.stepTolerance } ?? 1
    var limit = 2.0
    for leaders in [classes / 2, classes] {
      for j in 0...5 {
        let integrand = Integrand(self, gap: steepest * Double(j) / 5, leaders: Double(leaders))
        if integrand.error(step) > precision.sharpTolerance { limit = min(limit, integrand.sharpness(step)) }
      }
    }
    return (Double(step) * unit, 0.95 * limit)
  }

  /// The samples of one integrand.
  private struct Integrand {
    let logarithms: [Double]
    let values: [Double]
    let peak: Int

    init(_ law: SampledLaw, gap: Double, leaders: Double) {
      // Up from where it does not matter yet.
      var logarithms: [Double] = []
      var index = Int(((law.peak(gap: gap, leaders: leaders)) / law.unit).rounded())
      let top = law.logIntegrand(gap: gap, leaders: leaders, at: Double(index) * law.unit)
      func value(_ index: Int) -> Double {
        law.logIntegrand(gap: gap, leaders: leaders, at: Double(index) * law.unit) - top
      }
      while index > law.first && value(index) > -45 { index -= 1 }
      repeat {
        logarithms.append(value(index))
        index += 1
      } while logarithms.last.map { $0 > -45 } == true || logarithms.count < 3
      self.logarithms = logarithms
      values = logarithms.map { exponential($0) }
      peak = logarithms.indices.max { logarithms[$0] < logarithms[$1] } ?? 0
    }

    /// How far the sums of the phases are apart.
    func error(_ step: Int) -> Double {
      var phases = [CompensatedSum](repeating: CompensatedSum(), count: step)
      for (index, value) in values.enumerated() { phases[index % step].add(value) }
      let mean = phases.reduce(0) { $0 + $1.value } / Double(step)
      return phases.reduce(0) { max($0, ($1.value / mean - 1).magnitude) }
    }

    func sharpness(_ step: Int) -> Double {
      guard peak >= step, peak + step < logarithms.count else { return 0 }
      return 2 * logarithms[peak] - logarithms[peak - step] - logarithms[peak + step]
    }
  }
}

/// Polynomials through Chebyshev's nodes of a cell.
private struct CellFit {
  let terms: Int
  private let nodes: [Double]
  /// matrix[j][node]: the part of the value at a node in the coefficient of Chebyshev's polynomial j, and those as powers.
  private let matrix: [[Double]]
  private let chebyshev: [[Double]]

  /// r has one coefficient less than log F.
  init(terms: Int) {
    self.terms = terms
    let count = terms - 1
    let nodes = (0..<count).map { GaussLegendre.cosineOfHalfTurns((Double($0) + 0.5) / Double(count)) }
    var chebyshev: [[Double]] = [[1]]
    for k in 1..<count {
      var next = [0] + chebyshev[k - 1].map { $0 * (k == 1 ? 1 : 2) }
      if k > 1 { for (power, value) in chebyshev[k - 2].enumerated() { next[power] -= value } }
      chebyshev.append(next)
    }
    (self.nodes, self.chebyshev) = (nodes, chebyshev)
    var values = [[Double](repeating: 1, count: count), nodes]
    for j in 2..<count {
      values.append(nodes.indices.map { 2 * nodes[$0] * values[j - 1][$0] - values[j - 2][$0] })
    }
    matrix = values.enumerated().map { j, row in row.map { $0 * (j == 0 ? 1 : 2) / Double(count) } }
  }

  private func hazard(of law: SampledLaw, cell: Int, width: Double) -> [Double] {
    let values = nodes.map { exponential(law.logHazard(at: (Double(cell) + ($0 + 1) / 2) * width)) }
    var coefficients = [Double](repeating: 0, count: terms - 1)
    // By way of Chebyshev's coefficients, which become small: powers straight from the values would cancel.
    for j in chebyshev.indices {
      var share = 0.0
      for node in values.indices { share += matrix[j][node] * values[node] }
      for power in 0...j { coefficients[power] += share * chebyshev[j][power] }
    }
    return coefficients
  }

  /// The coefficients of log F on a cell.
  func coefficients(of law: SampledLaw, cell: Int, width: Double) -> [Double] {
    let hazard = hazard(of: law, cell: cell, width: width)
    return [law.logCumulative(at: (Double(cell) + 0.5) * width)]
      + hazard.enumerated().map { $1 * (width / 2) / Double($0 + 1) }
  }

  func error(
    of law: SampledLaw, width: Double, low: Double, high: Double, steepest: Double, most: Double
  ) -> Double {
    let cases = [(0.0, most), (steepest, 1.0)]
    let places = (Int(low / width)...Int(high / width)).filter { $0 % 7 == 0 }
    var worst = 0.0
    for (gap, leaders) in cases {
      func height(_ z: Double) -> Double { law.logIntegrand(gap: gap, leaders: leaders, at: z) }
      let top = places.map { height(Double($0) * width) }.max() ?? 0
      for cell in places {
        let coefficients = hazard(of: law, cell: cell, width: width)
        for t in [-1, -0.55, 0.2, 0.8] {
          let z = (Double(cell) + (t + 1) / 2) * width
          let truth = exponential(law.logHazard(at: z))
          let error = (polynomial(coefficients, at: t) - truth).magnitude
          // As the class's own hazard, and in log F of a leader.
          let own = error / truth * exponential(min(0, height(z - gap) - top))
          let others = most * error * width / 2 * exponential(min(0, height(z) - top))
          worst = max(worst, own, others)
        }
      }
    }
    return worst
  }
}
