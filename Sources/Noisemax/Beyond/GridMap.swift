/// Where the points of a grid lie that grow apart upwards.
///
///     x(t) = x₀ + h·(t + κ·e^(t/κ)),  x′(t) = h·(1 + e^(t/κ)),  t whole.
///
/// Far below x₀ the points are h apart, and far above it (x − x₀)/κ: there only wide classes are felt. Classes of about one
/// scale have points that are h apart everywhere.
struct GridMap {
  private let start: DoubleDouble
  private let step: Double
  /// κ; infinite where points do not grow apart.
  private let growth: Double
  /// The t of a point above which all classes lie below.
  let top: Double
  /// e^(−l/κ) of lane l.
  private let fall: Lanes

  /// The most points above the largest logit: panels take fewer then.
  private static var mostPoints: Double { 500 }
  /// Scales up to this ratio count as one.
  private static var alike: Double { 1.5 }
  /// Where points grow apart faster, what is summed is too much bent.
  private static var leastGrowth: Double { 12 }

  /// nil where the law is not smooth, a class has no noise, or points would be too many.
  init?(of classes: ScaledClasses, top highestEnd: DoubleDouble) {
    let law = classes.law
    guard law.kinks.isEmpty && classes.noisy == classes.count && classes.count > 0 else { return nil }
    let narrowest = Self.narrowest(of: classes)
    let (edge, growth) = Self.growth(of: classes, beside: narrowest)
    let fine = law.gridStep(for: classes.count) * narrowest
    var fall = Lanes()
    if growth < .infinity {
      // At the edge e^(t/κ) is ¼, t there −1.386·κ, and the points are 5/4·h apart.
      step = fine / 1.25
      start = edge + DoubleDouble((1.3862943611198906 - 0.25) * step * growth)
      var power = 1.0
      for lane in fall.indices { (fall[lane], power) = (power, power * exponential(-1 / growth)) }
    } else {
      (step, start) = (fine, edge)
    }
    (self.growth, self.fall) = (growth, fall)
    guard step > 0, step.isFinite else { return nil }
    let largest = (0..<classes.count).reduce(-.infinity) { Swift.max($0, classes.locations[$1]) }
    top = Self.time(at: (highestEnd - start).value / step, growth: growth)
    let middle = Self.time(at: (DoubleDouble(largest) - start).value / step, growth: growth)
    guard top - middle <= Self.mostPoints else { return nil }
  }

  /// The least scale of a class that may be felt.
  private static func narrowest(of classes: ScaledClasses) -> Double {
    let law = classes.law
    // The largest perturbed logit is above this point, however small a probability counts.
    var floor = -Double.infinity
    if classes.wanted == 1 {
      for j in 0..<classes.count {
        floor = Swift.max(floor, classes.locations[j] + classes.scales[j] * law.farBelow)
      }
    }
    var narrowest = Double.infinity
    for j in 0..<classes.count where classes.locations[j] + classes.scales[j] * law.farAbove >= floor {
      narrowest = Swift.min(narrowest, classes.scales[j])
    }
    return narrowest
  }

  /// Up to where classes about as narrow as the narrowest one are sharp, and the κ with which the points above suit the wider ones.
  private static func growth(
    of classes: ScaledClasses, beside narrowest: Double
  ) -> (edge: DoubleDouble, growth: Double) {
    let law = classes.law
    func end(_ j: Int) -> DoubleDouble {
      DoubleDouble(productOf: classes.scales[j], and: law.nearAbove) + DoubleDouble(classes.locations[j])
    }
    let narrow = alike * narrowest
    let step = law.gridStep(for: classes.count)
    var edge = DoubleDouble(-.infinity)
    for j in 0..<classes.count where classes.scales[j] <= narrow && classes.scales[j] >= narrowest {
      let end = end(j)
      if edge < end { edge = end }
    }
    // Where a wider class ends, (x − x₀)/κ is no more than its own step.
    var growth: Double?
    for j in 0..<classes.count where classes.scales[j] > narrow {
      let distance = (end(j) - edge).value
      guard distance > 0 else { continue }
      growth = Swift.max(growth ?? leastGrowth, distance / (step * classes.scales[j]))
    }
    return (edge, growth ?? .infinity)
  }

  /// The t with t + κ·e^(t/κ) = distance, by Newton's method from above.
  private static func time(at distance: Double, growth: Double) -> Double {
    guard growth < .infinity else { return distance }
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
    var power = Lanes()
    if growth < .infinity {
      if spacing == 1 {
        power = exponential(t / growth) * fall
      } else {
        for lane in power.indices { power[lane] = exponential(lanes[lane] / growth) }
      }
      lanes += growth * power
    }
    return (PanelNodes(Lanes() - step * lanes, below: start), (spacing * step) * (1 + power))
  }
}
