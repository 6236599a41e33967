internal import NoiseKernels

/// The factors of any law, from its own functions.
struct ScalarFactors<Noise: NoiseDistribution>: QuantileFactors {
  private let noise: Noise
  private let nodes: [Double]
  /// log F, and r where F has no digits left.
  private let logarithm: @Sendable (Double) -> Double
  private let deepHazard: @Sendable (Double) -> Double

  init(_ noise: Noise, nodes: [Double]) {
    (self.noise, self.nodes) = (noise, nodes)
    if let noise = noise as? any ExactNoise {
      logarithm = { noise.logCumulative(at: $0) }
    } else {
      logarithm = { Noisemax.logarithm(noise.cumulative(at: $0)) }
    }
    if let noise = noise as? any SmoothNoise {
      deepHazard = { exponential(noise.logReversedHazard(at: $0)) }
    } else if let noise = noise as? any PiecewiseNoise {
      deepHazard = { x in
        let logDensity = noise.logDensity(at: x)
        return logDensity > -.infinity ? exponential(logDensity - noise.logCumulative(at: x)) : 0
      }
    } else {
      deepHazard = { x in
        let density = noise.density(at: x)
        return density > 0 ? density / noise.cumulative(at: x) : 0
      }
    }
  }

  var seconds: (factor: Double, hazard: Double) { (5e-9, 1e-8) }

  func cumulative(at x: Double) -> Double { noise.cumulative(at: x) }

  func logCumulative(at x: Double) -> Double { logarithm(x) }

  func multiply(_ products: inout QuantileProducts, by differences: QuantileList) {
    nodes.withUnsafeBufferPointer { nodes in
      // F never decreases: nodes below one whose product is 0 are done, and so are all where the lowest has the factor 1.
      var lowest = 0
      for index in 0..<differences.count where lowest < nodes.count {
        let difference = differences.values[index]
        let first = noise.cumulative(at: difference + nodes[lowest])
        if first == 1 { break }
        for node in lowest..<nodes.count {
          let factor = node == lowest ? first : noise.cumulative(at: difference + nodes[node])
          if factor >= 0x1p-250 {
            products.multiply(node, by: factor)
          } else {
            products.multiply(node, byExponentialOf: logarithm(difference + nodes[node]))
          }
        }
        while lowest < nodes.count, products.isZero(lowest) { lowest += 1 }
        if index % 4 == 3 { products.normalize() }
      }
    }
    products.normalize()
  }

  func sumHazards(
    of terms: UnsafePointer<Double>, at differences: QuantileList, to sums: UnsafeMutablePointer<Double>
  ) {
    nodes.withUnsafeBufferPointer { nodes in
      let lowest = nodes.indices.first { terms[$0] != 0 } ?? nodes.count
      for index in 0..<differences.count {
        var sum = 0.0
        for node in lowest..<nodes.count where terms[node] != 0 {
          let x = differences.values[index] + nodes[node]
          let cumulative = noise.cumulative(at: x)
          sum += terms[node] * (cumulative >= 0x1p-960 ? noise.density(at: x) / cumulative : deepHazard(x))
        }
        sums[index] = sum
      }
    }
  }
}
