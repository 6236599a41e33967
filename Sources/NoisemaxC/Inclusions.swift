// Probabilities of being among the k largest, with a scale for every class: with k = 1 the probabilities themselves.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_inclusions(
  _ transform: OpaquePointer?, _ largest: Int, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Double>, _ message: Memory<CChar>,
  _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeInclusions(transform, largest, logits, scales, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_inclusions_f(
  _ transform: OpaquePointer?, _ largest: Int, _ logits: Numbers<Float>, _ scales: Numbers<Float>,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Float>, _ message: Memory<CChar>,
  _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeInclusions(transform, largest, logits, scales, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_inclusion_pullback(
  _ transform: OpaquePointer?, _ largest: Int, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ cotangents: Numbers<Double>, _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Double>,
  _ in_scales: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeInclusionPullback(
      transform, largest, logits, scales, cotangents, Batch(rows, length, threads), result, in_scales)
  }
}

@c @implementation
public func noisemax_inclusion_pullback_f(
  _ transform: OpaquePointer?, _ largest: Int, _ logits: Numbers<Float>, _ scales: Numbers<Float>,
  _ cotangents: Numbers<Float>, _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Float>,
  _ in_scales: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeInclusionPullback(
      transform, largest, logits, scales, cotangents, Batch(rows, length, threads), result, in_scales)
  }
}

@c @implementation
public func noisemax_expected_sums(
  _ transform: OpaquePointer?, _ largest: Int, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ rows: Int, _ length: Int, _ threads: Int32, _ values: Memory<Double>, _ gradient: Memory<Double>,
  _ in_scales: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSums(
      transform, largest, logits, scales, Batch(rows, length, threads), values, gradient, in_scales)
  }
}

@c @implementation
public func noisemax_expected_sums_f(
  _ transform: OpaquePointer?, _ largest: Int, _ logits: Numbers<Float>, _ scales: Numbers<Float>,
  _ rows: Int, _ length: Int, _ threads: Int32, _ values: Memory<Float>, _ gradient: Memory<Float>,
  _ in_scales: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSums(
      transform, largest, logits, scales, Batch(rows, length, threads), values, gradient, in_scales)
  }
}

// MARK: of either precision

private func check(_ largest: Int, of batch: Batch) throws(Refusal) {
  guard largest >= 1 && largest <= max(batch.length, 1) else {
    throw .argument(
      "the number of largest classes of a row of \(batch.length) is from 1 to \(batch.length), not \(largest)"
    )
  }
}

private func writeInclusions<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ largest: Int, _ logits: Numbers<Scalar>, _ scales: Numbers<Scalar>,
  _ batch: Batch, _ result: Memory<Scalar>
) throws(Refusal) {
  let rows = try ScaledBatch(
    transform, batch, logits, scales, for: .values, of: "probabilities of inclusion")
  try check(largest, of: batch)
  let result = try batch.memory(at: result, "result")
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  rows.argmax.writeInclusions(
    of: rows.logits, rows.scales, batch.shape, largest: largest, to: result, workspace: &workspace)
}

private func writeInclusionPullback<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ largest: Int, _ logits: Numbers<Scalar>, _ scales: Numbers<Scalar>,
  _ cotangents: Numbers<Scalar>, _ batch: Batch, _ result: Memory<Scalar>, _ inScales: Memory<Scalar>
) throws(Refusal) {
  let rows = try ScaledBatch(
    transform, batch, logits, scales, for: .values, of: "probabilities of inclusion")
  try check(largest, of: batch)
  let vectors = try batch.numbers(at: cotangents, "cotangents")
  let result = try batch.memory(at: result, "result")
  let inScales = batch.wantedMemory(at: inScales)
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  rows.argmax.pullInclusionsBack(
    at: rows.logits, rows.scales, batch.shape, largest: largest, vectors, to: result, scales: inScales,
    workspace: &workspace)
}

private func writeSums<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ largest: Int, _ logits: Numbers<Scalar>, _ scales: Numbers<Scalar>,
  _ batch: Batch, _ values: Memory<Scalar>, _ gradient: Memory<Scalar>, _ inScales: Memory<Scalar>
) throws(Refusal) {
  let rows = try ScaledBatch(transform, batch, logits, scales, for: .values, of: "mean of the largest")
  try check(largest, of: batch)
  let values = try batch.rowMemory(at: values, "values")
  let (gradient, inScales) = (batch.wantedMemory(at: gradient), batch.wantedMemory(at: inScales))
  guard batch.length > 0 else { return values.update(repeating: -.infinity) }
  rows.forEachRow(passes: 100) { row, slots in
    let (x, scales) = (rows.logits(slots), rows.scales(slots))
    if gradient == nil && inScales == nil {
      values[row] = rows.argmax.expectedSum(for: x, largest: largest, scales: scales)
      return
    }
    let sum = rows.argmax.expectedSumWithGradient(for: x, largest: largest, scales: scales)
    values[row] = sum.value
    if let gradient { copy(sum.logits, to: gradient, slots) }
    if let inScales { copy(sum.scales, to: inScales, slots) }
  }
}
