// Fresh arrays that a body writes, and the memory of what it reads.

extension NoisyArgmax {
  /// Numbers.
  @inline(__always)
  func freshNumbers<Scalar: LogitScalar>(
    _ count: Int, _ body: (UnsafeMutableBufferPointer<Scalar>) -> Void
  ) -> [Scalar] {
    [Scalar](unsafeUninitializedCapacity: count) { numbers, initialized in
      body(UnsafeMutableBufferPointer(rebasing: numbers[..<count]))
      initialized = count
    }
  }

  /// Rows like some others, of which the body gets the memory.
  @inline(__always)
  func freshArray<Scalar: LogitScalar>(
    like rows: Rows<Scalar>,
    _ body: (_ rows: UnsafeBufferPointer<Scalar>, _ result: UnsafeMutableBufferPointer<Scalar>) -> Void
  ) -> Rows<Scalar> {
    let elements = freshNumbers(rows.elements.count) { result in
      rows.elements.withUnsafeBufferPointer { body($0, result) }
    }
    return Rows(elements, rows.shape)
  }

  /// Rows like some others, and a number for every row.
  @inline(__always)
  func freshArrayWithNumbers<Scalar: LogitScalar, Number: LogitScalar>(
    like rows: Rows<Scalar>,
    _ body: (
      _ rows: UnsafeBufferPointer<Scalar>, _ numbers: UnsafeMutableBufferPointer<Number>,
      _ result: UnsafeMutableBufferPointer<Scalar>
    ) -> Void
  ) -> ([Number], Rows<Scalar>) {
    let count = rows.count
    var numbers: [Number] = []
    let array = freshArray(like: rows) { rows, result in
      numbers = freshNumbers(count) { body(rows, $0, result) }
    }
    return (numbers, array)
  }

  /// Rows like some others twice, such as the gradients in the logits and in the scales.
  @inline(__always)
  func freshArrays<Scalar: LogitScalar>(
    like rows: Rows<Scalar>,
    _ body: (
      _ rows: UnsafeBufferPointer<Scalar>, _ first: UnsafeMutableBufferPointer<Scalar>,
      _ second: UnsafeMutableBufferPointer<Scalar>
    ) -> Void
  ) -> (Rows<Scalar>, Rows<Scalar>) {
    var second = rows
    let first = freshArray(like: rows) { logits, first in
      second = freshArray(like: rows) { body(logits, first, $1) }
    }
    return (first, second)
  }

  /// The memory of rows, if there are any.
  @inline(__always)
  func withOptionalBuffer<Scalar: LogitScalar, Result>(
    _ rows: Rows<Scalar>?, _ body: (UnsafeBufferPointer<Scalar>?) -> Result
  ) -> Result {
    guard let rows else { return body(nil) }
    return rows.elements.withUnsafeBufferPointer { body($0) }
  }
}

/// The memory of a span that is read and of one that is written.
@inline(__always)
func withBuffers<Scalar, Result>(
  _ span: Span<Scalar>, _ result: inout MutableSpan<Scalar>,
  _ body: (UnsafeBufferPointer<Scalar>, UnsafeMutableBufferPointer<Scalar>) -> Result
) -> Result {
  span.withUnsafeBufferPointer { span in result.withUnsafeMutableBufferPointer { body(span, $0) } }
}

/// The memory of two spans that are read and of one that is written.
@inline(__always)
func withBuffers<Scalar, Result>(
  _ first: Span<Scalar>, _ second: Span<Scalar>, _ result: inout MutableSpan<Scalar>,
  _ body: (UnsafeBufferPointer<Scalar>, UnsafeBufferPointer<Scalar>, UnsafeMutableBufferPointer<Scalar>) ->
    Result
) -> Result {
  first.withUnsafeBufferPointer { first in
    withBuffers(second, &result) { body(first, $0, $1) }
  }
}

/// The memory of three spans that are read and of two that are written.
@inline(__always)
func withBuffers<Scalar>(
  _ first: Span<Scalar>, _ second: Span<Scalar>, _ third: Span<Scalar>,
  _ result: inout MutableSpan<Scalar>, _ other: inout MutableSpan<Scalar>,
  _ body: (
    UnsafeBufferPointer<Scalar>, UnsafeBufferPointer<Scalar>, UnsafeBufferPointer<Scalar>,
    UnsafeMutableBufferPointer<Scalar>, UnsafeMutableBufferPointer<Scalar>
  ) -> Void
) {
  withBuffers(first, second, &result) { first, second, result in
    third.withUnsafeBufferPointer { third in
      other.withUnsafeMutableBufferPointer { body(first, second, third, result, $0) }
    }
  }
}
