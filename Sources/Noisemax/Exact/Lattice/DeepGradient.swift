internal import NoiseKernels

// The gradient of Σ v_i log p_i over deep classes i, in the gaps of all classes.

extension DeepClasses {
  /// Adds the gradient to the entries of all classes j:
  ///
  ///     v_j ∫ q_j(x) R(x) dx − ∫ Σ_i v_i q_i(x) r(x − μ_j) dx,   R(x) = Σ_l r(x − μ_l).
  ///
  /// q_i ∝ G(x) r(x − μ_i) is the density of the maximum given that i wins. Only a deep class has the first term. The
  /// integrals have their nodes in common: Σ v_i q_i is summed there before any class j is visited, and
  /// the nodes on a piece of the axis count together. A term is as small beside Σ |v_i| q_i on its piece as its rounding.
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
    mirrored.sort { $0.gap < $1.gap }
    let sumOverNodes = TailSums(
      of: mirrored.reversed(), at: row.count, downTo: 0, scale: scale, kernel: scale.reversedHazard)
    for index in row.indices where row[index] > -.infinity {
      result[index] -= exponential(logFactors?[index] ?? 0) * sumOverNodes.value(at: -row[index])
    }
  }

  /// ∫ q(x) R(x) dx of the class that was integrated last.
  private func loss(by sums: TailSums) -> Double {
    if let peakAlone { return sums.value(at: peakAlone.x) }
    let count = DeepCells.nodeCount
    var loss = 0.0
    for cell in visited {
      let nodes = cells.nodes(of: cell)
      if !cells[cell].hasReversedHazards {
        sums.write(at: nodes.x, count, to: nodes.reversedHazards)
        cells[cell].hasReversedHazards = true
      }
      loss += kernels.sum(of: nodes.values, count, times: nodes.reversedHazards)
    }
    return loss / total
  }

  /// Adds the parts of the class that was integrated last to the weights of the nodes.
  private func addWeights(_ factor: Double) {
    let least = 1e-18 * total
    for cell in visited {
      let (parts, weights) = (cells.nodes(of: cell).values, cells.nodes(of: cell).weights)
      cells[cell].hasWeights = true
      // What is nothing beside the class itself would be a source for nothing.
      for node in 0..<DeepCells.nodeCount where parts[node] > least { weights[node] += factor * parts[node] }
    }
  }

  /// Makes room for other cells. The weights of a gradient become sources: what nodes are to a class is what a class is to them,
  /// upside down.
  ///
  /// Of all cells on one piece together sixteen do, with the moments of all.
  func forgetCells() {
    var onPieces: [(piece: Double, cell: Int)] = []
    for cell in 0..<cells.count where cells[cell].hasWeights {
      let piece = (cells[cell].low / scale.piece).rounded(.down)
      if cells[cell].width <= scale.piece && piece.magnitude < Self.farthestPiece {
        onPieces.append((piece, cell))
      } else {
        let nodes = cells.nodes(of: cell)
        for node in 0..<DeepCells.nodeCount where nodes.weights[node] != 0 {
          mirrored.append((-nodes.x[node], nodes.weights[node]))
        }
      }
    }
    // As classes are integrated in descending order, nodes are about in ascending order if they are so here.
    onPieces.sort { $0.piece > $1.piece }
    let moments = PieceMoments()
    for (index, (piece, cell)) in onPieces.enumerated() {
      let nodes = cells.nodes(of: cell)
      let (low, high) = (piece * scale.piece, (piece + 1) * scale.piece)
      moments.add(nodes.weights, at: nodes.x, DeepCells.nodeCount, from: low, to: high)
      if index + 1 < onPieces.count && onPieces[index + 1].piece == piece { continue }
      moments.take { moments in
        for (t, weight) in zip(Piece.nodes, Piece.weights(of: moments)) {
          mirrored.append((-(piece + (1 + t) / 2) * scale.piece, weight))
        }
      }
    }
    cells.removeAll()
  }

  /// On farther pieces nodes would be rounded.
  private static let farthestPiece = 0x1p40
}
