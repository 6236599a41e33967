// Random indices and relaxed draws, from the streams of a seed.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_sample(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ rows: Int, _ length: Int, _ seed: UInt64,
  _ first_row: Int, _ threads: Int32, _ result: Memory<Int64>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeIndices(transform, logits, SeededBatch(seed, first_row, Batch(rows, length, threads)), result)
  }
}

@c @implementation
public func noisemax_sample_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ rows: Int, _ length: Int, _ seed: UInt64,
  _ first_row: Int, _ threads: Int32, _ result: Memory<Int64>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeIndices(transform, logits, SeededBatch(seed, first_row, Batch(rows, length, threads)), result)
  }
}

@c @implementation
public func noisemax_scaled_sample(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ scales: Numbers<Double>, _ rows: Int,
  _ length: Int, _ seed: UInt64, _ first_row: Int, _ threads: Int32, _ result: Memory<Int64>,
  _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeScaledIndices(
      transform, logits, scales, SeededBatch(seed, first_row, Batch(rows, length, threads)), result)
  }
}

@c @implementation
public func noisemax_scaled_sample_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ scales: Numbers<Float>, _ rows: Int, _ length: Int,
  _ seed: UInt64, _ first_row: Int, _ threads: Int32, _ result: Memory<Int64>, _ message: Memory<CChar>,
  _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeScaledIndices(
      transform, logits, scales, SeededBatch(seed, first_row, Batch(rows, length, threads)), result)
  }
}

@c @implementation
public func noisemax_relaxed_sample(
  _ transform: OpaquePointer?, _ temperature: Double, _ logits: Numbers<Double>, _ rows: Int, _ length: Int,
  _ seed: UInt64, _ first_row: Int, _ threads: Int32, _ result: Memory<Double>, _ perturbed: Memory<Double>,
  _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeRelaxed(
      transform, temperature, logits, SeededBatch(seed, first_row, Batch(rows, length, threads)), result,
      perturbed)
  }
}

@c @implementation
public func noisemax_relaxed_sample_f(
  _ transform: OpaquePointer?, _ temperature: Double, _ logits: Numbers<Float>, _ rows: Int, _ length: Int,
  _ seed: UInt64, _ first_row: Int, _ threads: Int32, _ result: Memory<Float>, _ perturbed: Memory<Float>,
  _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeRelaxed(
      transform, temperature, logits, SeededBatch(seed, first_row, Batch(rows, length, threads)), result,
      perturbed)
  }
}

@c @implementation
public func noisemax_relaxed_pullback(
  _ transform: OpaquePointer?, _ temperature: Double, _ logits: Numbers<Double>,
  _ cotangents: Numbers<Double>, _ rows: Int, _ length: Int, _ seed: UInt64, _ first_row: Int,
  _ threads: Int32, _ result: Memory<Double>, _ in_temperature: Memory<Double>, _ message: Memory<CChar>,
  _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeRelaxedPullback(
      transform, temperature, logits, cotangents, SeededBatch(seed, first_row, Batch(rows, length, threads)),
      result,
      in_temperature)
  }
}

@c @implementation
public func noisemax_relaxed_pullback_f(
  _ transform: OpaquePointer?, _ temperature: Double, _ logits: Numbers<Float>, _ cotangents: Numbers<Float>,
  _ rows: Int, _ length: Int, _ seed: UInt64, _ first_row: Int, _ threads: Int32, _ result: Memory<Float>,
  _ in_temperature: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeRelaxedPullback(
      transform, temperature, logits, cotangents, SeededBatch(seed, first_row, Batch(rows, length, threads)),
      result,
      in_temperature)
  }
}

// MARK: of either precision

/// Rows with the generators that they draw from: row r has the stream `firstRow` + r of the seed, as in the library.
private struct SeededBatch {
  let batch: Batch
  private let seed: UInt64
  private let firstRow: Int

  init(_ seed: UInt64, _ firstRow: Int, _ batch: Batch) throws(Refusal) {
    guard firstRow >= 0, !firstRow.addingReportingOverflow(batch.rows).overflow else {
      throw .argument("rows are counted from 0, so that the first of \(batch.rows) is not \(firstRow)")
    }
    (self.seed, self.firstRow, self.batch) = (seed, firstRow, batch)
  }

