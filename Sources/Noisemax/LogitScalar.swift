/// The types that logits and probabilities come in: `Float` and `Double`.
///
/// Whatever the type of a row, the laws of noise compute in Double; a Float row costs no more than its own
/// precision needs.
public protocol LogitScalar: BinaryFloatingPoint, Sendable {}

extension Float: LogitScalar {}
extension Double: LogitScalar {}
