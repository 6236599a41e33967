package import Noisemax

// What model code does with rows besides asking for probabilities. Of Floats, and not of any scalar: what is generic in another
// module is not specialised for its caller, and takes many times as long.

extension Rows where Scalar == Float {
  /// The same row so many times.
  package init(repeating row: [Float], count: Int) {
    self.init((0..<count).flatMap { _ in row }, length: row.count)
  }

  /// Every element transformed, in the same rows.
  package func mapElements(_ transform: (Float) -> Float) -> Rows {
    Rows(elements.map(transform), length: rowLength)
  }

  /// Elements in the same slots brought together.
  package func combined(with other: Rows, _ combine: (Float, Float) -> Float) -> Rows {
    precondition(
      rowLength == other.rowLength && count == other.count,
      "\(count) rows of \(rowLength) do not fit \(other.count) rows of \(other.rowLength)")
    return Rows(zip(elements, other.elements).map(combine), length: rowLength)
  }

  /// The rows moved on by so many, within parts of so many; zeros where none comes from.
  package func moved(by offset: Int, inParts length: Int) -> Rows {
    let zeros = [Float](repeating: 0, count: rowLength)
    let rows = (0..<count).flatMap { row in
      (0..<length).contains(row % length - offset) ? self[row - offset] : zeros
    }
    return Rows(rows, length: rowLength)
  }

  /// These rows in the places of those numbers, among so many rows; zeros in the others.
  package func scattered(to numbers: [Int], of total: Int) -> Rows {
    let (elements, length) = (elements, rowLength)
    var all = [Float](repeating: 0, count: total * length)
    for (row, number) in numbers.enumerated() {
      for index in 0..<length { all[number * length + index] = elements[row * length + index] }
    }
    return Rows(all, length: rowLength)
  }

  /// The rows of these numbers, in their order.
  package func rows(_ numbers: some Sequence<Int>) -> Rows {
    let elements = elements
    var chosen: [Float] = []
    for number in numbers { chosen += elements[number * rowLength..<(number + 1) * rowLength] }
    return Rows(chosen, length: rowLength)
  }
}

/// ⟨x_i, y_j⟩ of two rows of row-major arrays.
package func rowProduct(_ x: [Float], _ i: Int, _ y: [Float], _ j: Int, width: Int) -> Float {
  (0..<width).reduce(0) { $0 + x[i * width + $1] * y[j * width + $1] }
}

/// y_j += a·x_i.
package func addRow(_ a: Float, _ x: [Float], _ i: Int, to y: inout [Float], _ j: Int, width: Int) {
  for index in 0..<width { y[j * width + index] += a * x[i * width + index] }
}

/// max(x, 0), element by element.
package func rectified(_ x: Rows<Float>) -> Rows<Float> { x.mapElements { $0 > 0 ? $0 : 0 } }

/// The gradient of the loss in x, from that in y = `rectified(x)`.
package func rectifiedPullback(of cotangent: Rows<Float>, at y: Rows<Float>) -> Rows<Float> {
  cotangent.combined(with: y) { $1 > 0 ? $0 : 0 }
}

extension Collection {
  /// The index of the largest element, the first where several are; nil where there is none.
  package func indexOfLargest() -> Index? where Element: Comparable {
    indices.reduce(nil) { best, index in best.map { self[index] > self[$0] ? index : $0 } ?? index }
  }

  package func mean() -> Double where Element: BinaryFloatingPoint {
    reduce(0) { $0 + Double($1) } / Double(count)
  }
}

/// |x − y|/|y|.
package func relativeDistance(_ x: [Float], _ y: [Float]) -> Double {
  let squares = zip(x, y).reduce((0.0, 0.0)) { sums, pair in
    (sums.0 + Double((pair.0 - pair.1) * (pair.0 - pair.1)), sums.1 + Double(pair.1 * pair.1))
  }
  return (squares.0 / squares.1).squareRoot()
}
