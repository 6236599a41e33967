extension NoisyArgmax {
  /// Scratch memory that a caller keeps, so that repeated calls on single rows allocate nothing.
  ///
  /// It grows to what the largest row needs and can be shared by transforms of any law, method and precision, but
  /// not by two calls at once.
  ///
  /// ```swift
  /// var workspace = NoisyArgmax.Workspace()
  /// for row in rows.indices {
  ///   var span = rows[row].mutableSpan
  ///   argmax.formProbabilities(in: &span, workspace: &workspace)
  /// }
  /// ```
  public struct Workspace: ~Copyable, Sendable {
    /// The row in Double, where its own type is narrower.
    var row = Scratch()
    /// What a method needs besides the row.
    var method = Scratch()

    /// A workspace that holds no memory yet.
    public init() {}
  }
}

/// Uninitialised memory for Doubles that grows on demand and is kept between calls.
struct Scratch: ~Copyable, @unchecked Sendable {
  private var memory = UnsafeMutableBufferPointer<Double>(start: nil, count: 0)

  /// The first `count` places; what they hold is undefined.
  mutating func reserve(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
    if memory.count < count {
      memory.deallocate()
      memory = .allocate(capacity: Swift.max(count, memory.count * 2))
    }
    return UnsafeMutableBufferPointer(rebasing: memory[..<count])
  }

  deinit { memory.deallocate() }
}
