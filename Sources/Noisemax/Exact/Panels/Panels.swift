/// Exact probabilities under a law with kinks: p_i = ∫ G(x)·r(x − μ_i) dx with G = ∏ F(x − μ_j), r = f/F, by
/// Gauss–Legendre panels between the points μ_j + kink.
struct Panels: StepwiseRowMethod {
  let law: PanelLaw

  init(_ noise: some PiecewiseNoise) { law = PanelLaw(noise) }

  var wantsRemainders: Bool { true }

  func replace(
    _ row: UnsafeMutableBufferPointer<Double>, by quantity: Quantity, precision: Precision,
    scratch: inout Scratch
  ) -> Double {
    let lists = lists(row.count / 2, in: &scratch)
    let reach = quantity == .probabilities ? reach(for: precision) : .infinity
    let classes = classes(of: row, reach: reach, farthest: law.farthest, lists: lists)
    let zero = quantity == .probabilities ? 0 : -Double.infinity
    for index in 0..<row.count / 2 { row[index] = zero }
    var defect = 0.0
    if classes.count == 1 {
      // Only ties are left: nothing to integrate.
      let share = 1 / Double(classes.open)
      lists.values[0] = quantity == .probabilities ? share : -logarithm(Double(classes.open))
    } else if let products = products(of: classes, precision: precision, lists: lists, scratch: &scratch),
      quantity == .probabilities || products.least >= 1e-280
    {
      let total = products.total
      defect = total - 1
      // The roundings of the products are in all of them.
      _ = write(quantity, of: classes, to: lists.values) { k in
        let probability = products.integrals[k].probability.value * (1 / total)
        return (probability, quantity == .probabilities ? 0 : logarithm(probability))
      }
    } else {
      let floor = quantity == .logProbabilities ? -.infinity : Self.floor(for: precision)
      let grid = grid(of: classes, precision: precision, floor: floor, lists: lists, scratch: &scratch)
      guard grid.nodeCount > 0 else { return -1 }
      let nodes = sums(over: grid.nodeCount, scratch: &scratch)
      defect = write(quantity, of: classes, to: lists.values) { k in
        integral(at: classes.classes[k].x, over: nodes, wantsLogarithm: quantity == .logProbabilities)
      }
    }
    var index = 0
    for k in 0..<classes.count {
      for _ in 0..<Int(classes.classes[k].weight) {
        let point = classes.sorted[index]
        let member = Int(point.weight)
        row[member] = lists.values[k]
        if quantity == .logProbabilities {
          row[member] += (law.tail?.slope ?? 0) * point.exponent
          if hardlyReaches(point.x) {
            // p ~ reach^(leaders + 1) where f does not vanish at the ends of the support.
            let reach = self.reach(ofBarelyReaching: member, in: row)
            row[member] += (classes.classes[0].weight + 1) * logarithm(reach)
          }
        }
        index += 1
      }
    }
    return defect
  }

  /// How far behind a class may be.
  func reach(for precision: Precision) -> Double { precision == .single ? law.singleReach : law.reach }

  /// Below e^−745 a Double is zero, below e^−104 a Float.
  static func floor(for precision: Precision) -> Double { precision == .single ? -120 : -760 }

  // MARK: - The transform

  /// Writes the quantity for every distinct class, from its probability and the logarithm of that.
  ///
  /// - Returns: Σp − 1.
  private func write(
    _ quantity: Quantity, of row: PanelRow, to values: UnsafeMutablePointer<Double>,
    _ integral: (_ k: Int) -> (value: Double, logarithm: Double)
  ) -> Double {
    var (total, rest, leader) = (CompensatedSum(-1), CompensatedSum(), 0.0)
    for k in 0..<row.count {
      let (probability, logProbability) = integral(k)
      total.add(row.classes[k].weight * probability)
      if k == 0 { leader = probability } else { rest.add(row.classes[k].weight * probability) }
      values[k] = quantity == .probabilities ? Swift.min(probability, 1) : Swift.min(logProbability, 0)
    }
    // Where a leader is likelier than not, its log-probability is what the others leave. Two leaders at ½ each can come out
    // a rounding above it.
    if quantity == .logProbabilities && leader > 0.5 && row.classes[0].weight == 1 {
      values[0] = logarithmOfOnePlus(0 - rest.value)
    }
    return total.value
  }

