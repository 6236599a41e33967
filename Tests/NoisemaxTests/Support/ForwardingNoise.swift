import Foundation
import Noisemax
import NoisemaxLaws
import Testing

/// A law with the values of another one that says less about itself, so that it is computed in another way.
protocol ForwardingNoise: AccurateNoise {
  var original: any AccurateNoise { get }
}

extension ForwardingNoise {
  func cumulative(at x: Double) -> Double { original.cumulative(at: x) }
  func density(at x: Double) -> Double { original.density(at: x) }
  func quantile(at p: Double) -> Double { original.quantile(at: p) }
  func survival(at x: Double) -> Double { original.survival(at: x) }
  func upperQuantile(at q: Double) -> Double { original.upperQuantile(at: q) }
  func logCumulative(at x: Double) -> Double { original.logCumulative(at: x) }
  func logSurvival(at x: Double) -> Double { original.logSurvival(at: x) }
  var mean: Double { original.mean }
  var variance: Double { original.variance }
}

/// A law that counts how often it is asked.
protocol CountingNoise: AccurateNoise {
  var original: any AccurateNoise { get }
  var count: Count { get }
}

final class Count: @unchecked Sendable {
  private let lock = NSLock()
  private var number = 0

  var value: Int {
    get { lock.withLock { number } }
    set { lock.withLock { number = newValue } }
  }

  func increment() { lock.withLock { number += 1 } }
}

extension CountingNoise {
  func counted(_ value: Double) -> Double {
    count.increment()
    return value
  }

  var mean: Double { original.mean }
  var variance: Double { original.variance }
  func cumulative(at x: Double) -> Double { counted(original.cumulative(at: x)) }
  func density(at x: Double) -> Double { counted(original.density(at: x)) }
  func quantile(at p: Double) -> Double { counted(original.quantile(at: p)) }
  func survival(at x: Double) -> Double { counted(original.survival(at: x)) }
  func upperQuantile(at q: Double) -> Double { counted(original.upperQuantile(at: q)) }
  func logCumulative(at x: Double) -> Double { counted(original.logCumulative(at: x)) }
  func logSurvival(at x: Double) -> Double { counted(original.logSurvival(at: x)) }
}

struct Counting: PiecewiseNoise, CountingNoise {
  let base: any PiecewiseNoise
  let count = Count()

  var original: any AccurateNoise { base }
  var kinks: [Double] { base.kinks }
  func logDensity(at x: Double) -> Double { counted(base.logDensity(at: x)) }
}

struct CountingSmooth<Base: SmoothNoise>: SmoothNoise, CountingNoise {
  let base: Base
  let count = Count()

  var original: any AccurateNoise { base }
  func logReversedHazard(at x: Double) -> Double { counted(base.logReversedHazard(at: x)) }
}

/// A law without the form that its products are taken by.
struct OnTheGrid: PiecewiseNoise, ForwardingNoise {
  let base: any PiecewiseNoise

  var original: any AccurateNoise { base }
  var kinks: [Double] { base.kinks }
  func logDensity(at x: Double) -> Double { base.logDensity(at: x) }
}

extension NoisyArgmax {
  /// Under a shipped law with kinks, by the law's own method or on the panels that a law of your own gets.
  init(kinked name: String, onTheGrid: Bool, scale: Double = 1) throws {
    let law = try #require(ShippedLaw.standard(named: name) as? any PiecewiseNoise)
    if onTheGrid { self.init(OnTheGrid(base: law), scale: scale) } else { self.init(law, scale: scale) }
  }
}
