#if VARIANT
  import NoiseKernels
#endif

// Softmax of the rows of a batch. Doubles, and short rows of Floats, are computed with as Doubles, eight at a time; longer
// rows of Floats sixteen at a time.

extension VectorKernels {
  @inline(never)
  package static func softmax(
    _ rows: UnsafePointer<Double>, count: Int, rowLength: Int, scale: Double,
    to results: UnsafeMutablePointer<Double>
  ) -> Int {
    softmaxRows(
      count: count, rowLength: rowLength, scale: scale,
      part: { row, index in part(rows + row * rowLength, index, rowLength) },
      put: { vector, row, index in put(vector, to: results + row * rowLength, index, rowLength) },
      again: { row, index in part(UnsafePointer(results + row * rowLength), index, rowLength) },
      exponential: { exponential($0) })
  }

  @inline(never)
  package static func softmax(
    _ rows: UnsafePointer<Float>, count: Int, rowLength: Int, scale: Double,
    to results: UnsafeMutablePointer<Float>
  ) -> Int {
    if rowLength < 16 {
      return softmaxRows(
        count: count, rowLength: rowLength, scale: scale,
        part: { row, index in part(rows + row * rowLength, index, rowLength) },
        put: { vector, row, index in put(vector, to: results + row * rowLength, index, rowLength) },
        again: { row, index in part(UnsafePointer(results + row * rowLength), index, rowLength) },
        exponential: { singleExponential($0) })
    }
    return scale == 1
      ? longRows(rows, count: count, rowLength: rowLength, to: results)
      : longRows(rows, count: count, rowLength: rowLength, to: results, scale: scale)
  }
}

// Functions of their own: the more there is in one, the less is inlined into it.

@inline(never)
private func longRows(
  _ rows: UnsafePointer<Float>, count: Int, rowLength: Int, to results: UnsafeMutablePointer<Float>
) -> Int {
  longRows(rows, count: count, rowLength: rowLength, to: results, divided: false, by: (1, 1, 1, 0, 0))
}

@inline(never)
private func longRows(
  _ rows: UnsafePointer<Float>, count: Int, rowLength: Int, to results: UnsafeMutablePointer<Float>,
  scale: Double
) -> Int {
  longRows(rows, count: count, rowLength: rowLength, to: results, divided: true, by: divisor(scale))
}

/// Softmax of rows of 16 Floats and more, within 1.3e-7.
///
/// What roundings take away is kept as far as a result would show it: of the gap, of the weights where they are summed,
/// of the factor. What is left are the roundings of the weight and of its product with the factor, 6e-8 each, and little
/// more.
@_transparent
private func longRows(
  _ rows: UnsafePointer<Float>, count: Int, rowLength: Int, to results: UnsafeMutablePointer<Float>,
  divided: Bool, by divisor: Divisor
) -> Int {
  // The last vector overlaps the one before.
  let last = rowLength - 16
  let isTwice = laneNumbers .< Float((16 - rowLength % 16) % 16)
  var row = 0
  while row < count {
    let logits = rows + row * rowLength
    let result = results + row * rowLength
    // Read before anything is written, which may be to the same memory.
    let end = load(logits + last)
    // A NaN may drop out here: it shows in the sum.
    var tops = end
    var index = 0
    while index < last {
      tops = larger(tops, load(logits + index))
      index += 16
    }
    let top = largest(tops)
    let unitTop = divided ? top * divisor.unit : top
    if !(unitTop > -.infinity && unitTop < .infinity) { return row }
    let shift = Floats(repeating: -unitTop)

    let (endPower, endExcess) = weight(of: end, shift, divided: divided, by: divisor)
    let endWeight = endPower + endExcess
    var (sums, rests) = (Floats(repeating: largestWeight), Floats())
    add(
      endPower.replacing(with: 0, where: isTwice), endExcess.replacing(with: 0, where: isTwice),
      endWeight.replacing(with: 0, where: isTwice), to: &sums, &rests)
    // The sum of a few thousand goes to Doubles; for one that is passed on from loop to loop the compiler keeps vectors.
    var totals = Doubles()
    index = 0
    repeat {
      let blockEnd = last - index > 4096 ? index + 4096 : last
      while index < blockEnd {
        let (power, excess) = weight(of: load(logits + index), shift, divided: divided, by: divisor)
        store(power + excess, to: result + index)
        add(power, excess, power + excess, to: &sums, &rests)
        index += 16
      }
      let sum = sums - largestWeight
      totals += doubles(folding: sum)
      totals += doubles(folding: rests)
      (sums, rests) = (Floats(repeating: largestWeight), Floats())
    } while index < last

    let factor = 1 / laneSum(totals)
    let (high, low) = (Float(factor), Float(factor - Double(Float(factor))))
    index = 0
    while index < last {
      store(product(load(result + index), high, low), to: result + index)
      index += 16
    }
    store(product(endWeight, high, low), to: result + last)
    row += 1
  }
  return row
}

