// What the calls with common factors have in common, of either precision.

import CNoisemax
import Noisemax

/// Rows of classes with common factors, of which none would stop the library.
struct FactorRows<Scalar: LogitScalar> {
  private let rows: ScaledBatch<Scalar>
  private let loadings: UnsafeBufferPointer<Scalar>
  private let rank: Int
  private let tolerance: Double

  private var batch: Batch { rows.batch }
  private var argmax: NoisyArgmax { rows.argmax }

  init(
    _ transform: OpaquePointer?, _ batch: Batch, _ logits: Numbers<Scalar>,
    _ scales: Numbers<Scalar>, _ loadings: Numbers<Scalar>, _ rank: Int, _ tolerance: Double
  ) throws(Refusal) {
    let quantity = "probabilities of classes with common factors"
    rows = try ScaledBatch(transform, batch, logits, scales, for: .factors, of: quantity)
    if let complaint = FactorComplaint.about(rank: rank) ?? FactorComplaint.about(tolerance: tolerance) {
      throw .argument(complaint)
    }
    let loadings = try batch.numbers(at: loadings, "loadings", each: rank)
    if let complaint = FactorComplaint.about(loadings: loadings, rank: rank, rowLength: max(batch.length, 1))
    {
      throw .argument(complaint)
    }
    (self.loadings, self.rank, self.tolerance) = (loadings, rank, tolerance)
  }

  /// The slots of a row's loadings.
  private func slotsOfLoadings(_ slots: Range<Int>) -> Range<Int> {
    rank * slots.lowerBound..<rank * slots.upperBound
  }

  /// One row as the library takes it, with a scale for every class if somebody asks for gradients in them.
  private func row(_ slots: Range<Int>, _ inScales: Memory<Scalar>) -> FactorBatch<[Scalar]> {
    FactorBatch(
      argmax, rows.logits(slots), Rows(Array(loadings[slotsOfLoadings(slots)]), length: rank),
      inScales == nil ? rows.scales(slots) : rows.everyScale(slots), tolerance)
  }

  /// The probabilities, or their logarithms.
  func writeValues(log: Bool, to result: Memory<Scalar>, _ errors: Memory<Scalar>) throws(Refusal) {
    let result = try batch.memory(at: result, "result")
    let errors = errors.map { UnsafeMutableBufferPointer(start: $0, count: batch.rows) }
    guard batch.length > 0 else { return errors?.update(repeating: 0) ?? () }
    rows.forEachRow(passes: 500) { index, slots in
      let (values, found) = row(slots, nil).values(log ? .logProbabilities : .probabilities)
      copy(values, to: result, slots)
      errors?[index] = found[0]
    }
  }

  /// The gradients of what the probabilities, or their logarithms, are weighed by.
  func writePullback(
    log: Bool, of cotangents: Numbers<Scalar>, to result: Memory<Scalar>, _ inScales: Memory<Scalar>,
    _ inLoadings: Memory<Scalar>
  ) throws(Refusal) {
    let vectors = try batch.numbers(at: cotangents, "cotangents")
    let memory = try Gradients(batch.memory(at: result, "result"), inScales, inLoadings, self)
    rows.forEachRow(passes: 1000) { _, slots in
      let (row, cotangent) = (row(slots, inScales), Array(vectors[slots]))
      memory.write(log ? row.logPullback(of: cotangent) : row.pullback(of: cotangent), slots)
    }
  }

  func writeLosses(
    _ code: noisemax_loss, of classes: Numbers<Int64>, to values: Memory<Scalar>, _ gradient: Memory<Scalar>,
    _ inScales: Memory<Scalar>, _ inLoadings: Memory<Scalar>
  ) throws(Refusal) {
    let loss = try Loss(code, under: argmax)
    let targets = try batch.classes(at: classes)
    let values = try batch.rowMemory(at: values, "values")
    let memory = Gradients(batch.wantedMemory(at: gradient), inScales, inLoadings, self)
    rows.forEachRow(passes: 1000) { index, slots in
      let found = row(slots, inScales).losses(loss, of: [targets[index]])
      values[index] = found.values[0]
      memory.write(found.gradient, slots)
    }
  }

  /// Where gradients go that somebody wants.
  private struct Gradients {
    private let inLogits, inScales, inLoadings: UnsafeMutableBufferPointer<Scalar>?
    private let rows: FactorRows

    init(
      _ inLogits: UnsafeMutableBufferPointer<Scalar>?, _ inScales: Memory<Scalar>,
      _ inLoadings: Memory<Scalar>, _ rows: FactorRows
    ) {
      (self.inLogits, self.rows) = (inLogits, rows)
      self.inScales = rows.batch.wantedMemory(at: inScales)
      self.inLoadings = inLoadings.map { UnsafeMutableBufferPointer(start: $0, count: rows.loadings.count) }
    }

    func write(_ gradient: FactorBatch<[Scalar]>.Gradient, _ slots: Range<Int>) {
      if let inLogits { copy(gradient.logits.elements, to: inLogits, slots) }
      if let inScales { copy(gradient.scales.elements, to: inScales, slots) }
      if let inLoadings { copy(gradient.loadings.elements, to: inLoadings, rows.slotsOfLoadings(slots)) }
    }
  }
}
