/// The K-point quantile rule, for any law: p_i ≈ (1/K) Σ_k ∏_{j≠i} F(μ_i − μ_j + q_k) with the nodes
/// q_k = F⁻¹(k/(K+1)), k = 1 … K.
///
/// The products are sums of logarithms, since thousands of factors would underflow. Classes with the same logit
/// share one factor, raised to their number, so that they get the same bits; the sums are compensated, so that the
/// order of the classes does not matter. Cost: n²·K logarithms of F for n distinct logits.
struct QuantileRule: RowMethod {
  private let nodes: [Double]
  private let normalized: Bool
  private let logCumulative: @Sendable (Double) -> Double

  init(_ noise: some NoiseDistribution, points: Int, normalized: Bool) {
    precondition(points >= 1, "the quantile rule needs at least 1 point, not \(points)")
    self.normalized = normalized
    if let noise = noise as? any ExactNoise {
      logCumulative = { noise.logCumulative(at: $0) }
    } else {
      logCumulative = { logarithm(noise.cumulative(at: $0)) }
    }
    nodes = (1...points).map { Self.node($0, of: points, under: noise) }
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
    let memory = scratch.reserve(row.count + 2 * nodes.count)
    let values = UnsafeMutableBufferPointer(rebasing: memory[..<row.count])
    let terms = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: memory[row.count...]))
      .bindMemory(to: CompensatedSum.self)
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
    let logSum = logSumOfExponentials(of: values)
    let logCount = logarithm(Double(nodes.count)) - reference
    let divisor = normalized ? logSum : logCount
    for index in row.indices {
      let logValue = values[index] - divisor
      row[index] = quantity == .probabilities ? exponential(logValue) : logValue
    }
    if normalized && quantity == .probabilities { normalize(row) }
    return exponentialMinusOne(logSum - logCount)
  }

  /// The rule has no potential: its values are not the gradient of any function.
  func expectedMaximum(of gaps: UnsafeBufferPointer<Double>, scratch: inout Scratch) -> Double? { nil }

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
