// Log-probabilities and losses of classes with scales of their own.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_scaled_log_probabilities(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ scales: UnsafePointer<Double>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogProbabilities(transform, logits, scales, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_scaled_log_probabilities_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ scales: UnsafePointer<Float>?, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogProbabilities(transform, logits, scales, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_scaled_log_pullback(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ scales: UnsafePointer<Double>?,
  _ cotangents: UnsafePointer<Double>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: UnsafeMutablePointer<Double>?, _ in_scales: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogPullback(
      transform, logits, scales, cotangents, Batch(rows, length, threads), result, in_scales)
  }
}

@c @implementation
public func noisemax_scaled_log_pullback_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ scales: UnsafePointer<Float>?,
  _ cotangents: UnsafePointer<Float>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: UnsafeMutablePointer<Float>?, _ in_scales: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogPullback(
      transform, logits, scales, cotangents, Batch(rows, length, threads), result, in_scales)
  }
}

@c @implementation
public func noisemax_scaled_losses(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: UnsafePointer<Double>?,
  _ scales: UnsafePointer<Double>?, _ classes: UnsafePointer<Int64>?, _ weights: UnsafePointer<Double>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ values: UnsafeMutablePointer<Double>?,
  _ gradient: UnsafeMutablePointer<Double>?, _ in_scales: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLosses(
      transform, loss, logits, scales, classes, weights, Batch(rows, length, threads), values, gradient,
      in_scales)
  }
}

@c @implementation
public func noisemax_scaled_losses_f(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: UnsafePointer<Float>?,
  _ scales: UnsafePointer<Float>?, _ classes: UnsafePointer<Int64>?, _ weights: UnsafePointer<Float>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ values: UnsafeMutablePointer<Float>?,
  _ gradient: UnsafeMutablePointer<Float>?, _ in_scales: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
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
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Scalar>?, _ scales: UnsafePointer<Scalar>?,
  _ batch: Batch, _ result: UnsafeMutablePointer<Scalar>?
) throws(Refusal) {
  let rows = try ScaledBatch(transform, batch, logits, scales, for: .values, of: logProbabilities)
  let result = try batch.memory(at: result, "result")
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  rows.argmax.writeLogProbabilities(
    of: rows.logits, rows.scales, batch.shape, to: result, workspace: &workspace)
}

private func writeLogPullback<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Scalar>?, _ scales: UnsafePointer<Scalar>?,
  _ cotangents: UnsafePointer<Scalar>?, _ batch: Batch, _ result: UnsafeMutablePointer<Scalar>?,
  _ inScales: UnsafeMutablePointer<Scalar>?
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
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: UnsafePointer<Scalar>?,
  _ scales: UnsafePointer<Scalar>?, _ classes: UnsafePointer<Int64>?, _ weights: UnsafePointer<Scalar>?,
  _ batch: Batch, _ values: UnsafeMutablePointer<Scalar>?, _ gradient: UnsafeMutablePointer<Scalar>?,
  _ inScales: UnsafeMutablePointer<Scalar>?
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
