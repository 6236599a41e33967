#if VARIANT
  import NoiseKernels
#endif

// The loops of the quantile rule over its nodes: at the grid points of a row, and class by class.

/// A normal number above 0 as mantissa · 2^exponent, or 0 with the mantissa 0.
@_transparent
private func splitFactor(_ x: Doubles) -> (mantissa: Doubles, exponent: Words) {
  let (mantissa, exponent) = splitExponent(x)
  return (mantissa.replacing(with: 0, where: x .== 0), exponent)
}

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
    weights: UnsafePointer<Double>, gains: UnsafeMutablePointer<Double>,
    spread: UnsafeMutablePointer<Double>, places: Int
  ) {
    // Eight copies: no vector is read that overlaps one just written.
    spread.update(repeating: 0, count: 8 * places)
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
        var (tap, slot) = (0, spread + position)
        while tap < 8 {
          store(multiplyAdd(shares[tap], term, load(slot + tap)), to: slot + tap)
          store(multiplyAdd(shares[tap + 8], term, load(slot + tap + 8)), to: slot + tap + 8)
          tap += 1
          slot += places
        }
      }
      store(gain, to: gains + point)
      point += 8
    }
    forEachVector(of: places) { place in
      var (sum, copy) = (load(spread + place), 1)
      while copy < 8 {
        sum = sum + load(spread + copy * places + place)
        copy += 1
      }
      store(sum, to: spread + place)
    }
  }

  @inline(never)
  package static func multiply(
    _ mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>, nodes: Int,
    by factors: UnsafePointer<Double>, powers: UnsafePointer<Double>, _ count: Int
  ) {
    forEachVector(of: nodes) { node in
      var (product, exponent) = (load(mantissas + node), Words())
      var (k, waiting) = (0, 0)
      while k < count {
        let factor = load(factors + 16 * k + node)
        var power = powers[k]
        while power > 0 {
          product = product * factor
          power -= 1
          waiting += 1
          // Three factors on a mantissa of ½ and more leave a normal number.
          if waiting == 3 {
            let (mantissa, lost) = splitFactor(product)
            (product, exponent, waiting) = (mantissa, exponent &+ lost, 0)
          }
        }
        k += 1
      }
      let (mantissa, lost) = splitFactor(product)
      store(mantissa, to: mantissas + node)
      store(load(exponents + node) + doubles(whole: exponent &+ lost), to: exponents + node)
    }
  }

  @inline(never)
  package static func addReversedHazards(
    _ densities: UnsafePointer<Double>, over cumulatives: UnsafePointer<Double>, _ count: Int,
    weights: UnsafePointer<Double>, nodes: Int, to sums: UnsafeMutablePointer<Double>
  ) {
    for k in 0..<count {
      var (sum, node) = (Doubles(), 0)
      while node < nodes {
        let cumulative = load(cumulatives + 16 * k + node)
        let r = load(densities + 16 * k + node) / cumulative
        sum = multiplyAdd(load(weights + node), r.replacing(with: 0, where: cumulative .== 0), sum)
        node += 8
      }
      sums[k] += laneSum(sum)
    }
  }

  @inline(never)
  package static func splitExponents(
    of mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>, _ count: Int
  ) {
    forEachVector(of: count) { index in
      let (mantissa, exponent) = splitFactor(load(mantissas + index))
      store(mantissa, to: mantissas + index)
      store(load(exponents + index) + doubles(whole: exponent), to: exponents + index)
    }
  }

  @inline(never)
  package static func settleTerms(
    _ mantissas: UnsafeMutablePointer<Double>, _ exponents: UnsafeMutablePointer<Double>,
    logarithms: UnsafePointer<Double>?, _ count: Int
  ) -> (sum: Double, exponent: Double) {
    let nothing = -Double.infinity
    var top = Doubles(repeating: nothing)
    forEachVector(of: count) { index in
      var mantissa = firstLanes(count - index, of: load(mantissas + index))
      var exponent = load(exponents + index)
      if let logarithms {
        let logarithm = load(logarithms + index)
        let (power, rest) = splitPower(logarithm)
        mantissa = (mantissa * rest).replacing(with: 0, where: logarithm .== nothing)
        exponent += power
      }
      exponent = exponent.replacing(with: nothing, where: mantissa .== 0)
      store(mantissa, to: mantissas + index)
      store(exponent, to: exponents + index)
      top = larger(top, exponent)
    }
    let exponent = largest(top)
    var total = (high: 0.0, low: 0.0)
    forEachVector(of: count) { index in
      // Relative to the largest one, what is below 2⁻¹⁰⁰⁰ is nothing.
      let depth = load(exponents + index) - exponent
      let power = powerOfTwo(larger(depth, Doubles(repeating: -1000)))
      let term = (load(mantissas + index) * power).replacing(with: 0, where: .!(depth .> -1000))
      store(term, to: mantissas + index)
      add(laneSum(term), to: &total)
    }
    return (total.high + total.low, exponent)
  }
}
