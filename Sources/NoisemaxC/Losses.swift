// Losses with their gradients, and summaries of rows with theirs: a number a row.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_losses(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: UnsafePointer<Double>?,
  _ classes: UnsafePointer<Int64>?, _ weights: UnsafePointer<Double>?, _ rows: Int, _ length: Int,
  _ threads: Int32, _ values: UnsafeMutablePointer<Double>?, _ gradient: UnsafeMutablePointer<Double>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    let batch = try Batch(rows, length, threads)
    try writeLosses(transform, loss, logits, Targets(classes, weights, batch, 1e-6), batch, values, gradient)
  }
}

@c @implementation
public func noisemax_losses_f(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: UnsafePointer<Float>?,
  _ classes: UnsafePointer<Int64>?, _ weights: UnsafePointer<Float>?, _ rows: Int, _ length: Int,
  _ threads: Int32, _ values: UnsafeMutablePointer<Float>?, _ gradient: UnsafeMutablePointer<Float>?,
  _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    let batch = try Batch(rows, length, threads)
    try writeLosses(transform, loss, logits, Targets(classes, weights, batch, 1e-3), batch, values, gradient)
  }
}

@c @implementation
public func noisemax_summaries(
  _ transform: OpaquePointer?, _ summary: noisemax_summary, _ logits: UnsafePointer<Double>?, _ rows: Int,
  _ length: Int, _ threads: Int32, _ values: UnsafeMutablePointer<Double>?,
  _ gradient: UnsafeMutablePointer<Double>?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSummaries(transform, summary, logits, Batch(rows, length, threads), values, gradient)
  }
}

@c @implementation
public func noisemax_summaries_f(
  _ transform: OpaquePointer?, _ summary: noisemax_summary, _ logits: UnsafePointer<Float>?, _ rows: Int,
  _ length: Int, _ threads: Int32, _ values: UnsafeMutablePointer<Float>?,
  _ gradient: UnsafeMutablePointer<Float>?, _ message: UnsafeMutablePointer<CChar>?, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSummaries(transform, summary, logits, Batch(rows, length, threads), values, gradient)
  }
}

// MARK: of either precision

/// The targets of a batch, found to be classes or distributions.
enum Targets<Scalar: LogitScalar> {
  case classes([Int])
  case distributions(UnsafeBufferPointer<Scalar>)

  init(
    _ classes: UnsafePointer<Int64>?, _ weights: UnsafePointer<Scalar>?, _ batch: Batch, _ tolerance: Double
  ) throws(Refusal) {
    guard classes == nil || weights == nil else {
      throw .argument("there are classes and weights: one of them is null")
    }
    if let classes {
      self = .classes(try batch.classes(at: classes))
    } else {
      let weights = try batch.numbers(at: weights, "the targets")
      self = .distributions(weights)
      guard batch.length > 0 else { return }
      for row in 0..<batch.rows {
        var sum = 0.0
        for slot in batch.slots(of: row) {
          guard weights[slot] >= 0 else {
            throw Refusal(
              NOISEMAX_BAD_TARGET,
              "the target's weight \(weights[slot]) of class \(slot - row * batch.length) in row \(row) is not 0 or more"
            )
          }
          sum += Double(weights[slot])
        }
        guard (sum - 1).magnitude <= tolerance else {
          throw Refusal(
            NOISEMAX_BAD_TARGET, "the weights of the target of row \(row) sum to \(sum), not to 1")
        }
      }
    }
  }

  /// The weights of the classes of a row.
  func weights(of row: Int, _ slots: Range<Int>) -> [Scalar] {
    switch self {
    case .distributions(let weights): Array(weights[slots])
    case .classes(let indices): slots.indices.map { $0 - slots.lowerBound == indices[row] ? 1 : 0 }
    }
  }
}

extension Loss {
  init(_ code: noisemax_loss, under argmax: NoisyArgmax) throws(Refusal) {
    switch code {
    case NOISEMAX_FENCHEL_YOUNG:
      try argmax.requireExactMethod(for: "Fenchel–Young loss")
      self = .fenchelYoung
    case NOISEMAX_NEGATIVE_LOG_LIKELIHOOD: self = .negativeLogLikelihood
    default: throw .argument("there is no loss \(code.rawValue)")
    }
  }
}

