internal import NoiseKernels

// What the pullbacks of all methods with a symmetric Jacobian share. Its rows sum to zero, so a constant may be taken
// off the cotangent, and one entry of the result follows from the others.

/// The first class with gap 0.
func leader(of gaps: UnsafeMutableBufferPointer<Double>) -> Int {
  guard let start = gaps.baseAddress else { return 0 }
  let first = kernels.firstZero(of: start, gaps.count)
  return first < gaps.count ? first : 0
}

/// Takes the leader's cotangent off all others, and zeroes those of masked classes.
///
/// - Returns: the leader, the first class with gap 0.
func centre(
  _ cotangent: UnsafeMutableBufferPointer<Double>, onLeaderOf gaps: UnsafeMutableBufferPointer<Double>
) -> Int {
  let leader = leader(of: UnsafeMutableBufferPointer(rebasing: gaps[..<cotangent.count]))
  if let start = cotangent.baseAddress, let gaps = gaps.baseAddress {
    _ = kernels.subtract(
      cotangent[leader], times: nil, from: start, cotangent.count, where: gaps, above: -.infinity)
  }
  return leader
}

/// Replaces the entry of a leader that is likelier than not by minus the sum of the others, which are smaller: its own
/// integral would cancel where it is almost certain.
func balance(
  _ result: UnsafeMutableBufferPointer<Double>, at probabilities: UnsafeMutableBufferPointer<Double>,
  leader: Int
) {
  if probabilities[leader] > 0.5 { balance(result, leader: leader) }
}

func balance(_ result: UnsafeMutableBufferPointer<Double>, leader: Int) {
  guard let start = result.baseAddress else { return }
  result[leader] = 0
  result[leader] = 0 - kernels.sum(of: start, result.count)
}
