/// Numbers that stay where they are as long as this lives, so that loops take their address and count no references.
final class KeptMemory: @unchecked Sendable {
  private var blocks: [UnsafeMutableRawPointer] = []

  func keep<T: BitwiseCopyable>(_ values: [T]) -> UnsafePointer<T> {
    let block = UnsafeMutablePointer<T>.allocate(capacity: values.count)
    block.initialize(from: values, count: values.count)
    blocks.append(UnsafeMutableRawPointer(block))
    return UnsafePointer(block)
  }

  deinit { for block in blocks { block.deallocate() } }
}
