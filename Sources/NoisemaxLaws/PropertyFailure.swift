/// A property that does not hold, with everything needed to see it again.
public struct PropertyFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The property, in a few words: "order preservation".
  public let property: String
  /// The law or transform that was checked.
  public let subject: String
  /// The method and precision of a transform, empty for a law.
  public let method: String
  /// The seed of the suite.
  public let seed: UInt64
  /// The smallest row found on which the property fails; empty where the failure is not about a row.
  public let row: [Double]
  /// The number of classes of the row on which it failed first.
  public let originalRowLength: Int
  /// What was expected and what came.
  public let detail: String

  /// One paragraph that names property, subject, method, seed and the whole row, every number in full.
  public var description: String {
    var text = "\(property) fails for \(subject)"
    if !method.isEmpty { text += " by \(method)" }
    text += ": \(detail)"
    if originalRowLength > 0 {
      text += "; row \(row)"
      if row.count < originalRowLength { text += ", shrunk from \(originalRowLength) classes" }
    }
    return text + "; seed \(seed)"
  }
}
