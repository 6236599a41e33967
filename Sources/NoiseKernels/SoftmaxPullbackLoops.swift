#if VARIANT
  import NoiseKernels
#endif

// Cotangents pulled back through the softmax of the rows of a batch, which is known: p_i·(v_i − Σ p_j v_j)/scale.
//
// v is taken relative to the leader's: where that is almost certain, nothing cancels. For a leader with more than ½ the entry
// is minus the sum of the others, which are smaller. A class without a probability moves nothing, whatever its cotangent.

extension VectorKernels {
  @inline(never)
  package static func pullBackSoftmax(
    _ cotangents: UnsafePointer<Double>, through probabilities: UnsafePointer<Double>, count: Int,
    rowLength: Int, scale: Double, to results: UnsafeMutablePointer<Double>
  ) {
    for row in 0..<count {
      let (v, p) = (cotangents + row * rowLength, probabilities + row * rowLength)
      let result = results + row * rowLength
      let leader = pullBack(
        rowLength, scale: scale, v: { part(v, $0, rowLength) }, p: { part(p, $0, rowLength) },
        put: { put($0, to: result, $1, rowLength) },
        leader: { top in
          let index = firstTop(top, of: p, rowLength)
          return index < rowLength ? (index, v[index]) : (index, .nan)
        })
      if let leader { result[leader.index] = leader.entry }
    }
  }

  @inline(never)
  package static func pullBackSoftmax(
    _ cotangents: UnsafePointer<Float>, through probabilities: UnsafePointer<Float>, count: Int,
    rowLength: Int, scale: Double, to results: UnsafeMutablePointer<Float>
  ) {
    // A Float has the factor of the entries.
    let isLong = rowLength >= 16 && scale > 0x1p-100 && scale < 0x1p100
    for row in 0..<count {
      let (v, p) = (cotangents + row * rowLength, probabilities + row * rowLength)
      let result = results + row * rowLength
      if isLong {
        pullBackLongRow(v, through: p, rowLength, factor: Float(1 / scale), to: result)
      } else {
        pullBackRow(v, through: p, rowLength, scale: scale, to: result)
      }
    }
  }
}

@inline(never)
private func pullBackRow(
  _ v: UnsafePointer<Float>, through p: UnsafePointer<Float>, _ count: Int, scale: Double,
  to result: UnsafeMutablePointer<Float>
) {
  let leader = pullBack(
    count, scale: scale, v: { part(v, $0, count) }, p: { part(p, $0, count) },
    put: { put($0, to: result, $1, count) },
    leader: { top in
      var index = 0
      while index < count && Double(p[index]) != top { index += 1 }
      return index < count ? (index, Double(v[index])) : (index, .nan)
    })
  if let leader { result[leader.index] = Float(leader.entry) }
}

/// Pulls a row back, but for the entry of a leader with more than ½, which is returned.
///
/// `leader` is given the largest probability, and has the index and the cotangent of the class with it: NaN if there is none.
@inline(__always)
private func pullBack(
  _ count: Int, scale: Double, v: (Int) -> Doubles, p: (Int) -> Doubles, put: (Doubles, Int) -> Void,
  leader: (Double) -> (index: Int, cotangent: Double)
) -> (index: Int, entry: Double)? {
  var tops = p(0)
  var index = 8
  while index < count {
    tops = larger(tops, p(index))
    index += 8
  }
  let top = largest(tops)
  let leader = leader(top)
  var total = (high: 0.0, low: 0.0)
  index = 0
  while index < count {
    let end = count - index > 1024 ? index + 1024 : count
    var sums = Doubles()
    while index < end {
      let p = p(index)
      sums += (p * (v(index) - leader.cotangent)).replacing(with: 0, where: p .<= 0)
      index += 8
    }
    add(laneSum(sums), to: &total)
  }
  let mean = total.high + total.low
  var others = (high: 0.0, low: 0.0)
  index = 0
  while index < count {
    let end = count - index > 1024 ? index + 1024 : count
    var sums = Doubles()
    while index < end {
      let p = p(index)
      var entries = (p * ((v(index) - leader.cotangent) - mean)).replacing(with: 0, where: p .<= 0)
      if scale != 1 { entries /= scale }
      put(entries, index)
      sums += entries.replacing(with: 0, where: p .> 0.5)
      index += 8
    }
    add(laneSum(sums), to: &others)
  }
  return top > 0.5 ? (leader.index, 0 - (others.high + others.low)) : nil
}

/// A row of 16 Floats and more. The last vector overlaps the one before.
@inline(never)
private func pullBackLongRow(
  _ v: UnsafePointer<Float>, through p: UnsafePointer<Float>, _ count: Int, factor: Float,
  to result: UnsafeMutablePointer<Float>
) {
  let last = count - 16
  let isTwice = laneNumbers .< Float((16 - count % 16) % 16)
  // Read before anything is written, which may be to the same memory.
  let (endV, endP) = (load(v + last), load(p + last))
  var tops = endP
  var index = 0
  while index < last {
    tops = larger(tops, load(p + index))
    index += 16
  }
  let top = largest(tops)
  let leader = firstTop(top, of: p, count)
  let reference = leader < count ? v[leader] : .nan

  // Sums of a few hundred go to Doubles.
  var totals = doubles(folding: share(endV, endP, reference, 0).replacing(with: 0, where: isTwice))
  index = 0
  while index < last {
    let blockEnd = last - index > 512 ? index + 512 : last
    var sums = Floats()
    while index < blockEnd {
      sums += share(load(v + index), load(p + index), reference, 0)
      index += 16
    }
    totals += doubles(folding: sums)
  }
  let mean = Float(laneSum(totals))

  let end = share(endV, endP, reference, mean) * factor
  totals = doubles(folding: end.replacing(with: 0, where: isTwice .| (endP .> 0.5)))
  index = 0
  while index < last {
    let blockEnd = last - index > 512 ? index + 512 : last
    var sums = Floats()
    while index < blockEnd {
      let p = load(p + index)
      let entries = share(load(v + index), p, reference, mean) * factor
      store(entries, to: result + index)
      sums += entries.replacing(with: 0, where: p .> 0.5)
      index += 16
    }
    totals += doubles(folding: sums)
  }
  store(end, to: result + last)
  if top > 0.5 { result[leader] = Float(0 - laneSum(totals)) }
}

/// p·((v − reference) − mean), 0 where p is.
@_transparent
private func share(_ v: Floats, _ p: Floats, _ reference: Float, _ mean: Float) -> Floats {
  (p * ((v - reference) - mean)).replacing(with: 0, where: p .<= 0)
}