  /// The integrals of a few classes, none of them far behind, if there are not more.
  func products(
    of row: PanelRow, precision: Precision, cotangents: UnsafePointer<Double>? = nil, lists: Lists,
    scratch: inout Scratch
  ) -> PanelProducts? {
    let behind = row.classes[row.count - 1].x.high
    guard row.count > 1, row.count <= Policy.mostPanelProducts, row.open <= Policy.mostFactors,
      behind <= Policy.farthestPanelProduct * law.deviation
    else { return nil }
    let memory = scratch.growList(to: PanelProducts.memory(for: row.count), keeping: 0)
    guard let start = memory.baseAddress else { return nil }
    var products = PanelProducts(
      of: row, under: law, settings: PanelSettings(for: precision), cotangents: cotangents, in: start)
    let top = top(of: row)
    let breaks = breaks(of: row, from: law.lowerEnd, to: top, lists: lists)
    products.layPanels(below: top, open: breaks.open, breaks: lists.breaks, count: breaks.count)
    return products
  }

  /// The sum over the nodes at one class, and its logarithm where that is wanted.
  func integral(
    at behind: DoubleDouble, over nodes: PanelSums, wantsLogarithm: Bool = false
  ) -> (value: Double, logarithm: Double) {
    if isDeep(behind, nodes) {
      var sum = CompensatedSum()
      let peak = forEachTerm(at: behind, over: nodes.points, count: nodes.count) {
        sum.add(nodes.points[$0].weight * $1)
      }
      let logValue = peak + (sum.value > 0 ? logarithm(sum.value) : 0)
      return (exponential(logValue), logValue)
    }
    let total = nodes.reversedHazards(at: behind)
    return (total.value, wantsLogarithm ? total.logarithm : 0)
  }

  /// Whether f itself may underflow over the integral of a class, which the sums do not allow for.
  func isDeep(_ behind: DoubleDouble, _ nodes: PanelSums) -> Bool {
    for node in [nodes.points[0], nodes.points[nodes.count - 1]] {
      let logDensity = law.noise.logDensity(at: DoubleDouble(adding: behind, node.x).high)
      if logDensity < -600 && logDensity > -.infinity { return true }
    }
    return false
  }

  /// Passes on r(x_m − μ)·e^exponent_m over the largest of these, node by node, for a class whose density may underflow.
  ///
  /// - Returns: the logarithm of the largest.
  func forEachTerm(
    at behind: DoubleDouble, over nodes: UnsafeMutablePointer<PanelPoint>, count: Int,
    _ body: (_ node: Int, _ term: Double) -> Void
  ) -> Double {
    func logTerm(_ m: Int) -> DoubleDouble {
      let logR = law.logReversedHazard(at: DoubleDouble(adding: behind, nodes[m].x))
      guard logR.high > -.infinity else { return logR }
      return DoubleDouble(adding: logR, DoubleDouble(nodes[m].exponent))
    }
    var peak = DoubleDouble(-.infinity)
    for m in 0..<count where nodes[m].weight > 0 {
      let value = logTerm(m)
      if peak < value { peak = value }
    }
    guard peak.high > -.infinity else { return peak.high }
    for m in 0..<count where nodes[m].weight > 0 {
      let value = logTerm(m)
      body(m, value.high > -.infinity ? exponential((value - peak).value) : 0)
    }
    return peak.value
  }

  // MARK: - The panels

  /// The lists of a row, all but the nodes, in the first memory of the scratch.
  struct Lists {
    let sorted, classes, other, breaks, otherBreaks: UnsafeMutablePointer<PanelPoint>
    let values, cells, grid: UnsafeMutablePointer<Double>
  }

  func lists(_ count: Int, in scratch: inout Scratch) -> Lists {
    let breaks = count * law.kinks.count
    let cells = PanelSums.memory(for: count)
    let memory = scratch.reserve(
      4 * (3 * count + 2 * breaks) + count + cells + PanelGrid.memory(for: count))
    let points = PanelGrid.points(in: memory.baseAddress)
    let numbers = UnsafeMutableRawPointer(points + 3 * count + 2 * breaks).assumingMemoryBound(
      to: Double.self)
    return Lists(
      sorted: points, classes: points + count, other: points + 2 * count, breaks: points + 3 * count,
      otherBreaks: points + 3 * count + breaks, values: numbers, cells: numbers + count,
      grid: numbers + count + cells)
  }

