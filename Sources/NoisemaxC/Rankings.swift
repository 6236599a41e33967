// How likely orderings are, and the logits behind given probabilities.

import CNoisemax
import Noisemax

@c @implementation
public func noisemax_ranking_losses(
  _ transform: OpaquePointer?, _ logits: Numbers<Double>, _ scales: Numbers<Double>,
  _ orderings: Numbers<Int64>, _ places: Int, _ rows: Int, _ length: Int, _ threads: Int32,
  _ values: Memory<Double>, _ gradient: Memory<Double>, _ in_scales: Memory<Double>, _ message: Memory<CChar>,
  _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeRankings(
      transform, logits, scales, orderings, places, Batch(rows, length, threads), values, gradient, in_scales)
  }
}

@c @implementation
public func noisemax_ranking_losses_f(
  _ transform: OpaquePointer?, _ logits: Numbers<Float>, _ scales: Numbers<Float>,
  _ orderings: Numbers<Int64>, _ places: Int, _ rows: Int, _ length: Int, _ threads: Int32,
  _ values: Memory<Float>, _ gradient: Memory<Float>, _ in_scales: Memory<Float>, _ message: Memory<CChar>,
  _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeRankings(
      transform, logits, scales, orderings, places, Batch(rows, length, threads), values, gradient, in_scales)
  }
}

@c @implementation
public func noisemax_inverse(
  _ transform: OpaquePointer?, _ probabilities: Numbers<Double>, _ scales: Numbers<Double>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Double>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeInverse(transform, probabilities, scales, Batch(rows, length, threads), result)
  }
}

@c @implementation
public func noisemax_inverse_f(
  _ transform: OpaquePointer?, _ probabilities: Numbers<Float>, _ scales: Numbers<Float>, _ rows: Int,
  _ length: Int, _ threads: Int32, _ result: Memory<Float>, _ message: Memory<CChar>, _ capacity: Int
) -> noisemax_status {
  answer(message, capacity) { () throws(Refusal) in
    try writeInverse(transform, probabilities, scales, Batch(rows, length, threads), result)
  }
}

// MARK: of either precision

/// An ordering for every row: different classes of it, at least one.
private struct Orderings {
  let indices: UnsafeBufferPointer<Int64>
  let places: Int

  init(_ start: Numbers<Int64>, _ places: Int, _ batch: Batch) throws(Refusal) {
    guard batch.length == 0 || (places >= 1 && places <= batch.length) else {
      throw .argument(
        "an ordering of a row of \(batch.length) has from 1 to \(batch.length) classes, not \(places)")
    }
    self.places = batch.length == 0 ? 0 : places
    indices = try Batch(batch.rows, self.places).numbers(at: start, "orderings")
    guard batch.rows > 0 else { return }
    var isPlaced = [Bool](repeating: false, count: batch.length)
    for row in 0..<(batch.length == 0 ? 0 : batch.rows) {
      isPlaced.withUnsafeMutableBufferPointer { $0.update(repeating: false) }
      for index in indices[row * places..<(row + 1) * places] {
        guard index >= 0 && index < batch.length else {
          throw Refusal(
            NOISEMAX_BAD_TARGET,
            "\(index) in the ordering of row \(row) is not a class of a row of \(batch.length)")
        }
        guard !isPlaced[Int(index)] else {
          throw Refusal(NOISEMAX_BAD_TARGET, "class \(index) comes twice in the ordering of row \(row)")
        }
        isPlaced[Int(index)] = true
      }
    }
  }

  func ordering(of row: Int) -> [Int] { indices[row * places..<(row + 1) * places].map { Int($0) } }
}

private func writeRankings<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ logits: Numbers<Scalar>, _ scales: Numbers<Scalar>,
  _ orderings: Numbers<Int64>, _ places: Int, _ batch: Batch, _ values: Memory<Scalar>,
  _ gradient: Memory<Scalar>, _ inScales: Memory<Scalar>
) throws(Refusal) {
  let rows = try ScaledBatch(transform, batch, logits, scales, for: .orderings, of: "orderings")
  let orderings = try Orderings(orderings, places, batch)
  let values = try batch.rowMemory(at: values, "values")
  let (gradient, inScales) = (batch.wantedMemory(at: gradient), batch.wantedMemory(at: inScales))
  guard batch.length > 0 else { return values.update(repeating: 0) }
  rows.forEachRow(passes: 100) { row, slots in
    let (x, ordering, argmax) = (rows.logits(slots), orderings.ordering(of: row), rows.argmax)
    if rows.scales == nil, inScales == nil, let gradient {
      let loss = argmax.rankingLossWithGradient(for: x, ordering: ordering)
      values[row] = loss.value
      copy(loss.gradient, to: gradient, slots)
    } else if gradient != nil || inScales != nil {
      let loss = argmax.rankingLossWithGradient(for: x, scales: rows.everyScale(slots), ordering: ordering)
      values[row] = loss.value
      if let gradient { copy(loss.logits, to: gradient, slots) }
      if let inScales { copy(loss.scales, to: inScales, slots) }
    } else {
      values[row] = argmax.rankingLoss(for: x, ordering: ordering, scales: rows.scales(slots))
    }
  }
}

private func writeInverse<Scalar: LogitScalar>(
  _ transform: OpaquePointer?, _ probabilities: Numbers<Scalar>, _ scales: Numbers<Scalar>, _ batch: Batch,
  _ result: Memory<Scalar>
) throws(Refusal) {
  let rows = try ScaledBatch(
    transform, batch, probabilities, scales, for: .inverses, of: "inverse", named: "probabilities")
  let result = try batch.memory(at: result, "result")
  guard batch.length > 0 else { return }
  for row in 0..<batch.rows {
    // As the library adds them up, so that it does not come to another sum.
    var sum = CompensatedSum()
    var still: Int?
    for (index, slot) in batch.slots(of: row).enumerated() {
      let probability = rows.logits[slot]
      guard probability >= 0 else {
        throw .argument("the probability \(probability) of class \(index) in row \(row) is not 0 or more")
      }
      sum.add(Double(probability))
      guard let scales = rows.scales, scales[slot] == 0, probability > 0 else { continue }
      if let still {
        throw .argument(
          "classes \(still) and \(index) of row \(row) have scale 0, and only one of them can win")
      }
      still = index
    }
    guard (sum.value - 1).magnitude <= Scalar.sumTolerance else {
      throw .argument("the probabilities of row \(row) sum to \(sum.value), not to 1")
    }
  }
  rows.forEachRow(passes: 1000) { _, slots in
    copy(rows.argmax.logits(for: rows.logits(slots), scales: rows.scales(slots)), to: result, slots)
  }
}
