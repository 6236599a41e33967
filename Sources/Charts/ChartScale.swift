#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where the values of an axis lie, and its ticks.
package struct ChartScale: Sendable {
  private let isLogarithmic: Bool
  /// The ends of the axis; their logarithms to base 10 if it is logarithmic.
  private let lower: Double
  private let upper: Double
  package let ticks: [ChartTick]

  /// - Parameters:
  ///   - axis: its range and ticks, as far as it states them.
  ///   - values: what the axis is to show if it states no range. Values that are not finite do not count, nor do
  ///     those beyond 1e300, nor on a logarithmic axis those not above 0.
  ///   - tickCount: about how many ticks there is room for.
  package init(_ axis: ChartAxis, values: some Sequence<Double>, tickCount: Int) {
    isLogarithmic = axis.isLogarithmic
    let log = axis.isLogarithmic
    func inside(_ value: Double) -> Double? {
      guard value.magnitude <= 1e300, !log || value > 0 else { return nil }
      return log ? log10(value) : value
    }
    let ends = axis.range.map { [$0.lowerBound, $0.upperBound] }
    let shown = (ends ?? Array(values)).compactMap(inside)
    var (lower, upper) = (shown.min() ?? 0, shown.max() ?? 1)
    // So wide that the ticks differ.
    let least = Double.maximum(1e-300, Double.maximum(lower.magnitude, upper.magnitude) * 1e-9)
    if upper - lower < least {
      let more = log ? 0.5 : lower == 0 && upper == 0 ? 1 : Double.maximum(least, lower.magnitude / 2)
      (lower, upper) = (lower - more, upper + more)
    }
    let places = log ? Self.decades(lower, upper, tickCount) : Self.steps(lower, upper, tickCount)
    if ends == nil, axis.ticks == nil {
      lower = Double.minimum(lower, places.first ?? lower)
      upper = Double.maximum(upper, places.last ?? upper)
    }
    self.lower = lower
    self.upper = upper
    let slack = (upper - lower) * 1e-9
    func isShown(_ place: Double) -> Bool { place >= lower - slack && place <= upper + slack }
    if let given = axis.ticks {
      ticks = given.filter { inside($0.value).map(isShown) ?? false }
    } else if log {
      let shown = places.filter(isShown)
      let isPlain = shown.allSatisfy { $0 > -3.5 && $0 < 4.5 }
      ticks = shown.map { ChartTick(pow(10, $0), tickLabel(powerOfTen: $0, isPlain: isPlain)) }
    } else {
      let step = places.count > 1 ? places[1] - places[0] : 1
      ticks = places.filter(isShown).map { ChartTick($0, tickLabel($0, step: step)) }
    }
  }

  /// Where a value lies, from 0 at the lower end of the axis to 1 at the upper; nil if the axis cannot show it.
  package func position(of value: Double) -> Double? {
    guard value.magnitude <= 1e300, !isLogarithmic || value > 0 else { return nil }
    return ((isLogarithmic ? log10(value) : value) - lower) / (upper - lower)
  }

  /// Where bars begin: at zero, or at the end of the axis that is nearest to it.
  package var basePosition: Double {
    isLogarithmic ? 0 : Double.minimum(1, Double.maximum(0, -lower / (upper - lower)))
  }

  /// Multiples of 1, 2 or 5 times a power of ten that hold an interval.
  private static func steps(_ lower: Double, _ upper: Double, _ count: Int) -> [Double] {
    let rough = (upper - lower) / Double(Swift.max(1, count))
    let power = pow(10, log10(rough).rounded(.down))
    let step = power * ([1, 2, 5].first { $0 * power >= rough * 0.999 } ?? 10)
    let (first, last) = ((lower / step + 1e-9).rounded(.down), (upper / step - 1e-9).rounded(.up))
    return (0...Int(Double.minimum(100, last - first))).map { (first + Double($0)) * step }
  }

  /// Powers of ten that hold an interval of logarithms; with 2 and 5 times them if there are few.
  private static func decades(_ lower: Double, _ upper: Double, _ count: Int) -> [Double] {
    let (first, last) = ((lower + 1e-9).rounded(.down), (upper - 1e-9).rounded(.up))
    if last - first <= 2 {
      let all = (Int(first)...Int(last)).flatMap { decade in
        [1, 2, 5].map { Double(decade) + log10($0) }
      }
      let from = all.lastIndex { $0 <= lower + 1e-9 } ?? 0
      let to = all.firstIndex { $0 >= upper - 1e-9 } ?? all.count - 1
      return Array(all[from...Swift.max(from, to)])
    }
    let rough = (last - first) / Double(Swift.max(1, count))
    let step = [1.0, 2, 5, 10, 20, 50, 100, 200].first { $0 >= rough } ?? 500
    let start = (first / step).rounded(.down)
    return Array(stride(from: start * step, through: (last / step).rounded(.up) * step, by: step))
  }
}
