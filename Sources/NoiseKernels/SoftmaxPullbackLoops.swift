#if VARIANT
  import NoiseKernels
#endif

// Cotangents pulled back through the softmax of the rows of a batch, which is known: p_i·(v_i − Σ p_j v_j)/scale.
//
// v is taken relative to the leader's: where that is almost certain, nothing cancels. A class without a probability moves
// nothing, whatever its cotangent.

extension VectorKernels {
  @inline(never)
  package static func pullBackSoftmax(
    _ cotangents: UnsafePointer<Double>, through probabilities: UnsafePointer<Double>, count: Int,
    rowLength: Int, scale: Double, to results: UnsafeMutablePointer<Double>
  ) {
    for row in 0..<count {
      let (v, p) = (cotangents + row * rowLength, probabilities + row * rowLength)
      let result = results + row * rowLength
      pullBack(
        rowLength, scale: scale, v: { part(v, $0, rowLength) }, p: { part(p, $0, rowLength) },
        put: { put($0, to: result, $1, rowLength) },
        reference: { top in
          let index = firstTop(top, of: p, rowLength)
          return index < rowLength ? v[index] : .nan
        })
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
  pullBack(
    count, scale: scale, v: { part(v, $0, count) }, p: { part(p, $0, count) },
    put: { put($0, to: result, $1, count) },
    reference: { top in
      var index = 0
      while index < count && Double(p[index]) != top { index += 1 }
      return index < count ? Double(v[index]) : .nan
    })
}

/// Pulls a row back. `reference` is given the largest probability, and has the cotangent of the class with it: NaN if there is
/// none.
@inline(__always)
private func pullBack(
  _ count: Int, scale: Double, v: (Int) -> Doubles, p: (Int) -> Doubles, put: (Doubles, Int) -> Void,
  reference: (Double) -> Double
) {
  let reference = reference(largest(of: count, p))
  var total = (high: 0.0, low: 0.0)
  var index = 0
  while index < count {
    let end = count - index > 1024 ? index + 1024 : count
    var sums = Doubles()
    while index < end {
      let p = p(index)
      sums += (p * (v(index) - reference)).replacing(with: 0, where: p .<= 0)
      index += 8
    }
    add(laneSum(sums), to: &total)
  }
  let mean = total.high + total.low
  forEachVector(of: count) { index in
    let p = p(index)
    let entries = (p * ((v(index) - reference) - mean)).replacing(with: 0, where: p .<= 0)
    put(scale == 1 ? entries : entries / scale, index)
  }
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
  let leader = firstTop(largest(tops), of: p, count)
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

  index = 0
  while index < last {
    store(share(load(v + index), load(p + index), reference, mean) * factor, to: result + index)
    index += 16
  }
  store(share(endV, endP, reference, mean) * factor, to: result + last)
}

/// p·((v − reference) − mean), 0 where p is.
@_transparent
private func share(_ v: Floats, _ p: Floats, _ reference: Float, _ mean: Float) -> Floats {
  (p * ((v - reference) - mean)).replacing(with: 0, where: p .<= 0)
}