  /// The classes of a row that can win.
  func classes(
    of row: UnsafeMutableBufferPointer<Double>, reach: Double = .infinity, farthest: Double = .infinity,
    lists: Lists
  ) -> PanelRow {
    PanelRow(
      UnsafeBufferPointer(row), width: law.upperEnd - law.lowerEnd, reach: reach, farthest: farthest,
      sorted: lists.sorted, classes: lists.classes, other: lists.other)
  }

  /// The sums over so many nodes, which are in the list of the scratch.
  func sums(over count: Int, scratch: inout Scratch) -> PanelSums {
    let list = scratch.growList(to: 4 * count + PanelSums.memory(for: count), keeping: 4 * count)
    let nodes = PanelGrid.points(in: list.baseAddress)
    let cells = UnsafeMutableRawPointer(nodes + count).assumingMemoryBound(to: Double.self)
    return PanelSums(of: nodes, count: count, under: law, cells: cells)
  }

  /// The nodes for all classes of a row.
  func grid(
    of row: PanelRow, precision: Precision, floor: Double, pairs: Bool = false, lists: Lists,
    scratch: inout Scratch
  ) -> PanelGrid {
    let sums = PanelSums(of: row.classes, count: row.count, under: law, cells: lists.cells)
    let open = Double(row.open)
    let ceiling = Swift.min(law.upperEnd, law.noise.upperQuantile(at: 0x1p-70 / open))
    let top = top(of: row)
    let settings = PanelSettings(for: precision, floor: floor, pairs: pairs)
    var grid = PanelGrid(of: sums, under: law, ceiling: ceiling, settings: settings, in: lists.grid)
    let bottom = grid.lowerEnd(below: top)

    let breaks = breaks(of: row, from: bottom, to: top, lists: lists)
    let breakCount = breaks.count
    grid.deepest = breaks.open - 1

    var (upper, owner) = (DoubleDouble(top), 0)
    var logG = grid.logG(at: upper).value
    for k in 0...breakCount {
      let lower = k < breakCount ? -lists.breaks[k].x : DoubleDouble(bottom)
      if lower != upper {
        if logG < floor { break }
        logG = grid.layPanels(
          from: lower, to: upper, logGAbove: logG, owner: owner, scratch: &scratch)
        upper = lower
        if k < breakCount { owner = Int(lists.breaks[k].weight) }
      }
      if k < breakCount && lists.breaks[k].exponent == 1 {
        grid.deepest = Swift.max(grid.deepest, Int(lists.breaks[k].weight))
      }
    }
    return grid
  }

  /// Where the integrals begin.
  func top(of row: PanelRow) -> Double {
    Swift.min(law.upperEnd, law.noise.upperQuantile(at: 0x1p-60 / Double(row.open)))
  }

  /// Lists the points where a class meets a kink, from the top down.
  ///
  /// A break at x is stored as −x. Its exponent is 1 where the support of the class ends, its weight is the class.
  ///
  /// - Returns: how many they are, and how many classes have a support that reaches up to the top.
  func breaks(
    of row: PanelRow, from bottom: Double, to top: Double, lists: Lists
  ) -> (count: Int, open: Int) {
    var (count, open) = (0, law.upperEnd < .infinity ? 1 : row.count)
    for kink in law.kinks {
      for k in 0..<row.count {
        let x = DoubleDouble(kink) - row.classes[k].x
        guard x.isAbove(bottom) else { break }
        let isUpperEnd = kink == law.upperEnd
        guard x.isBelow(top) else {
          if isUpperEnd { open = k + 1 }
          continue
        }
        lists.breaks[count] = PanelPoint(x: -x, weight: Double(k), exponent: isUpperEnd ? 1 : 0)
        count += 1
      }
    }
    sortByX(lists.breaks, count: count, other: lists.otherBreaks)
    return (count, open)
  }

  func seconds(forRowOf count: Int) -> Double { 1.5e-5 * Double(count) }
}
