internal import NoiseKernels

/// The quantile rule for rows.
///
/// The products keep their powers of two apart, since thousands of factors would underflow, and factors too small for
/// that come by their logarithms. Gaps are sorted, and equal ones are one: ties get the same bits, and the order of the
/// classes does not matter. Cost: m²·K factors for m different logits, in vector loops for the laws of this library.
/// Values are right to 1e-12 relative for up to 4000 classes, and the roundings of more add up.
///
/// All but small rows have a quicker way. Under Uniform, Exponential and Laplace noise that is ``QuantileStretches``. Under a
/// smooth law it is ``QuantileGrid``, for the values and for the derivatives of normalised ones. Not for those of raw values: next
/// to a class that is almost certain they cancel there.
struct QuantileMethod: StepwiseRowMethod {
  private let nodes: [Double]
  private let normalized: Bool
  private let rule: any QuantileSums
  private let grid: QuantileGrid?
  private let stretches: StretchRule?

  init(_ noise: some NoiseDistribution, points: Int, normalized: Bool) {
    require(
      NoisyArgmax.Method.pointCounts.contains(points),
      "the quantile rule takes 1 to \(NoisyArgmax.Method.pointCounts.upperBound) points, not \(points)")
    let nodes = (1...points).map { Self.node($0, of: points, under: noise) }
    (self.nodes, self.normalized) = (nodes, normalized)
    rule = QuantileVectors(noise, nodes: nodes) ?? QuantileRule(noise, nodes: nodes) as any QuantileSums
    grid = (noise as? any SmoothNoise).map { QuantileGrid($0, nodes: nodes) }
    stretches = StretchRule(noise, nodes: nodes)
  }

  /// F⁻¹(k/(K+1)), from the nearer end where the law allows, so that a symmetric law gets nodes of exactly opposite
  /// signs.
  private static func node(_ k: Int, of points: Int, under noise: some NoiseDistribution) -> Double {
    let upper = points + 1 - k
    if k > upper, let noise = noise as? any AccurateNoise {
      return noise.upperQuantile(at: Double(upper) / Double(points + 1))
    }
    return noise.quantile(at: Double(k) / Double(points + 1))
  }

  func replace(
    _ row: UnsafeMutableBufferPointer<Double>, by quantity: Quantity, precision: Precision,
    scratch: inout Scratch
  ) -> Double {
    let gaps = UnsafeMutableBufferPointer(
      rebasing: scratch.growList(to: row.count, keeping: 0)[..<row.count])
    _ = gaps.update(from: row)
    if let grid, let start = row.baseAddress,
      let pass = QuantileGridPass(grid, gaps: row, scratch: &scratch, unless: { secondsByClass($0) })
    {
      pass.replaceByLogValues(start)
      if pass.hasDeeper && quantity == .logProbabilities {
        addDeeper(to: row, gaps: gaps, relativeTo: pass.reference, scratch: &scratch)
      }
      return finish(row, as: quantity, reference: pass.reference)
    }
    let work = self.work(on: gaps, scratch: &scratch)
    _ = writeValues(of: work, all: quantity == .logProbabilities, scratch: &scratch)
    let total = total(of: work)
    let logDivisor = logarithm(total.divisor)
    row.update(repeating: quantity == .probabilities ? 0 : -.infinity)
    work.forEachClass { gap, index in
      let value = work.values[gap]
      if quantity == .probabilities {
        row[index] = value.scaled(by: total.exponent) / total.divisor
      } else {
        let logarithm = value.logarithm(relativeTo: total.exponent) - logDivisor
        // A certain class must not go above 0 by a rounding.
        row[index] = normalized ? Swift.min(logarithm, 0) : logarithm
      }
    }
    return total.defect
  }

