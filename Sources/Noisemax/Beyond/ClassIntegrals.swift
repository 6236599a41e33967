/// Integrals over the line for the classes of a row: on a ``ClassGrid`` where that serves, else by ``ClassPanels``.
///
/// Panels serve every law and every row. A grid takes a third of the points or fewer, but every class has to have noise, and no
/// kink to be there. So under laws with kinks and without an upper end a grid lies above all kinks, and panels below, if
/// anything is left there.
struct ClassIntegrals {
  private let grid: ClassGrid
  private let panels: ClassPanels

  /// The memory for integrals of so many values over so many classes, in Doubles.
  static func memory(forValues count: Int, of classes: Int, under law: ClassLaw) -> Int {
    ClassGrid.memory(forValues: count)
      + ClassPanels.memory(forValues: count, of: classes, under: law)
      + ClassSelection.memory(of: classes)
  }

  init(of classes: ScaledClasses, values count: Int, precision: Precision, memory: inout Pieces) {
    self.init(of: classes, values: count, limits: IntegrationLimits(precision), memory: &memory)
  }

  init(of classes: ScaledClasses, values count: Int, limits: IntegrationLimits, memory: inout Pieces) {
    let steps = PanelSteps(of: classes, beyond: limits.cut)
    let selection = ClassSelection(of: classes, memory: &memory)
    grid = ClassGrid(
      of: classes, top: steps.top, values: count, limits: limits, selection: selection, memory: &memory)
    panels = ClassPanels(
      of: classes, along: steps, values: count, limits: limits, selection: selection, memory: &memory)
  }

  /// ∫ of every value.
  var sums: UnsafeMutablePointer<Double> { panels.sums }

  /// Replaces the sums by the integrals of an integrand.
  func integrate(_ integrand: some PanelIntegrand) {
    switch grid.integrate(integrand, to: sums) {
    case .whole: break
    case .above(let end): panels.integrate(integrand, below: end)
    case .unknown: panels.integrate(integrand)
    }
  }
}
