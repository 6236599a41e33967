// Classes with common factors: values, and gradients in the logits, in the scales and in the loadings.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_factor_probabilities(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ scales: UnsafePointer<Double>?,
  _ loadings: UnsafePointer<Double>?, _ rank: Int, _ tolerance: Double, _ rows: Int, _ length: Int,
  _ threads: Int32, _ result: UnsafeMutablePointer<Double>?, _ errors: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeValues(log: false, to: result, errors)
  }
}

@c @implementation
public func noisemax_factor_probabilities_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ scales: UnsafePointer<Float>?,
  _ loadings: UnsafePointer<Float>?, _ rank: Int, _ tolerance: Double, _ rows: Int, _ length: Int,
  _ threads: Int32, _ result: UnsafeMutablePointer<Float>?, _ errors: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeValues(log: false, to: result, errors)
  }
}

@c @implementation
public func noisemax_factor_log_probabilities(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ scales: UnsafePointer<Double>?,
  _ loadings: UnsafePointer<Double>?, _ rank: Int, _ tolerance: Double, _ rows: Int, _ length: Int,
  _ threads: Int32, _ result: UnsafeMutablePointer<Double>?, _ errors: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeValues(log: true, to: result, errors)
  }
}

@c @implementation
public func noisemax_factor_log_probabilities_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ scales: UnsafePointer<Float>?,
  _ loadings: UnsafePointer<Float>?, _ rank: Int, _ tolerance: Double, _ rows: Int, _ length: Int,
  _ threads: Int32, _ result: UnsafeMutablePointer<Float>?, _ errors: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeValues(log: true, to: result, errors)
  }
}

@c @implementation
public func noisemax_factor_pullback(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ scales: UnsafePointer<Double>?,
  _ loadings: UnsafePointer<Double>?, _ rank: Int, _ tolerance: Double, _ cotangents: UnsafePointer<Double>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Double>?,
  _ in_scales: UnsafeMutablePointer<Double>?, _ in_loadings: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writePullback(log: false, of: cotangents, to: result, in_scales, in_loadings)
  }
}

@c @implementation
public func noisemax_factor_pullback_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ scales: UnsafePointer<Float>?,
  _ loadings: UnsafePointer<Float>?, _ rank: Int, _ tolerance: Double, _ cotangents: UnsafePointer<Float>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Float>?,
  _ in_scales: UnsafeMutablePointer<Float>?, _ in_loadings: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writePullback(log: false, of: cotangents, to: result, in_scales, in_loadings)
  }
}

@c @implementation
public func noisemax_factor_log_pullback(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ scales: UnsafePointer<Double>?,
  _ loadings: UnsafePointer<Double>?, _ rank: Int, _ tolerance: Double, _ cotangents: UnsafePointer<Double>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Double>?,
  _ in_scales: UnsafeMutablePointer<Double>?, _ in_loadings: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writePullback(log: true, of: cotangents, to: result, in_scales, in_loadings)
  }
}

@c @implementation
public func noisemax_factor_log_pullback_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ scales: UnsafePointer<Float>?,
  _ loadings: UnsafePointer<Float>?, _ rank: Int, _ tolerance: Double, _ cotangents: UnsafePointer<Float>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Float>?,
  _ in_scales: UnsafeMutablePointer<Float>?, _ in_loadings: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writePullback(log: true, of: cotangents, to: result, in_scales, in_loadings)
  }
}

@c @implementation
public func noisemax_factor_losses(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: UnsafePointer<Double>?,
  _ scales: UnsafePointer<Double>?, _ loadings: UnsafePointer<Double>?, _ rank: Int, _ tolerance: Double,
  _ classes: UnsafePointer<Int64>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ values: UnsafeMutablePointer<Double>?, _ gradient: UnsafeMutablePointer<Double>?,
  _ in_scales: UnsafeMutablePointer<Double>?, _ in_loadings: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeLosses(loss, of: classes, to: values, gradient, in_scales, in_loadings)
  }
}

@c @implementation
public func noisemax_factor_losses_f(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: UnsafePointer<Float>?,
  _ scales: UnsafePointer<Float>?, _ loadings: UnsafePointer<Float>?, _ rank: Int, _ tolerance: Double,
  _ classes: UnsafePointer<Int64>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ values: UnsafeMutablePointer<Float>?, _ gradient: UnsafeMutablePointer<Float>?,
  _ in_scales: UnsafeMutablePointer<Float>?, _ in_loadings: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeLosses(loss, of: classes, to: values, gradient, in_scales, in_loadings)
  }
}
