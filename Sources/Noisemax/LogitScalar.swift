/// The types that logits and probabilities come in: `Float` and `Double`.
///
/// Whatever the type of a row, the laws of noise compute in Double; a Float row costs no more than its own
/// precision needs.
public protocol LogitScalar: BinaryFloatingPoint, Sendable {}

extension Float: LogitScalar {}
extension Double: LogitScalar {}

extension LogitScalar {
  /// How far from 1 the sum of probabilities, or of a target's weights, may be.
  package static var sumTolerance: Double { Precision(of: self) == .double ? 1e-6 : 1e-3 }
}
