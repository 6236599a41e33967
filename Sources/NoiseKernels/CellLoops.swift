#if VARIANT
  import NoiseKernels
#endif

// The loops of the lattice over the classes, the cells and the nodes of one row.
//
// Rows of gaps are padded to whole vectors with −∞. Every cell has eight coefficients, whatever the number of terms of
// its basis; the cell behind the last one takes what is not wanted.

/// The cells of eight gaps, times a stride, and their offsets t ∈ −1…1 in them. A gap below the limit gets the cell behind
/// the last one.
@inline(__always)
func cellsAndOffsets(
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
    var (competitors, deeper) = (Doubles(), Doubles())
    var index = 0
    while index < count {
      let gap = load(gaps + index)
      let competes = gap .>= competing
      lowest = smaller(lowest, gap.replacing(with: 0, where: .!competes))
      let isWanted = gap .>= wanted
      rarest = smaller(rarest, gap.replacing(with: 0, where: .!isWanted))
      competitors += Doubles().replacing(with: 1, where: competes)
      deeper += Doubles().replacing(with: 1, where: gap .> -.infinity .& .!isWanted)
      index += 8
    }
    var result = GapSurvey()
    result.lowest = -largest(-lowest)
    result.rarest = -largest(-rarest)
    result.competitors = Int(laneSum(competitors))
    result.hasDeeper = laneSum(deeper) > 0
    return result
  }
}

// MARK: weighted moments

/// How many classes at a time go through memory between their powers and the cells. Without memory between, the compiler takes
/// arithmetic apart where lanes change places.
let block = 64

/// Writes the cells of a block of gaps, and what `power` makes of the offsets t in them: eight rows, for tᵏ times a weight.
@inline(__always)
private func writePowers(
  of gaps: UnsafePointer<Double>, _ count: Int, from limit: Double, grid: CellGrid,
  cells: UnsafeMutablePointer<Int>, powers: UnsafeMutablePointer<Double>,
  _ power: (_ t: Doubles, _ index: Int) -> (
    Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles
  )
) {
  let (perUnit, firstCell, last) = (grid.perUnit, Double(grid.firstCell), Double(grid.count))
  var index = 0
  while index < count {
    let (own, t) = cellsAndOffsets(
      of: load(gaps + index), from: limit, perUnit: perUnit, firstCell: firstCell, last: last)
    UnsafeMutableRawPointer(cells + index).storeBytes(of: own, as: Words.self)
    let rows = power(t, index)
    store(rows.0, to: powers + index)
    store(rows.1, to: powers + (block + index))
    store(rows.2, to: powers + (2 * block + index))
    store(rows.3, to: powers + (3 * block + index))
    store(rows.4, to: powers + (4 * block + index))
    store(rows.5, to: powers + (5 * block + index))
    store(rows.6, to: powers + (6 * block + index))
    store(rows.7, to: powers + (7 * block + index))
    index += 8
  }
}

/// Calls the body for every class of a block, with its cell and its eight powers.
@inline(__always)
private func forEachClass(
  _ count: Int, powers: UnsafePointer<Double>, cells: UnsafePointer<Int>,
  _ body: (_ index: Int, _ cell: Int, _ row: Doubles) -> Void
) {
  var index = 0
  while index < count {
    let p = powers + index
    let rows = transposed(
      p, p + block, p + 2 * block, p + 3 * block, p + 4 * block, p + 5 * block, p + 6 * block, p + 7 * block)
    body(0, cells[index], rows.0)
    body(1, cells[index + 1], rows.1)
    body(2, cells[index + 2], rows.2)
    body(3, cells[index + 3], rows.3)
    body(4, cells[index + 4], rows.4)
    body(5, cells[index + 5], rows.5)
    body(6, cells[index + 6], rows.6)
    body(7, cells[index + 7], rows.7)
    index += 8
  }
}

extension VectorKernels {
  @inline(never)
  package static func depositMoments(
    _ weights: UnsafePointer<Double>, at gaps: UnsafePointer<Double>, _ count: Int, from limit: Double,
    grid: CellGrid, moments: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) {
    var slot = 0
    while slot < 8 * (grid.count + 1) {
      store(Doubles(), to: moments + slot)
      slot += 8
    }
    let cells = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int.self)
    var start = 0
    while start < count {
      let length = count - start < block ? count - start : block
      writePowers(
        of: gaps + start, length, from: limit, grid: grid, cells: cells, powers: scratch + block
      ) { t, index in
        let v = load(weights + (start + index))
        let (t2, v2) = (t * t, v * (t * t))
        let (t3, v4) = (t2 * t, v2 * t2)
        return (v, v * t, v2, v * t3, v4, v4 * t, v4 * t2, v4 * t3)
      }
      forEachClass(length, powers: scratch + block, cells: cells) { _, cell, row in
        let slot = moments + 8 * cell
        store(load(slot) + row, to: slot)
      }
      start += length
    }
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
    // Eight points at a time take what the cells around have for them. A cell beyond the reach of a point adds the zeros that
    // stand around its shares.
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
