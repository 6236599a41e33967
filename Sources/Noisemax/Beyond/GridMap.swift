/// Where the points of a grid lie that grow apart upwards.
///
///     x(t) = x₀ + h·(t + κ·e^(t/κ)),  x′(t) = h·(1 + e^(t/κ)),  t whole.
///
/// Far below x₀ the points are h apart, and far above it (x − x₀)/κ: there only wide classes are felt, and tails.
///
/// With kinks the points lie above the highest of them, c, and pile up before it faster than exponentially:
///
///     x(t) = c + λ·ψ((y(t) − c)/λ),  ψ(u) = log(1 + e^(u − e^−u)),
///
/// y being what x is without. Far above c that is y itself.
struct GridMap {
  private let start: DoubleDouble
  private let step: Double
  /// κ.
  private let growth: Double
  /// The highest kink, and λ; what is integrated lies above.
  let end: DoubleDouble?
  private let bend: Double
  /// The t of a point above which all classes lie below.
  let top: Double
  /// With kinks the t of points so near the highest that a block of points there holds little of anything, and the t of points
  /// that are there but for what counts as nothing.
  let near, bottom: Double
  /// e^(−l/κ) of lane l.
  private let fall: Lanes

  /// The most points above the largest logit: panels take fewer then.
  private static var mostPoints: Double { 500 }
  /// … and in all above the highest kink.
  private static var mostPointsAboveKinks: Double { 320 }
  /// Scales up to this ratio count as one.
  private static var alike: Double { 1.5 }
  /// Where points grow apart faster, what is summed is too much bent.
  private static var leastGrowth: Double { 12 }

  /// nil where a class has no noise, where nothing is above the highest kink, or points would be too many.
  init?(of classes: ScaledClasses, top highestEnd: DoubleDouble, spacing: Double) {
    let law = classes.law
    guard law.kinks.isEmpty || law.upperEnd == .infinity, classes.noisy == classes.count, classes.count > 0
    else { return nil }
    end = Self.highestKink(of: classes)
    let narrowest = Self.narrowest(of: classes, above: end)
    let widest = (0..<classes.count).reduce(0) { Swift.max($0, classes.scales[$1]) }
    let unit = spacing * law.gridStep(for: classes.count, alike: widest <= 2 * narrowest)
    let (edge, growth) = Self.growth(of: classes, beside: narrowest, step: unit, above: end)
    // At the edge e^(t/κ) is ¼, t there −1.386·κ, and the points are 5/4·h apart.
    step = unit * narrowest / 1.25
    start = edge + DoubleDouble((1.3862943611198906 - 0.25) * step * growth)
    var (fall, power) = (Lanes(), 1.0)
    for lane in fall.indices { (fall[lane], power) = (power, power * exponential(-1 / growth)) }
    (self.growth, self.fall) = (growth, fall)
    bend = 1.2 * law.deviation * narrowest
    guard step > 0, step.isFinite else { return nil }
    top = Self.time(at: (highestEnd - start).value / step, growth: growth)
    if let end {
      // ψ(−3.8) = 1e-21.
      let distance = (end - start).value
      near = Self.time(at: (distance - 2 * bend) / step, growth: growth)
      bottom = Self.time(at: (distance - 3.8 * bend) / step, growth: growth)
      guard top - bottom <= Self.mostPointsAboveKinks else { return nil }
    } else {
      (near, bottom) = (-.infinity, -.infinity)
      let largest = (0..<classes.count).reduce(-.infinity) { Swift.max($0, classes.locations[$1]) }
      let middle = Self.time(at: (DoubleDouble(largest) - start).value / step, growth: growth)
      guard top - middle <= Self.mostPoints else { return nil }
    }
  }

  /// The highest kink of a class.
  private static func highestKink(of classes: ScaledClasses) -> DoubleDouble? {
    guard let kink = classes.law.kinks.last.map({ $0 + classes.law.location }) else { return nil }
    var highest = DoubleDouble(-.infinity)
    for j in 0..<classes.count {
      let (location, distance) = (classes.locations[j], classes.scales[j] * kink)
      // Most are lower by more than any rounding.
      if location + distance + 0x1p-50 * (location.magnitude + distance.magnitude) < highest.high { continue }
      let point = classes.point(kink, of: j)
      if highest < point { highest = point }
    }
    return highest
  }

  /// The least scale of a class that may be felt.
  private static func narrowest(of classes: ScaledClasses, above end: DoubleDouble?) -> Double {
    let floor = Swift.max(end?.value ?? -.infinity, classes.lowest)
    var narrowest = Double.infinity
    for j in 0..<classes.count
    where classes.locations[j] + classes.scales[j] * classes.law.farAbove >= floor {
      narrowest = Swift.min(narrowest, classes.scales[j])
    }
    return narrowest
  }

  /// Up to where classes about as narrow as the narrowest one are sharp, and the κ with which the points above suit the wider ones.
  private static func growth(
    of classes: ScaledClasses, beside narrowest: Double, step: Double, above end: DoubleDouble?
  ) -> (edge: DoubleDouble, growth: Double) {
    let law = classes.law
    let narrow = alike * narrowest
    var edge = end ?? DoubleDouble(-.infinity)
    for j in 0..<classes.count where classes.scales[j] <= narrow && classes.scales[j] >= narrowest {
      let end = classes.point(law.nearAbove, of: j)
      if edge < end { edge = end }
    }
    // Where a wider class ends, (x − x₀)/κ is no more than its own step. In tails no point is missed even where all are narrow.
    var growth = leastGrowth
    for j in 0..<classes.count where classes.scales[j] > narrow {
      let distance =
        ((classes.locations[j] - edge.high) - edge.low) + classes.scales[j] * law.nearAbove
      growth = Swift.max(growth, distance / (step * classes.scales[j]))
    }
    return (edge, growth)
  }

  /// The t with t + κ·e^(t/κ) = distance, by Newton's method from above.
  private static func time(at distance: Double, growth: Double) -> Double {
    let target = distance / growth
    var u = target > 1 ? logarithm(target) : target
    for _ in 0..<64 {
      let power = exponential(u)
      let next = u - (u + power - target) / (1 + power)
      if !(next < u) { break }
      u = next
    }
    return u * growth
  }

  /// Sixteen points from t down, so far apart, and x′ there times that.
  func points(below t: Double, apart spacing: Double) -> (nodes: PanelNodes, weights: Lanes) {
    var lanes = Lanes()
    for lane in lanes.indices { lanes[lane] = t - spacing * Double(lane) }
    var power = exponential(t / growth) * fall
    if spacing != 1 {
      for lane in power.indices { power[lane] = exponential(lanes[lane] / growth) }
    }
    lanes += growth * power
    let weights = (spacing * step) * (1 + power)
    guard let end else { return (PanelNodes(Lanes() - step * lanes, below: start), weights) }
    var u = (step * lanes + (start - end).value) / bend
    var (distances, slopes) = (Lanes(), Lanes())
    withUnsafeMutablePointer(to: &u) { u in
      withUnsafeMutablePointer(to: &distances) { distances in
        withUnsafeMutablePointer(to: &slopes) {
          kernels.bend(doubles(u), to: doubles(distances), slopes: doubles($0))
        }
      }
    }
    return (PanelNodes(Lanes() - bend * distances, below: end), weights * slopes)
  }
}
