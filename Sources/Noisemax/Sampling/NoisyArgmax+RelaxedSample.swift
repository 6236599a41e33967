// Relaxed samples of one row and of batches.

extension NoisyArgmax {
  /// A relaxed sample softmax((μ + s·ε)/τ) for one draw of the noise, under every law.
  ///
  /// The draw is that of `randomIndex(for:using:)`: the same state of the generator gives the same noise, and the
  /// sample's ``RelaxedSample/index`` is that random index. As τ falls, the sample goes to the one-hot of it, and the
  /// mean of many samples to the probabilities.
  ///
  /// The temperature divides the perturbed logits, noise and all; ``scale`` multiplies the noise alone.
  ///
  /// - Parameters:
  ///   - logits: μ, in any order; −∞ masks a class. See ``RelaxedSample`` for the edges.
  ///   - temperature: τ, 0 or above: 0 is the one-hot limit.
  ///   - generator: what the randomness comes from.
  /// - Returns: the sample with its draw, so that it can be differentiated.
  public func relaxedSample(
    for logits: [Double], temperature: Double, using generator: inout some RandomNumberGenerator
  ) -> RelaxedSample<Double> {
    logits.withUnsafeBufferPointer { relaxedSample(of: $0, temperature, using: &generator) }
  }

  /// A relaxed sample for a row of either precision.
  ///
  /// - Precondition: the temperature is 0 or above.
  public func relaxedSample<Scalar: LogitScalar>(
    for logits: [Scalar], temperature: Double, using generator: inout some RandomNumberGenerator
  ) -> RelaxedSample<Scalar> {
    logits.withUnsafeBufferPointer { relaxedSample(of: $0, temperature, using: &generator) }
  }

  /// A relaxed sample for a row in a span.
  ///
  /// - Precondition: the temperature is 0 or above.
  public func relaxedSample<Scalar: LogitScalar>(
    for logits: Span<Scalar>, temperature: Double, using generator: inout some RandomNumberGenerator
  ) -> RelaxedSample<Scalar> {
    logits.withUnsafeBufferPointer { relaxedSample(of: $0, temperature, using: &generator) }
  }

  /// A relaxed sample by the system's generator.
  ///
  /// - Precondition: the temperature is 0 or above.
  public func relaxedSample(for logits: [Double], temperature: Double) -> RelaxedSample<Double> {
    var generator = SystemGenerator()
    return logits.withUnsafeBufferPointer { relaxedSample(of: $0, temperature, using: &generator) }
  }

  /// A relaxed sample by the system's generator, for a row of either precision.
  ///
  /// - Precondition: the temperature is 0 or above.
  public func relaxedSample<Scalar: LogitScalar>(
    for logits: [Scalar], temperature: Double
  ) -> RelaxedSample<Scalar> {
    var generator = SystemGenerator()
    return logits.withUnsafeBufferPointer { relaxedSample(of: $0, temperature, using: &generator) }
  }

  /// A relaxed sample of every row of a row-major batch, as one value: the rows are independent factors, such as 100
  /// binary choices (200 logits, rows of 2).
  ///
  /// The generator gives one word, the seed; row r draws from stream r of the ``StreamGenerator`` with that seed, as
  /// in `randomIndices(forRowsOf:rowLength:using:)`.
  ///
  /// - Parameters:
  ///   - logits: the rows, one after the other.
  ///   - rowLength: the number of classes of each.
  ///   - temperature: τ, 0 or above, one for all rows.
  ///   - generator: what the seed comes from.
  /// - Returns: the sample with its draws; values and gradients have the shape of the logits.
  public func relaxedSample(
    forRowsOf logits: [Double], rowLength: Int, temperature: Double,
    using generator: inout some RandomNumberGenerator
  ) -> RelaxedSample<Double> {
    logits.withUnsafeBufferPointer {
      relaxedSample(of: $0, rowLength, temperature, RowStreams(using: &generator))
    }
  }

  /// A relaxed sample of every row of a row-major batch of either precision, as one value.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and the temperature is 0 or above.
  public func relaxedSample<Scalar: LogitScalar>(
    forRowsOf logits: [Scalar], rowLength: Int, temperature: Double,
    using generator: inout some RandomNumberGenerator
  ) -> RelaxedSample<Scalar> {
    logits.withUnsafeBufferPointer {
      relaxedSample(of: $0, rowLength, temperature, RowStreams(using: &generator))
    }
  }

  /// A relaxed sample of every row of a row-major batch in a span, as one value.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and the temperature is 0 or above.
  public func relaxedSample<Scalar: LogitScalar>(
    forRowsOf logits: Span<Scalar>, rowLength: Int, temperature: Double,
    using generator: inout some RandomNumberGenerator
  ) -> RelaxedSample<Scalar> {
    logits.withUnsafeBufferPointer {
      relaxedSample(of: $0, rowLength, temperature, RowStreams(using: &generator))
    }
  }

