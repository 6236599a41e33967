/// Integrals over the line for the classes of a row: on a ``ClassGrid`` where that serves, else by ``ClassPanels``.
///
/// Panels serve every law and every row. A grid takes a third of the points, but the law has to be smooth and every class to have
/// noise.
struct ClassIntegrals {
  private let grid: ClassGrid
  private let panels: ClassPanels

  /// The memory for integrals of so many values, in Doubles.
  static func memory(forValues count: Int) -> Int {
    ClassGrid.memory(forValues: count) + ClassPanels.memory(forValues: count)
  }

  init(of classes: ScaledClasses, values count: Int, precision: Precision, memory: inout Pieces) {
    let limits = IntegrationLimits(precision)
    let steps = PanelSteps(of: classes, beyond: limits.cut)
    grid = ClassGrid(of: classes, top: steps.top, values: count, limits: limits, memory: &memory)
    panels = ClassPanels(of: classes, along: steps, values: count, limits: limits, memory: &memory)
  }

  /// ∫ of every value.
  var sums: UnsafeMutablePointer<Double> { panels.sums }

  /// Replaces the sums by the integrals of an integrand.
  func integrate(_ integrand: some PanelIntegrand) {
    if !grid.integrate(integrand, to: sums) { panels.integrate(integrand) }
  }
}
