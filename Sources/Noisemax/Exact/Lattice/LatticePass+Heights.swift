internal import NoiseKernels

// H at the grid points: the integrals G·r, and their logarithms where they are no normal numbers.

extension LatticePass {
  /// Whether the integrand of every grid point has one hump.
  var hasOneHump: Bool { samples.isLogConcave && samples.isReversedHazardConcave }

  /// Computes H at all grid points that wanted classes need. Where they are many, each block of them sums over the nodes around
  /// its own peaks. Lower points than those have no samples, and no class asks for them.
  func takeHeights() {
    let block = 64
    guard hasOneHump, pointCount > 2 * block else {
      return integrals(of: g, over: 0..<nodes, at: 0, pointCount, to: heights)
    }
    let wanted = firstWantedPoint
    // Points are summed eight at a time.
    let start = wanted & ~7
    heights.update(repeating: 0, count: start)
    for first in Swift.stride(from: start, to: pointCount, by: block) {
      let count = min(block, pointCount - first)
      let low = nodesThatMatter(at: points[max(first, wanted)])
      let high = nodesThatMatter(at: points[first + count - 1])
      let matter = min(low.lowerBound, high.lowerBound)..<max(low.upperBound, high.upperBound)
      integrals(of: g, over: matter, at: first, count, to: heights)
    }
  }

  /// Where an integrand with one hump is more than nothing beside its peak: that of a grid point, or of one with the reversed
  /// hazard of another as a factor.
  func nodesThatMatter(at point: Int, and other: Int? = nil) -> Range<Int> {
    let first = sampleOffset(node: 0, point: point)
    let second = other.map { sampleOffset(node: 0, point: $0) }
    func logarithm(_ index: Int) -> Double {
      logIntegrand(index, from: first) + (second.map { logReversedHazard[$0 + index * step] } ?? 0)
    }
    let peak = firstFall(of: logarithm)
    let least = logarithm(peak) - precision.drop
    guard least > -.infinity else { return 0..<nodes }
    let start = (0..<peak).firstPlace { logarithm($0) > least }
    return start..<(peak..<nodes).firstPlace { !(logarithm($0) > least) }
  }

  /// How many nodes matter to products of two reversed hazards: beyond, even that of the leader with itself has fallen.
  var nodesOfPairs: Int {
    let leader = point(below: 0)
    return hasOneHump ? min(nodes, padded(nodesThatMatter(at: leader, and: leader).upperBound)) : nodes
  }

  /// log H_g = log Σ_m h·e^(log G(x_m) + log r(x_m − μ_g)), for a grid point so low that H itself is no normal number.
  func logHeight(at point: Int) -> Double {
    let first = sampleOffset(node: 0, point: point)
    let matter = hasOneHump ? nodesThatMatter(at: point) : 0..<nodes
    var top = -Double.infinity
    for index in matter { top = max(top, logIntegrand(index, from: first)) }
    guard top > -.infinity else { return top }
    let block = 256
    var sum = 0.0
    withUnsafeTemporaryAllocation(of: Double.self, capacity: block) { memory in
      guard let memory = memory.baseAddress else { return }
      for start in Swift.stride(from: matter.lowerBound, to: matter.upperBound, by: block) {
        let count = min(block, matter.upperBound - start)
        for index in 0..<count { memory[index] = logIntegrand(start + index, from: first) - top }
        kernels.exponentials(of: memory, count, shift: 0, to: memory)
        sum += kernels.sum(of: memory, count)
      }
    }
    return top + logarithm(sum * h)
  }
}
