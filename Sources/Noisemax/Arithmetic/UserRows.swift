internal import NoiseKernels

// The loops over a user's rows, of Floats or Doubles, behind generic functions. Other types of logits go number by number.

/// The largest logit of a row, NaN if there is a NaN, and how many are not −∞.
@inline(__always)
func top<Scalar: LogitScalar>(of row: UnsafeBufferPointer<Scalar>) -> RowTop {
  guard let start = row.baseAddress else { return RowTop(largest: -.infinity, open: 0) }
  if Scalar.self == Double.self { return kernels.top(of: doubles(start), row.count) }
  if Scalar.self == Float.self { return kernels.top(of: floats(start), row.count) }
  return row.map { Double($0) }.withUnsafeBufferPointer { top(of: $0) }
}

/// (logit − top)/scale, followed by −∞ up to a whole number of vectors.
@inline(__always)
func fillGaps<Scalar: LogitScalar>(
  of row: UnsafeBufferPointer<Scalar>, below top: Double, scale: Double,
  to gaps: UnsafeMutableBufferPointer<Double>
) {
  guard let start = row.baseAddress, let result = gaps.baseAddress else { return }
  // Otherwise a difference may overflow.
  if top.magnitude < 0x1p900 {
    if Scalar.self == Double.self {
      return kernels.gaps(of: doubles(start), row.count, below: top, scale: scale, to: result)
    }
    if Scalar.self == Float.self {
      return kernels.gaps(of: floats(start), row.count, below: top, scale: scale, to: result)
    }
  }
  for index in row.indices { gaps[index] = gap(of: Double(row[index]), below: top, scale: scale) }
  // The vectors' memory reaches further than the buffer.
  for index in row.count..<padded(row.count) { result[index] = -.infinity }
}

/// Writes numbers times a factor, as many as the result has elements.
@inline(__always)
func copy<Scalar: LogitScalar>(
  _ numbers: UnsafeMutableBufferPointer<Double>, times factor: Double,
  to result: UnsafeMutableBufferPointer<Scalar>
) {
  guard let numbers = numbers.baseAddress, let start = result.baseAddress else { return }
  if Scalar.self == Double.self {
    kernels.scaled(numbers, result.count, by: factor, to: doubles(start))
  } else if Scalar.self == Float.self {
    kernels.scaled(numbers, result.count, by: factor, to: floats(start))
  } else {
    for index in result.indices { result[index] = Scalar(numbers[index] * factor) }
  }
}

/// Writes numbers divided by another one, as many as the result has elements.
@inline(__always)
func copy<Scalar: LogitScalar>(
  _ numbers: UnsafeMutableBufferPointer<Double>, dividedBy divisor: Double,
  to result: UnsafeMutableBufferPointer<Scalar>
) {
  let factor = 1 / divisor
  if factor.isFinite { return copy(numbers, times: factor, to: result) }
  for index in result.indices { result[index] = Scalar(numbers[index] / divisor) }
}

/// Softmax of the rows of a batch, from the first up to the first that has no finite largest logit.
///
/// - Returns: how many rows are done; none where the type of the logits or the scale is an unusual one.
@inline(__always)
func softmax<Scalar: LogitScalar>(
  _ rows: UnsafePointer<Scalar>, count: Int, rowLength: Int, scale: Double,
  to results: UnsafeMutablePointer<Scalar>
) -> Int {
  // Otherwise a difference that overflows could be a gap that does not.
  guard scale < 0x1p900 else { return 0 }
  if Scalar.self == Double.self {
    return kernels.softmax(
      doubles(rows), count: count, rowLength: rowLength, scale: scale, to: doubles(results))
  }
  if Scalar.self == Float.self {
    return kernels.softmax(
      floats(rows), count: count, rowLength: rowLength, scale: scale, to: floats(results))
  }
  return 0
}

/// Writes the cotangents of the rows of a batch pulled back through their softmax. The result may be their memory.
@inline(__always)
func pullBack<Scalar: LogitScalar>(
  _ cotangents: UnsafeBufferPointer<Scalar>, throughSoftmax probabilities: UnsafeBufferPointer<Scalar>,
  rowLength: Int, scale: Double, to results: UnsafeMutableBufferPointer<Scalar>
) {
  guard rowLength > 0, let v = cotangents.baseAddress, let p = probabilities.baseAddress,
    let result = results.baseAddress
  else { return }
  let count = cotangents.count / rowLength
  if Scalar.self == Double.self {
    kernels.pullBackSoftmax(
      doubles(v), through: doubles(p), count: count, rowLength: rowLength, scale: scale, to: doubles(result))
  } else if Scalar.self == Float.self {
    kernels.pullBackSoftmax(
      floats(v), through: floats(p), count: count, rowLength: rowLength, scale: scale, to: floats(result))
  } else {
    let v = cotangents.map { Double($0) }
    var entries = v
    kernels.pullBackSoftmax(
      v, through: probabilities.map { Double($0) }, count: count, rowLength: rowLength, scale: scale,
      to: &entries)
    for index in results.indices { results[index] = Scalar(entries[index]) }
  }
}

@inline(__always)
private func doubles<Scalar>(_ p: UnsafePointer<Scalar>) -> UnsafePointer<Double> {
  UnsafeRawPointer(p).assumingMemoryBound(to: Double.self)
}

@inline(__always)
private func doubles<Scalar>(_ p: UnsafeMutablePointer<Scalar>) -> UnsafeMutablePointer<Double> {
  UnsafeMutableRawPointer(p).assumingMemoryBound(to: Double.self)
}

@inline(__always)
private func floats<Scalar>(_ p: UnsafePointer<Scalar>) -> UnsafePointer<Float> {
  UnsafeRawPointer(p).assumingMemoryBound(to: Float.self)
}

@inline(__always)
private func floats<Scalar>(_ p: UnsafeMutablePointer<Scalar>) -> UnsafeMutablePointer<Float> {
  UnsafeMutableRawPointer(p).assumingMemoryBound(to: Float.self)
}
