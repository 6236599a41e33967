// Log-probabilities and losses of classes with scales of their own.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_scaled_log_probabilities(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ scales: Numbers<Double>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogProbabilities(transform, logits, scales, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_scaled_log_probabilities_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ scales: Numbers<Float>, _ rows: Int, _ length: Int,
  _ threads: Int32, _ result: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogProbabilities(transform, logits, scales, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_scaled_log_pullback(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ cotangents: Numbers<Double>, _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Double>,
  _ in_scales: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogPullback(
      transform, logits, scales, cotangents, Batch(rows, length, threads), result, in_scales)
  }
}

@c @implementation
public func noisemax_scaled_log_pullback_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ scales: Numbers<Float>,
  _ cotangents: Numbers<Float>, _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Float>,
  _ in_scales: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogPullback(
      transform, logits, scales, cotangents, Batch(rows, length, threads), result, in_scales)
  }
}

@c @implementation
public func noisemax_scaled_losses(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ classes: Numbers<Int64>, _ weights: Numbers<Double>, _ rows: Int, _ length: Int, _ threads: Int32,
  _ values: Memory<Double>, _ gradient: Memory<Double>, _ in_scales: Memory<Double>, _ message: Memory<CChar>,
  _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLosses(
      transform, loss, logits, scales, classes, weights, Batch(rows, length, threads), values, gradient,
      in_scales)
  }
}

@c @implementation
public func noisemax_scaled_losses_f(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: Numbers<Float>, _ scales: Numbers<Float>,
  _ classes: Numbers<Int64>, _ weights: Numbers<Float>, _ rows: Int, _ length: Int, _ threads: Int32,
  _ values: Memory<Float>, _ gradient: Memory<Float>, _ in_scales: Memory<Float>, _ message: Memory<CChar>,
  _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLosses(
      transform, loss, logits, scales, classes, weights, Batch(rows, length, threads), values, gradient,
      in_scales)
  }
}

// MARK: of either precision

private let logProbabilities = "log-probabilities of classes with scales of their own"

private func writeLogProbabilities<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: Numbers<Scalar>, _ scales: Numbers<Scalar>, _ batch: Batch,
  _ result: Memory<Scalar>
) throws(Refusal) {
  let rows = try ScaledBatch(transform, batch, logits, scales, for: .values, of: logProbabilities)
  let result = try batch.memory(at: result, "result")
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  rows.argmax.writeLogProbabilities(
    of: rows.logits, rows.scales, batch.shape, to: result, workspace: &workspace)
}

private func writeLogPullback<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: Numbers<Scalar>, _ scales: Numbers<Scalar>,
  _ cotangents: Numbers<Scalar>, _ batch: Batch, _ result: Memory<Scalar>, _ inScales: Memory<Scalar>
) throws(Refusal) {
  let rows = try ScaledBatch(transform, batch, logits, scales, for: .values, of: logProbabilities)
  let vectors = try batch.numbers(at: cotangents, "cotangents")
  let result = try batch.memory(at: result, "result")
  let inScales = batch.wantedMemory(at: inScales)
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  rows.argmax.pullLogarithmsBack(
    at: rows.logits, rows.scales, batch.shape, vectors, to: result, scales: inScales, workspace: &workspace)
}

private func writeLosses<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: Numbers<Scalar>, _ scales: Numbers<Scalar>,
  _ classes: Numbers<Int64>, _ weights: Numbers<Scalar>, _ batch: Batch, _ values: Memory<Scalar>,
  _ gradient: Memory<Scalar>, _ inScales: Memory<Scalar>
) throws(Refusal) {
  let targets = try Targets(classes, weights, batch)
  let rows = try ScaledBatch(transform, batch, logits, scales, for: .values, of: "loss with scales")
  let loss = try Loss(loss, under: rows.argmax)
  let values = try batch.rowMemory(at: values, "values")
  let (gradient, inScales) = (batch.wantedMemory(at: gradient), batch.wantedMemory(at: inScales))
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  targets.withBuffer {
    rows.argmax.writeLosses(
      loss, of: rows.logits, scales: rows.scales, batch.shape, $0, to: values, gradient: gradient,
      inScales: inScales, workspace: &workspace)
  }
}
