internal import NoiseKernels

/// The K-point quantile rule, for any law: p_i ≈ (1/K) Σ_k ∏_{j≠i} F(μ_i − μ_j + q_k) with the nodes
/// q_k = F⁻¹(k/(K+1)), k = 1 … K.
///
/// The products are sums of logarithms, since thousands of factors would underflow. Classes with the same logit
/// share one factor, raised to their number, so that they get the same bits; the sums are compensated, so that the
/// order of the classes does not matter. Cost: n²·K logarithms of F for n distinct logits.
///
/// The values of all but small rows under a smooth law come from ``QuantileGrid`` instead; derivatives do not.
struct QuantileRule: RowMethod {
  private let nodes: [Double]
  private let normalized: Bool
  private let logCumulative: @Sendable (Double) -> Double
  private let reversedHazard: @Sendable (Double) -> Double
  private let grid: QuantileGrid?

  init(_ noise: some NoiseDistribution, points: Int, normalized: Bool) {
    require(points >= 1, "the quantile rule needs at least 1 point, not \(points)")
    self.normalized = normalized
    if let noise = noise as? any ExactNoise {
      logCumulative = { noise.logCumulative(at: $0) }
    } else {
      logCumulative = { logarithm(noise.cumulative(at: $0)) }
    }
    if let noise = noise as? any SmoothNoise {
      reversedHazard = { exponential(noise.logReversedHazard(at: $0)) }
    } else if let noise = noise as? any PiecewiseNoise {
      reversedHazard = { x in
        let logDensity = noise.logDensity(at: x)
        return logDensity > -.infinity ? exponential(logDensity - noise.logCumulative(at: x)) : 0
      }
    } else {
      reversedHazard = { x in
        let density = noise.density(at: x)
        return density > 0 ? density / noise.cumulative(at: x) : 0
      }
    }
    let nodes = (1...points).map { Self.node($0, of: points, under: noise) }
    self.nodes = nodes
    if let noise = noise as? any SmoothNoise { grid = QuantileGrid(noise, nodes: nodes) } else { grid = nil }
  }

  /// F⁻¹(k/(K+1)), from the nearer end where the law allows, so that a symmetric law gets nodes of exactly opposite
  /// signs.
  private static func node(_ k: Int, of points: Int, under noise: some NoiseDistribution) -> Double {
    let upper = points + 1 - k
    if k > upper, let noise = noise as? any ExactNoise {
      return noise.upperQuantile(at: Double(upper) / Double(points + 1))
    }
    return noise.quantile(at: Double(k) / Double(points + 1))
  }

  func replace(
    _ row: UnsafeMutableBufferPointer<Double>, by quantity: Quantity, precision: Precision,
    scratch: inout Scratch
  ) -> Double {
    let sums = replaceByLogValues(row, all: quantity == .logProbabilities, scratch: &scratch)
    let divisor = normalized ? sums.logSum : sums.logCount
    for index in row.indices { row[index] -= divisor }
    if quantity == .probabilities, let p = row.baseAddress {
      kernels.exponentials(of: p, row.count, shift: 0, to: p)
    }
    if normalized && quantity == .probabilities { normalize(row) }
    return exponentialMinusOne(sums.logSum - sums.logCount)
  }

