extension Panels {
  func excess(
    of row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> Double {
    let lists = lists(row.count / 2, in: &scratch)
    let classes = PanelRow(
      UnsafeBufferPointer(row), width: law.upperEnd - law.lowerEnd,
      reach: precision == .single ? law.singleReach : law.reach,
      sorted: lists.sorted, classes: lists.classes, other: lists.other)
    guard classes.open > 1 else { return 0 }
    let grid = grid(
      of: classes, precision: precision, floor: Self.floor(for: precision), lists: lists, scratch: &scratch)
    let count = grid.nodeCount
    let memory = scratch.growList(
      to: 4 * count + PanelSums.memory(for: count), keeping: 4 * count
    ).baseAddress
    guard count > 0, let memory else { return 0 }
    let points = PanelGrid.points(in: memory)
    let undershoot = MeanUndershoot(kinks: law.kinks, lowerEnd: law.lowerEnd, deviation: law.deviation)
    // The nodes are in falling order.
    var known: (point: Double, value: Double)?
    for m in (0..<count).reversed() {
      let node = points[m].x.high
      let value = undershoot.value(at: node, under: law.noise, from: known)
      points[m].weight *= value
      known = (node, value)
    }
    let nodes = PanelSums(of: points, count: count, under: law, cells: memory + 4 * count)
    var sum = CompensatedSum()
    for k in 0..<classes.count {
      let ties = classes.classes[k].weight - (k == 0 ? 1 : 0)
      if ties > 0 { sum.add(ties * integral(at: classes.classes[k].x, over: nodes).value) }
    }
    return sum.value
  }
}
