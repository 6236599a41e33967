// Losses with their gradients, and summaries of rows with theirs: a number a row.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_losses(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: Numbers<Double>, _ classes: Numbers<Int64>,
  _ weights: Numbers<Double>, _ rows: Int, _ length: Int, _ threads: Int32, _ values: Memory<Double>,
  _ gradient: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLosses(
      transform, loss, logits, classes, weights, Batch(rows, length, threads), values, gradient)
  }
}

@c @implementation
public func noisemax_losses_f(
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: Numbers<Float>, _ classes: Numbers<Int64>,
  _ weights: Numbers<Float>, _ rows: Int, _ length: Int, _ threads: Int32, _ values: Memory<Float>,
  _ gradient: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeLosses(
      transform, loss, logits, classes, weights, Batch(rows, length, threads), values, gradient)
  }
}

@c @implementation
public func noisemax_summaries(
  _ transform: OpaquePointer?, _ summary: noisemax_summary, _ logits: Numbers<Double>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ values: Memory<Double>, _ gradient: Memory<Double>,
  _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeSummaries(transform, summary, logits, Batch(rows, length, threads), values, gradient)
  }
}

@c @implementation
public func noisemax_summaries_f(
  _ transform: OpaquePointer?, _ summary: noisemax_summary, _ logits: Numbers<Float>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ values: Memory<Float>, _ gradient: Memory<Float>,
  _ message: Memory<CChar>, _ capacity: Int
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
    _ classes: Numbers<Int64>, _ weights: Numbers<Scalar>, _ batch: Batch
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
        guard (sum - 1).magnitude <= Scalar.sumTolerance else {
          throw Refusal(
            NOISEMAX_BAD_TARGET, "the weights of the target of row \(row) sum to \(sum), not to 1")
        }
      }
    }
  }

  /// The targets as the library takes them.
  func withBuffer<Result>(_ body: (BatchTargets<Scalar>) -> Result) -> Result {
    switch self {
    case .classes(let indices): indices.withUnsafeBufferPointer { body(.indices($0)) }
    case .distributions(let weights): body(.distributions(weights))
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
  _ transform: OpaquePointer?, _ loss: noisemax_loss, _ logits: Numbers<Scalar>, _ classes: Numbers<Int64>,
  _ weights: Numbers<Scalar>, _ batch: Batch, _ values: Memory<Scalar>, _ gradient: Memory<Scalar>
) throws(Refusal) {
  let targets = try Targets(classes, weights, batch)
  let argmax = try Transform.argmax(of: transform)
  let kind = try Loss(loss, under: argmax)
  let logits = try batch.numbers(at: logits, "logits")
  let values = try batch.rowMemory(at: values, "values")
  let gradient = batch.wantedMemory(at: gradient)
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  let losses = targets.withBuffer {
    argmax.losses(kind, of: logits, batch.shape, $0, gradient: gradient, workspace: &workspace)
  }
  for row in values.indices { values[row] = Scalar(losses[row]) }
}

private func writeSummaries<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ summary: noisemax_summary, _ logits: Numbers<Scalar>, _ batch: Batch,
  _ values: Memory<Scalar>, _ gradient: Memory<Scalar>
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
  var workspace = NoisyArgmax.Workspace(threads: batch.threads)
  argmax.write(
    kind, of: logits, batch.shape, values: values, gradient: gradient, workspace: &workspace)
}
