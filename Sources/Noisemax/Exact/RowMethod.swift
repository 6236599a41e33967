internal import NoiseKernels

/// What is asked of a row.
package enum Quantity: Sendable {
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

/// What a row is evaluated for, in one pass where the method can.
struct Request: OptionSet, Sendable {
  let rawValue: Int

  /// Instead of the row, its probabilities, or their logarithms.
  static let probabilities = Request(rawValue: 1)
  static let logarithms = Request(rawValue: 2)
  /// Instead of a cotangent v, the gradient of Σ v_i p_i in the gaps, or of Σ v_i log p_i if logarithms are asked for.
  static let pullback = Request(rawValue: 4)
  /// E[max(gap + ε)] − E[ε] for the standard law.
  static let excess = Request(rawValue: 8)

  init(rawValue: Int) { self.rawValue = rawValue }

  init(_ quantity: Quantity) { self = quantity == .probabilities ? .probabilities : .logarithms }
}

/// Two vectors as long as a row, where it is pulled back or its excess asked for.
struct RowVectors {
  /// v, and then the gradient. The cotangent of a class without a probability is taken as 0, be it masked or, of
  /// log-probabilities, at −∞.
  let cotangent: UnsafeMutableBufferPointer<Double>
  /// As long as the gaps: for a method to keep them in.
  let spare: UnsafeMutablePointer<Double>

  /// A class whose log-probability is −∞ moves nothing.
  func dropCotangents(ofLogarithms row: UnsafeMutableBufferPointer<Double>) {
    for index in cotangent.indices where row[index] == -.infinity { cotangent[index] = 0 }
  }
}

/// What comes of a row besides its numbers.
struct RowSums {
  /// Σp − 1 before any normalisation, an estimate of the absolute error.
  var defect = 0.0
  /// If asked for, to the relative accuracy of a probability, so that it has its digits where one class is almost certain.
  /// NaN where the method has no such value.
  var excess = Double.nan
}

/// One way to do the integral over the noise, for one row.
///
/// The gaps of a row are (μ_i − max μ)/scale: never NaN, never above 0, 0 for at least one class, −∞ for masked
/// classes. At least two classes are not masked. Behind a row, and behind every vector that belongs to it, there is
/// memory up to a whole number of SIMD vectors. Behind gaps it holds −∞, unless there are remainders.
protocol RowMethod: Sendable {
  /// Whether the method needs the gaps to more than Double precision: where the support of a law is bounded, a gap next to
  /// its width decides between a small probability and none. Then a row of n classes is 2n numbers, the gaps and after them
  /// their remainders, which are what the rounding of each gap took away. The result goes to the first n.
  var wantsRemainders: Bool { get }

  /// Replaces the gaps of a row by probabilities or their logarithms, if asked for or needed, and a cotangent by the
  /// gradient.
  func evaluate(
    _ row: UnsafeMutableBufferPointer<Double>, for request: Request, vectors: RowVectors,
    precision: Precision, scratch: inout Scratch
  ) -> RowSums

  /// About how long the probabilities of a row take, for the choice whether a batch is worth several threads.
  func seconds(forRowOf count: Int) -> Double
}

extension RowMethod {
  var wantsRemainders: Bool { false }
}

/// A method that evaluates a row quantity by quantity.
protocol StepwiseRowMethod: RowMethod {
  /// Replaces the gaps of a row by a quantity.
  ///
  /// - Returns: Σp − 1 before any normalisation.
  func replace(
    _ row: UnsafeMutableBufferPointer<Double>, by quantity: Quantity, precision: Precision,
    scratch: inout Scratch
  ) -> Double

  /// Replaces a cotangent v by Jᵀv, where J is the Jacobian of the probabilities in the gaps, and the gaps by the
  /// probabilities.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    precision: Precision, scratch: inout Scratch)

  /// Replaces a cotangent v by the gradient of Σ v_i log p_i in the gaps, given the log-probabilities. The cotangent of
  /// a class with the log-probability −∞ is 0; the row may be overwritten.
  func pullBackLogarithms(
    _ cotangent: UnsafeMutableBufferPointer<Double>, logProbabilities: UnsafeBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch)

  /// E[max(gap + ε)] − E[ε], or NaN; the row is left as it is.
  func excess(
    of row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> Double
}

extension StepwiseRowMethod {
  func evaluate(
    _ row: UnsafeMutableBufferPointer<Double>, for request: Request, vectors: RowVectors,
    precision: Precision, scratch: inout Scratch
  ) -> RowSums {
    var sums = RowSums()
    if request.contains(.excess) { sums.excess = excess(of: row, precision: precision, scratch: &scratch) }
    let (cotangent, wantsPullback) = (vectors.cotangent, request.contains(.pullback))
    guard request.contains(.logarithms) else {
      if wantsPullback {
        pullBack(cotangent, at: row, precision: precision, scratch: &scratch)
      } else if request.contains(.probabilities) {
        sums.defect = replace(row, by: .probabilities, precision: precision, scratch: &scratch)
      }
      return sums
    }
    let gaps = UnsafeMutableBufferPointer(start: vectors.spare, count: row.count)
    if wantsPullback { copyPadded(row, to: gaps) }
    sums.defect = replace(row, by: .logProbabilities, precision: precision, scratch: &scratch)
    if wantsPullback {
      vectors.dropCotangents(ofLogarithms: row)
      pullBackLogarithms(
        cotangent, logProbabilities: UnsafeBufferPointer(rebasing: row[..<cotangent.count]), at: gaps,
        precision: precision, scratch: &scratch)
    }
    return sums
  }
}

/// Copies the gaps of a row, and what follows them up to whole vectors.
func copyPadded(
  _ row: UnsafeMutableBufferPointer<Double>, to other: UnsafeMutableBufferPointer<Double>
) {
  guard let start = row.baseAddress else { return }
  other.baseAddress?.update(from: start, count: padded(row.count))
}

/// What a row is before any law of noise matters.
enum RowKind: Equatable {
  /// At least two classes can win. `top` is the largest logit, `open` the number of classes that are not masked.
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
