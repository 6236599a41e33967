/// How far down the nodes of a row of Laplace classes go, from a rough count of the classes: so that all far ones are far at
/// every node, and are summed up once.
///
/// Classes are counted by c, in four bins from one power of two to the next, and each is taken to be at the lower edge
/// of its bin, where it takes less off log G. The nodes end where G·t, and if wanted G·t², have fallen by e^−drop from
/// their largest value. Every near class has taken ⅒ or more off log G there: that bounds how many there are.
struct TailReach {
  /// The last t, and the c up to which a class is far; for a far class factor·c ≤ 1.
  let end, limit, factor: Double

  /// The memory for the counts and for two sums beside each of them.
  static var memory: Int { 3 * bins }

  /// For normal numbers up to ½.
  private static var bins: Int { 4 * 1022 }

  /// Below that, classes have no part in the end, and are far: there may be any number of them.
  private static var leastCounted: Double { 0x1.4p-1022 }

  /// The lower edge of a bin: the first one begins with ½.
  private static func edge(_ bin: Int) -> Double { Double(bitPattern: UInt64(bins - bin) << 50) }

  init(
    of tails: UnsafeMutablePointer<Double>, _ count: Int, isLone: Bool, drop: Double, withPairs: Bool,
    most: Int, in memory: UnsafeMutablePointer<Double>
  ) {
    let bins = Self.bins
    let deepest = Self.count(tails, count, in: memory)
    let counts = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Int.self)
    // Σ c over a bin and all deeper ones, and log 2c.
    let deeper = memory + bins
    deeper[deepest + 1] = 0
    for bin in (0...deepest).reversed() {
      deeper[bin] = deeper[bin + 1] + Double(counts[bin]) * Self.edge(bin)
    }
    var (passed, taken, depth) = (isLone ? 1.0 : 0, isLone ? 0.69 : 0, 0.0)
    var (largest, largestPair) = (-Double.infinity, -Double.infinity)
    var last = deepest + 1
    for bin in 0...deepest {
      let next = 0 - logarithm(2 * Self.edge(bin))
      taken += passed * (next - depth) + Double(counts[bin]) * 0.69
      passed += Double(counts[bin])
      depth = next
      let value = depth - taken - deeper[bin + 1] * 0.5 / Self.edge(bin)
      largest = Swift.max(largest, value)
      largestPair = Swift.max(largestPair, value + depth)
      let isLow = value < largest - drop && (!withPairs || value + depth < largestPair - drop)
      if isLow || value < -690 {
        last = bin
        break
      }
    }
    // All classes with a count are near, or the far ones are those below ⅛ at the last node.
    guard last <= deepest else {
      (end, limit, factor) = (.infinity, Self.leastCounted, 1 / Self.leastCounted)
      return
    }
    var end = 0.5 / Self.edge(last)
    var found = 0
    for bin in 0...Swift.min(last + 8, deepest) {
      found += counts[bin]
      if found > most {
        end = Swift.min(end, 0.125 / Self.edge(bin - 1))
        break
      }
    }
    self.end = end
    limit = 0.125 / end
    factor = 8 * end
  }

  /// Counts the classes of every bin, and returns the deepest bin with a class.
  private static func count(
    _ tails: UnsafeMutablePointer<Double>, _ count: Int, in memory: UnsafeMutablePointer<Double>
  ) -> Int {
    let counts = UnsafeMutableRawPointer(memory).bindMemory(to: Int.self, capacity: bins)
    counts.update(repeating: 0, count: bins)
    var deepest = 0
    for index in 0..<count {
      let bin = bins - Int(truncatingIfNeeded: tails[index].bitPattern >> 50)
      guard tails[index] >= leastCounted else { continue }
      counts[bin] += 1
      deepest = Swift.max(deepest, bin)
    }
    return deepest
  }
}
