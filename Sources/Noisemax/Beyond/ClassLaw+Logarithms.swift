internal import NoiseKernels

// log F and r = f/F, also where F underflows.

extension ClassLaw {
  /// log F at a point of the standard law.
  func logCumulative(at z: Double) -> Double { noise.logCumulative(at: z) }

  /// log f at a point of the standard law, also where f underflows.
  func logDensity(at z: Double) -> Double {
    if let smooth { return smooth.logReversedHazard(at: z) + smooth.logCumulative(at: z) }
    return piecewise?.logDensity(at: z) ?? logarithm(noise.density(at: z))
  }

  /// log(f/F) at a point of the standard law: −∞ outside the support.
  func logReversedHazard(at z: Double) -> Double {
    if let smooth { return smooth.logReversedHazard(at: z) }
    let logDensity = logDensity(at: z)
    return logDensity > -.infinity ? logDensity - noise.logCumulative(at: z) : logDensity
  }

  /// f/F at a point of the standard law, also where both underflow; 0 outside the support.
  func reversedHazard(at z: Double) -> Double {
    let logF = noise.logCumulative(at: z)
    guard logF > -.infinity else { return 0 }
    return logF > -600 ? noise.density(at: z) / exponential(logF) : exponential(logReversedHazard(at: z))
  }

  /// Σ log F of all classes with noise at nodes.
  func sumOfLogCumulatives(of classes: ScaledClasses, at nodes: PanelNodes) -> Lanes {
    var sums = Lanes()
    guard let vectorLaw else {
      for lane in sums.indices {
        var sum = 0.0
        for j in 0..<classes.noisy { sum += noise.logCumulative(at: offset(of: j, classes, nodes, lane)) }
        sums[lane] = sum
      }
      return sums
    }
    withNumbers(nodes, &sums) {
      kernels.sumLogCumulatives(
        under: vectorLaw, scaledTail: scaledTail.pointer, location: location, nodes: $0,
        locations: classes.locations, scales: classes.scales, count: classes.noisy, to: $1)
    }
    return sums
  }

  /// log r of one class at nodes, r = f/F in units of the standard law.
  func logReversedHazards(of slot: Int, _ classes: ScaledClasses, at nodes: PanelNodes) -> Lanes {
    var values = Lanes()
    guard let vectorLaw else {
      for lane in values.indices {
        values[lane] = logReversedHazard(at: offset(of: slot, classes, nodes, lane))
      }
      return values
    }
    withNumbers(nodes, &values) {
      kernels.logReversedHazards(
        under: vectorLaw, scaledTail: scaledTail.pointer, location: location, nodes: $0,
        centre: classes.locations[slot], scale: classes.scales[slot], to: $1)
    }
    return values
  }

  /// Writes z and r/s of every class with noise at nodes to where the classes have z and f/s.
  func writeReversedHazards(of classes: ScaledClasses, at nodes: PanelNodes) {
    guard let vectorLaw else {
      for j in 0..<classes.noisy {
        for lane in nodes.high.indices {
          let z = offset(of: j, classes, nodes, lane)
          classes.z[j][lane] = z
          classes.density[j][lane] = Swift.min(reversedHazard(at: z) / classes.scales[j], 0x1p1000)
        }
      }
      return
    }
    var unused = Lanes()
    withNumbers(nodes, &unused) { nodes, _ in
      kernels.reversedHazards(
        under: vectorLaw, scaledTail: scaledTail.pointer, location: location, nodes: nodes,
        locations: classes.locations, scales: classes.scales, count: classes.noisy, z: doubles(classes.z),
        to: doubles(classes.density))
    }
  }

  /// z, within what has products.
  private func offset(of j: Int, _ classes: ScaledClasses, _ nodes: PanelNodes, _ lane: Int) -> Double {
    let z = ((nodes.high[lane] - classes.locations[j]) + nodes.low[lane]) / classes.scales[j] - location
    return Swift.min(Swift.max(z, -0x1p1000), 0x1p1000)
  }

  private func withNumbers(
    _ nodes: PanelNodes, _ lanes: inout Lanes,
    _ body: (UnsafePointer<Double>, UnsafeMutablePointer<Double>) -> Void
  ) {
    withUnsafeBytes(of: nodes) { nodes in
      withUnsafeMutableBytes(of: &lanes) { lanes in
        guard let nodes = nodes.baseAddress, let lanes = lanes.baseAddress else { return }
        body(
          nodes.assumingMemoryBound(to: Double.self), lanes.assumingMemoryBound(to: Double.self))
      }
    }
  }
}
