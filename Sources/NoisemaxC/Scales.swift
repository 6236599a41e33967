// What the calls with a scale for every class have in common.

import CNoisemax
import Noisemax

/// Rows with a scale for every class, or with 1 for all, of which none would stop the library.
struct ScaledBatch<Scalar: LogitScalar> {
  let argmax: NoisyArgmax
  let batch: Batch
  let logits: UnsafeBufferPointer<Scalar>
  let scales: UnsafeBufferPointer<Scalar>?

  /// Which scales a call takes.
  enum Kind {
    /// 0 is one of them, and a class without noise may tie with another.
    case draws, inverses
    /// Of those without noise no two tie.
    case values
    /// 0 is none of them.
    case orderings
    /// 0 is none of those of open classes.
    case factors
  }

  init(
    _ transform: OpaquePointer?, _ batch: Batch, _ logits: Numbers<Scalar>,
    _ scales: Numbers<Scalar>, for kind: Kind, of quantity: String,
    named name: String = "logits"
  ) throws(Refusal) {
    argmax = try Transform.argmax(of: transform)
    if kind != .draws { try argmax.requireExactMethod(for: quantity) }
    self.batch = batch
    self.logits = try batch.numbers(at: logits, name)
    self.scales = scales.map { UnsafeBufferPointer(start: batch.count == 0 ? nil : $0, count: batch.count) }
    guard batch.length > 0, self.scales != nil else { return }
    for row in 0..<batch.rows {
      try checkScales(of: row, for: kind)
      if kind == .values { try checkTies(of: row) }
    }
  }

  /// The logits of a row.
  func logits(_ slots: Range<Int>) -> [Scalar] { Array(logits[slots]) }

  /// The scales of a row, if there are any.
  func scales(_ slots: Range<Int>) -> [Scalar]? { scales.map { Array($0[slots]) } }

  /// The scales of a row, 1 where nobody said so.
  func everyScale(_ slots: Range<Int>) -> [Scalar] {
    scales(slots) ?? [Scalar](repeating: 1, count: slots.count)
  }

  /// Does some work for every row that has classes.
  func forEachRow(passes: Double, _ work: (_ row: Int, _ slots: Range<Int>) -> Void) {
    guard batch.count > 0 else { return }
    batch.forEachRow(under: argmax, passes: passes) { row, slots, _ in work(row, slots) }
  }

  private func checkScales(of row: Int, for kind: Kind) throws(Refusal) {
    guard let scales else { return }
    for (index, slot) in batch.slots(of: row).enumerated() {
      let scale = scales[slot]
      let needsNoise = kind == .orderings || (kind == .factors && logits[slot] > -.infinity)
      guard scale.isFinite, needsNoise ? scale > 0 : scale >= 0 else {
        let range =
          !needsNoise
          ? "not below 0" : kind == .orderings ? "above 0 in an ordering" : "above 0 with common factors"
        throw .argument("the scale of class \(index) of row \(row) is finite and \(range), not \(scale)")
      }
      let width = Double(scale) * argmax.scale
      guard scale == 0 || (width > 0 && width.isFinite) else {
        throw .argument(
          "the scale \(scale) of class \(index) of row \(row) times that of the noise, \(argmax.scale), is \(width)"
        )
      }
    }
  }

  private func checkTies(of row: Int) throws(Refusal) {
    guard let scales else { return }
    let slots = batch.slots(of: row)
    if let (first, second) = tie(ofStill: slots.filter { scales[$0] == 0 }, in: logits) {
      let (one, other) = (first - slots.lowerBound, second - slots.lowerBound)
      throw .argument("classes \(one) and \(other) of row \(row) have scale 0 and tie at \(logits[first])")
    }
  }
}

/// Copies a row to its slots. One without classes has no memory to copy to.
func copy<Scalar>(_ row: [Scalar], to result: UnsafeMutableBufferPointer<Scalar>, _ slots: Range<Int>) {
  if row.isEmpty { return }
  _ = UnsafeMutableBufferPointer(rebasing: result[slots]).update(fromContentsOf: row)
}
