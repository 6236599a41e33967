/// Rows of logits, one after the other in one array: what every quantity takes where there are many rows.
///
/// ```swift
/// let rows = Rows(batch, length: 10)
/// let p = argmax.probabilities(for: rows)      // Rows again: p[3] is the fourth row, p.elements is the array
/// ```
///
/// The array is not copied. Rows of length 0 have no elements, and there are none of them. As a collection they are a
/// sequence of arrays: `for row in rows` copies each row.
public struct Rows<Scalar: LogitScalar>: Sendable, Hashable {
  @usableFromInline let storage: [Scalar]
  /// How many elements a row has.
  public let rowLength: Int
  /// How many rows there are.
  public let count: Int

  // Computed, since no other module can state the derivative of a stored property.
  /// The elements of all rows, row after row.
  @inlinable public var elements: [Scalar] { storage }

  /// The rows of a row-major array.
  ///
  /// - Precondition: the number of elements is a multiple of the length.
  public init(_ elements: [Scalar], length: Int) {
    self.init(elements, RowShape(count: elements.count, rowLength: length))
  }

  init(_ elements: [Scalar], _ shape: RowShape) {
    require(
      elements.count == shape.count,
      "\(elements.count) elements are not \(shape.rowCount) rows of \(shape.rowLength)")
    (storage, rowLength, count) = (elements, shape.rowLength, shape.rowCount)
  }

  /// One row, as an array of its own.
  @inlinable public subscript(row: Int) -> [Scalar] {
    Array(elements[row * rowLength..<(row + 1) * rowLength])
  }

  /// One element of one row.
  @inlinable public subscript(row: Int, index: Int) -> Scalar { elements[row * rowLength + index] }

  /// Other elements in the same rows.
  package func replacingElements(by elements: [Scalar]) -> Rows { Rows(elements, shape) }

  /// Whether every row has a distribution: no NaN, not several +∞.
  package var haveProbabilities: Bool {
    elements.withUnsafeBufferPointer { elements in
      (0..<count).allSatisfy {
        RowKind(of: UnsafeBufferPointer(rebasing: elements[shape.slots(of: $0)])) != .undefined
      }
    }
  }

  package var shape: RowShape { RowShape(rowCount: count, rowLength: rowLength) }
}

extension Rows: RandomAccessCollection {
  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { count }
}

extension Rows: CustomStringConvertible {
  /// The rows as arrays.
  public var description: String { "\(Array(self))" }
}

/// What a quantity can be asked for: one row, which is an array, or many, which are ``Rows``.
///
/// What has a number for every class comes in the shape that was given. What has one number a row comes as a number for one
/// row, and as an array for many. There is no reason to conform types of your own.
public protocol Logits<Scalar>: Sendable {
  /// The type of a logit.
  associatedtype Scalar: LogitScalar
  /// A number for one row, an array of them for many.
  associatedtype PerRow
  /// The index of a class, if there is one, for one row; an array of them for many.
  associatedtype IndexPerRow

  /// The same logits as rows: an array is one row.
  var asRows: Rows<Scalar> { get }
  /// Rows of the same shape in the form of these.
  static func form(of rows: Rows<Scalar>) -> Self
  /// A number for each row.
  static func form(of numbers: [Scalar]) -> PerRow
  /// An index for each row.
  static func form(of indices: [Int?]) -> IndexPerRow
}

extension Rows: Logits {
  public var asRows: Rows { self }
  public static func form(of rows: Rows) -> Rows { rows }
  public static func form(of numbers: [Scalar]) -> [Scalar] { numbers }
  public static func form(of indices: [Int?]) -> [Int?] { indices }
}

extension Array: Logits where Element: LogitScalar {
  public var asRows: Rows<Element> { Rows(self, RowShape(rowCount: 1, rowLength: count)) }
  public static func form(of rows: Rows<Element>) -> [Element] { rows.elements }
  public static func form(of numbers: [Element]) -> Element { numbers[0] }
  public static func form(of indices: [Int?]) -> Int? { indices[0] }
}

/// How many rows of what length.
package struct RowShape: Hashable, Sendable {
  package let rowCount, rowLength: Int

  package init(rowCount: Int, rowLength: Int) { (self.rowCount, self.rowLength) = (rowCount, rowLength) }

  /// As many rows as so many elements make, or one row where no length is given.
  package init(count: Int, rowLength: Int?) {
    let length = rowLength ?? count
    require(
      length >= 0 && (length == 0 ? count == 0 : count.isMultiple(of: length)),
      "\(count) logits are not a whole number of rows of \(length)")
    self.init(rowCount: rowLength == nil ? 1 : length == 0 ? 0 : count / length, rowLength: length)
  }

  var count: Int { rowCount * rowLength }

  /// The slots of a row.
  @inline(__always)
  package func slots(of row: Int) -> Range<Int> { row * rowLength..<(row + 1) * rowLength }

  /// Stops where something else has not the same shape.
  func check(_ other: RowShape, _ name: String) {
    require(
      other == self,
      "\(rowCount) rows of \(rowLength) logits do not fit \(name) of \(other.rowCount) rows of \(other.rowLength)"
    )
  }

  /// Stops where a vector has not an element for every logit.
  func check(count other: Int, _ name: String) {
    require(other == count, "\(count) logits do not fit \(name) of \(other) elements")
  }

  /// Stops where there is not one number for every row.
  func check(rowCount other: Int, _ name: String) {
    require(other == rowCount, "\(rowCount) rows do not fit \(other) \(name)")
  }
}
