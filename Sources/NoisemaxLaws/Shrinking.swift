import Noisemax

/// The smallest row found on which `fails` still holds: classes are dropped, a block at a time, then values are
/// rounded to shorter ones.
func shrunk<Scalar: LogitScalar>(_ row: [Scalar], while fails: ([Scalar]) -> Bool) -> [Scalar] {
  var smallest = row
  var trials = 0
  func accept(_ candidate: [Scalar]) -> Bool {
    trials += 1
    guard trials < 500, fails(candidate) else { return false }
    smallest = candidate
    return true
  }
  var block = max(1, row.count / 2)
  while block >= 1 {
    var start = 0
    while start < smallest.count {
      var candidate = smallest
      candidate.removeSubrange(start..<min(start + block, smallest.count))
      if !accept(candidate) { start += block }
    }
    block /= 2
  }
  for index in smallest.indices {
    let value = smallest[index]
    for shorter in [0, value.rounded(), (value * 16).rounded() / 16] where shorter != value && value.isFinite
    {
      var candidate = smallest
      candidate[index] = shorter
      if accept(candidate) { break }
    }
  }
  return smallest
}
