/// The K-point quantile rule as it is written, for any law:
///
///     p_i ≈ (1/K) Σ_k ∏_{j≠i} F(μ_i − μ_j + q_k),   q_k = F⁻¹(k/(K + 1)),   k = 1 … K.
///
/// If the noise of class i is q_k, the product is the probability that all other classes stay below it.
///
/// This is the code that runs under a law of one's own, but for large rows where that is smooth. The faster ways of
/// ``QuantileVectors`` and ``QuantileGrid`` are tested against it. The nodes q_k, and the division by K or by the sum, are in
/// ``QuantileMethod``.
struct QuantileRule<Noise: NoiseDistribution>: QuantileSums {
  private let noise: Noise
  private let nodes: [Double]
  /// log F, and r = f/F where F has no digits left.
  private let logarithm, deepReversedHazard: @Sendable (Double) -> Double

  /// K·p_i = Σ_k ∏_{j≠i} F(μ_i − μ_j + q_k).
  func sum(of i: Int, in row: QuantileRow) -> QuantileValue {
    var terms = row.terms
    terms.reset()
    var first = 0
    for j in 0..<row.count {
      // Tied classes have one factor, to the power of their number without i.
      let others = row.others(than: i, at: j)
      if others == 0 { continue }
      let difference = row.gaps[i] - row.gaps[j]
      // Factors rise with j and k: products of the first nodes may be 0, and all factors of the last classes 1.
      while first < nodes.count, terms.isZero(first) { first += 1 }
      if first == nodes.count || noise.cumulative(at: difference + nodes[first]) == 1 { break }
      for k in first..<nodes.count {
        let x = difference + nodes[k]
        terms.multiply(k, by: noise.cumulative(at: x), power: others, logarithm: logarithm(x))
      }
    }
    terms.normalize()
    return terms.sum()
  }

  /// Σ_k ∏_{l≠i} F · r(μ_i − μ_j + q_k) for every j, K times what class j takes from class i.
  func sumReversedHazards(of i: Int, times products: UnsafePointer<Double>, in row: QuantileRow) {
    let first = nodes.indices.first { products[$0] != 0 } ?? nodes.count
    for j in 0..<row.count {
      var sum = 0.0
      for k in first..<nodes.count where products[k] != 0 {
        let x = row.gaps[i] - row.gaps[j] + nodes[k]
        let cumulative = noise.cumulative(at: x)
        sum +=
          products[k] * (cumulative >= 0x1p-960 ? noise.density(at: x) / cumulative : deepReversedHazard(x))
      }
      row.sums[j] = sum
    }
  }

  init(_ noise: Noise, nodes: [Double]) {
    (self.noise, self.nodes) = (noise, nodes)
    if let noise = noise as? any AccurateNoise {
      logarithm = { noise.logCumulative(at: $0) }
    } else {
      logarithm = { Noisemax.logarithm(noise.cumulative(at: $0)) }
    }
    if let noise = noise as? any SmoothNoise {
      deepReversedHazard = { exponential(noise.logReversedHazard(at: $0)) }
    } else if let noise = noise as? any PiecewiseNoise {
      deepReversedHazard = { exponential(noise.logDensity(at: $0) - noise.logCumulative(at: $0)) }
    } else {
      deepReversedHazard = { x in
        let density = noise.density(at: x)
        return density > 0 ? density / noise.cumulative(at: x) : 0
      }
    }
  }

  var seconds: (factor: Double, reversedHazard: Double) { (5e-9, 1e-8) }

  func cumulative(at x: Double) -> Double { noise.cumulative(at: x) }

  func logCumulative(at x: Double) -> Double { logarithm(x) }
}

/// The sums of the rule, as it is written or in vector loops. Classes with one logit are one, and stand by falling
/// logits.
protocol QuantileSums: Sendable {
  /// Σ_k ∏_{j≠i} F(μ_i − μ_j + q_k), and its terms in those of the row.
  func sum(of i: Int, in row: QuantileRow) -> QuantileValue

  /// Writes Σ_k ∏_{l≠i} F · r(μ_i − μ_j + q_k) for every j to the sums of the row, from the products of class i.
  func sumReversedHazards(of i: Int, times products: UnsafePointer<Double>, in row: QuantileRow)

  /// F(x).
  func cumulative(at x: Double) -> Double

  /// log F(x).
  func logCumulative(at x: Double) -> Double

  /// About how long F and r take, in seconds.
  var seconds: (factor: Double, reversedHazard: Double) { get }
}
