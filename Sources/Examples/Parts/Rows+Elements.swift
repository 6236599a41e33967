package import Noisemax

// What model code does with rows besides asking for probabilities.

extension Rows {
  /// Every element transformed, in the same rows.
  package func mapElements(_ transform: (Scalar) -> Scalar) -> Rows {
    Rows(elements.map(transform), length: rowLength)
  }

  /// Elements in the same slots brought together.
  package func combined(with other: Rows, _ combine: (Scalar, Scalar) -> Scalar) -> Rows {
    precondition(
      rowLength == other.rowLength && count == other.count,
      "\(count) rows of \(rowLength) do not fit \(other.count) rows of \(other.rowLength)")
    return Rows(zip(elements, other.elements).map(combine), length: rowLength)
  }

  /// The rows of these numbers, in their order.
  package func rows(_ numbers: some Sequence<Int>) -> Rows {
    var chosen: [Scalar] = []
    for number in numbers { chosen += elements[number * rowLength..<(number + 1) * rowLength] }
    return Rows(chosen, length: rowLength)
  }
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
