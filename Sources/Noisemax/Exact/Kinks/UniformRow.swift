internal import NoiseKernels

/// A point of the leader's support: how far it is below its upper end, y, and above its lower end, x = 1 − y, each with all
/// the digits of a Double.
struct UniformPoint {
  var y, x: Double

  /// How far another point is below this one.
  @inline(__always)
  func distance(to other: UniformPoint) -> Double {
    if other.y < 0.5 { return other.y - y }
    return y < 0.5 ? (0.5 - y) + (0.5 - other.x) : x - other.x
  }

  /// The point that far below, at most the end.
  @inline(__always)
  func below(by distance: Double) -> UniformPoint {
    if y + distance < 0.5 { return UniformPoint(y: y + distance, x: 1 - (y + distance)) }
    let x = self.x < UniformRow.leastReach ? 0 : Swift.max(self.x - distance, 0)
    return UniformPoint(y: 1 - x, x: x)
  }
}

/// The classes of a row that can win under uniform noise, in rising order of their distances behind the leader, ties merged.
struct UniformRow {
  /// y and x of the kink of every class: y is also its distance behind the leader.
  let distances, breaks: UnsafeMutablePointer<Double>
  let ties: UnsafeMutablePointer<Double>
  private(set) var count = 0
  /// The indices of the members of all classes, class by class.
  let members: UnsafeMutablePointer<Int>
  private(set) var open = 0

  /// A class that reaches less far into the leader's support is taken to reach so far.
  static var leastReach: Double { 0x1p-1000 }

  /// How many Doubles of memory a row of so many needs.
  static func memory(for count: Int) -> Int { 3 * (padded(count) + 8) + 5 * (count + 1) }

  /// Of n gaps and their remainders, the classes that have a part where G is above e^`floor`.
  init(_ gaps: UnsafePointer<Double>, _ n: Int, floor: Double, in memory: inout Pieces) {
    let room = padded(n) + 8
    distances = memory.take(room)
    breaks = memory.take(room)
    ties = memory.take(room)
    members = memory.takeIntegers(n + 1)
    let (entries, other) = (
      memory.take(n + 1, of: UniformEntry.self), memory.take(n + 1, of: UniformEntry.self)
    )
    let limit = n > 2048 && floor > -.infinity ? Self.limit(of: gaps, n, floor: floor) : 1
    for index in 0..<n where gaps[index] >= -limit {
      guard let key = Self.key(ofGap: gaps[index], remainder: gaps[n + index]) else { continue }
      entries[open] = UniformEntry(key: key, index: index)
      open += 1
    }
    let sorted = sort(entries, open, other: other)
    mergeTies(sorted)
  }

  // MARK: keys

  private static var half: UInt64 { (0.5).bitPattern }

  /// What sorts by the distance: up to ½ its bits, and from there on those of the reach falling. Nil for a class that cannot win.
  @inline(__always)
  private static func key(ofGap gap: Double, remainder: Double) -> UInt64? {
    let distance = 0 - gap
    if distance < 0.5 { return distance.bitPattern }
    let reach = (DoubleDouble(1) - DoubleDouble(distance, 0 - remainder)).value
    guard reach > 0 else { return nil }
    return 2 * half - Swift.max(reach, leastReach).bitPattern
  }

  @inline(__always)
  private static func point(of key: UInt64) -> UniformPoint {
    if key < half {
      let y = Double(bitPattern: key)
      return UniformPoint(y: y, x: 1 - y)
    }
    let x = Double(bitPattern: 2 * half - key)
    return UniformPoint(y: 1 - x, x: x)
  }

  @inline(__always)
  func point(_ k: Int) -> UniformPoint { UniformPoint(y: distances[k], x: breaks[k]) }

  // MARK: what matters

  /// A distance from which on no class has a part: −log G(y) ≥ Σ (y − d) over the classes before, which is found for a
  /// histogram of them, and for one of its lower end where all are near each other.
  private static func limit(of gaps: UnsafePointer<Double>, _ n: Int, floor: Double) -> Double {
    let bins = 512
    var limit = 1.0
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: bins + 1) { counts in
      for _ in 0..<3 {
        counts.update(repeating: 0)
        let perBin = Double(bins) / limit
        for index in 0..<n where gaps[index] > -limit {
          counts[Swift.min(Int(gaps[index] * -perBin), bins)] += 1
        }
        var (sum, open, bin) = (0.0, 0.0, 0)
        while bin < bins && sum <= 1.01 * -floor + 1 {
          // A class counts from the end of its bin on.
          sum += open / perBin
          open += Double(counts[bin])
          bin += 1
        }
        if bin == bins { return limit }
        limit = Double(bin) / perBin
        if bin > bins / 32 { return limit }
      }
      return limit
    }
  }

  // MARK: ties

  /// Classes so close to another that no probability shows it are its ties.
  ///
  /// log p moves with a logit by Σ r in the mean, below (n + 1)/reach for n classes of which the rarest reaches so far.
  private mutating func mergeTies(_ sorted: UnsafePointer<UniformEntry>) {
    let least = open > 0 ? Self.point(of: sorted[open - 1].key).x : 1
    let close = 0x1p-64 * least / Double(open + 1)
    for slot in 0..<open {
      let point = Self.point(of: sorted[slot].key)
      members[slot] = sorted[slot].index
      if count > 0 && self.point(count - 1).distance(to: point) <= close {
        ties[count - 1] += 1
      } else {
        (distances[count], breaks[count], ties[count]) = (point.y, point.x, 1)
        count += 1
      }
    }
    for k in count..<padded(count) + 8 { (distances[k], breaks[k], ties[k]) = (1, 0, 0) }
  }

  /// Passes on every class with its members.
  @inline(__always)
  func forEachMember(_ body: (_ k: Int, _ index: Int) -> Void) {
    var slot = 0
    for k in 0..<count {
      let end = slot + Int(ties[k])
      while slot < end {
        body(k, members[slot])
        slot += 1
      }
    }
  }
}

/// A class of a row, by what it is sorted by.
struct UniformEntry {
  var key: UInt64
  var index: Int
}

/// Sorts by the keys, and returns which of the two memories has the result: byte by byte, but for few entries.
private func sort(
  _ entries: UnsafeMutablePointer<UniformEntry>, _ count: Int, other: UnsafeMutablePointer<UniformEntry>
) -> UnsafeMutablePointer<UniformEntry> {
  if count <= 80 {
    for k in 1..<Swift.max(count, 1) {
      let entry = entries[k]
      var slot = k
      while slot > 0 && entries[slot - 1].key > entry.key {
        entries[slot] = entries[slot - 1]
        slot -= 1
      }
      entries[slot] = entry
    }
    return entries
  }
  return withUnsafeTemporaryAllocation(of: Int.self, capacity: 8 * 256) { counts in
    counts.update(repeating: 0)
    for k in 0..<count {
      let key = entries[k].key
      for byte in 0..<8 { counts[256 * byte + Int((key >> UInt64(8 * byte)) & 255)] += 1 }
    }
    var (source, target) = (entries, other)
    for byte in 0..<8 {
      let starts = counts.baseAddress! + 256 * byte
      let shift = UInt64(8 * byte)
      // All keys may share a byte.
      if starts[Int((source[0].key >> shift) & 255)] == count { continue }
      var start = 0
      for digit in 0..<256 { (starts[digit], start) = (start, start + starts[digit]) }
      for k in 0..<count {
        let digit = Int((source[k].key >> shift) & 255)
        target[starts[digit]] = source[k]
        starts[digit] += 1
      }
      (source, target) = (target, source)
    }
    return source
  }
}