  func generator(ofRow row: Int) -> StreamGenerator {
    StreamGenerator(seed: seed, stream: UInt64(firstRow + row))
  }
}

private func check(_ temperature: Double) throws(Refusal) {
  guard temperature >= 0 else { throw .argument("a temperature is 0 or above, not \(temperature)") }
}

private func writeIndices<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: Numbers<Scalar>, _ seeded: SeededBatch, _ result: Memory<Int64>
) throws(Refusal) {
  let batch = seeded.batch
  let argmax = try Transform.argmax(of: transform)
  let logits = try batch.numbers(at: logits, "logits")
  let result = try batch.rowMemory(at: result, "result")
  batch.forEachRow(under: argmax, passes: 1) { row, slots, workspace in
    var generator = seeded.generator(ofRow: row)
    let row = (index: row, logits: UnsafeBufferPointer(rebasing: logits[slots]))
    let index = argmax.randomIndex(for: row.logits.span, using: &generator, workspace: &workspace)
    result[row.index] = Int64(index ?? -1)
  }
}

private func writeScaledIndices<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: Numbers<Scalar>, _ scales: Numbers<Scalar>, _ seeded: SeededBatch,
  _ result: Memory<Int64>
) throws(Refusal) {
  let batch = seeded.batch
  let rows = try ScaledBatch(transform, batch, logits, scales, for: .draws, of: "draws")
  let result = try batch.rowMemory(at: result, "result")
  guard batch.length > 0 else { return result.update(repeating: -1) }
  rows.forEachRow(passes: 1) { row, slots in
    var generator = seeded.generator(ofRow: row)
    let index = rows.argmax.randomIndex(
      for: rows.logits(slots), scales: rows.everyScale(slots), using: &generator)
    result[row] = index.map { Int64($0) } ?? -1
  }
}

private func writeRelaxed<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ temperature: Double, _ logits: Numbers<Scalar>, _ seeded: SeededBatch,
  _ result: Memory<Scalar>, _ perturbed: Memory<Scalar>
) throws(Refusal) {
  let batch = seeded.batch
  let argmax = try Transform.argmax(of: transform)
  try check(temperature)
  let logits = try batch.numbers(at: logits, "logits")
  let result = batch.wantedMemory(at: result)
  let perturbed = batch.wantedMemory(at: perturbed)
  guard batch.count > 0 else { return }
  batch.forEachRow(under: argmax, passes: 1) { row, slots, _ in
    var generator = seeded.generator(ofRow: row)
    let sample = argmax.relaxedSample(
      for: Array(logits[slots]), temperature: temperature, using: &generator)
    if let result { copy(sample.value, to: result, slots) }
    if let perturbed { copy(sample.perturbedLogits, to: perturbed, slots) }
  }
}

private func writeRelaxedPullback<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ temperature: Double, _ logits: Numbers<Scalar>,
  _ cotangents: Numbers<Scalar>, _ seeded: SeededBatch, _ result: Memory<Scalar>,
  _ inTemperature: Memory<Scalar>
) throws(Refusal) {
  let batch = seeded.batch
  let argmax = try Transform.argmax(of: transform)
  try check(temperature)
  let logits = try batch.numbers(at: logits, "logits")
  let cotangents = try batch.numbers(at: cotangents, "cotangents")
  let result = try batch.memory(at: result, "result")
  guard batch.count > 0 else {
    inTemperature?.update(repeating: 0, count: batch.rows)
    return
  }
  batch.forEachRow(under: argmax, passes: 1) { row, slots, _ in
    var generator = seeded.generator(ofRow: row)
    let sample = argmax.relaxedSample(
      for: Array(logits[slots]), temperature: temperature, using: &generator)
    let cotangent = Array(cotangents[slots])
    copy(sample.pullback(of: cotangent), to: result, slots)
    inTemperature?[row] = sample.temperaturePullback(of: cotangent)
  }
}
