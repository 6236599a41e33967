// One row of logits with noise added: what every draw of an index and every relaxed sample starts from.

extension NoisyArgmax {
  /// A row with noise added, in units of the standard law's noise, relative to the largest logit. −∞ at masked
  /// classes; a logit of +∞ stays. Consumes one draw for each finite logit, in order.
  func perturbed(
    _ gaps: UnsafeMutableBufferPointer<Double>, using generator: inout some RandomNumberGenerator,
    scratch: inout Scratch
  ) -> UnsafeMutableBufferPointer<Double> {
    let scores = scratch.reserve(gaps.count)
    _ = scores.update(fromContentsOf: gaps)
    sampler.perturb(scores, using: &generator)
    return scores
  }

  /// (μ − top)/s, finite for every finite logit however far behind: an open class stays distinct from a masked one.
  @_specialize(where Scalar == Float)
  @_specialize(where Scalar == Double)
  func openGaps<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, below top: Double, scratch: inout Scratch
  ) -> UnsafeMutableBufferPointer<Double> {
    let gaps = scratch.reserve(row.count)
    for index in row.indices {
      let logit = Double(row[index])
      gaps[index] =
        logit.isFinite
        ? Double.maximum(gap(of: logit, below: top, scale: unit), -.greatestFiniteMagnitude) : logit
    }
    return gaps
  }

  /// Draws indices of one row.
  func draw<Scalar: LogitScalar>(
    _ count: Int, from row: UnsafeBufferPointer<Scalar>, using generator: inout some RandomNumberGenerator,
    workspace: inout Workspace, body: (Int) -> Void
  ) {
    switch RowKind(of: row) {
    case .masked, .undefined: return
    case .certain(let index):
      for _ in 0..<count { body(index) }
    case .regular(let top, _):
      let gaps = openGaps(of: row, below: top, scratch: &workspace.row)
      for _ in 0..<count {
        let scores = perturbed(gaps, using: &generator, scratch: &workspace.method)
        guard let index = scores.indexOfLargest else {
          fatalError("\(noise) drew noise that is NaN")
        }
        body(index)
      }
    }
  }
}

extension UnsafeMutableBufferPointer<Double> {
  /// The first index of the largest number above −∞, or nil where there is none.
  var indexOfLargest: Int? {
    var largest = -Double.infinity
    var leader: Int?
    for index in indices where self[index] > largest {
      largest = self[index]
      leader = index
    }
    return leader
  }
}

/// The generators that the rows of a batch draw from: row r has stream `first` + r of one seed.
struct RowStreams {
  let seed: UInt64
  let first: Int

  init(seed: UInt64, firstRow: Int) {
    require(firstRow >= 0, "rows are counted from 0, not \(firstRow)")
    self.seed = seed
    first = firstRow
  }

  /// A seed of its own for every batch drawn by one generator.
  init(using generator: inout some RandomNumberGenerator) {
    self.init(seed: generator.next(), firstRow: 0)
  }

  func generator(ofRow row: Int) -> StreamGenerator {
    StreamGenerator(seed: seed, stream: UInt64(first + row))
  }
}
