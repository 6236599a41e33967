/// Places for sixteen numbers, one after the other, which stay where they are.
final class Sixteens {
  private static let perBlock = 64
  private var blocks: [UnsafeMutablePointer<Double>] = []
  private(set) var count = 0

  deinit { for block in blocks { block.deallocate() } }

  subscript(_ place: Int) -> UnsafeMutablePointer<Double> {
    blocks[place / Self.perBlock] + 16 * (place % Self.perBlock)
  }

  /// Adds a place with zeros.
  func append() -> UnsafeMutablePointer<Double> {
    if count % Self.perBlock == 0 { blocks.append(.allocate(capacity: 16 * Self.perBlock)) }
    count += 1
    let place = self[count - 1]
    place.initialize(repeating: 0, count: 16)
    return place
  }
}
