#if VARIANT
  import NoiseKernels
#endif

// The loops of the quantile rule over its nodes, at the grid points of a row.

private let ln2 = 0x1.62e42fefa39efp-1

/// Σ_tap shares_tap · sums_tap in eight consecutive places: one place between grid points, for eight of them.
@inline(__always)
private func interpolated(_ sums: UnsafePointer<Double>, _ shares: UnsafePointer<Double>) -> Doubles {
  var (even, odd) = (Doubles(), Doubles())
  var tap = 0
  while tap < 16 {
    even = multiplyAdd(shares[tap], load(sums + tap), even)
    odd = multiplyAdd(shares[tap + 1], load(sums + tap + 1), odd)
    tap += 2
  }
  return even + odd
}

extension VectorKernels {
  @inline(never)
  package static func logQuantileSums(
    of sums: UnsafePointer<Double>, at points: UnsafePointer<Int>, from first: Int, to end: Int, offset: Int,
    shifts: UnsafePointer<Int>, shares: UnsafePointer<Double>, logCumulatives: UnsafePointer<Double>,
    nodes: Int, logarithms: UnsafeMutablePointer<Double>
  ) {
    let last = nodes - 1
    var point = first
    while point < end {
      // Two blocks, or one: then what comes of the other is overwritten, or stands behind the list.
      let start = points[point] + offset
      let slot = sums + (start + shifts[last])
      let top = interpolated(slot, shares + 16 * last)
      let otherTop = interpolated(slot + 8, shares + 16 * last)
      var (sum, otherSum) = (Doubles(repeating: 1), Doubles(repeating: 1))
      var node = last
      while node > 0 {
        node -= 1
        let position = start + shifts[node]
        // The sums begin where what is left out has no weight.
        if position < 0 { break }
        let shares = shares + 16 * node
        let ratio = logCumulatives[last] - logCumulatives[node]
        let difference = interpolated(sums + position, shares) - top + ratio
        let otherDifference = interpolated(sums + position + 8, shares) - otherTop + ratio
        sum += moderateExponential(larger(difference, Doubles(repeating: -600)))
        otherSum += moderateExponential(larger(otherDifference, Doubles(repeating: -600)))
      }
      let (exponent, logarithm) = splitLogarithm(sum)
      let (otherExponent, otherLogarithm) = splitLogarithm(otherSum)
      store(
        top - logCumulatives[last] + multiplyAdd(ln2, exponent, logarithm), to: logarithms + point)
      store(
        otherTop - logCumulatives[last] + multiplyAdd(ln2, otherExponent, otherLogarithm),
        to: logarithms + point + 8)
      point += point + 8 < end && points[point + 8] == points[point] + 8 ? 16 : 8
    }
  }

  @inline(never)
  package static func spreadQuantileShares(
    of sums: UnsafePointer<Double>, slopes: UnsafePointer<Double>, at points: UnsafePointer<Int>,
    from first: Int, to end: Int, offset: Int, shifts: UnsafePointer<Int>, shares: UnsafePointer<Double>,
    logCumulatives: UnsafePointer<Double>, nodes: Int, logarithms: UnsafePointer<Double>, reference: Double,
    weights: UnsafePointer<Double>, gains: UnsafeMutablePointer<Double>, spread: UnsafeMutablePointer<Double>
  ) {
    var point = first
    while point < end {
      let start = points[point] + offset
      let weight = load(weights + point)
      let logarithm = load(logarithms + point) + reference
      var gain = Doubles()
      var node = nodes
      while node > 0 {
        node -= 1
        let position = start + shifts[node]
        if position < 0 { break }
        let shares = shares + 16 * node
        let exponent = interpolated(sums + position, shares) - (logarithm + logCumulatives[node])
        let share = moderateExponential(larger(exponent, Doubles(repeating: -600)))
        gain = multiplyAdd(share, interpolated(slopes + position, shares), gain)
        let term = share * weight
        var tap = 0
        while tap < 16 {
          let slot = spread + (position + tap)
          store(multiplyAdd(shares[tap], term, load(slot)), to: slot)
          tap += 1
        }
      }
      store(gain, to: gains + point)
      point += 8
    }
  }
}
