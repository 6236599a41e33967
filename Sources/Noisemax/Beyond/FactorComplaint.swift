/// What is wrong with common factors: it stops the library, and its interface for C says it.
///
/// Each is a message, or nil where nothing is wrong.
package enum FactorComplaint {
  package static func about(rank: Int) -> String? {
    (1...3).contains(rank) ? nil : "a class has 1 to 3 loadings, not \(rank)"
  }

  package static func about(tolerance: Double) -> String? {
    tolerance >= 1e-12 && tolerance <= 0.1
      ? nil : "the tolerance is from 1e-12 to 0.1, not \(tolerance)"
  }

  /// Of `rank` loadings for every class of rows.
  package static func about<Scalar: LogitScalar>(
    loadings: UnsafeBufferPointer<Scalar>, rank: Int, rowLength: Int
  ) -> String? {
    guard let slot = loadings.firstIndex(where: { !$0.isFinite }) else { return nil }
    let (row, index) = (slot / rank).quotientAndRemainder(dividingBy: rowLength)
    return "the loadings are finite, and one of class \(index) of row \(row) is \(loadings[slot])"
  }
}
