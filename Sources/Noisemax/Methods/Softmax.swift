/// Gumbel noise in closed form: p_i = e^(μ_i) / Σ e^(μ_j).
///
/// Every exponential is of a gap, never above 0, so that nothing overflows whatever the size of the logits. The
/// leader's own 1 is kept apart from the other terms, so that its log-probability −log(1 + rest) is accurate to the
/// last place where the rest is tiny.
struct Softmax: RowMethod {
  func replace(
    _ row: UnsafeMutableBufferPointer<Double>, by quantity: Quantity, precision: Precision,
    scratch: inout Scratch
  ) -> Double {
    var rest = CompensatedSum()
    var leaders = 0.0
    for index in row.indices {
      let gap = row[index]
      let weight = exponential(gap)
      if gap == 0 { leaders += 1 } else { rest.add(weight) }
      if quantity == .probabilities { row[index] = weight }
    }
    switch quantity {
    case .probabilities:
      let total = leaders + rest.value
      for index in row.indices { row[index] /= total }
    case .logProbabilities:
      let logTotal = logarithmOfOnePlus((leaders - 1) + rest.value)
      for index in row.indices { row[index] -= logTotal }
    }
    return 0
  }

  /// p_i·(v_i − Σ p_j v_j), with v relative to the leader's: where that is almost certain, nothing cancels.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    precision: Precision, scratch: inout Scratch
  ) {
    let leader = centre(cotangent, onLeaderOf: row)
    _ = replace(row, by: .probabilities, precision: precision, scratch: &scratch)
    var mean = CompensatedSum()
    for index in row.indices { mean.add(row[index] * cotangent[index]) }
    let meanValue = mean.value
    for index in row.indices { cotangent[index] = row[index] * (cotangent[index] - meanValue) }
    balance(cotangent, at: row, leader: leader)
  }

  /// v_i − p_i·Σ v_j.
  func pullBackLogarithms(
    _ cotangent: UnsafeMutableBufferPointer<Double>, logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) {
    let leader = row.firstIndex(of: 0) ?? 0
    var total = CompensatedSum()
    for value in cotangent { total.add(value) }
    for index in row.indices {
      row[index] = exponential(logProbabilities[index])
      cotangent[index] -= row[index] * total.value
    }
    balance(cotangent, at: row, leader: leader)
  }

  func expectedMaximum(of gaps: UnsafeBufferPointer<Double>, scratch: inout Scratch) -> Double? {
    Gumbel().mean + excess(of: gaps)
  }

  func excess(
    of row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> Double? {
    excess(of: UnsafeBufferPointer(row))
  }

  /// log Σ e^gap, the 1 of one leader apart.
  private func excess(of gaps: UnsafeBufferPointer<Double>) -> Double {
    let leader = gaps.firstIndex(of: 0)
    var rest = CompensatedSum()
    for index in gaps.indices where index != leader { rest.add(exponential(gaps[index])) }
    return logarithmOfOnePlus(rest.value)
  }

  func seconds(forRowOf count: Int) -> Double { 1e-8 + 1e-9 * Double(count) }
}
