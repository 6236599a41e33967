extension NoisyArgmax {
  /// Scratch memory that a caller keeps, so that repeated calls on single rows allocate nothing.
  ///
  /// It grows to what the largest row needs and can be shared by transforms of any law, method and precision, but
  /// not by two calls at once. It also says how many threads a call with a batch may use.
  ///
  /// ```swift
  /// var workspace = NoisyArgmax.Workspace()
  /// for row in rows.indices {
  ///   var span = rows[row].mutableSpan
  ///   argmax.formProbabilities(in: &span, workspace: &workspace)
  /// }
  /// ```
  public struct Workspace: ~Copyable, Sendable {
    /// The gaps of the row, in Double.
    var row = Scratch()
    /// What a method needs besides the row.
    var method = Scratch()

    /// Cotangents that depend on a row's probabilities.
    var cotangents = Scratch()
    /// A number for every row of a batch.
    var rowNumbers = Scratch()

    /// How many Doubles it has room for. Of a fresh workspace that is what one row needed, and so a count of the nodes and
    /// cells that it was given.
    package var room: Int { row.room + method.room + cotangents.room + rowNumbers.room }

    /// The largest number of threads that a call with a batch may use; the results are the same for any number.
    package let threads: Int

    /// A workspace that holds no memory yet.
    ///
    /// - Parameter threads: how many threads a call with a batch may use, at least 1: as many as the machine has
    ///   processors, unless said otherwise. A batch whose work is not worth a second one is done on the caller's.
    public init(threads: Int = .max) {
      require(threads >= 1, "a batch needs at least 1 thread, not \(threads)")
      self.threads = threads
    }
  }
}

/// Uninitialised memory for Doubles that grows on demand and is kept between calls.
struct Scratch: ~Copyable, @unchecked Sendable {
  private var memory = AlignedMemory()
  private var list = AlignedMemory()
  private var aside = AlignedMemory()

  /// How many Doubles it has room for.
  var room: Int { memory.count + list.count + aside.count }

  /// The first `count` elements; what they hold is undefined.
  mutating func reserve(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
    if memory.count < count {
      memory.deallocate()
      memory = AlignedMemory(Swift.max(count, memory.count * 2))
    }
    return UnsafeMutableBufferPointer(rebasing: memory.numbers[..<count])
  }

  /// A second memory, for a list whose length is not known beforehand: at least `count` elements, the first `kept`
  /// of them with what they held. Growing it moves it, and leaves the other memory where it is.
  mutating func growList(to count: Int, keeping kept: Int) -> UnsafeMutableBufferPointer<Double> {
    if list.count < count {
      let larger = AlignedMemory(Swift.max(count, list.count * 2))
      if kept > 0 { _ = larger.numbers[..<kept].initialize(from: list.numbers[..<kept]) }
      list.deallocate()
      list = larger
    }
    return list.numbers
  }

  /// A third memory, for what few rows need: at least `count` elements, whatever becomes of the others.
  mutating func reserveAside(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
    if aside.count < count {
      aside.deallocate()
      aside = AlignedMemory(Swift.max(count, aside.count * 2))
    }
    return aside.numbers
  }

  deinit {
    memory.deallocate()
    list.deallocate()
    aside.deallocate()
  }
}

/// Memory that starts with a cache line: a vector that crosses two costs twice.
///
/// It lies in a block that may start anywhere. To ask the system for aligned memory takes some 50 ns more, as long as all the
/// rest of a call for a short row.
private struct AlignedMemory {
  private var block: UnsafeMutableRawPointer?
  let numbers: UnsafeMutableBufferPointer<Double>

  init() { numbers = UnsafeMutableBufferPointer(start: nil, count: 0) }

  init(_ count: Int) {
    let block = UnsafeMutableRawPointer.allocate(byteCount: 8 * count + 64, alignment: 16)
    let start = block.alignedUp(toMultipleOf: 64).bindMemory(to: Double.self, capacity: count)
    (self.block, numbers) = (block, UnsafeMutableBufferPointer(start: start, count: count))
  }

  var count: Int { numbers.count }

  func deallocate() { block?.deallocate() }
}

/// Memory that is handed out piece by piece.
struct Pieces {
  private var next: UnsafeMutablePointer<Double>
  private let end: UnsafeMutablePointer<Double>

  init(of memory: UnsafeMutableBufferPointer<Double>) {
    guard let start = memory.baseAddress else { fatalError("no memory to hand out") }
    (next, end) = (start, start + memory.count)
  }

  @inline(__always)
  mutating func take(_ count: Int) -> UnsafeMutablePointer<Double> {
    assert(count <= end - next, "the pieces are larger than their memory")
    defer { next += count }
    return next
  }

  @inline(__always)
  mutating func takeIntegers(_ count: Int) -> UnsafeMutablePointer<Int> {
    take(count, of: Int.self)
  }

  /// Room for values that are as large as a whole number of Doubles.
  @inline(__always)
  mutating func take<T: BitwiseCopyable>(_ count: Int, of type: T.Type) -> UnsafeMutablePointer<T> {
    let size = MemoryLayout<T>.stride / MemoryLayout<Double>.stride
    return UnsafeMutableRawPointer(take(size * count)).bindMemory(to: type, capacity: count)
  }
}
