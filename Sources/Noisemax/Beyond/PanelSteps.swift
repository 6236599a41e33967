/// Where the first panels of a row lie: from which point on down, and how wide each may be.
struct PanelSteps {
  private let classes: ScaledClasses
  /// In units of a class's scale: the upper and the lower end of where its noise is felt, and how wide a panel may be between.
  private let highest, lowest, reach: Double
  private let narrowest, widest: Double
  /// Likewise: beyond these a class is certain to be above or below, as far as Doubles show.
  private let farBelow, farAbove: Double
  /// Above this point all classes lie below, but for what counts as nothing.
  let top: DoubleDouble

  /// - Parameters:
  ///   - classes: the classes of the row.
  ///   - share: what may be left out, relative.
  init(of classes: ScaledClasses, beyond share: Double) {
    self.classes = classes
    let law = classes.law
    let beyond = share / 8 / Double(classes.count)
    highest = law.upperEnd < .infinity ? law.upperEnd + law.location : law.highest(beyond: beyond)
    lowest = law.lowest(beyond: beyond)
    reach = 3 * law.deviation
    (farBelow, farAbove) = (law.farBelow, law.farAbove)
    // To twice the precision: below the end of a narrow class's support its density is not small.
    var top = DoubleDouble(-.infinity)
    for j in 0..<classes.count {
      let end = classes.point(highest, of: j)
      if top < end { top = end }
    }
    self.top = top
    var (narrowest, widest) = (Double.infinity, 0.0)
    for j in 0..<classes.noisy {
      narrowest = Swift.min(narrowest, classes.scales[j])
      widest = Swift.max(widest, classes.scales[j])
    }
    (self.narrowest, self.widest) = (narrowest, widest)
  }

  /// The highest point up to this one below which something is uncertain: where every class is certain to be above or below,
  /// nothing is there to integrate.
  func start(below x: DoubleDouble) -> DoubleDouble {
    var start = DoubleDouble(-.infinity)
    for j in 0..<classes.noisy {
      let (location, scale) = (classes.locations[j], classes.scales[j])
      let distance = (x.high - location) + x.low
      guard distance > scale * farBelow else { continue }
      if distance < scale * farAbove { return x }
      let end = classes.point(farAbove, of: j)
      if start < end { start = end }
    }
    return start.high > -.infinity && start < x ? start : x
  }

  /// The panel below a point: how wide it may be, how far below the next kink is, and where.
  func step(
    below x: DoubleDouble, _ kinks: inout KinkPoints
  ) -> (width: Double, distance: Double, end: DoubleDouble) {
    let next = kinks.next(below: x)
    let distance = next.map { (x - $0).value } ?? .infinity
    return (width(below: x, enough: distance), distance, next ?? x)
  }

  /// How wide a panel below a point may be; what is known to be no less than enough need not be the most.
  func width(below x: DoubleDouble, enough: Double) -> Double {
    // No class asks for less.
    if enough <= reach * narrowest { return reach * narrowest }
    var width = Double.infinity
    for j in 0..<classes.noisy {
      let scale = classes.scales[j]
      let distance = (x.high - classes.locations[j]) + x.low
      if distance > scale * lowest {
        // Ever narrower on the way to a narrow class: behind others only its tail may matter, which begins within a scale.
        width = Swift.min(width, Swift.max(reach * scale, (distance - scale * highest) / 2))
      }
    }
    // Below all that is felt: as far as the widest class.
    return width < .infinity ? width : reach * widest
  }
}

/// The kinks of all classes of a row, from the topmost down: those above a point, if nothing counts below it.
struct KinkPoints {
  private struct Point {
    let position: DoubleDouble
    /// What is no further below a point is there.
    let tolerance: Double
  }

  private var points: UnsafeMutableBufferPointer<Point>
  private var index = 0

  /// The memory for classes, in Doubles.
  static func memory(for count: Int, under law: ClassLaw) -> Int { 3 * count * Swift.max(law.kinks.count, 1) }

  init(of classes: ScaledClasses, above floor: Double = -.infinity, in memory: UnsafeMutablePointer<Double>) {
    let law = classes.law
    let count = classes.noisy * law.kinks.count + classes.count - classes.noisy
    points = UnsafeMutableBufferPointer(
      start: UnsafeMutableRawPointer(memory).bindMemory(to: Point.self, capacity: count), count: count)
    var slot = 0
    for j in 0..<classes.noisy {
      let (location, scale) = (classes.locations[j], classes.scales[j])
      for kink in law.kinks {
        let distance = scale * (kink + law.location)
        // The floor itself is as far above a kink as a quantile is above the end of a law.
        let rounding = 0x1p-50 * (location.magnitude + distance.magnitude + scale)
        if location + distance + rounding < floor { continue }
        let position = classes.point(kink + law.location, of: j)
        points[slot] = Point(position: position, tolerance: scale * 0x1p-60)
        slot += 1
      }
    }
    for j in classes.noisy..<classes.count {
      points[slot] = Point(position: DoubleDouble(classes.locations[j]), tolerance: 0)
      slot += 1
    }
    points = UnsafeMutableBufferPointer(rebasing: points[..<slot])
    points.sort {
      $0.position.high > $1.position.high
        || ($0.position.high == $1.position.high && $0.position.low > $1.position.low)
    }
  }

  /// The next kink below a point that is no higher than the last one asked for.
  mutating func next(below x: DoubleDouble) -> DoubleDouble? {
    while index < points.count {
      let point = points[index]
      if (x - point.position).value > point.tolerance { return point.position }
      index += 1
    }
    return nil
  }
}
