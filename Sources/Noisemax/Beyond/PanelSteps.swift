/// Where the first panels of a row lie: from which point on down, and how wide each may be.
struct PanelSteps {
  private let classes: ScaledClasses
  /// In units of a class's scale: the upper and the lower end of where its noise is felt, and how wide a panel may be between.
  private let highest, lowest, reach: Double
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
    // To twice the precision: below the end of a narrow class's support its density is not small.
    var top = DoubleDouble(-.infinity)
    for j in 0..<classes.count {
      let end =
        DoubleDouble(productOf: classes.scales[j], and: highest) + DoubleDouble(classes.locations[j])
      if top < end { top = end }
    }
    self.top = top
  }

  /// How wide the panel below a point may be, and how far below it the next kink is, and where.
  func step(below x: DoubleDouble) -> (width: Double, distance: Double, end: DoubleDouble) {
    var (width, toKink, end) = (Double.infinity, Double.infinity, x)
    var widest = 0.0
    let law = classes.law
    for j in 0..<classes.noisy {
      let (location, scale) = (classes.locations[j], classes.scales[j])
      widest = Swift.max(widest, scale)
      let distance = (x - DoubleDouble(location)).value
      if distance > scale * lowest {
        // Ever narrower on the way to a narrow class: behind others only its tail may matter, which begins within a scale.
        width = Swift.min(width, Swift.max(reach * scale, (distance - scale * highest) / 2))
      }
      for kink in law.kinks {
        let point = DoubleDouble(productOf: scale, and: kink + law.location) + DoubleDouble(location)
        let below = (x - point).value
        if below > scale * 0x1p-60, below < toKink { (toKink, end) = (below, point) }
      }
    }
    for j in classes.noisy..<classes.count {
      let point = DoubleDouble(classes.locations[j])
      let below = (x - point).value
      if below > 0, below < toKink { (toKink, end) = (below, point) }
    }
    // Below all that is felt: as far as the widest class.
    return (width < .infinity ? width : reach * widest, toKink, end)
  }
}
