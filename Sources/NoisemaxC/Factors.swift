// Classes with common factors: values, and gradients in the logits, in the scales and in the loadings.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_factor_probabilities(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ loadings: Numbers<Double>, _ rank: Int, _ tolerance: Double, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: Memory<Double>, _ errors: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeValues(log: false, to: result, errors)
  }
}

@c @implementation
public func noisemax_factor_probabilities_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ scales: Numbers<Float>, _ loadings: Numbers<Float>,
  _ rank: Int, _ tolerance: Double, _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Float>,
  _ errors: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeValues(log: false, to: result, errors)
  }
}

@c @implementation
public func noisemax_factor_log_probabilities(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ loadings: Numbers<Double>, _ rank: Int, _ tolerance: Double, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: Memory<Double>, _ errors: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeValues(log: true, to: result, errors)
  }
}

@c @implementation
public func noisemax_factor_log_probabilities_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ scales: Numbers<Float>, _ loadings: Numbers<Float>,
  _ rank: Int, _ tolerance: Double, _ rows: Int, _ length: Int, _ threads: Int32, _ result: Memory<Float>,
  _ errors: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeValues(log: true, to: result, errors)
  }
}

@c @implementation
public func noisemax_factor_pullback(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ loadings: Numbers<Double>, _ rank: Int, _ tolerance: Double, _ cotangents: Numbers<Double>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Double>, _ in_scales: Memory<Double>,
  _ in_loadings: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writePullback(log: false, of: cotangents, to: result, in_scales, in_loadings)
  }
}

@c @implementation
public func noisemax_factor_pullback_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ scales: Numbers<Float>, _ loadings: Numbers<Float>,
  _ rank: Int, _ tolerance: Double, _ cotangents: Numbers<Float>, _ rows: Int, _ length: Int,
  _ threads: Int32, _ result: Memory<Float>, _ in_scales: Memory<Float>, _ in_loadings: Memory<Float>,
  _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writePullback(log: false, of: cotangents, to: result, in_scales, in_loadings)
  }
}

@c @implementation
public func noisemax_factor_log_pullback(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ loadings: Numbers<Double>, _ rank: Int, _ tolerance: Double, _ cotangents: Numbers<Double>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Double>, _ in_scales: Memory<Double>,
  _ in_loadings: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writePullback(log: true, of: cotangents, to: result, in_scales, in_loadings)
  }
}

@c @implementation
public func noisemax_factor_log_pullback_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ scales: Numbers<Float>, _ loadings: Numbers<Float>,
  _ rank: Int, _ tolerance: Double, _ cotangents: Numbers<Float>, _ rows: Int, _ length: Int,
  _ threads: Int32, _ result: Memory<Float>, _ in_scales: Memory<Float>, _ in_loadings: Memory<Float>,
  _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writePullback(log: true, of: cotangents, to: result, in_scales, in_loadings)
  }
}

@c @implementation
public func noisemax_factor_losses(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ loadings: Numbers<Double>, _ rank: Int, _ tolerance: Double, _ classes: Numbers<Int64>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ values: Memory<Double>, _ gradient: Memory<Double>,
  _ in_scales: Memory<Double>, _ in_loadings: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeLosses(loss, of: classes, to: values, gradient, in_scales, in_loadings)
  }
}

@c @implementation
public func noisemax_factor_losses_f(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: Numbers<Float>, _ scales: Numbers<Float>,
  _ loadings: Numbers<Float>, _ rank: Int, _ tolerance: Double, _ classes: Numbers<Int64>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ values: Memory<Float>, _ gradient: Memory<Float>,
  _ in_scales: Memory<Float>, _ in_loadings: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try FactorRows(transform, Batch(rows, length, threads), logits, scales, loadings, rank, tolerance)
      .writeLosses(loss, of: classes, to: values, gradient, in_scales, in_loadings)
  }
}
