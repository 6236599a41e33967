internal import NoiseKernels

/// Samples of log F and of log r at multiples of a unit, in the orders in which the loops of the lattice read them.
///
/// A table has two of these: one for the classes with probabilities, and a longer one for the log-probabilities of rarer
/// ones. Each order is made when a row first asks for it.
final class LawSamples: @unchecked Sendable {
  let integrands: SampledIntegrands
  /// The lowest node that all classes have samples for.
  let lowest: Double
  /// The number of the first sample, which is at firstIndex · unit.
  var firstIndex: Int { integrands.first }
  /// log r at every sample.
  let logReversedHazard: UnsafePointer<Double>
  /// How many samples of r, from the lowest on, are normal numbers.
  let normalReversedHazards: Int
  /// Whether every integrand has one hump, and the rarest class has the sharpest.
  let isLogConcave: Bool
  /// Whether log r is concave, too: then the integrand of the rarest class is the last one to fall.
  let isReversedHazardConcave: Bool

  private let memory = KeptMemory()
  /// The samples of log F, for every step.
  private let cumulatives: [LazyValue<LatticeSamples>]
  /// Those of r for every cell width w, in rows that are reversed.
  private let reversedHazards: [LazyValue<LatticeSamples>]

  /// Samples log F from the lowest node to the highest. A class at a gap g has r(x − g) at a node x: so log r is sampled up to
  /// `deepest` above the highest node, and r as a number up to `deepestNumber` above it. The margin is for grid points beyond
  /// the classes, and for nodes beyond those that matter.
  init(
    of noise: some SmoothNoise, unit: Double, lowest: Double, highest: Double, margin: Double,
    deepest: Double, deepestNumber: Double, widestStride: Int
  ) {
    let integrands = SampledIntegrands(
      of: noise, unit: unit, first: Int(((lowest - margin) / unit).rounded(.down)), highest: highest + margin,
      highestReversedHazard: highest + margin + deepest
        + 2 * (noise.upperQuantile(at: 0.25) - noise.quantile(at: 0.25)))
    self.lowest = lowest
    self.integrands = integrands
    let memory = memory
    logReversedHazard = memory.keep(integrands.logReversedHazard)
    normalReversedHazards = (integrands.logReversedHazard.lastIndex { $0 > -708 } ?? 0) + 1
    isLogConcave = integrands.areConcave
    isReversedHazardConcave = integrands.areReversedHazardsConcave
    cumulatives = LatticeTable.steps.map { step in
      LazyValue { LatticeSamples(integrands.logCumulative, step: step, in: memory) }
    }
    // From some sample on r is 0.
    let numbers = (integrands.logReversedHazard.lastIndex { $0 > -746 } ?? 0) + 1
    let reversedHazardCount = min(
      numbers, Int(((highest + deepestNumber + margin) / unit).rounded(.up)) - integrands.first)
    reversedHazards = (1...widestStride.trailingZeroBitCount).map { exponent in
      LazyValue {
        let samples = integrands.logReversedHazard.prefix(reversedHazardCount).map { exponential($0) }
        return LatticeSamples(samples, step: 1 << exponent, isReversed: true, in: memory)
      }
    }
  }

  /// The samples of log F for a step, given its index.
  func cumulatives(forStep index: Int) -> LatticeSamples { cumulatives[index]() }

  /// The samples of r for grid points so many units apart, a power of two from 2 on.
  func reversedHazards(forStride stride: Int) -> LatticeSamples {
    reversedHazards[stride.trailingZeroBitCount - 1]()
  }
}

/// Samples of a function at first, first + 1, …, those with the same remainder by the step side by side: a walk along the
/// grid in steps reads consecutive memory. Zeros stand behind the last sample of each such row, as many as loops may read.
struct LatticeSamples: @unchecked Sendable {
  let values: UnsafePointer<Double>
  let layout: SampleLayout

  init(_ samples: [Double], step: Int, isReversed: Bool = false, in memory: KeptMemory) {
    let zeros = 96
    let last = isReversed ? samples.count / step + zeros : 0
    let rowLength = samples.count / step + 1 + zeros + (isReversed ? 16 : 0)
    layout = SampleLayout(step: step, rowLength: rowLength, lastOfRow: last, count: samples.count)
    let values = memory.reserve(rowLength * step)
    for remainder in 0..<step {
      var slot = remainder * rowLength + last
      for sample in stride(from: remainder, to: samples.count, by: step) {
        values[slot] = samples[sample]
        slot += isReversed ? -1 : 1
      }
    }
    self.values = UnsafePointer(values)
  }
}
