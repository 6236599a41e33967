#if VARIANT
  import NoiseKernels
#endif

// The loops of the lattice over the classes, the cells and the nodes of one row.
//
// Rows of gaps are padded to whole vectors with −∞. Every cell has eight coefficients, whatever the number of terms of
// its basis; the cell behind the last one takes what is not wanted.

/// The cells of eight gaps, times a stride, and their places t ∈ −1…1 in them; what is below the limit falls into the cell
/// behind the last one.
@inline(__always)
func places(
  of gaps: Doubles, from limit: Double, perUnit: Double, firstCell: Double, last: Double, stride: Double = 1
) -> (cells: Words, t: Doubles) {
  let isOut = gaps .< limit
  let position = gaps.replacing(with: 0, where: isOut) * perUnit
  let cell = floor(position)
  let t = 2 * (position - cell) - 1
  let cells = ((cell - firstCell) * stride).replacing(with: last * stride, where: isOut)
  return (integers(cells), t)
}

extension VectorKernels {
  @inline(never)
  package static func survey(
    _ gaps: UnsafePointer<Double>, _ count: Int, competingFrom competing: Double, wantedFrom wanted: Double
  ) -> GapSurvey {
    var (lowest, rarest) = (Doubles(), Doubles())
    var second = Doubles(repeating: -.infinity)
    var (leaders, competitors, deeper) = (Doubles(), Doubles(), Doubles())
    var index = 0
    while index < count {
      let gap = load(gaps + index)
      let competes = gap .>= competing
      lowest = smaller(lowest, gap.replacing(with: 0, where: .!competes))
      let isWanted = gap .>= wanted
      rarest = smaller(rarest, gap.replacing(with: 0, where: .!isWanted))
      let leads = gap .== 0
      second = larger(second, gap.replacing(with: -.infinity, where: leads))
      leaders += Doubles().replacing(with: 1, where: leads)
      competitors += Doubles().replacing(with: 1, where: competes)
      deeper += Doubles().replacing(with: 1, where: gap .> -.infinity .& .!isWanted)
      index += 8
    }
    var result = GapSurvey()
    result.lowest = -largest(-lowest)
    result.rarest = -largest(-rarest)
    result.second = largest(second)
    result.leaders = Int(laneSum(leaders))
    result.competitors = Int(laneSum(competitors))
    result.hasDeeper = laneSum(deeper) > 0
    return result
  }
}

// MARK: grid points

extension VectorKernels {
  @inline(never)
  package static func list(
    _ slots: UnsafeMutablePointer<Int>, cells: Int, taps: Int, points: UnsafeMutablePointer<Int>
  ) -> Int {
    var (count, next) = (0, 0)
    var cell = 0
    while cell < cells {
      if slots[cell] >= 0 {
        let block = cell >> 3
        let end = (cell + taps + 7) >> 3
        if next < block { next = block }
        while next < end {
          UnsafeMutableRawPointer(points + count).storeBytes(
            of: Words(repeating: Int64(8 * next)) &+ Words(0, 1, 2, 3, 4, 5, 6, 7), as: Words.self)
          count += 8
          next += 1
        }
        slots[cell] = count - 8 * (end - block) + (cell & 7)
      }
      cell += 1
    }
    slots[cells] = count
    return count
  }

  @inline(never)
  package static func spread(
    _ moments: UnsafePointer<Double>, cells: Int, shares: ShareRows, terms: Int, points: UnsafePointer<Int>,
    count: Int, slots: UnsafePointer<Int>, weights: UnsafeMutablePointer<Double>
  ) {
    // Eight points at a time take what the cells around have for them: rows of shares stand between zeros.
    let stride = shares.stride
    var point = 0
    while point < count {
      let first = points[point]
      var cell = first - shares.points + 1 < 0 ? 0 : first - shares.points + 1
      let end = first + 8 < cells ? first + 8 : cells
      var (a, b, c, d) = (Doubles(), Doubles(), Doubles(), Doubles())
      while cell < end {
        if slots[cell] >= 0 {
          let (row, shares) = (moments + 8 * cell, shares.start + (first - cell))
          a = multiplyAdd(row[0], load(shares), a)
          b = multiplyAdd(row[1], load(shares + stride), b)
          c = multiplyAdd(row[2], load(shares + 2 * stride), c)
          d = multiplyAdd(row[3], load(shares + 3 * stride), d)
          a = multiplyAdd(row[4], load(shares + 4 * stride), a)
          if terms > 5 {
            b = multiplyAdd(row[5], load(shares + 5 * stride), b)
            c = multiplyAdd(row[6], load(shares + 6 * stride), c)
            d = multiplyAdd(row[7], load(shares + 7 * stride), d)
          }
        }
        cell += 1
      }
      store((a + b) + (c + d), to: weights + point)
      point += 8
    }
  }

  @inline(never)
  package static func interpolationErrors(
    of values: UnsafePointer<Double>, from first: Int, cells: Int, slots: UnsafePointer<Int>,
    differences: UnsafePointer<Double>, taps: Int, errors: UnsafeMutablePointer<Double>
  ) {
    var cell = 0
    while cell < cells {
      var error = 0.0
      if slots[cell] >= first {
        let value = values + slots[cell]
        var (ofTaps, ofTerms) = (Doubles(), Doubles())
        var tap = 0
        while tap < taps {
          let part = load(value + tap)
          ofTaps = multiplyAdd(load(differences + tap), part, ofTaps)
          ofTerms = multiplyAdd(load(differences + taps + tap), part, ofTerms)
          tap += 8
        }
        let (below, above) = (value[taps / 2 - 1], value[taps / 2])
        error = (laneSum(ofTaps).magnitude + laneSum(ofTerms).magnitude) / (below < above ? below : above)
      }
      errors[cell] = error
      cell += 1
    }
  }
}
