#if VARIANT
  import NoiseKernels
#endif

// The loops over vectors, number by number. Their memory is padded to whole vectors, with anything.

extension VectorKernels {
  @inline(never)
  package static func firstZero(of gaps: UnsafePointer<Double>, _ count: Int) -> Int {
    firstTop(0, of: gaps, count)
  }

  @inline(never)
  package static func multiply(
    _ numbers: UnsafeMutablePointer<Double>, _ count: Int, by factors: UnsafePointer<Double>
  ) {
    forEachVector(of: count) { index in
      store(load(numbers + index) * load(factors + index), to: numbers + index)
    }
  }

  @inline(never)
  package static func divide(
    _ numbers: UnsafeMutablePointer<Double>, _ count: Int, by divisors: UnsafePointer<Double>,
    above limit: Double
  ) {
    forEachVector(of: count) { index in
      let divisor = load(divisors + index)
      store(
        (load(numbers + index) / divisor).replacing(with: 0, where: .!(divisor .> limit)), to: numbers + index
      )
    }
  }

  @inline(never)
  package static func subtract(
    _ reference: Double, times factors: UnsafePointer<Double>?, from numbers: UnsafeMutablePointer<Double>,
    _ count: Int, where weights: UnsafePointer<Double>, above limit: Double
  ) -> Double {
    var top = Doubles()
    forEachVector(of: count) { index in
      let shift = factors.map { load($0 + index) * reference } ?? Doubles(repeating: reference)
      let isOut = load(weights + index) .<= limit
      let difference = (load(numbers + index) - shift).replacing(with: 0, where: isOut)
      store(difference, to: numbers + index)
      let kept = firstLanes(count - index, of: difference)
      top = larger(top, larger(kept, -kept))
    }
    return largest(top)
  }

  @inline(never)
  package static func sum(of numbers: UnsafePointer<Double>, _ count: Int) -> Double {
    blockSum(count) { load(numbers + $0) }
  }

  @inline(never)
  package static func sum(
    of numbers: UnsafePointer<Double>, _ count: Int, times factors: UnsafePointer<Double>
  ) -> Double {
    blockSum(count) { load(numbers + $0) * load(factors + $0) }
  }

  @inline(never)
  package static func sumsOfExponentials(
    _ numbers: UnsafePointer<Double>, _ count: Int, split: Double
  ) -> (below: Double, above: Double) {
    var (below, above) = ((high: 0.0, low: 0.0), (high: 0.0, low: 0.0))
    var index = 0
    while index < count {
      let end = count - index < 512 ? count : index + 512
      var (low, high) = (Doubles(), Doubles())
      while index < end {
        let logarithm = load(numbers + index)
        let p = firstLanes(count - index, of: exponential(logarithm))
        low += p.replacing(with: 0, where: logarithm .> split)
        high += p.replacing(with: 0, where: logarithm .<= split)
        index += 8
      }
      add(laneSum(low), to: &below)
      add(laneSum(high), to: &above)
    }
    return (below.high + below.low, above.high + above.low)
  }
}

/// A sum of many numbers: blocks of 512 are summed as Doubles, and the sums of the blocks to twice the precision.
@inline(__always)
private func blockSum(_ count: Int, _ vector: (Int) -> Doubles) -> Double {
  var total = (high: 0.0, low: 0.0)
  var index = 0
  while index < count {
    let end = count - index < 512 ? count : index + 512
    var part = Doubles()
    while index < end {
      part += firstLanes(count - index, of: vector(index))
      index += 8
    }
    add(laneSum(part), to: &total)
  }
  return total.high + total.low
}

/// A vector with zeros, or with another number, from a lane on.
@inline(__always)
func firstLanes(_ count: Int, of vector: Doubles, then other: Double = 0) -> Doubles {
  if count >= 8 { return vector }
  return vector.replacing(with: other, where: Doubles(0, 1, 2, 3, 4, 5, 6, 7) .>= Double(count))
}

/// Adds to a sum of two numbers, the second one what the roundings of the first took away. No type of its own: its
/// metadata would be code that modules share.
@inline(__always)
func add(_ term: Double, to sum: inout (high: Double, low: Double)) {
  let next = sum.high + term
  let part = next - sum.high
  sum.low += (sum.high - (next - part)) + (term - part)
  sum.high = next
}

/// Where the largest of some numbers stands first: a block has it if it is the block's largest.
@inline(__always)
func firstTop(_ top: Double, of numbers: UnsafePointer<Double>, _ count: Int) -> Int {
  var index = 0
  while index + 64 <= count {
    var tops = larger(load(numbers + index), load(numbers + index + 8))
    tops = larger(tops, larger(load(numbers + index + 16), load(numbers + index + 24)))
    tops = larger(tops, larger(load(numbers + index + 32), load(numbers + index + 40)))
    tops = larger(tops, larger(load(numbers + index + 48), load(numbers + index + 56)))
    if largest(tops) == top { break }
    index += 64
  }
  while index + 8 <= count && largest(load(numbers + index)) != top { index += 8 }
  while index < count && numbers[index] != top { index += 1 }
  return index
}

@inline(__always)
func firstTop(_ top: Float, of numbers: UnsafePointer<Float>, _ count: Int) -> Int {
  var index = 0
  while index + 64 <= count {
    let tops = larger(
      larger(load(numbers + index), load(numbers + (index + 16))),
      larger(load(numbers + (index + 32)), load(numbers + (index + 48))))
    if largest(tops) == top { break }
    index += 64
  }
  while index + 16 <= count && largest(load(numbers + index)) != top { index += 16 }
  while index < count && numbers[index] != top { index += 1 }
  return index
}
