extension Panels {
  func excess(
    of row: UnsafeMutableBufferPointer<Double>, precision: Precision, scratch: inout Scratch
  ) -> Double {
    let lists = lists(row.count / 2, in: &scratch)
    let classes = classes(of: row, reach: reach(for: precision), lists: lists)
    guard classes.open > 1 else { return 0 }
    let grid = grid(
      of: classes, precision: precision, floor: Self.floor(for: precision), lists: lists, scratch: &scratch)
    let count = grid.nodeCount
    guard count > 0 else { return 0 }
    let points = PanelGrid.nodes(count, keeping: count, in: &scratch)
    let undershoot = MeanUndershoot(kinks: law.kinks, lowerEnd: law.lowerEnd, deviation: law.deviation)
    // The nodes are in falling order.
    var known: (point: Double, value: Double)?
    for m in (0..<count).reversed() {
      let node = points[m].x.high
      let value = undershoot.value(at: node, under: law.noise, from: known)
      points[m].weight *= value
      known = (node, value)
    }
    let nodes = sums(over: count, scratch: &scratch)
    var sum = CompensatedSum()
    for k in 0..<classes.count {
      let ties = classes.classes[k].weight - (k == 0 ? 1 : 0)
      if ties > 0 { sum.add(ties * integral(at: classes.classes[k].x, over: nodes).value) }
    }
    return sum.value
  }
}
