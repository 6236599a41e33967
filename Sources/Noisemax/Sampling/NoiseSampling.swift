// Draws from a law of noise, by its quantile.

extension NoiseDistribution {
  /// A draw from the law.
  ///
  /// The quantile at a uniform draw strictly inside (0, 1). A law that is an ``AccurateNoise`` is asked from the nearer
  /// end, so that both tails have full resolution: noise rarer than 1e-15, or 1e-300, comes at its rate. A law with
  /// no more than the three required functions has that resolution in its lower tail, and 2⁻⁵³ in its upper one.
  ///
  /// Every draw of a shipped law is finite, whatever words the generator returns; so is that of a law moved and
  /// stretched, where location + scale · ε is. The value has the quantile's accuracy (2 ulp for shipped laws), so
  /// that the same words may differ in the last digits from one platform to another.
  ///
  /// Cost: one word of the generator, rarely more, and one quantile.
  public func random(using generator: inout some RandomNumberGenerator) -> Double {
    NoiseSampler(self).draw(using: &generator)
  }

  /// A draw from the law, by the system's generator.
  public func random() -> Double {
    var generator = SystemGenerator()
    return random(using: &generator)
  }

  /// Independent draws from the law: the same as so many calls of ``random(using:)``, and faster.
  ///
  /// - Precondition: `count` is not negative.
  public func random(count: Int, using generator: inout some RandomNumberGenerator) -> [Double] {
    require(count >= 0, "the number of draws is not negative, not \(count)")
    return [Double](unsafeUninitializedCapacity: count) { slots, filled in
      NoiseSampler(self).fill(UnsafeMutableBufferPointer(rebasing: slots[..<count]), using: &generator)
      filled = count
    }
  }

  /// Independent draws from the law, by the system's generator.
  ///
  /// - Precondition: `count` is not negative.
  public func random(count: Int) -> [Double] {
    var generator = SystemGenerator()
    return random(count: count, using: &generator)
  }

  /// Fills a span with independent draws from the law.
  ///
  /// ```swift
  /// var noise = [Double](repeating: 0, count: 1000)
  /// var span = noise.mutableSpan
  /// Gumbel().writeRandom(to: &span, using: &generator)
  /// ```
  public func writeRandom(
    to result: inout MutableSpan<Double>, using generator: inout some RandomNumberGenerator
  ) {
    result.withUnsafeMutableBufferPointer { NoiseSampler(self).fill($0, using: &generator) }
  }

  /// Fills a span of Floats: each is the draw in Double, rounded. The tails are those of the law, not cut off where
  /// a uniform Float has no more bits.
  public func writeRandom(
    to result: inout MutableSpan<Float>, using generator: inout some RandomNumberGenerator
  ) {
    let sampler = NoiseSampler(self)
    result.withUnsafeMutableBufferPointer { slots in
      for index in slots.indices { slots[index] = Float(sampler.draw(using: &generator)) }
    }
  }
}

extension AccurateNoise {
  /// A draw from the law: the same as for any ``NoiseDistribution``, without finding out that this one has both tails.
  public func random(using generator: inout some RandomNumberGenerator) -> Double {
    accurateDraw(from: self, using: &generator)
  }
}

/// The quantile from the nearer end.
@inline(__always)
private func accurateDraw(
  from noise: some AccurateNoise, using generator: inout some RandomNumberGenerator
) -> Double {
  let draw = TailDraw(using: &generator)
  return draw.isUpper ? noise.upperQuantile(at: draw.tail) : noise.quantile(at: draw.tail)
}

/// A law as sampling sees it: whether it can be asked from the upper end is found out once, not for every draw.
enum NoiseSampler: Sendable {
  case accurate(any AccurateNoise)
  /// A law with no more than the three required functions.
  case bare(any NoiseDistribution)

  init(_ noise: any NoiseDistribution) {
    self = (noise as? any AccurateNoise).map(NoiseSampler.accurate) ?? .bare(noise)
  }

  func draw(using generator: inout some RandomNumberGenerator) -> Double {
    switch self {
    case .accurate(let noise): return accurateDraw(from: noise, using: &generator)
    case .bare(let noise): return noise.quantile(at: TailDraw(using: &generator).value)
    }
  }

  func fill(_ slots: UnsafeMutableBufferPointer<Double>, using generator: inout some RandomNumberGenerator) {
    switch self {
    case .accurate(let noise): fillAccurate(slots, from: noise, using: &generator)
    case .bare(let noise):
      for index in slots.indices {
        slots[index] = noise.quantile(at: TailDraw(using: &generator).value)
      }
    }
  }

  /// Adds a draw to every finite number, in order; infinite ones, masks among them, stay and cost no draw.
  func perturb(_ row: UnsafeMutableBufferPointer<Double>, using generator: inout some RandomNumberGenerator) {
    switch self {
    case .accurate(let noise): perturbAccurate(row, from: noise, using: &generator)
    case .bare(let noise):
      for index in row.indices where row[index].isFinite {
        row[index] += noise.quantile(at: TailDraw(using: &generator).value)
      }
    }
  }

  private func fillAccurate(
    _ slots: UnsafeMutableBufferPointer<Double>, from noise: some AccurateNoise,
    using generator: inout some RandomNumberGenerator
  ) {
    for index in slots.indices { slots[index] = accurateDraw(from: noise, using: &generator) }
  }

  private func perturbAccurate(
    _ row: UnsafeMutableBufferPointer<Double>, from noise: some AccurateNoise,
    using generator: inout some RandomNumberGenerator
  ) {
    for index in row.indices where row[index].isFinite {
      row[index] += accurateDraw(from: noise, using: &generator)
    }
  }
}
