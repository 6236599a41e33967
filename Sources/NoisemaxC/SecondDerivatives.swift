// Second derivatives of the probabilities and of their logarithms.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_second_pullback(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ cotangents: Numbers<Double>,
  _ others: Numbers<Double>, _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Double>,
  _ in_scale: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSecond(
      .probabilities, transform, logits, cotangents, others, Batch(rows, length, threads), result, in_scale)
  }
}

@c @implementation
public func noisemax_second_pullback_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ cotangents: Numbers<Float>,
  _ others: Numbers<Float>, _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Float>,
  _ in_scale: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSecond(
      .probabilities, transform, logits, cotangents, others, Batch(rows, length, threads), result, in_scale)
  }
}

@c @implementation
public func noisemax_log_second_pullback(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ cotangents: Numbers<Double>,
  _ directions: Numbers<Double>, _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Double>,
  _ in_scale: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSecond(
      .logProbabilities, transform, logits, cotangents, directions, Batch(rows, length, threads), result,
      in_scale)
  }
}

@c @implementation
public func noisemax_log_second_pullback_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ cotangents: Numbers<Float>,
  _ directions: Numbers<Float>, _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Float>,
  _ in_scale: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSecond(
      .logProbabilities, transform, logits, cotangents, directions, Batch(rows, length, threads), result,
      in_scale)
  }
}

// MARK: of either precision

private func writeSecond<Scalar: LogitScalar>(
  _ quantity: Quantity, _ transform: OpaquePointer?, _ logits: Numbers<Scalar>, _ cotangents: Numbers<Scalar>,
  _ others: Numbers<Scalar>, _ batch: Batch, _ result: Memory<Scalar>, _ inScale: Memory<Scalar>
) throws(Refusal) {
  let argmax = try Transform.argmax(of: transform)
  try argmax.requireExactMethod(for: "second derivatives")
  let rows = try batch.numbers(at: logits, "logits")
  let v = try batch.numbers(at: cotangents, "cotangents")
  let w = try batch.numbers(at: others, "other cotangents")
  let memory = try batch.memory(at: result, "result")
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  argmax.pullBackTwice(
    quantity, at: rows, nil, batch.shape, v, w, to: memory,
    scale: inScale.map { UnsafeMutableBufferPointer(start: $0, count: batch.rows) }, workspace: &workspace)
}
