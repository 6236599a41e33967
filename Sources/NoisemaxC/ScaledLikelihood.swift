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
    let batch = try Batch(rows, length, threads)
    let targets = try Targets(classes, weights, batch, 1e-6)
    try writeLosses(transform, loss, logits, scales, targets, batch, values, gradient, in_scales)
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
    let batch = try Batch(rows, length, threads)
    let targets = try Targets(classes, weights, batch, 1e-3)
    try writeLosses(transform, loss, logits, scales, targets, batch, values, gradient, in_scales)
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
  rows.forEachRow(passes: 50) { _, slots in
    let logs = rows.argmax.logProbabilities(for: rows.logits(slots), scales: rows.everyScale(slots))
    copy(logs, to: result, slots)
  }
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
  rows.forEachRow(passes: 200) { _, slots in
    let gradient = rows.argmax.logProbabilitiesPullback(
      for: rows.logits(slots), scales: rows.everyScale(slots), of: Array(vectors[slots]))
    copy(gradient.logits, to: result, slots)
    if let inScales { copy(gradient.scales, to: inScales, slots) }
  }
}

private func writeLosses<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: UnsafePointer<Scalar>?,
  _ scales: UnsafePointer<Scalar>?, _ targets: Targets<Scalar>, _ batch: Batch,
  _ values: UnsafeMutablePointer<Scalar>?, _ gradient: UnsafeMutablePointer<Scalar>?,
  _ inScales: UnsafeMutablePointer<Scalar>?
) throws(Refusal) {
  let rows = try ScaledBatch(transform, batch, logits, scales, for: .values, of: "loss with scales")
  let loss = try Loss(loss, under: rows.argmax)
  let values = try batch.rowMemory(at: values, "values")
  let (gradient, inScales) = (batch.wantedMemory(at: gradient), batch.wantedMemory(at: inScales))
  guard batch.length > 0 else { return values.update(repeating: 0) }
  let isWanted = gradient != nil || inScales != nil
  rows.forEachRow(passes: isWanted ? 200 : 100) { row, slots in
    let weights = targets.weights(of: row, slots)
    let (x, scales) = (rows.logits(slots), rows.everyScale(slots))
    let slopes: (logits: [Scalar], scales: [Scalar])
    if loss == .negativeLogLikelihood {
      values[row] = rows.argmax.likelihood(of: weights, for: x, scales: scales)
    } else if !isWanted {
      values[row] = rows.argmax.inclusionLoss(for: x, largest: 1, target: weights, scales: scales)
    }
    guard isWanted else { return }
    // What cannot win has the gradient that leads back.
    if loss == .fenchelYoung || values[row] == .infinity {
      let all = rows.argmax.inclusionLossWithGradient(for: x, largest: 1, target: weights, scales: scales)
      if loss == .fenchelYoung { values[row] = all.value }
      slopes = (all.logits, all.scales)
    } else {
      slopes = rows.argmax.logProbabilitiesPullback(for: x, scales: scales, of: weights.map { -$0 })
    }
    if let gradient { copy(slopes.logits, to: gradient, slots) }
    if let inScales { copy(slopes.scales, to: inScales, slots) }
  }
}

extension NoisyArgmax {
  /// −Σ y_i log p_i, over the classes that have a weight.
  fileprivate func likelihood<Scalar: LogitScalar>(
    of weights: [Scalar], for logits: [Scalar], scales: [Scalar]
  ) -> Scalar {
    var sum = 0.0
    for (weight, logarithm) in zip(weights, logProbabilities(for: logits, scales: scales)) where weight > 0 {
      sum -= Double(weight) * Double(logarithm)
    }
    return Scalar(sum)
  }
}
