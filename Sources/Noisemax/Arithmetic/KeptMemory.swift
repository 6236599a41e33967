/// Memory that stays where it is as long as this lives: loops take its address, and count no references.
final class KeptMemory: @unchecked Sendable {
  private let lock = Lock()
  private var blocks: [UnsafeMutableRawPointer] = []

  /// Memory for so many numbers, all 0.
  func reserve(_ count: Int) -> UnsafeMutablePointer<Double> {
    let block = UnsafeMutablePointer<Double>.allocate(capacity: count)
    block.initialize(repeating: 0, count: count)
    lock.withLock { blocks.append(UnsafeMutableRawPointer(block)) }
    return block
  }

  func keep<T: BitwiseCopyable>(_ values: [T]) -> UnsafePointer<T> {
    let block = UnsafeMutablePointer<T>.allocate(capacity: values.count)
    block.initialize(from: values, count: values.count)
    lock.withLock { blocks.append(UnsafeMutableRawPointer(block)) }
    return UnsafePointer(block)
  }

  deinit { for block in blocks { block.deallocate() } }
}
