// Second derivatives of the probabilities and of their logarithms.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_second_pullback(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ cotangents: UnsafePointer<Double>?,
  _ others: UnsafePointer<Double>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: UnsafeMutablePointer<Double>?, _ in_scale: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSecond(
      .probabilities, transform, logits, cotangents, others, Batch(rows, length, threads), result, in_scale)
  }
}

@c @implementation
public func noisemax_second_pullback_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ cotangents: UnsafePointer<Float>?,
  _ others: UnsafePointer<Float>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: UnsafeMutablePointer<Float>?, _ in_scale: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSecond(
      .probabilities, transform, logits, cotangents, others, Batch(rows, length, threads), result, in_scale)
  }
}

@c @implementation
public func noisemax_log_second_pullback(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ cotangents: UnsafePointer<Double>?,
  _ directions: UnsafePointer<Double>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: UnsafeMutablePointer<Double>?, _ in_scale: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSecond(
      .logProbabilities, transform, logits, cotangents, directions, Batch(rows, length, threads), result,
      in_scale)
  }
}

@c @implementation
public func noisemax_log_second_pullback_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ cotangents: UnsafePointer<Float>?,
  _ directions: UnsafePointer<Float>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: UnsafeMutablePointer<Float>?, _ in_scale: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSecond(
      .logProbabilities, transform, logits, cotangents, directions, Batch(rows, length, threads), result,
      in_scale)
  }
}

// MARK: of either precision

private func writeSecond<Scalar: LogitScalar>(
  _ quantity: Quantity, _ transform: OpaquePointer?, _ logits: UnsafePointer<Scalar>?,
  _ cotangents: UnsafePointer<Scalar>?, _ others: UnsafePointer<Scalar>?, _ batch: Batch,
  _ result: UnsafeMutablePointer<Scalar>?, _ inScale: UnsafeMutablePointer<Scalar>?
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
