// The step h of a row, in two decisions:
//
// 1. before the walk, the coarsest step for the law, the precision and the number of classes:
//    `LatticeTable.choice(for:precision:)`, measured on ties by `SampledIntegrands.coarsestStep`;
// 2. after the walk, a finer one where the integrand of the rarest class is too sharp for it: `refineStep`, here.
//
// Direct sums choose theirs apart: `SampledIntegrands.directStep` measures them, `DirectLoops.swift` takes finer ones.

extension LatticePass {
  /// Takes a finer step, if the rarest wanted class has too sharp an integrand for this one. Sharpness grows as h².
  mutating func refineStep() -> Bool {
    guard stepIndex > 0, case let ratio = sharpness / precision.sharpness, ratio > 1 else { return false }
    let low = Double(firstNode - 1) * h
    let enough = Double(step * step) / ratio
    stepIndex = LatticeTable.steps[..<stepIndex].lastIndex { Double($0 * $0) <= enough } ?? 0
    setNodes(from: low)
    return true
  }

  /// The sharpness of the integrand of the rarest class with a probability; under a law with several humps the largest of
  /// all wanted cells.
  private var sharpness: Double {
    if samples.isLogConcave { return sharpness(of: rarestWithProbability) }
    var sharpest = 0.0
    for cell in firstWantedCell..<grid.count where slots[cell] >= 0 {
      sharpest = max(sharpest, sharpness(of: Double(cell + grid.firstCell) / grid.perUnit))
    }
    return sharpest
  }

  /// The rarest wanted gap; of probabilities, the rarest whose integrand reaches e⁻⁷⁰⁰ somewhere.
  private var rarestWithProbability: Double {
    func hasProbability(_ gap: Double) -> Bool { logIntegrandAtPeak(of: gap) > -700 }
    if isOfLogarithms || hasProbability(rarest) { return rarest }
    var (near, far) = (0.0, rarest)
    while (near - far) * grid.perUnit > 1 {
      let middle = (near + far) / 2
      if hasProbability(middle) { near = middle } else { far = middle }
    }
    return near
  }

  /// How far behind the leader the finest step still follows an integrand: `depth` at most.
  func resolvedDepth(_ depth: Double) -> Double {
    func isSharp(_ gap: Double) -> Bool { sharpness(of: gap) > precision.sharpness }
    let rarest = max(rarest, -depth)
    guard stepIndex == 0, isSharp(rarest) else { return depth }
    var (near, far) = (0.0, -rarest)
    while (far - near) * grid.perUnit > 1 {
      let middle = (near + far) / 2
      if isSharp(-middle) { far = middle } else { near = middle }
    }
    return near
  }

  /// 2·L_m − L_{m−1} − L_{m+1}, L_m = log(G·r) at the node m of a class's peak; of several humps the largest.
  private func sharpness(of gap: Double) -> Double {
    let first = sampleOffset(node: 0, point: point(nearest: gap))
    func logIntegrand(_ index: Int) -> Double { self.logIntegrand(index, from: first) }
    func sharpness(at index: Int) -> Double {
      2 * logIntegrand(index) - logIntegrand(index - 1) - logIntegrand(index + 1)
    }
    guard samples.isLogConcave else {
      var (top, sharpest) = (-Double.infinity, 0.0)
      for index in 0..<nodes { top = max(top, logIntegrand(index)) }
      for index in 1..<max(1, nodes - 1) {
        let neighbours = max(logIntegrand(index - 1), logIntegrand(index + 1))
        if logIntegrand(index) >= max(top - 25, neighbours) { sharpest = max(sharpest, sharpness(at: index)) }
      }
      return sharpest
    }
    let peak = firstFall(of: logIntegrand)
    guard peak > 0, peak < nodes - 1 else { return 0 }
    return sharpness(at: peak)
  }

  private func logIntegrandAtPeak(of gap: Double) -> Double {
    let first = sampleOffset(node: 0, point: point(nearest: gap))
    return logIntegrand(firstFall { logIntegrand($0, from: first) }, from: first)
  }

  /// log(G·r) at a node, r from its samples of a gap: `first` is the offset of that for node 0.
  @inline(__always)
  func logIntegrand(_ index: Int, from first: Int) -> Double {
    logG[index] + logReversedHazard[first + index * step]
  }

  /// The node from which on a function with one hump falls.
  func firstFall(of function: (Int) -> Double) -> Int {
    (0..<nodes - 1).firstPlace { !(function($0) < function($0 + 1)) }
  }
}
