/// What is asked of a row.
enum Quantity: Sendable {
  case probabilities, logProbabilities
}

/// How many digits the caller's scalar type can hold: a method may do less work for a Float row.
enum Precision: Sendable {
  case single, double

  init<Scalar: LogitScalar>(of type: Scalar.Type) {
    self = Scalar.significandBitCount <= 23 ? .single : .double
  }
}

/// A value for each precision.
struct PerPrecision<Value> {
  private let single: Value
  private let double: Value

  init(_ value: (Precision) -> Value) { (single, double) = (value(.single), value(.double)) }

  subscript(_ precision: Precision) -> Value { precision == .double ? double : single }
}

extension PerPrecision: Sendable where Value: Sendable {}

/// One way to do the integral over the noise, for one row.
///
/// The gaps of a row are (μ_i − max μ)/scale: never NaN, never above 0, 0 for at least one class, −∞ for masked
/// classes; at least two classes are not masked. Behind a row, and behind every vector that belongs to it, there is
/// memory up to a whole number of SIMD vectors, and −∞ in it behind gaps without remainders.
protocol RowMethod: Sendable {
  /// Whether the method needs the gaps to more than Double precision, as it does where a gap next to the width of
  /// the law decides between a small probability and none. Then a row of n is given as 2n numbers, n gaps and after
  /// them what the roundings of each took away, and the result goes to the first n.
  var wantsRemainders: Bool { get }

  /// Replaces the gaps of a row by the quantity asked for.
  ///
  /// - Returns: Σp − 1 before any normalisation, an estimate of the absolute error.
  @discardableResult
  func replace(
    _ row: UnsafeMutableBufferPointer<Double>, by quantity: Quantity, precision: Precision,
    scratch: inout Scratch
  ) -> Double

  /// Replaces a cotangent v by Jᵀv, where J is the Jacobian of the probabilities in the gaps, and the gaps by the
  /// probabilities. The cotangent of a masked class is taken as 0, and so is its entry of the result.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    precision: Precision, scratch: inout Scratch)

  /// Replaces a cotangent v by the gradient of Σ v_i log p_i in the gaps, given the log-probabilities. The cotangent of
  /// a class with the log-probability −∞ is 0; the row may be overwritten.
  func pullBackLogarithms(
    _ cotangent: UnsafeMutableBufferPointer<Double>, logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch)

  /// E[max(gap + ε)] for the standard law, or nil where the method has no such value.
  func expectedMaximum(of gaps: UnsafeBufferPointer<Double>, scratch: inout Scratch) -> Double?

  /// E[max(gap + ε)] − E[ε] for the standard law, to the relative accuracy of a probability, so that it has its digits
  /// where one class is almost certain; or nil where the method has no such value. The row may be overwritten.
  func excess(
    of row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> Double?

  /// About how long the probabilities of a row take, for the choice whether a batch is worth several threads.
  func seconds(forRowOf count: Int) -> Double
}

extension RowMethod {
  var wantsRemainders: Bool { false }
}

/// What a row is before any law of noise matters.
enum RowKind: Equatable {
  /// At least two classes can win; `top` is the largest logit, and so many classes are not masked.
  case regular(top: Double, open: Int)
  /// Exactly one class can win: the only one that is open, or the only one at +∞.
  case certain(index: Int)
  /// No class is open (or there is none).
  case masked
  /// A NaN, or several classes at +∞.
  case undefined

  init<Scalar: LogitScalar>(of row: UnsafeBufferPointer<Scalar>) {
    let top = top(of: row)
    switch top.largest {
    case _ where top.largest.isNaN: self = .undefined
    case -.infinity: self = .masked
    case .infinity:
      let leaders = row.indices.filter { row[$0] == .infinity }
      self = leaders.count == 1 ? .certain(index: leaders[0]) : .undefined
    case _ where top.open == 1: self = .certain(index: row.firstIndex { $0 > -.infinity } ?? 0)
    default: self = .regular(top: top.largest, open: top.open)
    }
  }
}

/// (logit − top)/scale, also where the difference itself would overflow.
@inline(__always)
func gap(of logit: Double, below top: Double, scale: Double) -> Double {
  let difference = logit - top
  if difference == -.infinity && logit.isFinite { return (logit / 2 - top / 2) / (scale / 2) }
  return difference / scale
}

/// What the rounding of a gap took away: (logit − top)/scale − gap, itself rounded.
@inline(__always)
func remainder(of gap: Double, from logit: Double, below top: Double, scale: Double) -> Double {
  let difference = DoubleDouble(sumOf: logit, and: -top)
  let rest = difference.high.addingProduct(-gap, scale) + difference.low
  guard rest.isFinite else { return 0 }
  // Its sign decides whether a class can win: it must not underflow.
  return rest == 0 || (rest / scale) != 0 ? rest / scale : rest > 0 ? 0x1p-1074 : -0x1p-1074
}
