/// Panels that wait to be judged until it is known about what the integrals come to.
struct PendingPanels {
  /// One panel of 16 nodes, or two of 8, the second right below the first.
  struct Panel {
    let upper: DoubleDouble
    let width: Double
    var lower: (upper: DoubleDouble, width: Double)?

    /// The lower end.
    var end: DoubleDouble { (lower?.upper ?? upper) - DoubleDouble(lower?.width ?? width) }

    /// The nodes, and what their values are multiplied by for the contents and for the last two Legendre coefficients.
    var nodes: PanelNodes {
      guard let lower else { return PanelNodes(width * PanelRule.shared.distances, below: upper) }
      let distances = PanelRule.pair.distances
      return PanelNodes(
        PanelNodes(width * distances, below: upper), PanelNodes(lower.width * distances, below: lower.upper))
    }

    var factors: (weights: Lanes, last: Lanes, nextToLast: Lanes) {
      let rule = lower == nil ? PanelRule.shared : PanelRule.pair
      let second = (lower?.width ?? width) / 2
      let half = Lanes(
        lowHalf: SIMD8(repeating: width / 2), highHalf: SIMD8(repeating: second))
      return (half * rule.weights, half * rule.last, half * rule.nextToLast)
    }
  }

  /// How many; there is room for one more.
  let capacity: Int
  private let count: Int
  private let panels: UnsafeMutablePointer<Panel>
  private let memory: UnsafeMutablePointer<Double>

  private static func capacity(forValues count: Int) -> Int {
    Swift.min(32, Swift.max(4, 1 << 20 / (count + 1)))
  }

  /// In Doubles.
  private static var panelSize: Int { MemoryLayout<Panel>.stride / MemoryLayout<Double>.stride }

  static func memory(forValues count: Int) -> Int {
    (capacity(forValues: count) + 1) * (panelSize + 2 * count)
  }

  init(forValues count: Int, memory: inout Pieces) {
    capacity = Self.capacity(forValues: count)
    self.count = count
    panels = memory.take(capacity + 1, of: Panel.self)
    self.memory = memory.take((capacity + 1) * 2 * count)
  }

  func place(_ panel: Panel, in slot: Int) { panels[slot] = panel }
  func panel(in slot: Int) -> Panel { panels[slot] }

  /// What the panel holds of every value, and what that of the judged ones is wrong by.
  func contents(of slot: Int) -> UnsafeMutablePointer<Double> { memory + 2 * count * slot }
  func errors(of slot: Int) -> UnsafeMutablePointer<Double> { contents(of: slot) + count }
}