  /// The exact derivative of what the rule computes. With C_ij = (1/K) Σ_k ∏_{l≠i} F · r(μ_i − μ_j + q_k), class j
  /// takes C_ij from class i; normalised values p = t/Σt see the cotangent (v − Σ p v)/Σt.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    precision: Precision, scratch: inout Scratch
  ) {
    for index in row.indices where row[index] == -.infinity { cotangent[index] = 0 }
    if let pass = pullbackPass(on: row, scratch: &scratch) {
      let p = probabilities(on: row, of: pass)
      centre(cotangent, at: row, under: p)
      for index in row.indices { cotangent[index] *= p[index] }
      pass.pullBack(cotangent, at: row, scratch: &scratch)
      _ = row.update(from: p)
      return
    }
    let work = self.work(on: row, derivatives: true, scratch: &scratch)
    let sums = writeValues(of: work, all: false, withProducts: true, scratch: &scratch)
    let total = total(of: work)
    let p = UnsafeMutableBufferPointer(start: work.probabilities, count: row.count)
    p.update(repeating: 0)
    work.forEachClass { gap, index in
      p[index] = work.values[gap].scaled(by: total.exponent) / total.divisor
    }
    if normalized { centre(cotangent, at: row, under: p) }
    pullBack(cotangent, to: work, through: sums) { value in
      QuantileValue(mantissa: 1, exponent: value.exponent).scaled(by: total.exponent) / total.divisor
    }
    _ = row.update(from: p)
  }

  /// Replaces v by v − Σ p v, 0 for masked classes.
  ///
  /// Relative to the leader's v, which moves nothing: where a row saturates, nothing cancels.
  private func centre(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    under p: UnsafeMutableBufferPointer<Double>
  ) {
    let reference = row.firstIndex(of: 0).map { cotangent[$0] } ?? 0
    var mean = CompensatedSum()
    for index in row.indices where row[index] > -.infinity {
      cotangent[index] -= reference
      mean.add(p[index] * cotangent[index])
    }
    let meanValue = mean.value
    for index in row.indices where row[index] > -.infinity { cotangent[index] -= meanValue }
  }

  /// The same for log t_i, whose sum over the nodes is divided by t_i itself, with the cotangent v_i − p_i·Σ v_j where
  /// the values are normalised.
  func pullBackLogarithms(
    _ cotangent: UnsafeMutableBufferPointer<Double>, logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) {
    if let pass = pullbackPass(on: row, scratch: &scratch), !pass.hasDeeper {
      let p = probabilities(on: row, of: pass)
      let total = CompensatedSum(of: cotangent).value
      for index in row.indices { cotangent[index] -= total * p[index] }
      return pass.pullBack(cotangent, at: row, scratch: &scratch)
    }
    let work = self.work(on: row, derivatives: true, scratch: &scratch)
    let sums = writeValues(of: work, all: true, withProducts: true, scratch: &scratch)
    if normalized {
      let total = total(of: work)
      let sum = CompensatedSum(of: cotangent).value
      work.forEachClass { gap, index in
        cotangent[index] -= sum * (work.values[gap].scaled(by: total.exponent) / total.divisor)
      }
    }
    pullBack(cotangent, to: work, through: sums) { 1 / $0.mantissa }
  }

  /// The grid, where it is to take derivatives.
  private func pullbackPass(
    on row: UnsafeMutableBufferPointer<Double>, scratch: inout Scratch
  ) -> QuantileGridPass? {
    guard normalized, let grid else { return nil }
    return QuantileGridPass(
      grid, gaps: row, passes: QuantileGrid.pullbackPasses, scratch: &scratch,
      unless: { secondsByClass($0, withReversedHazards: true) })
  }

  /// The probabilities of a row on the grid, in the memory of its pass.
  private func probabilities(
    on row: UnsafeMutableBufferPointer<Double>, of pass: QuantileGridPass
  ) -> UnsafeMutableBufferPointer<Double> {
    let p = UnsafeMutableBufferPointer(start: pass.values, count: row.count)
    pass.values.update(from: row.baseAddress ?? pass.values, count: padded(row.count))
    pass.replaceByLogValues(pass.values)
    _ = finish(p, as: .probabilities, reference: pass.reference)
    return p
  }

  private func work(
    on row: UnsafeMutableBufferPointer<Double>, derivatives: Bool = false, scratch: inout Scratch
  ) -> QuantileRow {
    let count = QuantileRow.memory(for: row.count, nodes: nodes.count, derivatives: derivatives)
    var memory = Pieces(of: scratch.reserve(count))
    return QuantileRow(row, nodes: nodes.count, derivatives: derivatives, in: &memory)
  }

  /// What derivatives need of the values: their products, gap by gap, and the stretches that they come from, if they do.
  private struct Sums {
    var products = UnsafeMutableBufferPointer<Double>(start: nil, count: 0)
    var stretches: QuantileStretches?
  }

  /// The value of every gap, and its products if they are wanted; unless all are wanted, those that are nothing beside the
  /// leader's are 0, without products.
  private func writeValues(
    of work: QuantileRow, all: Bool, withProducts: Bool = false, scratch: inout Scratch
  ) -> Sums {
    let length = padded(nodes.count)
    let wanted = (0..<work.count).prefix { !isNothing(work.gaps[$0], all: all) }.count
    for gap in wanted..<work.count { work.values[gap] = .zero }
    var sums = Sums()
    let passes = withProducts ? StretchRule.pullbackPasses : 1
    if let stretches, wanted > 0,
      passes * stretches.seconds(gaps: work.count)
        < secondsByClass(work.count, withReversedHazards: withProducts)
    {
      sums.stretches = QuantileStretches(stretches, of: work, wanted: wanted, all: all, scratch: &scratch)
    }
    if withProducts {
      sums.products =
        sums.stretches?.takeProducts(scratch: &scratch)
        ?? scratch.growList(to: work.count * length, keeping: 0)
    }
    let products = sums.products.baseAddress
    func keep(_ gap: Int, _ terms: QuantileTerms) {
      (products.map { $0 + gap * length })?.update(from: terms.mantissas, count: length)
    }
    if let stretches = sums.stretches {
      stretches.writeValues(wanted: wanted, keep)
    } else {
      for gap in 0..<wanted {
        work.values[gap] = rule.sum(of: gap, in: work)
        keep(gap, work.terms)
      }
    }
    return sums
  }

  private func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, to work: QuantileRow, through sums: Sums,
    factor: (QuantileValue) -> Double
  ) {
    if let stretches = sums.stretches {
      stretches.pullBack(cotangent, products: sums.products, factor: factor)
    } else {
      work.pullBack(cotangent, products: sums.products, by: rule, factor: factor)
    }
  }

  /// Whether the value of a gap is 0; or, unless all are wanted, less than 1e-307 of the leader's: no factor of it is larger
  /// than the leader's same one, and it has F(gap + q) for the leader where the leader has F(q − gap) for it.
  private func isNothing(_ gap: Double, all: Bool) -> Bool {
    let x = gap + nodes[nodes.count - 1]
    let cumulative = rule.cumulative(at: x)
    if all { return cumulative == 0 && rule.logCumulative(at: x) == -.infinity }
    return cumulative * Double(nodes.count + 1) < 1e-307
  }

  /// What the values of a row are divided by: 2^exponent · divisor.
  private struct Total {
    let exponent: Double
    let divisor: Double
    /// Σp − 1 before any normalisation.
    let defect: Double
  }

  private func total(of work: QuantileRow) -> Total {
    let exponent = work.values[0].exponent
    var sum = CompensatedSum()
    for gap in 0..<work.count { sum.add(work.ties[gap] * work.values[gap].scaled(by: exponent)) }
    let count = Double(nodes.count)
    let defect = QuantileValue(mantissa: sum.value, exponent: exponent).scaled(by: 0) / count - 1
    return normalized
      ? Total(exponent: exponent, divisor: sum.value, defect: defect)
      : Total(exponent: 0, divisor: count, defect: defect)
  }

  /// Replaces logarithms of values, less a reference, by a quantity; the classes that were too deep for the grid have −∞.
  private func finish(
    _ row: UnsafeMutableBufferPointer<Double>, as quantity: Quantity, reference: Double
  ) -> Double {
    let logSum = logSumOfExponentials(of: row)
    let logCount = logarithm(Double(nodes.count)) - reference
    let divisor = normalized ? logSum : logCount
    for index in row.indices { row[index] -= divisor }
    if quantity == .probabilities, let p = row.baseAddress {
      kernels.exponentials(of: p, row.count, shift: 0, to: p)
      if normalized { normalize(row) }
    }
    return exponentialMinusOne(logSum - logCount)
  }

  /// Replaces −∞ by the logarithms of the values less a reference, one class at a time.
  private func addDeeper(
    to row: UnsafeMutableBufferPointer<Double>, gaps: UnsafeMutableBufferPointer<Double>,
    relativeTo reference: Double, scratch: inout Scratch
  ) {
    let work = self.work(on: gaps, scratch: &scratch)
    var (latest, logarithm) = (-1, 0.0)
    work.forEachClass { gap, index in
      guard row[index] == -.infinity else { return }
      if gap != latest {
        logarithm = rule.sum(of: gap, in: work).logarithm(relativeTo: 0) - reference
        latest = gap
      }
      row[index] = logarithm
    }
  }

  /// The rule has no potential: its values are not the gradient of any function.
  func excess(
    of row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> Double { .nan }

  func seconds(forRowOf count: Int) -> Double {
    let byClass = secondsByClass(count)
    return Swift.min(byClass, grid?.seconds(classes: count) ?? stretches?.seconds(gaps: count) ?? byClass)
  }

  /// About how long a row takes class by class.
  private func secondsByClass(_ count: Int, withReversedHazards: Bool = false) -> Double {
    let seconds = rule.seconds
    let pair = seconds.factor + (withReversedHazards ? seconds.reversedHazard : 0)
    return Double(count) * (1.5e-7 + Double(nodes.count) * (1.5e-9 + pair * Double(count)))
  }
}

/// log Σ eˣ over the values of a buffer, −∞ if all are.
func logSumOfExponentials(of values: some Sequence<Double>) -> Double {
  let top = values.max() ?? -.infinity
  guard top > -.infinity else { return top }
  return top + logarithm(CompensatedSum(of: values.lazy.map { exponential($0 - top) }).value)
}

/// Divides the values by their sum.
func normalize(_ values: UnsafeMutableBufferPointer<Double>) {
  let total = CompensatedSum(of: values).value
  for index in values.indices { values[index] /= total }
}
