// Probabilities, their logarithms, and pullbacks of both.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_probabilities(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: UnsafeMutablePointer<Double>?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeProbabilities(transform, logits, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_probabilities_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: UnsafeMutablePointer<Float>?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeProbabilities(transform, logits, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_log_probabilities(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: UnsafeMutablePointer<Double>?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogProbabilities(transform, logits, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_log_probabilities_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ rows: Int, _ length: Int, _ threads: Int32,
  _ result: UnsafeMutablePointer<Float>?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogProbabilities(transform, logits, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_pullback(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ cotangents: UnsafePointer<Double>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writePullback(transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_pullback_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ cotangents: UnsafePointer<Float>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writePullback(transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_log_pullback(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ cotangents: UnsafePointer<Double>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogPullback(transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_log_pullback_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ cotangents: UnsafePointer<Float>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLogPullback(transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_scale_pullback(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Double>?, _ cotangents: UnsafePointer<Double>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeScalePullback(transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_scale_pullback_f(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ cotangents: UnsafePointer<Float>?,
  _ rows: Int, _ length: Int, _ threads: Int32, _ result: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeScalePullback(transform, logits, cotangents, Batch(rows, length, threads), result)
  }
}

// MARK: of either precision

private func writeProbabilities<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Scalar>?, _ batch: Batch,
  _ result: UnsafeMutablePointer<Scalar>?
) throws(Refusal) {
  let call = try ClassCall(transform, batch, logits, result: result)
  call.write { argmax, memory, workspace in
    argmax.writeProbabilities(
      for: call.logits.span, rowLength: batch.length, to: &memory, workspace: &workspace)
  }
}

private func writeLogProbabilities<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Scalar>?, _ batch: Batch,
  _ result: UnsafeMutablePointer<Scalar>?
) throws(Refusal) {
  let call = try ClassCall(transform, batch, logits, result: result)
  call.write { argmax, memory, workspace in
    argmax.writeLogProbabilities(
      for: call.logits.span, rowLength: batch.length, to: &memory, workspace: &workspace)
  }
}

private func writePullback<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Scalar>?, _ cotangents: UnsafePointer<Scalar>?,
  _ batch: Batch, _ result: UnsafeMutablePointer<Scalar>?
) throws(Refusal) {
  let call = try ClassCall(transform, batch, logits, result: result)
  let vectors = try batch.numbers(at: cotangents, "cotangents")
  call.write { argmax, memory, workspace in
    argmax.writePullback(
      for: call.logits.span, of: vectors.span, rowLength: batch.length, to: &memory, workspace: &workspace)
  }
}

private func writeLogPullback<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Scalar>?, _ cotangents: UnsafePointer<Scalar>?,
  _ batch: Batch, _ result: UnsafeMutablePointer<Scalar>?
) throws(Refusal) {
  let call = try ClassCall(transform, batch, logits, result: result)
  let vectors = try batch.numbers(at: cotangents, "cotangents")
  call.write { argmax, memory, workspace in
    argmax.writeLogProbabilitiesPullback(
      for: call.logits.span, of: vectors.span, rowLength: batch.length, to: &memory, workspace: &workspace)
  }
}

private func writeScalePullback<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: UnsafePointer<Scalar>?, _ cotangents: UnsafePointer<Scalar>?,
  _ batch: Batch, _ result: UnsafeMutablePointer<Scalar>?
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

/// A call that writes a number for every class: what it needs, checked.
private struct ClassCall<Scalar: LogitScalar> {
  let logits: UnsafeBufferPointer<Scalar>
  private let argmax: NoisyArgmax
  private let threads: Int
  private let memory: UnsafeMutableBufferPointer<Scalar>

  init(
    _ transform: OpaquePointer?, _ batch: Batch, _ logits: UnsafePointer<Scalar>?,
    result: UnsafeMutablePointer<Scalar>?
  ) throws(Refusal) {
    argmax = try Transform.argmax(of: transform)
    self.logits = try batch.numbers(at: logits, "logits")
    memory = try batch.memory(at: result, "result")
    threads = batch.threads
  }

  /// Rows without classes have nothing to write.
  @inline(__always)
  func write(
    by body: (NoisyArgmax, _ memory: inout MutableSpan<Scalar>, _ workspace: inout NoisyArgmax.Workspace) ->
      Void
  ) {
    if logits.isEmpty { return }
    var workspace = NoisyArgmax.Workspace(threads: threads)
    var span = memory.mutableSpan
    body(argmax, &span, &workspace)
  }
}
