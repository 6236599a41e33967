#if canImport(_Differentiation)
  public import Noisemax
  public import _Differentiation

  /// Logits that the compiler differentiates through: an array, or `Rows`, of Floats or Doubles.
  ///
  /// There is no reason to conform types of your own.
  public protocol DifferentiableLogits<Scalar>: Logits, Differentiable
  where Scalar: Differentiable, PerRow: Differentiable {
    /// Numbers as a tangent.
    static func tangent(of numbers: Self) -> TangentVector
    /// A tangent as numbers in the shape of some logits: a tangent without numbers is 0.
    static func numbers(of tangent: TangentVector, like logits: Self) -> Self
    /// Gradients of a number a row, each times that row's cotangent.
    static func scale(_ gradients: Self, by cotangent: PerRow.TangentVector) -> Self
  }

  extension Array: DifferentiableLogits
  where Element: LogitScalar & Differentiable, Element.TangentVector == Element {
    public static func tangent(of numbers: [Element]) -> TangentVector { TangentVector(numbers) }

    public static func numbers(of tangent: TangentVector, like logits: [Element]) -> [Element] {
      tangent.base.isEmpty ? logits.map { _ in 0 } : tangent.base
    }

    public static func scale(_ gradients: [Element], by cotangent: Element) -> [Element] {
      gradients.map { $0 * cotangent }
    }
  }

  extension Rows: Differentiable where Scalar: Differentiable, Scalar.TangentVector == Scalar {
    public typealias TangentVector = [Scalar].DifferentiableView

    public mutating func move(by offset: TangentVector) {
      guard !offset.base.isEmpty else { return }
      self = replacingElements(by: zip(elements, offset.base).map { $0 + $1 })
    }

    @derivative(of: init(_:length:), wrt: elements)
    @usableFromInline
    static func vjpInit(
      _ elements: [Scalar], length: Int
    ) -> (value: Rows, pullback: (TangentVector) -> TangentVector) {
      (Rows(elements, length: length), { $0 })
    }

    @derivative(of: elements.get)
    @usableFromInline
    func vjpElements() -> (value: [Scalar], pullback: (TangentVector) -> TangentVector) { (elements, { $0 }) }
  }

  extension Rows: DifferentiableLogits where Scalar: Differentiable, Scalar.TangentVector == Scalar {
    public static func tangent(of numbers: Rows) -> TangentVector { TangentVector(numbers.elements) }

    public static func numbers(of tangent: TangentVector, like logits: Rows) -> Rows {
      logits.replacingElements(by: [Scalar].numbers(of: tangent, like: logits.elements))
    }

    public static func scale(_ gradients: Rows, by cotangent: TangentVector) -> Rows {
      guard !cotangent.base.isEmpty else {
        return gradients.replacingElements(by: gradients.elements.map { _ in 0 })
      }
      return gradients.replacingElements(
        by: gradients.elements.indices.map {
          gradients.elements[$0] * cotangent.base[$0 / gradients.rowLength]
        })
    }
  }
#endif
