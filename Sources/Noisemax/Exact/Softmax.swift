internal import NoiseKernels

/// Gumbel noise in closed form: p_i = e^(μ_i) / Σ e^(μ_j).
///
/// Every exponential is of a gap, never above 0, so that nothing overflows whatever the size of the logits. The
/// leader's own 1 is kept apart from the other terms, so that its log-probability −log(1 + rest) is accurate to the
/// last digit where the rest is tiny. The mathematics: <doc:Mathematics#The-random-index>.
struct Softmax: StepwiseRowMethod {
  func replace(
    _ row: UnsafeMutableBufferPointer<Double>, by quantity: Quantity, precision: Precision,
    scratch: inout Scratch
  ) -> Double {
    guard let gaps = row.baseAddress else { return 0 }
    switch quantity {
    case .probabilities:
      _ = kernels.softmax(gaps, count: 1, rowLength: row.count, scale: 1, to: gaps)
    case .logProbabilities:
      let sums = kernels.sumsOfExponentials(gaps, row.count, split: -0x1p-1074)
      let logTotal = logarithmOfOnePlus((sums.above - 1) + sums.below)
      for index in row.indices { row[index] -= logTotal }
    }
    return 0
  }

  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    precision: Precision, scratch: inout Scratch
  ) {
    guard let gaps = row.baseAddress, let v = cotangent.baseAddress else { return }
    _ = kernels.softmax(gaps, count: 1, rowLength: row.count, scale: 1, to: gaps)
    kernels.pullBackSoftmax(v, through: gaps, count: 1, rowLength: cotangent.count, scale: 1, to: v)
  }

  /// v_i − p_i·Σ v_j.
  func pullBackLogarithms(
    _ cotangent: UnsafeMutableBufferPointer<Double>, logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) {
    let leader = leader(of: row)
    let total = cotangent.baseAddress.map { kernels.sum(of: $0, cotangent.count) } ?? 0
    for index in row.indices {
      row[index] = exponential(logProbabilities[index])
      cotangent[index] -= row[index] * total
    }
    balance(cotangent, at: row, leader: leader)
  }

  /// log Σ e^gap, the 1 of one leader apart.
  func excess(
    of row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> Double {
    let leader = row.firstIndex(of: 0)
    var rest = CompensatedSum()
    for index in row.indices where index != leader { rest.add(exponential(row[index])) }
    return logarithmOfOnePlus(rest.value)
  }

  func seconds(forRowOf count: Int) -> Double { 1e-8 + 1e-9 * Double(count) }
}
