// Random indices of one row: one draw, and many independent ones.

extension NoisyArgmax {
  /// A random index: argmax(μ + s·ε) for one draw of the noise. Each index comes with its probability.
  ///
  /// Under Gumbel noise this is the Gumbel-max way of drawing from a softmax. The noise is drawn from the law itself,
  /// whatever the ``method``, so a quantile rule draws from the exact probabilities.
  ///
  /// A masked class (−∞) gets no noise and cannot be drawn. One class that is certain, the only open one or the only
  /// one at +∞, comes without consuming randomness.
  ///
  /// Cost: one draw of the noise for each open class.
  ///
  /// - Parameters:
  ///   - logits: μ, in any order; −∞ masks a class.
  ///   - generator: what the randomness comes from.
  /// - Returns: the index, or nil where there is none: the row is empty, every class is masked, or the row has no
  ///   probabilities (a NaN, or several classes at +∞).
  public func randomIndex(for logits: [Double], using generator: inout some RandomNumberGenerator) -> Int? {
    logits.withUnsafeBufferPointer { randomIndex(of: $0, using: &generator) }
  }

  /// A random index for logits of either precision: nil where no class is open or the row has no probabilities.
  public func randomIndex<Scalar: LogitScalar>(
    for logits: [Scalar], using generator: inout some RandomNumberGenerator
  ) -> Int? {
    logits.withUnsafeBufferPointer { randomIndex(of: $0, using: &generator) }
  }

  /// A random index for a row in a span: nil where no class is open or the row has no probabilities.
  public func randomIndex<Scalar: LogitScalar>(
    for logits: Span<Scalar>, using generator: inout some RandomNumberGenerator
  ) -> Int? {
    logits.withUnsafeBufferPointer { randomIndex(of: $0, using: &generator) }
  }

  /// A random index for a row in a span, without allocating once the workspace has grown: nil where no class is open
  /// or the row has no probabilities.
  public func randomIndex<Scalar: LogitScalar>(
    for logits: Span<Scalar>, using generator: inout some RandomNumberGenerator, workspace: inout Workspace
  ) -> Int? {
    var result: Int?
    logits.withUnsafeBufferPointer { row in
      draw(1, from: row, using: &generator, workspace: &workspace) { result = $0 }
    }
    return result
  }

  /// A random index by the system's generator: nil where no class is open or the row has no probabilities.
  public func randomIndex(for logits: [Double]) -> Int? {
    var generator = SystemGenerator()
    return logits.withUnsafeBufferPointer { randomIndex(of: $0, using: &generator) }
  }

  /// A random index by the system's generator, for logits of either precision.
  public func randomIndex<Scalar: LogitScalar>(for logits: [Scalar]) -> Int? {
    var generator = SystemGenerator()
    return logits.withUnsafeBufferPointer { randomIndex(of: $0, using: &generator) }
  }

  /// A random index by the system's generator, for a row in a span.
  public func randomIndex<Scalar: LogitScalar>(for logits: Span<Scalar>) -> Int? {
    var generator = SystemGenerator()
    return randomIndex(for: logits, using: &generator)
  }

  /// Independent random indices of one row, the same as so many calls of `randomIndex(for:using:)`.
  ///
  /// Cost: one draw of the noise for each open class and index. Where the probabilities are at hand, a
  /// ``Categorical`` of them draws an index from a single word.
  ///
  /// - Parameters:
  ///   - logits: μ, in any order; −∞ masks a class.
  ///   - count: how many; not negative.
  ///   - generator: what the randomness comes from.
  /// - Returns: the indices in the order drawn; empty where `randomIndex(for:using:)` is nil.
  public func randomIndices(
    for logits: [Double], count: Int, using generator: inout some RandomNumberGenerator
  ) -> [Int] {
    logits.withUnsafeBufferPointer { randomIndices(of: $0, count: count, using: &generator) }
  }

  /// Independent random indices of one row of either precision.
  ///
  /// - Precondition: `count` is not negative.
  public func randomIndices<Scalar: LogitScalar>(
    for logits: [Scalar], count: Int, using generator: inout some RandomNumberGenerator
  ) -> [Int] {
    logits.withUnsafeBufferPointer { randomIndices(of: $0, count: count, using: &generator) }
  }

  /// Independent random indices of one row in a span.
  ///
  /// - Precondition: `count` is not negative.
  public func randomIndices<Scalar: LogitScalar>(
    for logits: Span<Scalar>, count: Int, using generator: inout some RandomNumberGenerator
  ) -> [Int] {
    logits.withUnsafeBufferPointer { randomIndices(of: $0, count: count, using: &generator) }
  }

  /// Independent random indices by the system's generator.
  ///
  /// - Precondition: `count` is not negative.
  public func randomIndices(for logits: [Double], count: Int) -> [Int] {
    var generator = SystemGenerator()
    return logits.withUnsafeBufferPointer { randomIndices(of: $0, count: count, using: &generator) }
  }

  /// Independent random indices by the system's generator, for logits of either precision.
  ///
  /// - Precondition: `count` is not negative.
  public func randomIndices<Scalar: LogitScalar>(for logits: [Scalar], count: Int) -> [Int] {
    var generator = SystemGenerator()
    return logits.withUnsafeBufferPointer { randomIndices(of: $0, count: count, using: &generator) }
  }
  private func randomIndex<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, using generator: inout some RandomNumberGenerator
  ) -> Int? {
    var workspace = Workspace()
    var result: Int?
    draw(1, from: row, using: &generator, workspace: &workspace) { result = $0 }
    return result
  }

  private func randomIndices<Scalar: LogitScalar>(
    of row: UnsafeBufferPointer<Scalar>, count: Int, using generator: inout some RandomNumberGenerator
  ) -> [Int] {
    require(count >= 0, "the number of draws is not negative, not \(count)")
    var workspace = Workspace()
    var indices: [Int] = []
    indices.reserveCapacity(count)
    draw(count, from: row, using: &generator, workspace: &workspace) { indices.append($0) }
    return indices
  }
}