  /// The exact derivative of what the rule computes. With C_ij = (1/K) Σ_k ∏_{l≠i} F · r(μ_i − μ_j + q_k), class j
  /// takes C_ij from class i; normalised values p = t/Σt see the cotangent (v − Σ p v)/Σt.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    precision: Precision, scratch: inout Scratch
  ) {
    let (values, terms) = memory(for: row.count, in: &scratch)
    let sums = writeLogValues(of: row, to: values, terms: terms)
    let divisor = normalized ? sums.logSum : sums.logCount
    let result = scratch.growList(to: row.count, keeping: 0)
    for index in row.indices {
      values[index] = exponential(values[index] - divisor)
      result[index] = 0
      if row[index] == -.infinity { cotangent[index] = 0 }
    }
    var mean = CompensatedSum()
    if normalized { for index in row.indices { mean.add(values[index] * cotangent[index]) } }
    let meanValue = mean.value
    for i in row.indices where row[i] > -.infinity {
      writeLogProducts(for: row[i], in: row, relativeTo: sums.reference, to: terms)
      take(cotangent[i] - meanValue, from: i, of: row, terms: terms, divisor: divisor, addingTo: result)
    }
    for index in row.indices { (row[index], cotangent[index]) = (values[index], result[index]) }
    if normalized { normalize(row) }
  }

  /// The same for log t_i, whose sum over the nodes is divided by t_i itself, with the cotangent v_i − p_i·Σ v_j where
  /// the values are normalised.
  func pullBackLogarithms(
    _ cotangent: UnsafeMutableBufferPointer<Double>, logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) {
    let (values, terms) = memory(for: row.count, in: &scratch)
    let sums = writeLogValues(of: row, to: values, terms: terms)
    let result = scratch.growList(to: row.count, keeping: 0)
    for index in row.indices { result[index] = 0 }
    var total = CompensatedSum()
    if normalized { for value in cotangent { total.add(value) } }
    for i in row.indices where values[i] > -.infinity {
      let weight = cotangent[i] - total.value * exponential(values[i] - sums.logSum)
      writeLogProducts(for: row[i], in: row, relativeTo: sums.reference, to: terms)
      take(weight, from: i, of: row, terms: terms, divisor: values[i], addingTo: result)
    }
    for index in row.indices { cotangent[index] = result[index] }
  }

  /// Adds to the gradient what class i loses to every other: weight · Σ_k exp(term_k − divisor) · r(μ_i − μ_j + q_k).
  /// The terms become these exponentials.
  private func take(
    _ weight: Double, from i: Int, of row: UnsafeMutableBufferPointer<Double>,
    terms: UnsafeMutableBufferPointer<CompensatedSum>, divisor: Double,
    addingTo result: UnsafeMutableBufferPointer<Double>
  ) {
    guard weight != 0 else { return }
    for k in terms.indices { terms[k] = CompensatedSum(exponential(terms[k].value - divisor)) }
    for j in row.indices where j != i && row[j] > -.infinity {
      var taken = 0.0
      for k in terms.indices {
        let product = terms[k].leading
        if product > 0 { taken += product * reversedHazard(row[i] - row[j] + nodes[k]) }
      }
      result[i] += weight * taken
      result[j] -= weight * taken
    }
  }

  private func memory(
    for count: Int, in scratch: inout Scratch
  ) -> (values: UnsafeMutableBufferPointer<Double>, terms: UnsafeMutableBufferPointer<CompensatedSum>) {
    let memory = scratch.reserve(count + 2 * nodes.count)
    let terms = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: memory[count...]))
    return (
      UnsafeMutableBufferPointer(rebasing: memory[..<count]), terms.bindMemory(to: CompensatedSum.self)
    )
  }

  /// Replaces the gaps by the logarithm of every class's sum over the nodes, less a reference; unless all are wanted,
  /// those that are nothing beside the leader's are −∞.
  private func replaceByLogValues(
    _ row: UnsafeMutableBufferPointer<Double>, all: Bool, scratch: inout Scratch
  ) -> LogSums {
    let gaps = UnsafeMutableBufferPointer(
      rebasing: scratch.growList(to: row.count, keeping: 0)[..<row.count])
    _ = gaps.update(from: row)
    guard
      let onGrid = grid?.replaceByLogValues(row, secondsPerFactor: secondsPerFactor, scratch: &scratch)
    else {
      let (values, terms) = memory(for: row.count, in: &scratch)
      let sums = writeLogValues(of: row, to: values, terms: terms)
      _ = row.update(from: values)
      return sums
    }
    let logSum = logSumOfExponentials(of: row)
    if all && onGrid.hasDeeper {
      let (_, terms) = memory(for: row.count, in: &scratch)
      for index in row.indices where row[index] == -.infinity && gaps[index] > -.infinity {
        writeLogProducts(for: gaps[index], in: gaps, relativeTo: onGrid.reference, to: terms)
        row[index] = logSumOfExponentials(of: terms.lazy.map(\.value))
      }
    }
    return LogSums(
      reference: onGrid.reference, logSum: logSum,
      logCount: logarithm(Double(nodes.count)) - onGrid.reference)
  }

  /// What all logarithms of a row are relative to, and relative to it those of the sum of all values and of K.
  private struct LogSums {
    let reference: Double
    let logSum: Double
    let logCount: Double
  }

  /// The logarithm of every class's sum over the nodes, less a reference.
  private func writeLogValues(
    of row: UnsafeMutableBufferPointer<Double>, to values: UnsafeMutableBufferPointer<Double>,
    terms: UnsafeMutableBufferPointer<CompensatedSum>
  ) -> LogSums {
    // Every logarithm is taken relative to the leader's largest term: it may be −5000, and then costs no digits.
    writeLogProducts(for: 0, in: row, relativeTo: 0, to: terms)
    let reference = terms.lazy.map(\.value).max() ?? 0
    for index in row.indices {
      guard row[index] > -.infinity else {
        values[index] = -.infinity
        continue
      }
      writeLogProducts(for: row[index], in: row, relativeTo: reference, to: terms)
      values[index] = logSumOfExponentials(of: terms.lazy.map(\.value))
    }
    return LogSums(
      reference: reference, logSum: logSumOfExponentials(of: values),
      logCount: logarithm(Double(nodes.count)) - reference)
  }

  /// The rule has no potential: its values are not the gradient of any function.
  func expectedMaximum(of gaps: UnsafeBufferPointer<Double>, scratch: inout Scratch) -> Double? { nil }

  func excess(
    of row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> Double? { nil }

  /// For every node the logarithm of ∏ F(gap − other + node) over the other classes, less the reference.
  private func writeLogProducts(
    for gap: Double, in row: UnsafeMutableBufferPointer<Double>, relativeTo reference: Double,
    to terms: UnsafeMutableBufferPointer<CompensatedSum>
  ) {
    terms.update(repeating: CompensatedSum(-reference))
    var ties = -1.0
    for other in row {
      if other == gap {
        ties += 1
      } else if other > -.infinity {
        for k in terms.indices { terms[k].add(logCumulative(gap - other + nodes[k])) }
      }
    }
    guard ties > 0 else { return }
    for k in terms.indices { terms[k].add(ties * logCumulative(nodes[k])) }
  }

  /// About how long a factor F takes.
  private let secondsPerFactor = 4e-8

  func seconds(forRowOf count: Int) -> Double {
    let byClass = secondsPerFactor * Double(count) * Double(count) * Double(nodes.count)
    return min(byClass, grid?.seconds(classes: count) ?? byClass)
  }
}

/// log Σ eˣ over the values of a buffer, −∞ if all are.
func logSumOfExponentials(of values: some Sequence<Double>) -> Double {
  let top = values.max() ?? -.infinity
  guard top > -.infinity else { return top }
  var sum = CompensatedSum()
  for value in values { sum.add(exponential(value - top)) }
  return top + logarithm(sum.value)
}

/// Divides the values by their sum.
func normalize(_ values: UnsafeMutableBufferPointer<Double>) {
  var sum = CompensatedSum()
  for value in values { sum.add(value) }
  let total = sum.value
  for index in values.indices { values[index] /= total }
}
