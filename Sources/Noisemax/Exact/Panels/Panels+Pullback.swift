extension Panels {
  /// Replaces v by J v and the gaps by the probabilities.
  ///
  ///     (J v)_i = v_i ∫ G R r(x − μ_i) dx − ∫ G V r(x − μ_i) dx,   R = Σ_j r(x − μ_j),   V = Σ_j v_j r(x − μ_j).
  ///
  /// R and V are sums over the classes at every node, the integrals are sums over the nodes at every class.
  ///
  /// The term of a class with itself, v_i·r(x − μ_i)², is in both integrals and cancels. A lone leader's may not even be
  /// integrable: its v is 0 once the cotangent is centred, so that no such term is formed. A class behind has a smaller r than
  /// the leader wherever log F is concave. So its term is smaller than its term with the leader, and cancels no digits that
  /// matter.
  func pullBack(
    _ cotangent: UnsafeMutableBufferPointer<Double>, at row: UnsafeMutableBufferPointer<Double>,
    precision: Precision, scratch: inout Scratch
  ) {
    let n = cotangent.count
    let leader = centre(cotangent, onLeaderOf: row)
    let lists = lists(n, in: &scratch)
    let classes = classes(of: row, reach: law.reach, lists: lists)
    if classes.count > 1 {
      moved(by: cotangent, of: classes, reaches: row, to: lists)
      if let products = products(
        of: classes, precision: precision, cotangents: lists.values, lists: lists, scratch: &scratch)
      {
        return write(of: classes, to: cotangent, at: row, leader: leader) { k in
          let integrals = products.integrals[k]
          return Integrals(
            probability: integrals.probability.value, ofR: integrals.ofR.value, ofV: integrals.ofV.value)
        }
      }
    }
    let grid = grid(
      of: classes, precision: precision, floor: Self.floor(for: precision), pairs: true, lists: lists,
      scratch: &scratch)
    let count = grid.nodeCount
    let cells = PanelSums.memory(for: count)
    let list = scratch.growList(to: 3 * (4 * count + cells), keeping: 4 * count)
    let nodes = PanelGrid.points(in: list.baseAddress)
    weigh(nodes, count: count, of: classes, on: grid, by: cotangent, reaches: row, lists: lists)
    let memory = UnsafeMutableRawPointer(nodes + 3 * count).assumingMemoryBound(to: Double.self)
    let sums = NodeSums(
      ofG: PanelSums(of: nodes, count: count, under: law, cells: memory),
      ofGR: PanelSums(of: nodes + count, count: count, under: law, cells: memory + cells),
      ofGV: PanelSums(of: nodes + 2 * count, count: count, under: law, cells: memory + 2 * cells))

    write(of: classes, to: cotangent, at: row, leader: leader) { k in
      count > 0 ? integrals(at: classes.classes[k].x, sums) : Integrals(probability: 0, ofR: 0, ofV: 0)
    }
  }

  /// Writes probabilities and derivatives, from the integrals of every distinct class.
  private func write(
    of classes: PanelRow, to cotangent: UnsafeMutableBufferPointer<Double>,
    at row: UnsafeMutableBufferPointer<Double>, leader: Int, _ integrals: (_ k: Int) -> Integrals
  ) {
    // Classes that cannot win are those that nothing is written for.
    for index in cotangent.indices { row[index] = -.infinity }
    var index = 0
    for k in 0..<classes.count {
      let values = integrals(k)
      for _ in 0..<Int(classes.classes[k].weight) {
        let member = Int(classes.sorted[index].weight)
        let v = cotangent[member]
        row[member] = classes.count == 1 ? 1 / Double(classes.open) : Swift.min(values.probability, 1)
        let own = v == 0 ? 0 : v * values.ofR
        cotangent[member] = (own - values.ofV) * reach(of: member, in: row, at: classes.classes[k].x)
        index += 1
      }
    }
    for index in cotangent.indices where row[index] == -.infinity { (row[index], cotangent[index]) = (0, 0) }
    balance(
      cotangent, at: UnsafeMutableBufferPointer(rebasing: row[..<cotangent.count]), leader: leader)
  }

  /// The integrals of G, G·R and G·V against the r of one class.
  private struct Integrals {
    let probability, ofR, ofV: Double
  }

  /// The nodes three times, weighted by G, by G·R and by G·V.
  private struct NodeSums {
    let ofG, ofGR, ofGV: PanelSums
  }

  /// Multiplies the weights of the nodes by R for the second list of nodes, and by V for the third.
  private func weigh(
    _ nodes: UnsafeMutablePointer<PanelPoint>, count: Int, of classes: PanelRow, on grid: PanelGrid,
    by cotangent: UnsafeMutableBufferPointer<Double>, reaches row: UnsafeMutableBufferPointer<Double>,
    lists: Lists
  ) {
    for m in 0..<count {
      let sum = grid.sums.reversedHazards(at: nodes[m].x).sum.value
      nodes[count + m] = nodes[m]
      nodes[count + m].weight *= sum
    }
    moved(by: cotangent, of: classes, reaches: row, to: lists)
    for k in 0..<classes.count {
      lists.other[k] = PanelPoint(x: classes.classes[k].x, weight: lists.values[k], exponent: 0)
    }
    // The cells of the classes have done their work, so these take their memory.
    let sums = PanelSums(of: lists.other, count: classes.count, under: law, cells: lists.cells)
    for m in 0..<count {
      let sum = sums.reversedHazards(at: nodes[m].x).sum.value
      nodes[2 * count + m] = nodes[m]
      nodes[2 * count + m].weight *= sum
    }
  }

  /// Writes Σ v of the ties of every distinct class to the values.
  private func moved(
    by cotangent: UnsafeMutableBufferPointer<Double>, of classes: PanelRow,
    reaches row: UnsafeMutableBufferPointer<Double>, to lists: Lists
  ) {
    var index = 0
    for k in 0..<classes.count {
      var sum = CompensatedSum()
      for _ in 0..<Int(classes.classes[k].weight) {
        let member = Int(classes.sorted[index].weight)
        sum.add(cotangent[member] * reach(of: member, in: row, at: classes.classes[k].x))
        index += 1
      }
      lists.values[k] = sum.value
    }
  }

  /// How far the support of a class reaches into the leader's, relative to what it is integrated with: 1 but where
  /// that is ``PanelRow/leastReach``. The derivatives are proportional to it, where there is one leader; where there
  /// are several, they are below 1e-300.
  private func reach(
    of member: Int, in row: UnsafeMutableBufferPointer<Double>, at behind: DoubleDouble
  ) -> Double {
    hardlyReaches(behind) ? reach(ofBarelyReaching: member, in: row) : 1
  }

  func reach(ofBarelyReaching member: Int, in row: UnsafeMutableBufferPointer<Double>) -> Double {
    row[row.count / 2 + member] / PanelRow.leastReach
  }

  /// Whether classes at that −gap reach no further into the leader's support than ``PanelRow/leastReach``.
  func hardlyReaches(_ behind: DoubleDouble) -> Bool {
    behind == DoubleDouble(law.upperEnd - law.lowerEnd, -PanelRow.leastReach)
  }

  /// The sums over the nodes at one class.
  private func integrals(at behind: DoubleDouble, _ sums: NodeSums) -> Integrals {
    if isDeep(behind, sums.ofG) { return deepIntegrals(at: behind, sums) }
    func value(_ sums: PanelSums) -> Double { sums.reversedHazards(at: behind).value }
    return Integrals(probability: value(sums.ofG), ofR: value(sums.ofGR), ofV: value(sums.ofGV))
  }

  /// The same where the density of the class itself may underflow.
  private func deepIntegrals(at behind: DoubleDouble, _ sums: NodeSums) -> Integrals {
    var (sum, sumOfR, sumOfV) = (CompensatedSum(), CompensatedSum(), CompensatedSum())
    let peak = forEachTerm(at: behind, over: sums.ofG.points, count: sums.ofG.count) { m, term in
      sum.add(sums.ofG.points[m].weight * term)
      sumOfR.add(sums.ofGR.points[m].weight * term)
      sumOfV.add(sums.ofGV.points[m].weight * term)
    }
    let scale = exponential(peak)
    guard scale > 0 else { return Integrals(probability: 0, ofR: 0, ofV: 0) }
    return Integrals(probability: sum.value * scale, ofR: sumOfR.value * scale, ofV: sumOfV.value * scale)
  }
}
