// Probabilities, their logarithms, and pullbacks of both.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_probabilities(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeValues(.probabilities, transform, logits, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_probabilities_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeValues(.probabilities, transform, logits, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_log_probabilities(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeValues(.logProbabilities, transform, logits, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_log_probabilities_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeValues(.logProbabilities, transform, logits, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_pullback(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ cotangents: Numbers<Double>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writePullback(
      through: .probabilities, transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_pullback_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ cotangents: Numbers<Float>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writePullback(
      through: .probabilities, transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_log_pullback(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ cotangents: Numbers<Double>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writePullback(
      through: .logProbabilities, transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_log_pullback_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ cotangents: Numbers<Float>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writePullback(
      through: .logProbabilities, transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_scale_pullback(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ cotangents: Numbers<Double>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeScalePullback(transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_scale_pullback_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ cotangents: Numbers<Float>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeScalePullback(transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

// MARK: of either precision

private func writeValues<Scalar: LogitScalar>(
  _ quantity: Quantity, _ transform: OpaquePointer?, _ logits: Numbers<Scalar>, _ batch: Batch,
  _ result: Memory<Scalar>
) throws(Refusal) {
  let argmax = try Transform.argmax(of: transform)
  let rows = try batch.numbers(at: logits, "logits")
  let memory = try batch.memory(at: result, "result")
  if rows.isEmpty { return }
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  argmax.write(quantity, of: rows, batch.shape, to: memory, workspace: &workspace)
}

private func writePullback<Scalar: LogitScalar>(
  through quantity: Quantity, _ transform: OpaquePointer?, _ logits: Numbers<Scalar>,
  _ cotangents: Numbers<Scalar>, _ batch: Batch, _ result: Memory<Scalar>
) throws(Refusal) {
  let argmax = try Transform.argmax(of: transform)
  let rows = try batch.numbers(at: logits, "logits")
  let memory = try batch.memory(at: result, "result")
  let vectors = try batch.numbers(at: cotangents, "cotangents")
  if rows.isEmpty { return }
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  argmax.writePullback(
    through: quantity, at: rows, of: vectors, batch.shape, to: memory, workspace: &workspace)
}

private func writeScalePullback<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: Numbers<Scalar>, _ cotangents: Numbers<Scalar>, _ batch: Batch,
  _ result: Memory<Scalar>
) throws(Refusal) {
  let argmax = try Transform.argmax(of: transform)
  let rows = try batch.numbers(at: logits, "logits")
  let vectors = try batch.numbers(at: cotangents, "cotangents")
  let memory = try batch.rowMemory(at: result, "result")
  guard batch.count > 0 else {
    // A row without classes does not change with the scale.
    memory.update(repeating: 0)
    return
  }
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  var values = memory.mutableSpan
  argmax.writeScalePullbacks(
    for: rows.span, of: vectors.span, rowLength: batch.length, to: &values, workspace: &workspace)
}
