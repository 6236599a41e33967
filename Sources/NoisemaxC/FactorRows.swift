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
    _ transform: OpaquePointer?, _ batch: Batch, _ logits: UnsafePointer<Scalar>?,
    _ scales: UnsafePointer<Scalar>?, _ loadings: UnsafePointer<Scalar>?, _ rank: Int, _ tolerance: Double
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

  private func loadings(_ slots: Range<Int>) -> Rows<Scalar> {
    Rows(Array(loadings[slotsOfLoadings(slots)]), length: rank)
  }

  /// Whether nobody asks for what takes a scale for every class.
  private func hasOneScale(_ inScales: UnsafeMutablePointer<Scalar>?) -> Bool {
    rows.scales == nil && inScales == nil
  }

  /// The probabilities, or their logarithms.
  func writeValues(
    log: Bool, to result: UnsafeMutablePointer<Scalar>?, _ errors: UnsafeMutablePointer<Scalar>?
  ) throws(Refusal) {
    let result = try batch.memory(at: result, "result")
    let errors = errors.map { UnsafeMutableBufferPointer(start: $0, count: batch.rows) }
    guard batch.length > 0 else { return errors?.update(repeating: 0) ?? () }
    rows.forEachRow(passes: 500) { row, slots in
      let (x, v, s) = (rows.logits(slots), loadings(slots), rows.scales(slots))
      let values: [Scalar]
      let error: Scalar
      if log {
        (values, error) = argmax.logProbabilitiesWithErrorEstimate(
          for: x, loadings: v, scales: s, tolerance: tolerance)
      } else {
        (values, error) = argmax.probabilitiesWithErrorEstimate(
          for: x, loadings: v, scales: s, tolerance: tolerance)
      }
      copy(values, to: result, slots)
      errors?[row] = error
    }
  }

  /// The gradients of what the probabilities, or their logarithms, are weighed by.
  func writePullback(
    log: Bool, of cotangents: UnsafePointer<Scalar>?, to result: UnsafeMutablePointer<Scalar>?,
    _ inScales: UnsafeMutablePointer<Scalar>?, _ inLoadings: UnsafeMutablePointer<Scalar>?
  ) throws(Refusal) {
    let vectors = try batch.numbers(at: cotangents, "cotangents")
    let memory = try Gradients(batch.memory(at: result, "result"), inScales, inLoadings, self)
    rows.forEachRow(passes: 1000) { _, slots in
      let (x, w, v) = (rows.logits(slots), Array(vectors[slots]), loadings(slots))
      if hasOneScale(inScales) {
        let found =
          log
          ? argmax.logProbabilitiesPullback(for: x, loadings: v, of: w, tolerance: tolerance)
          : argmax.pullback(for: x, loadings: v, of: w, tolerance: tolerance)
        memory.write(found.logits, nil, found.loadings, slots)
      } else {
        let s = rows.everyScale(slots)
        let found =
          log
          ? argmax.logProbabilitiesPullback(for: x, scales: s, loadings: v, of: w, tolerance: tolerance)
          : argmax.pullback(for: x, scales: s, loadings: v, of: w, tolerance: tolerance)
        memory.write(found.logits, found.scales, found.loadings, slots)
      }
    }
  }

  func writeLosses(
    _ code: noisemax_loss, of classes: UnsafePointer<Int64>?, to values: UnsafeMutablePointer<Scalar>?,
    _ gradient: UnsafeMutablePointer<Scalar>?, _ inScales: UnsafeMutablePointer<Scalar>?,
    _ inLoadings: UnsafeMutablePointer<Scalar>?
  ) throws(Refusal) {
    let loss = try Loss(code, under: argmax)
    let targets = try batch.classes(at: classes)
    let values = try batch.rowMemory(at: values, "values")
    let memory = Gradients(batch.wantedMemory(at: gradient), inScales, inLoadings, self)
    rows.forEachRow(passes: 1000) { row, slots in
      let (x, targets, loadings) = (rows.logits(slots), [targets[row]], loadings(slots))
      if hasOneScale(inScales) {
        let found = argmax.lossesWithGradients(
          for: x, loadings: loadings, targets: targets, as: loss, tolerance: tolerance)
        values[row] = found.values
        memory.write(found.logits, nil, found.loadings, slots)
      } else {
        let found = argmax.lossesWithGradients(
          for: x, scales: rows.everyScale(slots), loadings: loadings, targets: targets, as: loss,
          tolerance: tolerance)
        values[row] = found.values
        memory.write(found.logits, found.scales, found.loadings, slots)
      }
    }
  }

  /// Where gradients go that somebody wants.
  private struct Gradients {
    private let inLogits, inScales, inLoadings: UnsafeMutableBufferPointer<Scalar>?
    private let rows: FactorRows

    init(
      _ inLogits: UnsafeMutableBufferPointer<Scalar>?, _ inScales: UnsafeMutablePointer<Scalar>?,
      _ inLoadings: UnsafeMutablePointer<Scalar>?, _ rows: FactorRows
    ) {
      (self.inLogits, self.rows) = (inLogits, rows)
      self.inScales = rows.batch.wantedMemory(at: inScales)
      self.inLoadings = inLoadings.map { UnsafeMutableBufferPointer(start: $0, count: rows.loadings.count) }
    }

    func write(_ logits: [Scalar], _ scales: [Scalar]?, _ loadings: Rows<Scalar>, _ slots: Range<Int>) {
      if let inLogits { copy(logits, to: inLogits, slots) }
      if let inScales, let scales { copy(scales, to: inScales, slots) }
      if let inLoadings { copy(loadings.elements, to: inLoadings, rows.slotsOfLoadings(slots)) }
    }
  }
}
