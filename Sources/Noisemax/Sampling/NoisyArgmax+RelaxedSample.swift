// Relaxed samples of one row and of many.

extension NoisyArgmax {
  /// A relaxed sample softmax((μ + s·ε)/τ) for one draw of the noise, under every law.
  ///
  /// The draw is that of `randomIndex(for:using:)`: the same state of the generator gives the same noise, and the
  /// sample's ``RelaxedSample/index`` is that random index. As τ falls, the sample goes to the one-hot of it, and the
  /// mean of many samples to the probabilities.
  ///
  /// The temperature divides the perturbed logits, noise and all; ``scale`` multiplies the noise alone.
  ///
  /// Many ``Rows`` are independent factors of one sample, such as 100 binary choices (200 logits, rows of 2). The generator
  /// then gives one word, the seed, as for ``relaxedSample(for:temperature:seed:firstRow:)``.
  ///
  /// - Parameters:
  ///   - logits: μ, in any order, of one row or of many; −∞ masks a class. See ``RelaxedSample`` for the edges.
  ///   - temperature: τ, 0 or above, one for all rows: 0 is the one-hot limit.
  ///   - generator: what the randomness comes from.
  /// - Returns: the sample with its draw, so that it can be differentiated.
  public func relaxedSample<L: Logits>(
    for logits: L, temperature: Double, using generator: inout some RandomNumberGenerator
  ) -> RelaxedSample<L> {
    let rows = logits.asRows
    guard logits is [L.Scalar] else {
      return relaxedSample(of: rows, temperature, RowStreams(using: &generator))
    }
    var workspace = Workspace()
    let gaps = [Double](unsafeUninitializedCapacity: rows.rowLength) { memory, count in
      rows.elements.withUnsafeBufferPointer {
        writePerturbedGaps(of: $0, to: memory.baseAddress, using: &generator, workspace: &workspace)
      }
      count = rows.rowLength
    }
    return RelaxedSample(gaps: gaps, shape: rows.shape, temperature: temperature)
  }

  /// A relaxed sample by the system's generator.
  ///
  /// - Precondition: the temperature is 0 or above.
  public func relaxedSample<L: Logits>(for logits: L, temperature: Double) -> RelaxedSample<L> {
    var generator = SystemGenerator()
    return relaxedSample(for: logits, temperature: temperature, using: &generator)
  }

  /// A relaxed sample of every row, from the streams of a given seed: the same rows in one batch, in several, or on
  /// several threads give the same values.
  ///
  /// - Parameters:
  ///   - rows: the rows.
  ///   - temperature: τ, 0 or above, one for all rows.
  ///   - seed: row r draws from stream `firstRow` + r of the ``StreamGenerator`` with this seed.
  ///   - firstRow: the number that the first row has in the whole batch; not negative.
  /// - Returns: the sample with its draws; values and gradients have the shape of the rows.
  public func relaxedSample<Scalar: LogitScalar>(
    for rows: Rows<Scalar>, temperature: Double, seed: UInt64, firstRow: Int = 0
  ) -> RelaxedSample<Rows<Scalar>> {
    relaxedSample(of: rows, temperature, RowStreams(seed: seed, firstRow: firstRow))
  }

  private func relaxedSample<L: Logits>(
    of rows: Rows<L.Scalar>, _ temperature: Double, _ streams: RowStreams
  ) -> RelaxedSample<L> {
    var workspace = Workspace()
    let shape = rows.shape
    let gaps = [Double](unsafeUninitializedCapacity: shape.count) { memory, count in
      rows.elements.withUnsafeBufferPointer { elements in
        for row in 0..<shape.rowCount {
          let slots = shape.slots(of: row)
          var generator = streams.generator(ofRow: row)
          writePerturbedGaps(
            of: UnsafeBufferPointer(rebasing: elements[slots]),
            to: memory.baseAddress.map { $0 + slots.lowerBound }, using: &generator, workspace: &workspace)
        }
      }
      count = shape.count
    }
    return RelaxedSample(gaps: gaps, shape: shape, temperature: temperature)
  }

  /// Writes μ + s·ε less its largest: 0 at the winner, −∞ at classes that cannot win.
  private func writePerturbedGaps<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, to start: UnsafeMutablePointer<Double>?,
    using generator: inout some RandomNumberGenerator, workspace: inout Workspace
  ) {
    let memory = UnsafeMutableBufferPointer(start: start, count: row.count)
    switch RowKind(of: row) {
    case .undefined: memory.initialize(repeating: .nan)
    case .masked: memory.initialize(repeating: -.infinity)
    case .certain(let index):
      memory.initialize(repeating: -.infinity)
      memory[index] = 0
    case .regular(let top, _):
      let gaps = openGaps(of: row, below: top, scratch: &workspace.row)
      let scores = perturbed(gaps, using: &generator, scratch: &workspace.method)
      guard let winner = scores.indexOfLargest else { fatalError("\(noise) drew noise that is NaN") }
      let largest = scores[winner]
      for index in scores.indices {
        let score = scores[index]
        // Finite for every open class, so that dividing by a temperature cannot make it NaN.
        memory[index] =
          score > -.infinity ? Double.maximum((score - largest) * unit, -.greatestFiniteMagnitude) : score
      }
    }
  }
}
