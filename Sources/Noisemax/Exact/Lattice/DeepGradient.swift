// The gradient of Σ v_i log p_i over deep classes i, in the gaps of all classes.

extension DeepClasses {
  /// Adds the gradient to the entries of all classes j:
  ///
  ///     v_j ∫ q_j(x) R(x) dx − ∫ Σ_i v_i q_i(x) r(x − μ_j) dx,   R(x) = Σ_l r(x − μ_l).
  ///
  /// q_i ∝ G(x) r(x − μ_i) is the density of the maximum given that i wins. Only a deep class has the first term. The
  /// integrals have their nodes in common: Σ v_i q_i is summed there before any class j is visited. A term is as small beside
  /// Σ |v_i| q_i as its rounding.
  func addGradient(
    of deep: [(index: Int, v: Double)], in row: UnsafeMutableBufferPointer<Double>,
    logFactors: UnsafePointer<Double>?, to result: UnsafeMutableBufferPointer<Double>
  ) {
    let sumOfReversedHazards = TailSums(
      of: sources, at: 40 * deep.count, downTo: landmarks[landmarks.count - 1].x, scale: scale,
      kernel: scale.reversedHazard)
    mirrored.removeAll()
    let deep = deep.sorted { row[$0.index] > row[$1.index] }
    var first = 0
    while first < deep.count {
      let gap = row[deep[first].index]
      // A class that never wins moves nothing.
      let isPossible = integrate(gap) > -.infinity
      let loss = isPossible ? loss(by: sumOfReversedHazards) : 0
      var v = 0.0
      repeat {
        let (index, ofClass) = deep[first]
        v += ofClass
        result[index] += ofClass * loss
        first += 1
      } while first < deep.count && row[deep[first].index] == gap
      guard isPossible else { continue }
      if let peakAlone { mirrored.append((-peakAlone.x, v)) } else { addWeights(v / total) }
    }
    forgetCells()
    mirrored.sort { $0.gap > $1.gap }
    let nodes = Self.withoutCrowds(mirrored, cell: cell, basis: basis)
    let sumOverNodes = TailSums(
      of: nodes, at: row.count, downTo: 0, scale: scale, kernel: scale.reversedHazard)
    for index in row.indices where row[index] > -.infinity {
      result[index] -= exponential(logFactors?[index] ?? 0) * sumOverNodes.value(at: -row[index])
    }
  }

  /// ∫ q(x) R(x) dx of the class that was integrated last.
  private func loss(by sums: TailSums) -> Double {
    if let peakAlone { return sums.value(at: peakAlone.x) }
    let count = DeepCells.nodeCount
    var (loss, part) = (0.0, 0)
    for cell in visited {
      let nodes = cells.nodes(of: cell)
      if !cells[cell].hasReversedHazards {
        sums.write(at: nodes.x, count, to: nodes.reversedHazards)
        cells[cell].hasReversedHazards = true
      }
      loss += parts.withUnsafeBufferPointer { parts in
        (0..<count).reduce(0) { $0 + parts[part + $1] * nodes.reversedHazards[$1] }
      }
      part += count
    }
    return loss / total
  }

  /// Adds the parts of the class that was integrated last to the weights of the nodes.
  private func addWeights(_ factor: Double) {
    let (count, least) = (DeepCells.nodeCount, 1e-18 * total)
    parts.withUnsafeBufferPointer { parts in
      var part = 0
      for cell in visited {
        let weights = cells.nodes(of: cell).weights
        // What is nothing beside the class itself would be a source for nothing.
        for node in 0..<count where parts[part + node] > least {
          weights[node] += factor * parts[part + node]
        }
        part += count
      }
    }
  }

  /// Makes room for other cells. The weights of a gradient become sources: what nodes are to a class is what a class is to them,
  /// upside down.
  func forgetCells() {
    var sources: [Source] = []
    for cell in 0..<cells.count {
      let nodes = cells.nodes(of: cell)
      for node in 0..<DeepCells.nodeCount where nodes.weights[node] != 0 {
        sources.append((-nodes.x[node], nodes.weights[node]))
      }
    }
    sources.sort { $0.gap > $1.gap }
    mirrored += Self.withoutCrowds(sources, cell: cell, basis: basis)
    cells.removeAll()
  }
}