/// Adds a weight to sums. The weight is power + excess, rounded. The rests get what that rounding took away, and what the
/// rounding of the sum did: sums are never below a weight, so that this is known exactly.
@_transparent
private func add(
  _ power: Floats, _ excess: Floats, _ weight: Floats, to sums: inout Floats, _ rests: inout Floats
) {
  let next = sums + weight
  rests += (power - (next - sums)) + excess
  sums = next
}

/// e^gap times the largest weight, in two parts: a power of two and what exceeds it.
@_transparent
private func weight(
  of logits: Floats, _ shift: Floats, divided: Bool, by divisor: Divisor
) -> (power: Floats, excess: Floats) {
  if divided {
    let (difference, differenceRest) = exactSum(logits * divisor.unit, shift)
    let (gap, rest) = product(difference, differenceRest, divisor)
    return raisedExponential(gap, rest)
  } else {
    let (gap, rest) = exactSum(logits, shift)
    return raisedExponential(gap, rest)
  }
}

/// x + y and what its rounding takes away, for x ≤ −y: of the two numbers the lower one has the larger magnitude.
@_transparent
private func exactSum(_ x: Floats, _ y: Floats) -> (sum: Floats, rest: Floats) {
  let sum = x + y
  let lower = x.replacing(with: y, where: y .< x)
  let upper = x.replacing(with: y, where: y .> x)
  return (sum, upper - (sum - lower))
}

/// weight·(high + low) in one rounding, or hardly more.
@_transparent
private func product(_ weight: Floats, _ high: Float, _ low: Float) -> Floats {
  #if FUSED || arch(arm64)
    multiplyAdd(high, weight, weight * low)
  #else
    let (head, tail) = split(weight)
    let (factorHead, factorTail) = split(Floats(repeating: high))
    return head * factorHead + (head * factorTail + (tail * high + weight * low))
  #endif
}

// MARK: division by the scale

/// 1/scale = unit·(high + low), with a power of two; high = head + tail, of 12 bits each.
private typealias Divisor = (unit: Float, high: Float, head: Float, tail: Float, low: Float)

@inline(__always)
private func divisor(_ scale: Double) -> Divisor {
  // Scaled by the same power of two, logits and scale are the same numbers from here on. Beyond these exponents all
  // gaps are too small, or too large, to count.
  let exponent = Int(scale.bitPattern >> 52) - 1023
  let unitExponent = exponent > 126 ? -126 : exponent < -126 ? 126 : -exponent
  let unit = Float(bitPattern: UInt32(unitExponent + 127) << 23)
  let inverse = 1 / (scale * Double(unit))
  let limited = inverse < 0x1p126 ? inverse : 0x1p126
  let high = Float(limited)
  let head = Float(bitPattern: high.bitPattern & 0xFFFF_F000)
  return (unit, high, head, high - head, Float(limited - Double(high)))
}

/// The product of a difference, given with its remainder, and a divisor's inverse; and the remainder of that.
@_transparent
private func product(_ difference: Floats, _ rest: Floats, _ divisor: Divisor) -> (Floats, Floats) {
  let product = difference * divisor.high
  let (head, tail) = split(difference)
  let error =
    ((head * divisor.head - product) + head * divisor.tail + tail * divisor.head) + tail * divisor.tail
  return (product, error + (difference * divisor.low + rest * divisor.high))
}

/// A number as two of 12 bits.
@_transparent
private func split(_ v: Floats) -> (head: Floats, tail: Floats) {
  let bits = unsafeBitCast(v, to: SIMD16<UInt32>.self) & SIMD16<UInt32>(repeating: 0xFFFF_F000)
  let head = unsafeBitCast(bits, to: Floats.self)
  return (head, v - head)
}

@inline(__always)
private func softmaxRows(
  count: Int, rowLength: Int, scale: Double, part: (Int, Int) -> Doubles, put: (Doubles, Int, Int) -> Void,
  again: (Int, Int) -> Doubles, exponential: (Doubles) -> Doubles
) -> Int {
  var row = 0
  while row < count {
    // A NaN that drops out here shows in the sum.
    let top = largest(of: rowLength) { part(row, $0) }
    if !(top > -.infinity && top < .infinity) { return row }
    @inline(__always) func weights(_ index: Int) -> Doubles {
      let difference = part(row, index) - top
      return exponential(scale == 1 ? difference : difference / scale)
    }
    if rowLength <= 8 {
      let weights = weights(0)
      put(weights * (1 / laneSum(weights)), row, 0)
    } else {
      var total = 0.0
      var index = 0
      while index < rowLength {
        // Sums of few keep their digits.
        let end = rowLength - index > 1024 ? index + 1024 : rowLength
        var sums = Doubles()
        while index < end {
          let weights = weights(index)
          put(weights, row, index)
          sums += weights
          index += 8
        }
        total += laneSum(sums)
      }
      let factor = 1 / total
      forEachVector(of: rowLength) { index in
        put(again(row, index) * factor, row, index)
      }
    }
    row += 1
  }
  return row
}