private func writeLosses<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: UnsafePointer<Scalar>?,
  _ targets: Targets<Scalar>, _ batch: Batch, _ values: UnsafeMutablePointer<Scalar>?,
  _ gradient: UnsafeMutablePointer<Scalar>?
) throws(Refusal) {
  let argmax = try Transform.argmax(of: transform)
  let kind = try Loss(loss, under: argmax)
  let logits = try batch.numbers(at: logits, "logits")
  let values = try batch.rowMemory(at: values, "values")
  let gradient = batch.wantedMemory(at: gradient)
  batch.forEachRow(under: argmax, passes: gradient == nil ? 1 : 2) { row, slots, workspace in
    let memory = gradient.map { UnsafeMutableBufferPointer(rebasing: $0[slots]) }
    let logits = UnsafeBufferPointer(rebasing: logits[slots])
    let value = UnsafeMutableBufferPointer(rebasing: values[row...row])
    switch targets {
    case .classes(let indices):
      write(kind, argmax, logits, indices.span.extracting(row...row), value, memory, &workspace)
    case .distributions(let weights):
      write(kind, argmax, logits, UnsafeBufferPointer(rebasing: weights[slots]), value, memory, &workspace)
    }
  }
}

/// The loss of one row with a class as target.
private func write<Scalar: LogitScalar>(
  _ loss: Loss, _ argmax: NoisyArgmax, _ row: UnsafeBufferPointer<Scalar>, _ target: Span<Int>,
  _ value: UnsafeMutableBufferPointer<Scalar>, _ gradient: UnsafeMutableBufferPointer<Scalar>?,
  _ workspace: inout NoisyArgmax.Workspace
) {
  guard var memory = gradient?.mutableSpan else {
    var values = value.mutableSpan
    argmax.writeLosses(for: row.span, targets: target, as: loss, to: &values, workspace: &workspace)
    return
  }
  value[0] = argmax.writeLossGradient(
    for: row.span, targets: target, as: loss, reduction: .sum, to: &memory, workspace: &workspace)
}

/// The loss of one row with a distribution as target.
private func write<Scalar: LogitScalar>(
  _ loss: Loss, _ argmax: NoisyArgmax, _ row: UnsafeBufferPointer<Scalar>,
  _ target: UnsafeBufferPointer<Scalar>, _ value: UnsafeMutableBufferPointer<Scalar>,
  _ gradient: UnsafeMutableBufferPointer<Scalar>?, _ workspace: inout NoisyArgmax.Workspace
) {
  guard var memory = gradient?.mutableSpan else {
    var values = value.mutableSpan
    argmax.writeLosses(for: row.span, targets: target.span, as: loss, to: &values, workspace: &workspace)
    return
  }
  value[0] = argmax.writeLossGradient(
    for: row.span, targets: target.span, as: loss, reduction: .sum, to: &memory, workspace: &workspace)
}

private func writeSummaries<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ summary: noisemax_summary, _ logits: UnsafePointer<Scalar>?, _ batch: Batch,
  _ values: UnsafeMutablePointer<Scalar>?, _ gradient: UnsafeMutablePointer<Scalar>?
) throws(Refusal) {
  let argmax = try Transform.argmax(of: transform)
  let kind: Summary
  switch summary {
  case NOISEMAX_EXPECTED_MAXIMUM: kind = .expectedMaximum
  case NOISEMAX_GENERALIZED_ENTROPY: kind = .generalizedEntropy
  case NOISEMAX_EXPECTED_MAXIMUM_SCALE_DERIVATIVE: kind = .expectedMaximumScaleDerivative
  case NOISEMAX_SHANNON_ENTROPY: kind = .shannonEntropy
  case NOISEMAX_DIVERGENCE_FROM_UNIFORM: kind = .divergenceFromUniform
  default: throw .argument("there is no summary \(summary.rawValue)")
  }
  if kind != .shannonEntropy && kind != .divergenceFromUniform {
    try argmax.requireExactMethod(for: "\(kind)")
  }
  let logits = try batch.numbers(at: logits, "logits")
  let values = try batch.rowMemory(at: values, "values")
  let gradient = batch.wantedMemory(at: gradient)
  batch.forEachRow(under: argmax, passes: gradient == nil ? 2 : 3) { row, slots, workspace in
    let logits = UnsafeBufferPointer(rebasing: logits[slots])
    var value = UnsafeMutableBufferPointer(rebasing: values[row...row]).mutableSpan
    guard let gradient else {
      argmax.writeValues(of: kind, for: logits.span, to: &value, workspace: &workspace)
      return
    }
    var memory = UnsafeMutableBufferPointer(rebasing: gradient[slots]).mutableSpan
    argmax.writeGradients(of: kind, for: logits.span, to: &memory, values: &value, workspace: &workspace)
  }
}