  /// A relaxed sample of every row of a batch, from the streams of a given seed: the same rows in one batch, in
  /// several, or on several threads give the same values.
  ///
  /// - Parameters:
  ///   - logits: the rows, one after the other.
  ///   - rowLength: the number of classes of each.
  ///   - temperature: τ, 0 or above, one for all rows.
  ///   - seed: row r draws from stream `firstRow` + r of this seed.
  ///   - firstRow: the number that the first row has in the whole batch; not negative.
  /// - Returns: the sample with its draws; values and gradients have the shape of the logits.
  public func relaxedSample<Scalar: LogitScalar>(
    forRowsOf logits: [Scalar], rowLength: Int, temperature: Double, seed: UInt64, firstRow: Int = 0
  ) -> RelaxedSample<Scalar> {
    logits.withUnsafeBufferPointer {
      relaxedSample(of: $0, rowLength, temperature, RowStreams(seed: seed, firstRow: firstRow))
    }
  }

  /// A relaxed sample of every row of a batch of Doubles, from the streams of a given seed.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, the temperature is 0 or above, and `firstRow` is
  ///   not negative.
  public func relaxedSample(
    forRowsOf logits: [Double], rowLength: Int, temperature: Double, seed: UInt64, firstRow: Int = 0
  ) -> RelaxedSample<Double> {
    logits.withUnsafeBufferPointer {
      relaxedSample(of: $0, rowLength, temperature, RowStreams(seed: seed, firstRow: firstRow))
    }
  }

  /// A relaxed sample of every row of a row-major batch, by the system's generator.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and the temperature is 0 or above.
  public func relaxedSample(
    forRowsOf logits: [Double], rowLength: Int, temperature: Double
  ) -> RelaxedSample<Double> {
    var generator = SystemGenerator()
    return logits.withUnsafeBufferPointer {
      relaxedSample(of: $0, rowLength, temperature, RowStreams(using: &generator))
    }
  }

  /// A relaxed sample of every row of a row-major batch of either precision, by the system's generator.
  ///
  /// - Precondition: the number of logits is a multiple of `rowLength`, and the temperature is 0 or above.
  public func relaxedSample<Scalar: LogitScalar>(
    forRowsOf logits: [Scalar], rowLength: Int, temperature: Double
  ) -> RelaxedSample<Scalar> {
    var generator = SystemGenerator()
    return logits.withUnsafeBufferPointer {
      relaxedSample(of: $0, rowLength, temperature, RowStreams(using: &generator))
    }
  }

  private func relaxedSample<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, _ temperature: Double,
    using generator: inout some RandomNumberGenerator
  ) -> RelaxedSample<Scalar> {
    var workspace = Workspace()
    let gaps = [Double](unsafeUninitializedCapacity: row.count) { places, count in
      writePerturbedGaps(of: row, to: places.baseAddress, using: &generator, workspace: &workspace)
      count = row.count
    }
    return RelaxedSample(gaps: gaps, rowLength: row.count, temperature: temperature)
  }

  private func relaxedSample<Scalar: LogitScalar>(
    of rows: UnsafeBufferPointer<Scalar>, _ rowLength: Int, _ temperature: Double, _ streams: RowStreams
  ) -> RelaxedSample<Scalar> {
    var workspace = Workspace()
    let gaps = [Double](unsafeUninitializedCapacity: rows.count) { places, count in
      streams.forEachRow(of: rows.count, rowLength: rowLength) { row, generator in
        writePerturbedGaps(
          of: UnsafeBufferPointer(rebasing: rows[row]), to: places.baseAddress! + row.lowerBound,
          using: &generator, workspace: &workspace)
      }
      count = rows.count
    }
    return RelaxedSample(gaps: gaps, rowLength: rowLength, temperature: temperature)
  }

  /// Writes μ + s·ε less its largest: 0 at the winner, −∞ at classes that cannot win.
  private func writePerturbedGaps<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, to start: UnsafeMutablePointer<Double>?,
    using generator: inout some RandomNumberGenerator, workspace: inout Workspace
  ) {
    let places = UnsafeMutableBufferPointer(start: start, count: row.count)
    switch RowKind(of: row) {
    case .undefined: places.initialize(repeating: .nan)
    case .masked: places.initialize(repeating: -.infinity)
    case .certain(let index):
      places.initialize(repeating: -.infinity)
      places[index] = 0
    case .regular(let top, _):
      let gaps = openGaps(of: row, below: top, scratch: &workspace.row)
      let scores = perturbed(gaps, using: &generator, scratch: &workspace.method)
      guard let winner = scores.indexOfLargest else { fatalError("\(noise) drew noise that is NaN") }
      let largest = scores[winner]
      for index in scores.indices {
        let score = scores[index]
        // Finite for every open class, so that dividing by a temperature cannot make it NaN.
        places[index] =
          score > -.infinity ? Double.maximum((score - largest) * unit, -.greatestFiniteMagnitude) : score
      }
    }
  }
}
