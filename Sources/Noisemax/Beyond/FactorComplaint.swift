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

  /// So that differences of them, and their products with z, are finite.
  private static let largestLoading = 1e300

  /// Of `rank` loadings for every class of rows.
  package static func about<Scalar: LogitScalar>(
    loadings: UnsafeBufferPointer<Scalar>, rank: Int, rowLength: Int
  ) -> String? {
    let misfit = loadings.firstIndex { !(Double($0).magnitude <= largestLoading) }
    guard let slot = misfit else { return nil }
    let (row, index) = (slot / rank).quotientAndRemainder(dividingBy: rowLength)
    return
      "the loadings are no larger than \(largestLoading), and one of class \(index) of row \(row) is \(loadings[slot])"
  }
}
